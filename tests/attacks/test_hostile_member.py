"""A member turns on the community, over real libp2p, and the others hardly notice.

Three real homes: Mei's node is attacked, Bo's is honest, and Eve's keys are in the hands of this
test. Whatever Eve does, Bo's records reach Mei within 5 s, Mei's node stays small, and Eve is
dropped and named in `weal peers`, with the reason.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest
import trio
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamClosed
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint

from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.held_records import Holders, Wait
from commonweal.node.control.messages.node_status import Status
from commonweal.node.control.messages.submission import Submit
from commonweal.node.network import Network, peer_id
from commonweal.node.network.channel.stream import Flag
from commonweal.node.network.channel.yamux import FrameType, Mux
from commonweal.node.network.gossip.gossip import MESHSUB
from commonweal.node.service.events import Text, Wish
from commonweal.node.service.peers.overlay import SILENCE_MS_MAX
from commonweal.node.transport import (
    FRAME_BYTES_MAX,
    Connected,
    Disconnected,
    FrameReceived,
    PeerKey,
    TransportEvent,
    ValidatedGossip,
    ValidationResult,
)
from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.frontier import HEAD_BYTES, FrontierEntry
from commonweal.protocol.records.record import (
    CommunityId,
    LogPosition,
    RecordDraft,
    erasable_body,
    from_bytes,
    sign,
)
from commonweal.protocol.wire import frame_codec, hello, messages
from commonweal.protocol.wire.hello import Greeting
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.weal import good
from tests.cluster.test_cluster import running

ARRIVES_S_MAX = 5.0
GROWTH_BYTES_MAX = 192 * 1024 * 1024
ATTACK_S = 1.0
SILENT_S = (SILENCE_MS_MAX + 3_000) / 1_000
ADMITTED_S_MAX = 30.0


class Eve:
    """A network with a member's keys that breaks the protocol."""

    def __init__(self, home: Home, community: CommunityId, victim: PeerKey, where: str) -> None:
        seed = keys.peer_seed(keystore.unlock(home.keystore, None).device_seed)
        self.identity = homes.identity(home)
        self.community, self.victim, self.where = community, victim, where
        with home.store(readonly=True) as store:
            wires = store.wires(self.identity.device, 0, 64, 1 << 20)
        self.last = from_bytes(wires[-1])
        assert self.last.body is not None, "the last record has a text"
        self.text = self.last.body.hash
        self.takes = True
        self.ends: list[str] = []
        self.linked = False
        self.greeted = False
        self.network = Network(
            seed,
            ("/ip4/127.0.0.1/tcp/0",),
            self._emit,
            validate=lambda _: ValidatedGossip(ValidationResult.ACCEPT),
            mdns=False,
        )

    def _emit(self, event: TransportEvent) -> None:
        match event:
            case Connected(peer):
                self.linked = True
                self.network.admit(peer)
            case Disconnected(_, reason):
                self.linked = self.greeted = False
                self.ends.append(reason)
            case FrameReceived(peer, frame):
                self.greeted = self.greeted or isinstance(frame_codec.decode(frame), messages.Hello)
                if self.takes:
                    self.network.done(peer, len(frame))
            case _:
                pass

    def send(self, message: messages.Message) -> None:
        """Send a message, or nothing when there is no link."""
        if self.linked:
            self.network.send(self.victim, frame_codec.encode(message))

    def mux(self) -> Mux | None:
        """The connection beneath the link."""
        return self.network._links.find(peer_id(self.victim))

    def record_with_another_body(self, content: bytes) -> messages.Message:
        """The next record of Eve's log, and a text that it does not name."""
        last = self.last
        _, ref = erasable_body(bytes(16), "text/plain", content)
        place = LogPosition(self.community, last.seq + 1, last.id, last.clock + 1, last.basis)
        draft = RecordDraft("event", {"action": "work"}, last.claimed_at, (), ref)
        record = sign(self.identity.signer, place, draft)
        other, _ = erasable_body(bytes(16), "text/plain", content[::-1])
        run = messages.Run(self.identity.device, record.seq, (record.wire,), ((0, other),))
        return messages.Runs((run,), 0, asked=False)

    def _hello(self) -> messages.Message:
        greeting = Greeting(
            (1,), self.identity.device, (), None, 0, b"", b"", bytes(32), time.time_ns() // 10**6
        )
        return hello.encrypt(greeting, self.community, self.identity.peer, self.victim, bytes(24))

    async def link(self) -> None:
        """Be linked and greeted."""
        with trio.fail_after(20):
            while not self.greeted:
                if not self.linked:
                    self.network.dial(self.victim, [self.where])
                else:
                    self.send(self._hello())
                await trio.sleep(0.3)


