"""Who joins late takes the state of a seal, checked against it, and follows from there."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.events import Action, AskLedger, CheckStateChunk, Event, Send, Wish
from commonweal.node.service.service import Service
from commonweal.protocol import codec, merkle
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire.state_sync import StatePart
from commonweal.storage.consensus.offers import STATE_TREE, Offer, StateOffers
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.consensus.snapshots import SnapshotProgress, Snapshots
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, TreePages
from tests.builders.local_rows import without_order
from tests.sim.consensus.test_seals import SEALED_MS_MAX, chain, next_seal, seal_soon, until
from tests.sim.world.node import Node
from tests.sim.world.world import World

HEIGHT = 50


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 10)
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 1_000)


def sealed(seed: int, height: int, members: int = 3) -> World:
    """A founder who seals alone, and members who only follow."""
    world = World(seed, seals=True)
    world.grow(members)
    founder = world.nodes[0]
    for one in range(1, height + 1):
        work(founder, one)
        world.run(200)
        seal_soon(founder)
        reached = partial(_is_at, founder, one)
        until(world, reached, SEALED_MS_MAX, "nothing is sealed")
    world.run(3_000)
    return world


def work(node: Node, hours: int) -> None:
    """Let a member record work that counts."""
    quantity: dict[str, codec.Value] = {"n": hours, "scale": 0, "unit": "hour"}
    provider = bytes(node.person.inception.member)
    data: dict[str, codec.Value] = {"action": "work", "effortQuantity": quantity}
    node.submit(Wish("event", {**data, "provider": provider}))


def _is_at(node: Node, height: int) -> bool:
    return chain(node).height >= height


def late(world: World, mind: Any = Service) -> Node:
    founder = world.nodes[0]
    return world.join(world.invited(founder), world.nodes[:3], mind)


def state_root(node: Node) -> bytes:
    assert node.layers is not None
    return merkle.update(TreePages(node.layers, STATE_TREE), {}).root


def pairs(node: Node) -> dict[bytes, Any]:
    assert node.layers is not None
    layer = LayeredState(node.layers, FINAL)
    return without_order(pair for n in range(255) for pair in layer.items(bytes([n])))


def height(node: Node) -> int:
    return node.assessor.outlook().height if node.assessor is not None else 0


def taken(node: Node) -> list[CheckStateChunk]:
    """Let the chunks be noted that a node takes from now on."""
    noted: list[CheckStateChunk] = []
    plain = node.perform

    def perform(actions: list[Action]) -> None:
        asked = [one.request for one in actions if isinstance(one, AskLedger)]
        noted.extend(one for one in asked if isinstance(one, CheckStateChunk))
        plain(actions)

    node.perform = perform  # type: ignore[method-assign]
    return noted


def test_who_joins_at_height_50_by_fast_join_has_the_state_root_of_one_that_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = sealed(1, HEIGHT)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)
    founder = world.nodes[0]
    node = late(world)
    chunks = taken(node)
    until(world, lambda: height(node) >= HEIGHT, 60_000, "who joined does not follow")
    assert len(chunks) > 2, "it took the state in chunks, and folded nothing below it"
    world.run(5_000)
    assert height(node) == height(founder)
    assert state_root(node) == state_root(founder)
    assert pairs(node) == pairs(founder)
    kept = chain(founder).seals.at(height(founder))
    assert kept is not None and state_root(node) == kept.sealed.seal.state_root
    assert node.assessor is not None and node.layers is not None
    world.run(10_000)
    assert node.layers.mark(TAKEN) is None, "all records came, and come to the same"
    assert not node.assessor.outlook().alarm
    next_seal(world, [founder, node])
    world.run(5_000)
    assert state_root(node) == state_root(founder)


class Liar(Service):
    """Gives states with one value changed."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        return [_spoiled(action) for action in super().handle(event, now_ms)]


def _spoiled(action: Action) -> Action:
    if isinstance(action, Send):
        message = frame_codec.decode(action.frame)
        if isinstance(message, StatePart) and message.data:
            bad = bytes([*message.data[:-1], message.data[-1] ^ 1])
            fields = (message.height, message.depth, message.number, message.size, message.offset)
            return Send(action.peer, frame_codec.encode(StatePart(*fields, bad)))
    return action


