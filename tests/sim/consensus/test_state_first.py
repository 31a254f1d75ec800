"""A newcomer takes a state though its records are here, and whatever happens meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.events import CheckStateChunk, Event, StateAnswered
from commonweal.node.service.sync import fetch
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.finality.deadlines import next_deadline
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Ruleset
from commonweal.storage.consensus.offers import Offer, StateOffers
from commonweal.storage.consensus.restored import NOTED, TAKEN
from commonweal.storage.consensus.snapshots import NOTHING_YET, Snapshots
from commonweal.storage.ledger.ledger import TAKING
from commonweal.storage.ledger.state.finalizer import Finalizer
from commonweal.storage.ledger.state.state_db import StateDb
from tests.sim.consensus.test_seals import SEALED_MS_MAX, chain, seal_soon, until
from tests.sim.consensus.test_state_sync import (
    height,
    late,
    pairs,
    sealed,
    state_root,
    taken,
    work,
)
from tests.sim.world.node import Node
from tests.sim.world.world import World

HEIGHT = 20


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 400)


@pytest.fixture
def scene() -> World:
    """Three members; the first one has sealed."""
    return sealed(4, HEIGHT)


@pytest.fixture
def node(scene: World, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A member's node that holds all records, has folded none, and waits for a state.

    Nothing is left to be sealed, and nobody writes any more.
    """
    one = late(scene)
    until(scene, lambda: height(one) > HEIGHT, SEALED_MS_MAX, "who joined is not sealed")
    scene.run(5_000)
    one.crash()
    one.layers = StateDb()
    one.layers.put_mark(TAKING, [*NOTHING_YET])
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 10)  # more are sealed, and none is missing
    one.start()
    return one


def until_taking(world: World, chunks: list[Any], count: int) -> None:
    """Run until a node was given so many chunks."""
    for _ in range(20_000):
        if len(chunks) >= count:
            return
        world.run(5)
    raise AssertionError("no state is given")


def until_abreast(world: World, node: Node, other: Node) -> None:
    """Run until a node has the state that another one has, and as many seals."""
    until(world, lambda: height(node) == height(other) > HEIGHT, 120_000, "it does not follow")
    world.run(5_000)
    assert pairs(node) == pairs(other) and state_root(node) == state_root(other)


