"""Witnesses are brought up to date one by one: the community goes on with the newer fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol.keys import BODY, hash32
from commonweal.protocol.ledger.finality import seal_contents
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.consensus import proposals
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state import finalizer
from commonweal.storage.ledger.state.state_db import StateDb
from tests.sim.consensus.test_seals import SEEDS, chain, check, council, next_seal, seal_soon
from tests.sim.world.node import Node
from tests.sim.world.world import World

BEFORE = FOLD - 1
QUIET_MS = 90_000
SEALED_MS_MAX = 180_000


def earlier_seal(*given: Any) -> Seal:
    """Return a seal as the fold before makes it, whose state is laid out in another way."""
    seal = seal_contents.seal_of(*given)
    return replace(seal, fold=BEFORE, state_root=hash32(BODY, seal.state_root))


@contextmanager
def earlier() -> Iterator[None]:
    """Be a program of the fold before."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (finalizer, proposals):
            patch.setattr(module, "FOLD", BEFORE)
        patch.setattr(finalizer, "seal_of", earlier_seal)
        yield


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """Return the nodes whose ledgers are of this fold, at first none; the test adds to it."""
    nodes: list[Node] = []

    def versioned(plain: Callable[..., Any], layers_of: Callable[[Any], StateDb]) -> Any:
        def call(self: Any, *given: Any, **named: Any) -> Any:
            layers = layers_of(self)
            if any(node.layers is layers for node in nodes):
                return plain(self, *given, **named)
            with earlier():
                return plain(self, *given, **named)

        return call

    for name in ("build", "judge", "outlook", "shown"):
        plain = getattr(SealApplication, name)
        monkeypatch.setattr(SealApplication, name, versioned(plain, lambda app: app.kept.layers))
    refresh = versioned(LedgerState.refresh, lambda kept: kept.layers)
    monkeypatch.setattr(LedgerState, "refresh", refresh)
    return nodes


def folds(node: Node) -> list[int]:
    """Return the fold of each seal of a node."""
    here = chain(node)
    kept = [here.seals.at(height) for height in range(1, here.height + 1)]
    return [one.sealed.seal.fold for one in kept if one is not None]


def bring_up_to_date(world: World, new: list[Node], node: Node) -> None:
    """Stop a node and start it again with the newer program, whose state file is made anew."""
    node.crash()
    node.layers = StateDb(":memory:")
    new.append(node)
    node.start()
    world.run(5_000)


@pytest.mark.parametrize("seed", range(1, 1 + SEEDS))
def test_a_community_goes_on_when_its_witnesses_are_brought_up_to_date(
    new: list[Node], seed: int
) -> None:
    world = council(seed)
    first, second, *others = world.nodes
    bring_up_to_date(world, new, first)
    height = next_seal(world, world.nodes)
    assert folds(first) == [BEFORE] * height, "three of four are as they were, and it follows"
    bring_up_to_date(world, new, second)
    second.write()
    for node in world.nodes:
        seal_soon(node)
    world.run(QUIET_MS)
    check(world)
    assert {chain(node).height for node in world.nodes} == {height}, "neither are a quorum"
    for node in others:
        bring_up_to_date(world, new, node)
    last = next_seal(world, world.nodes, SEALED_MS_MAX)
    for node in world.nodes:
        assert folds(node)[: height + 1] == [BEFORE] * height + [FOLD]
        assert set(folds(node)[height:]) == {FOLD}
    assert last > height


@pytest.mark.parametrize("seed", range(1, 1 + SEEDS))
def test_a_seal_that_began_before_all_were_brought_up_to_date_is_made(
    new: list[Node], seed: int
) -> None:
    world = council(seed)
    height = max(chain(node).height for node in world.nodes)
    world.nodes[0].write()
    world.run(1_000)
    for node in world.nodes:
        seal_soon(node)
    while all(chain(node).height == height for node in world.nodes):
        world.run(7 + seed)
        for node in [node for node in world.nodes if node not in new]:
            if node.store.row("SELECT 1 FROM own_lock"):
                node.crash()
                node.layers = StateDb(":memory:")
                new.append(node)
                node.start()
    for node in [node for node in world.nodes if node not in new]:
        bring_up_to_date(world, new, node)
    assert next_seal(world, world.nodes, SEALED_MS_MAX) > height + 1
    assert folds(world.nodes[0])[-1] == FOLD
