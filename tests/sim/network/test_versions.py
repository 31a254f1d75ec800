"""Nodes of several versions in one community: they replicate, whatever only some understand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from commonweal.node.service.events import Action, Event, Send, Wish
from commonweal.node.service.service import Service
from commonweal.node.transport import FrameReceived
from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.ledger.fold import fold
from commonweal.protocol.ledger.fold.kinds import KINDS, RecordKind
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import CommunityId, Record, RecordId, from_bytes_unchecked
from commonweal.protocol.wire import frame_codec, hello, seals, state_sync
from commonweal.protocol.wire.lookup import LookupMessage
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.home.keystore import unlock
from tests.sim.world.node import Node
from tests.sim.world.world import World
from tests.storage.home.test_frozen_homes import FROZEN, opened

PLANT = "garden.plant"
"""A kind that a later version knows."""


def plant(state: State, record: Record, _context: Context) -> Verdict:
    """Do to the state what a record of the later kind says."""
    state.put(b"zz" + record.id, [record.data["tree"]])
    return None


@contextmanager
def speaking(versions: tuple[int, ...], kinds: dict[str, RecordKind]) -> Iterator[None]:
    """Be a program that speaks these versions and knows these kinds too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hello, "VERSIONS", versions)
        patch.setattr(fold, "KINDS", MappingProxyType({**KINDS, **kinds}))
        yield


class Version(Service):
    """A service of another version."""

    versions: tuple[int, ...]
    kinds: dict[str, RecordKind] = {}

    def __init__(self, *parts: Any) -> None:
        with speaking(self.versions, self.kinds):
            super().__init__(*parts)

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Do as this version does."""
        with speaking(self.versions, self.kinds):
            return super().handle(event, now_ms)


def is_new(frame: bytes) -> bool:
    """Whether the first version does not know the message in a frame."""
    kinds = seals.SealMessage | state_sync.StateMessage | LookupMessage
    return isinstance(frame_codec.decode(frame), kinds)


class Older(Version):
    """The first version: it takes no messages about seals, and says none."""

    versions = (1,)

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Do as it does, and see that nobody says to it what it does not know."""
        assert not (isinstance(event, FrameReceived) and is_new(event.frame))
        actions = super().handle(event, now_ms)
        actions = [one for one in actions if not (isinstance(one, Send) and is_new(one.frame))]
        for session in self.core.peers.values():
            session.versions = self.versions
        return actions


class Newer(Version):
    """A later version: it speaks one more, and knows another kind."""

    versions = (*hello.VERSIONS, 4)
    kinds = {PLANT: RecordKind(plant)}


class Foreign(Version):
    """A version that has nothing in common with this one."""

    versions = (9,)


def joined(world: World, host: Node, mind: Any) -> Node:
    """Let a node of some version join at `host`, and count it among the honest."""
    node = world.join(world.invited(world.nodes[0]), [host], mind)
    node.is_honest = True
    return node


def in_a_row(world: World, minds: list[Any]) -> list[Node]:
    """Return nodes of these versions, each linked with its neighbours alone; the founder first."""
    row = [world.nodes[0]]
    for mind in minds:
        row.append(joined(world, row[-1], mind))
        world.settle()
    near = {(row[n].key, row[n + 1].key) for n in range(len(row) - 1)}
    near |= {(two, one) for one, two in near}
    pairs = [(one.key, two.key) for one in row for two in row if one is not two]
    world.network.blocked = {pair: None for pair in pairs if pair not in near}
    world.run(30_000)
    return row


@pytest.mark.parametrize("minds", [[Older, Newer], [Newer, Older], [Older, Service, Newer]])
def test_versions_that_share_one_replicate(minds: list[Any]) -> None:
    world = World(1)
    row = in_a_row(world, minds)
    for _ in range(5):
        for node in row:
            node.write("from each")
        world.run(500)
    world.settle()


def test_a_kind_that_a_node_does_not_know_is_kept_relayed_and_known_after_an_upgrade() -> None:
    world = World(2)
    founder, writer, older, reader = in_a_row(world, [Newer, Older, Newer])
    ticket = writer.submit(Wish(PLANT, {"tree": "pear", "more": [1, {"a": None}]}))
    world.run(2_000)
    id: RecordId = writer.answers[ticket]["records"][0]["id"]
    older.write("beside it")
    citing = older.submit(Wish("event", {"action": "work"}, (id,)))
    world.settle()
    assert isinstance(older.answers[citing], dict), "it may be cited by who does not know it"
    verdicts = [one.service.core.replica.ledger.verdict(id) for one in world.nodes]
    assert verdicts == [Reason.UNKNOWN_KIND, None, Reason.UNKNOWN_KIND, None]
    assert founder.store.wire(id) == older.store.wire(id) == reader.store.wire(id)
    older.crash()
    older.mind = Newer
    older.start()
    world.settle()
    ledger = older.service.core.replica.ledger
    assert ledger.verdict(id) is None
    assert ledger.state.get(b"zz" + id) == ["pear"]


def test_versions_that_share_none_part_and_say_why() -> None:
    world = World(3)
    node = world.join(world.invited(world.nodes[0]), [world.nodes[0]], Foreign)
    world.run(20_000)
    assert node.service.handshake.refusal is not None
    assert node.service.handshake.refusal[0] == "version"
    assert world.nodes[0].store.log(node.person.device).length == 0


def is_sealed(frozen: Path) -> bool:
    """Whether a frozen home has seals; its records name them, and the first version knows none."""
    said: dict[str, Any] = json.loads((frozen / "expected.json").read_text("utf-8"))
    return bool(said.get("seals"))


JOINING = [
    pytest.param(frozen, mind, id=f"{mind.__name__}-{frozen.name}")
    for mind in (Service, Older, Newer)
    for frozen in FROZEN
    if not (mind is Older and is_sealed(frozen))
]


@pytest.mark.parametrize(("frozen", "mind"), JOINING)
def test_a_frozen_home_takes_in_who_joins_now_whatever_his_version(
    frozen: Path, mind: Any, tmp_path: Path
) -> None:
    home = Home(opened(frozen, tmp_path))
    secrets = unlock(home.keystore, None)
    world = World(4)
    founder = world.nodes[0]
    founder.crash()
    with home.store() as store:
        person = founder.person
        person.signer = keys.device_signer(secrets.device_seed)
        person.device = DeviceKey(person.signer.key)
        person.host = keys.peer_signer(secrets.device_seed)
        person.peer = PeerKey(person.host.key)
        founder.key, founder.store = person.peer, store
        founder.community = CommunityId(Settings.read(store).here)
        world.by_key[founder.key] = founder
        before = [store.wires(row.author, 0, row.length, 1 << 20) for row in store.logs()]
        founder.start()
        other = joined(world, founder, mind)
        world.settle()
        other.write("with an old home")
        founder.write("from an old home")
        world.settle()
        (old,) = before
        first = from_bytes_unchecked(old[0])
        assert other.store.wires(first.author, 0, len(old), 1 << 20) == old
        founder.crash()