def test_who_has_all_records_takes_a_state_in_a_quiet_community_and_folds_none_of_them(
    scene: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []
    plain = Finalizer.fold

    def fold(self: Finalizer, seal: Any, delta: Any) -> Any:
        if self.layers is node.layers:
            folded.append(seal.height)
        return plain(self, seal, delta)

    monkeypatch.setattr(Finalizer, "fold", fold)
    chunks, before = taken(node), node.store.counts().records
    until_abreast(scene, node, scene.nodes[0])
    assert len(chunks) > 2 and not folded
    assert node.store.counts().records == before, "all were here"
    scene.run(10_000)
    assert node.layers is not None and scene.nodes[0].layers is not None
    assert (node.layers.mark(TAKEN), node.layers.mark(NOTED)) == (None, None), "it is audited"
    times = "SELECT id, claimed_at, when_start FROM event_row ORDER BY id"
    assert node.layers.rows(times) == scene.nodes[0].layers.rows(times) != []


@pytest.fixture
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so few records be many."""
    monkeypatch.setattr(fetch, "MANY_RECORDS", 10)
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 10)


@pytest.mark.usefixtures("_many")
def test_many_records_come_after_the_state_and_no_signature_is_checked_before(
    scene: World,
) -> None:
    founder = scene.nodes[0]
    of = founder.store.log(founder.person.device).length
    node = late(scene)
    chunks = taken(node)
    until_taking(scene, chunks, 2)
    assert node.store.log(founder.person.device).length < of
    node.service.signature_audit.add(founder.person.device)
    assert node.service.fetch.waits_for_state() and not node.service.signature_audit.step()
    while node.service.state_sync.comes_first:
        scene.run(5)
    assert height(node) > 0
    scene.run(2_000)
    assert node.store.log(founder.person.device).length >= of, "they are asked for then"
    assert not node.service.fetch.waits_for_state()


@pytest.mark.usefixtures("_many")
def test_records_wait_no_longer_for_a_state_that_nobody_gives(
    scene: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_sync, "FIRST_MS_MAX", 10_000)
    monkeypatch.setattr(StateOffers, "offer", lambda _self, _now_ms: None)
    founder = scene.nodes[0]
    node = late(scene)
    until(scene, lambda: chain(node).height >= HEIGHT, 5_000, "the seals do not come")
    scene.run(5_000)
    missing = founder.store.counts().records - node.store.counts().records
    assert missing >= fetch.MANY_RECORDS, "they wait"
    scene.run(15_000)
    assert node.store.counts().records == founder.store.counts().records
    assert height(node) == 0, "it still waits for a state to fold"


@pytest.mark.usefixtures("_many")
def test_records_of_a_community_without_seals_wait_for_nothing() -> None:
    world = World(5, seals=True)
    world.grow(2)
    for hours in range(1, 40):
        work(world.nodes[0], hours)
    world.run(1_000)
    assert chain(world.nodes[0]).height == 0
    node = late(world)
    world.run(3_000)
    assert node.store.counts().records == world.nodes[0].store.counts().records


def test_where_a_giver_dies_midway_another_goes_on_where_it_ended(scene: World, node: Node) -> None:
    chunks = taken(node)
    until_taking(scene, chunks, 3)
    transfer = node.service.state_sync._taking
    (giver,) = [one for one in scene.nodes if transfer and one.person.peer == transfer.peer]
    giver.crash()
    until_abreast(scene, node, next(one for one in scene.nodes if one.is_up and one is not node))
    (offer,) = {one.offer for one in chunks}
    numbers = [one.number for one in chunks]
    assert sorted(set(numbers)) == list(range(offer.chunks))
    assert len(numbers) <= offer.chunks + 1, "what was placed is not fetched again"


def test_a_newer_seal_meanwhile_is_folded_on_the_state(scene: World, node: Node) -> None:
    founder = scene.nodes[0]
    chunks = taken(node)
    until_taking(scene, chunks, 2)
    before = chain(founder).height
    work(founder, 7)
    scene.run(100)
    seal_soon(founder)
    until(scene, lambda: chain(founder).height > before, SEALED_MS_MAX, "nothing is sealed")
    assert height(node) == 0, "the state is not here yet"
    until_abreast(scene, node, founder)
    (offer,) = {one.offer for one in chunks}
    assert offer.height == before < height(node)


def test_one_chunk_is_checked_at_a_time_while_the_next_one_comes(scene: World, node: Node) -> None:
    chunks = taken(node)
    answered: list[int] = []
    plain = node.emit

    def emit(event: Event) -> None:
        if isinstance(event, StateAnswered) and isinstance(event.request, CheckStateChunk):
            answered.append(len(chunks))
        plain(event)

    node.emit = emit  # type: ignore[method-assign]
    until_abreast(scene, node, scene.nodes[0])
    assert answered == list(range(1, len(chunks) + 1)), "the ledger never has two of them"


def test_a_node_that_dies_before_it_puts_all_chunks_in_place_does_so_when_it_starts(
    scene: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Snapshots, offer: Offer) -> None:
        node.crash()

    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "_put_in_place", die)
        until(scene, lambda: not node.is_up, 60_000, "it never comes so far")
    assert height(node) == 0
    chunks = taken(node)
    node.start()
    until_abreast(scene, node, scene.nodes[0])
    assert len(chunks) <= 1, "one is fetched before the ledger says that none is wanted"


@pytest.mark.usefixtures("_many")
def test_the_rules_of_a_state_are_known_before_its_records_come(
    scene: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    valued: list[bytes] = []

    def deadline(final: State, cut: CutHeader, ruleset: Ruleset, of: CommunityId) -> int | None:
        if cut.height:
            valued.append(ruleset.id)
        return next_deadline(final, cut, ruleset, of)

    monkeypatch.setattr("commonweal.storage.consensus.reader.next_deadline", deadline)
    monkeypatch.setattr(state_sync.StateSync, "comes_first", True)
    founder, node = scene.nodes[0], late(scene)
    until(scene, lambda: height(node) >= HEIGHT, 60_000, "no state comes")
    scene.run(1_000)
    assert node.store.log(founder.person.device).length == 0, "no record of the founder came"
    assert node.assessor is not None and founder.assessor is not None
    assert not node.assessor.outlook().missing_documents
    rules = founder.assessor.kept.ruleset.id
    assert node.assessor.kept.ruleset.id == rules
    assert set(valued) == {rules}, "nothing is valued by other rules meanwhile"