class Mute(Service):
    """Is asked for a state, and says nothing."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        return [
            action
            for action in super().handle(event, now_ms)
            if not (
                isinstance(action, Send) and isinstance(frame_codec.decode(action.frame), StatePart)
            )
        ]


def met(seed: int, mind: type[Service]) -> tuple[bool, bool]:
    """Let a member join among bad nodes; return whether they lied, and whether they were silent."""
    world = sealed(seed, 12, members=2)
    bad = [late(world, mind) for _ in range(3)]
    world.run(20_000)
    state_sync.RECORDS_MIN = 0  # until the end of the test, as the fixture says
    node = world.join(world.invited(world.nodes[0]), bad)
    until(world, lambda: height(node) >= 12, 120_000, "who joined does not follow")
    world.run(5_000)
    assert pairs(node) == pairs(world.nodes[0])
    ends = [end.reason for end in node.service.core.ends.values()]
    return (
        any("a state that is not the seal's" in reason for reason in ends),
        bool(node.service.state_sync.silent),
    )


def test_who_gives_a_wrong_state_is_dropped_and_another_is_asked() -> None:
    found = [met(seed, Liar) for seed in (2, 3, 4)]
    assert any(was_lied_to for was_lied_to, _ in found)


def test_who_gives_no_state_is_passed_over() -> None:
    found = [met(seed, Mute) for seed in (2, 3, 4)]
    assert any(waited for _, waited in found)
    assert not any(was_lied_to for was_lied_to, _ in found)


def test_where_nobody_gives_a_state_the_records_are_folded_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_sync, "GIVE_UP_MS", 10_000)
    world = sealed(3, 12, members=1)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)

    def none(self: StateOffers, now_ms: int) -> None:
        return None

    monkeypatch.setattr(StateOffers, "offer", none)
    node = late(world)
    world.run(8_000)
    assert chain(node).height >= 12 and height(node) == 0, "folding waits for a state"
    until(world, lambda: height(node) >= 12, 30_000, "who joined does not follow")
    world.run(2_000)
    assert pairs(node) == pairs(world.nodes[0])
    assert node.layers is not None and node.layers.mark(TAKEN) is None


def test_a_giver_who_is_slow_for_ever_holds_nobody_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 400)
    world = sealed(6, 20, members=1)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)
    monkeypatch.setattr(state_sync, "TAKE_MS_MAX", 2_500)
    plain = Snapshots.take
    waits: list[int] = []

    def slow(self: Snapshots, offer: Offer, number: int, data: bytes) -> SnapshotProgress:
        waits.append(number)
        return plain(self, offer, number, data) if number == 0 else SnapshotProgress(offer, 1)

    monkeypatch.setattr(Snapshots, "take", slow)
    node = late(world)
    until(world, lambda: height(node) >= 20, 20_000, "who joined does not follow")
    assert len(waits) > 2
    world.run(2_000)
    assert pairs(node) == pairs(world.nodes[0])


def test_a_node_that_dies_while_it_takes_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 400)
    world = sealed(4, 20)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)
    node = late(world)
    chunks = taken(node)
    for _ in range(2_000):
        world.run(10)
        if len(chunks) == 3:
            break
    node.crash()
    world.run(2_000)
    before = [one.number for one in chunks]
    node.start()
    until(world, lambda: height(node) >= 20, 60_000, "who joined does not follow")
    world.run(3_000)
    assert pairs(node) == pairs(world.nodes[0])
    again = [one.number for one in chunks[len(before) :]]
    assert again[0] == 0, "one is asked for again, to learn what is next"
    assert again[1] >= before[-1] - 1 > 0, "the last one may not have been kept yet"


def test_a_state_of_another_fold_is_not_asked_for_and_the_records_are_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = sealed(1, HEIGHT)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 0)
    monkeypatch.setattr(state_sync, "FOLD", FOLD + 1)
    founder = world.nodes[0]
    node = late(world)
    chunks = taken(node)
    until(world, lambda: height(node) >= HEIGHT, 60_000, "who joined does not follow")
    assert not chunks
    assert state_root(node) == state_root(founder)


def test_few_missing_records_are_folded_and_no_state_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 10_000)
    world = sealed(5, 5, members=1)
    node = late(world)
    chunks = taken(node)
    until(world, lambda: height(node) >= 5, 60_000, "who joined does not follow")
    assert not chunks