def _author(chance: Random) -> DeviceKey:
    return DeviceKey(chance.randbytes(32))


async def _junk(eve: Eve, chance: Random) -> None:
    eve.network.send(eve.victim, chance.randbytes(chance.randrange(1, 4_000)))


async def _haves(eve: Eve, chance: Random) -> None:
    eve.send(messages.Have(tuple((_author(chance), 5) for _ in range(4_096)), 10**9))


async def _entries(eve: Eve, chance: Random) -> None:
    authors = sorted(_author(chance) for _ in range(4_096))
    entries = tuple(FrontierEntry(DeviceKey(one), 5, bytes(HEAD_BYTES), None) for one in authors)
    eve.send(messages.Entries(b"", entries, reply=True))


async def _false_proofs(eve: Eve, chance: Random) -> None:
    eve.send(messages.Evidence((chance.randbytes(900),)))


async def _unread(eve: Eve, chance: Random) -> None:
    eve.takes = False
    ranges = tuple(messages.Range(_author(chance), 0, 10**6) for _ in range(500))
    eve.send(messages.WantRecords(ranges))
    eve.send(messages.WantBodies((eve.text,) * 256))
    eve.send(messages.Compare(chance.randbytes(32), b""))


async def _invalid_runs(eve: Eve, chance: Random) -> None:
    run = messages.Run(_author(chance), 0, (chance.randbytes(300),))
    eve.send(messages.Runs((run,), 0, asked=False))


async def _gossip(eve: Eve, chance: Random) -> None:
    """What is no message of its topic, faster than libp2p's own publisher would say it."""
    topic = f"/commonweal/1/{eve.community.hex()}/{chance.choice(('rules', 'heads'))}"
    said = rpc_pb2.RPC()
    for _ in range(100):
        origin = peer_id(eve.network.key).to_bytes()
        said.publish.add(
            from_id=origin, data=chance.randbytes(300), seqno=chance.randbytes(8), topicIDs=[topic]
        )
    data = said.SerializeToString()
    with suppress(Exception):  # Eve may be dropped meanwhile
        stream = await eve.network._host.new_stream(peer_id(eve.victim), [TProtocol(MESHSUB)])
        await stream.write(encode_uvarint(len(data)) + data)
        await stream.close()


async def _pings(eve: Eve, _chance: Random) -> None:
    for number in range(2_000):
        eve.send(messages.Ping(number))


async def _streams(eve: Eve, _chance: Random) -> None:
    mux = eve.mux()
    for _ in range(500 if mux is not None else 0):
        with suppress(StreamClosed):
            assert mux is not None
            mux.open().cut()


async def _too_large(eve: Eve, _chance: Random) -> None:
    line = eve.network._links.linked.get(eve.victim)
    if line is not None and line.sync is not None:
        line.sync.push((FRAME_BYTES_MAX + 1).to_bytes(4, "big") + bytes(1_000))


async def _beyond_the_window(eve: Eve, _chance: Random) -> None:
    line = eve.network._links.linked.get(eve.victim)
    if line is not None and line.mux is not None and line.sync is not None:
        line.mux._put(FrameType.DATA, Flag.NONE, line.sync.id, 1 << 22)


async def _false_bodies(eve: Eve, chance: Random) -> None:
    """A record of Eve's, well signed, that comes with another text than it names."""
    eve.send(eve.record_with_another_body(chance.randbytes(40)))


async def _half_open(_eve: Eve, _chance: Random) -> None:
    """Eve is connected and sends nothing, not even a hello."""


ATTACKS: dict[str, tuple[Callable[[Eve, Random], Awaitable[None]], str, float]] = {
    "junk": (_junk, "Malformed", ATTACK_S),
    "logs that nobody has": (_haves, "names more than", 4 * ATTACK_S),
    "entries that nobody has": (_entries, "names more than", 4 * ATTACK_S),
    "false proofs": (_false_proofs, "a false proof", ATTACK_S),
    "records that are none": (_invalid_runs, "Malformed", ATTACK_S),
    "false bodies": (_false_bodies, "a body that is not its own", ATTACK_S),
    "questions whose answers are not read": (
        _unread,
        "asks for more at once than a link takes",
        ATTACK_S,
    ),
    "gossip": (_gossip, "floods gossip", ATTACK_S),
    "pings": (_pings, "more frames than there is to say", 2 * ATTACK_S),
    "10,000 streams": (_streams, "makes more work than it may", ATTACK_S),
    "frames that are too large": (_too_large, "a frame that is too large", ATTACK_S),
    "more than the window": (_beyond_the_window, "overruns the window", ATTACK_S),
    "half-open": (_half_open, "silent for too long", SILENT_S),
}


