"""A service that hears junk from members, guests and strangers: it goes on, and stays small."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from random import Random

import pytest

from commonweal.node.service import events
from commonweal.node.service.core import TURN_BYTES_MAX
from commonweal.node.service.events import Drop, Send, Submitted, Ticket
from commonweal.node.service.frames import FrameRouter
from commonweal.node.service.service import Service
from commonweal.node.transport import (
    Connected,
    Disconnected,
    FrameReceived,
    GossipMessage,
    GossipReceived,
    TrustLevel,
    ValidationResult,
)
from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records.frontier import BUCKET_DIGEST_BYTES, FrontierEntry
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.records.logs.log_store import Store
from tests.protocol.wire.test_messages import MESSAGES
from tests.sim.world.node import Node
from tests.sim.world.world import World

RUNS = int(os.environ.get("COMMONWEAL_RUNS", "40"))
FRAMES = 300
HELD_MAX = 250_000
"""Entries of all containers of a service together, whatever its peers say."""
FLOOD_FRAMES = 40


class Stage:
    """One node of a small community, taken out of it and put before hostile peers."""

    def __init__(self, seed: int) -> None:
        world = World(seed)
        self.traffic: list[bytes] = []
        with _listening(self.traffic):
            world.grow(3)
            for node in world.nodes:
                for _ in range(5):
                    node.write("a note")
            world.settle()
        self.node: Node = world.nodes[0]
        self.member = world.nodes[1].key
        self.guest, self.stranger = PeerKey(bytes([7]) * 32), PeerKey(bytes([8]) * 32)
        self.service: Service = self.node.service
        self.store: Store = self.node.store
        self.now_ms = self.node.now_ms
        self.drops: list[str] = []

    def link(self, peer: PeerKey) -> None:
        """Let the peer be connected, with the standing that the gate would give it."""
        self.handle(Connected(peer, "/ip4/10.9.9.9/tcp/1", outbound=False))
        session = self.service.core.peers[peer]
        if peer == self.member:
            session.trust = TrustLevel.MEMBER
        elif peer == self.guest:
            session.trust, session.device = TrustLevel.GUEST, DeviceKey(bytes([9]) * 32)
        session.compared = True

    def hear(self, peer: PeerKey, frame: bytes) -> None:
        """Let the peer say something; a link that was dropped is made again first."""
        if peer not in self.service.core.peers:
            self.link(peer)
        self.handle(FrameReceived(peer, frame))

    def gossip(self, peer: PeerKey, topic: str, data: bytes, number: int) -> None:
        """Let the peer publish something, as far as the validator lets it through."""
        judged = self.node.validator.judge(GossipMessage(topic, data, peer, number))
        if judged.verdict is ValidationResult.ACCEPT:
            self.handle(GossipReceived(peer, topic, data, judged.content))

    def handle(self, event: events.Event) -> None:
        """Let the service take in an event, and look at what it does."""
        actions = self.service.handle(event, self.now_ms)
        sent: dict[PeerKey, int] = {}
        for action in actions:
            match action:
                case Send(peer, frame):
                    sent[peer] = sent.get(peer, 0) + len(frame)
                case Drop(_, reason):
                    self.drops.append(reason)
                case _:
                    pass
        assert all(size <= TURN_BYTES_MAX for size in sent.values())

    def turn(self) -> None:
        """End a batch, and let a second pass."""
        self.store.commit()
        self.handle(events.Committed())
        self.store.commit()
        self.now_ms += 1_000
        self.handle(events.Woke())
        self.store.commit()

    def held(self) -> int:
        """How many entries all its containers have, but those of the ledger and the store."""
        return sum(_sizes(self.service, {id(self.store), id(self.service.core.replica.ledger)}))


class _listening:  # noqa: N801  read as a word
    """Keeps the frames that services hear inside."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self._hear = FrameRouter.received

    def __enter__(self) -> None:
        hear, frames = self._hear, self._frames

        def listened(router: FrameRouter, peer: PeerKey, frame: bytes) -> None:
            frames.append(frame)
            hear(router, peer, frame)

        FrameRouter.received = listened  # type: ignore[method-assign,assignment]

    def __exit__(self, *_error: object) -> None:
        FrameRouter.received = self._hear  # type: ignore[method-assign]


def _sizes(root: object, seen: set[int]) -> Iterator[int]:
    waiting = deque([root])
    while waiting:
        one = waiting.popleft()
        if id(one) in seen or isinstance(one, str | bytes | int | float | type | None):
            continue
        seen.add(id(one))
        match one:
            case bytearray():
                yield len(one)
            case dict():
                yield len(one)
                waiting.extend(one.values())
            case list() | tuple() | set() | frozenset() | deque():
                yield len(one)
                waiting.extend(one)
            case _ if type(one).__module__.startswith("commonweal"):
                slots = [
                    name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())
                ]
                waiting.extend(getattr(one, name, None) for name in slots)
                waiting.extend(getattr(one, "__dict__", {}).values())
            case _:
                pass