@asynccontextmanager
async def _village(folder: Path) -> AsyncIterator[tuple[Home, Home, Eve]]:
    mei = homes.founder(folder / "mei")
    link = homes.invited(mei, 2)
    bo, eve = homes.newcomer(folder / "bo", link), homes.newcomer(folder / "eve", link, "Eve")
    listen = list(homes.at_its_port(mei).listen)
    with ExitStack() as stack:
        (where, *_) = await trio.to_thread.run_sync(stack.enter_context, running(mei, listen))
        await trio.to_thread.run_sync(stack.enter_context, running(bo))
        with ExitStack() as first:
            await trio.to_thread.run_sync(first.enter_context, running(eve))
            for home in (bo, eve):
                await trio.to_thread.run_sync(_admitted, home)
            await trio.to_thread.run_sync(_writes_a_text, eve)
        with mei.store(readonly=True) as store:
            community = Settings.read(store).here
        hostile = Eve(eve, community, homes.identity(mei).peer, where.partition("/p2p/")[0])
        async with trio.open_nursery() as nursery:
            await nursery.start(hostile.network.run)
            names = [f"/commonweal/1/{community.hex()}/{name}" for name in ("rules", "heads")]
            hostile.network.subscribe(names)
            yield mei, bo, hostile
            nursery.cancel_scope.cancel()


def _admitted(home: Home) -> None:
    deadline = time.monotonic() + ADMITTED_S_MAX
    with LocalClient(home.socket, patience_s=10) as line:
        while line.ask(Status()).state != "member":
            assert time.monotonic() < deadline, "not admitted in time"
            time.sleep(0.05)


def _writes_a_text(home: Home) -> None:
    with LocalClient(home.socket, patience_s=10) as line:
        wish = Wish("event", {"action": "work"}, (), Text("text/plain", bytes(60_000), False))
        (made,) = line.ask(Submit((wish,))).records
        line.ask(Wait((made.id,), 2))


def _arrives(writer: Home, reader: Home) -> float:
    """Write a record at one node; the seconds until another holds it."""
    begun = time.monotonic()
    with LocalClient(writer.socket, patience_s=10) as line:
        wish = Wish("event", {"action": "work", "n": time.time_ns()})
        (made,) = line.ask(Submit((wish,))).records
    with LocalClient(reader.socket, patience_s=10) as line:
        while time.monotonic() - begun < 4 * ARRIVES_S_MAX:
            with suppress(Exception):
                line.ask(Holders(made.id))
                break
            time.sleep(0.02)
    return time.monotonic() - begun


def _dropped(home: Home, eve: Eve) -> str:
    """Return why a node dropped Eve last, as its member is told."""
    rows = good("peers", "--home", home.path, "-o", "json").json["peers"]
    named = [one for one in rows if one["device"] == eve.identity.device.hex()]
    return str(named[0]["dropped"] or "") if named else ""


def _resident_bytes(home: Home) -> int:
    pages = int(Path(f"/proc/{home.holder()}/statm").read_text("ascii").split()[1])
    return pages * 4096


@pytest.mark.timeout(150)
async def test_whatever_a_member_does_others_go_on_and_he_is_named(tmp_path: Path) -> None:
    chance = Random(1)
    async with _village(tmp_path) as (mei, bo, eve):
        arrives = partial(trio.to_thread.run_sync, _arrives, bo, mei)
        assert await arrives() < ARRIVES_S_MAX
        before = _resident_bytes(mei)
        for name, (attack, reason, seconds) in ATTACKS.items():
            eve.takes = True
            await eve.link()
            took: list[float] = []

            async def measure(took: list[float] = took) -> None:
                took.append(await arrives())

            async with trio.open_nursery() as nursery:
                nursery.start_soon(measure)
                deadline = trio.current_time() + seconds
                while trio.current_time() < deadline or not took:
                    await eve.link()
                    await attack(eve, chance)
                    await trio.sleep(0.01)
            assert took[0] < ARRIVES_S_MAX, f"{name}: {took[0]:.1f} s"
            grown = _resident_bytes(mei) - before
            assert grown < GROWTH_BYTES_MAX, f"{name}: {grown >> 20} MiB more"
            with trio.move_on_after(ARRIVES_S_MAX):
                while reason not in await trio.to_thread.run_sync(_dropped, mei, eve):
                    await trio.sleep(0.1)
            assert reason in _dropped(mei, eve), name