@pytest.mark.parametrize("seed", range(RUNS))
def test_junk_from_anybody_stops_nothing_and_fills_nothing(seed: int) -> None:
    chance, stage = Random(seed), Stage(seed)
    good = stage.traffic + [frame_codec.encode(message) for message in MESSAGES.values()]
    members = stage.store.counts().records
    for number in range(FRAMES):
        peer = chance.choice((stage.member, stage.member, stage.guest, stage.stranger))
        match chance.randrange(10):
            case 0:
                stage.handle(Disconnected(peer, "gone"))
            case 1:
                heads = stage.service.topics.announcements
                topic = heads.topic if number % 2 else heads.rules_topic
                stage.gossip(peer, topic, _spoilt(chance, chance.choice(good)), number)
            case 2:
                stage.hear(peer, chance.choice(good))
            case _:
                stage.hear(peer, _spoilt(chance, chance.choice(good)))
        if number % 7 == 0:
            stage.turn()
    stage.turn()
    assert stage.held() < HELD_MAX
    stage.handle(Submitted(Ticket(1), (events.Wish("event", {"action": "work"}),)))
    stage.turn()
    assert stage.store.counts().records >= members + 1
    assert not list(stage.store.proofs()), "junk convicts nobody"


def _spoilt(chance: Random, frame: bytes) -> bytes:
    """A frame with a value in it changed, or some of its bytes."""
    if chance.randrange(3):
        fields = codec.decode(frame, 8)
        if isinstance(fields, list) and fields:
            for _ in range(chance.randrange(1, 3)):
                _spoil(chance, fields)
            return codec.encode(fields, 16)
    data = bytearray(frame)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(data)


def _spoil(chance: Random, fields: list[codec.Value]) -> None:
    at = chance.randrange(len(fields))
    inner = fields[at]
    if isinstance(inner, list) and inner and chance.randrange(4):
        return _spoil(chance, inner)
    match inner:
        case bytes() if inner and chance.randrange(2):
            place = chance.randrange(len(inner))
            fields[at] = inner[:place] + chance.randbytes(1) + inner[place + 1 :]
        case bool():
            fields[at] = not inner
        case int() if chance.randrange(2):
            fields[at] = min(inner + chance.choice((1, -1, 2**40, -inner)), 2**63 - 1)
        case _:
            choices: list[codec.Value] = [None, 0, 2**62, b"", bytes(32), "", [], {}, True]
            fields[at] = chance.choice(choices)
    return None


FLOODS: dict[str, Callable[[Random], messages.Message]] = {
    "haves of logs that nobody has": lambda chance: messages.Have(
        tuple((DeviceKey(chance.randbytes(32)), 5) for _ in range(4_096)), 10**9
    ),
    "entries of logs that nobody has": lambda chance: messages.Entries(
        b"",
        tuple(
            FrontierEntry(DeviceKey(author), 5, bytes(16), None)
            for author in sorted(chance.randbytes(32) for _ in range(4_096))
        ),
        reply=True,
    ),
    "wishes for logs that nobody has": lambda chance: messages.WantRecords(
        tuple(messages.Range(DeviceKey(chance.randbytes(32)), 0, 9) for _ in range(4_096))
    ),
    "empty runs": lambda chance: messages.Runs(
        tuple(messages.Run(DeviceKey(chance.randbytes(32)), 0, ()) for _ in range(4_096)),
        0,
        asked=True,
    ),
    "wishes for proofs": lambda chance: messages.WantEvidence(
        tuple(DeviceKey(chance.randbytes(32)) for _ in range(256))
    ),
    "wishes for branches": lambda chance: messages.WantBranch(
        tuple(RecordId(chance.randbytes(32)) for _ in range(256))
    ),
    "parts that were not asked for": lambda chance: messages.BodyChunk(
        chance.randbytes(32), 1 << 20, 0, bytes(200_000)
    ),
    "pings": lambda chance: messages.Ping(chance.getrandbits(40)),
    "comparisons": lambda chance: messages.Compare(chance.randbytes(32), b""),
    "digests of buckets": lambda chance: messages.Buckets(
        chance.randbytes(256 * BUCKET_DIGEST_BYTES)
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_member_who_floods_fills_nothing_and_is_at_most_dropped(flood: str) -> None:
    chance, stage = Random(5), Stage(1)
    for number in range(FLOOD_FRAMES):
        stage.hear(stage.member, frame_codec.encode(FLOODS[flood](chance)))
        if number % 20 == 19:
            stage.turn()
    assert stage.held() < HELD_MAX


def test_one_small_question_for_many_large_texts_makes_a_node_send_no_more_than_a_link_takes() -> (
    None
):
    stage = Stage(2)
    content = bytes(1 << 20)
    text = events.Text("application/octet-stream", content, permanent=True)
    stage.handle(Submitted(Ticket(1), (events.Wish("rules.propose", {}, (), text),)))
    stage.turn()
    row = stage.store.row("SELECT hash FROM body WHERE length(content) = ?", (len(content),))
    assert row is not None
    question = frame_codec.encode(messages.WantBodies((row[0],) * 256))
    for _ in range(5):
        stage.hear(stage.member, question)
    assert stage.drops.count("asks for more at once than a link takes") == 5
    stage.turn()
    del stage.drops[:]
    stage.hear(stage.member, frame_codec.encode(messages.WantBodies((row[0],) * 4)))
    assert not stage.drops, "an honest question is answered"
