"""Whole nodes, of which f witnesses lie: one seal at each height, and the next one comes."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from commonweal.protocol.seal.quorum import quorum_of
from tests.sim.consensus.test_seals import STEP_MS, chain, council, seal_soon
from tests.sim.world.liars import FAULTS, corrupt
from tests.sim.world.node import Node
from tests.sim.world.weather import CALM, PARTED, SCRAMBLED
from tests.sim.world.world import Broken

SEEDS = int(os.environ.get("COMMONWEAL_RUNS", "1"))
SEALED_MS_MAX = 60_000
"""In calm, however many rounds the liars have their turn in."""
WEATHERS = (CALM, PARTED, replace(SCRAMBLED, crash=0.0))


def check(honest: list[Node], liars: list[Node]) -> None:
    """Raise unless those who keep the rules have one seal a height, and accuse liars alone."""
    guilty = {one.person.device for one in liars}
    seals: dict[int, bytes] = {}
    for node in honest:
        assert chain(node).fork is None
        assert set(chain(node).seals.double_votes()) <= guilty
        for height in range(1, chain(node).height + 1):
            kept = chain(node).seals.at(height)
            assert kept is not None
            assert seals.setdefault(height, kept.sealed.seal.id) == kept.sealed.seal.id
        if node.assessor is not None:
            assert not node.assessor.outlook().alarm


def live_through(seed: int, size: int, faults: tuple[str, ...]) -> None:
    """Let the last witnesses lie in storm and calm; raise unless the others seal all the same."""
    world, rng = council(seed, size), Random(seed)
    honest, liars = world.nodes[: -len(faults)], world.nodes[-len(faults) :]
    for node, fault in zip(liars, faults, strict=True):
        node.is_honest = False  # the weather leaves it up, so that it lies on
        corrupt(node, fault)

    def each_second() -> None:
        for node in rng.sample(honest, 2):
            node.write()
            seal_soon(node)
        check(honest, liars)

    world.storm(rng.choice(WEATHERS), 8, each_second)
    for _ in range(2):
        height = max(chain(node).height for node in honest)
        honest[0].write()
        world.run(1_000)
        for node in honest:
            seal_soon(node)
        for _ in range(SEALED_MS_MAX // STEP_MS):
            world.run(STEP_MS)
            check(honest, liars)
            if all(chain(node).height > height for node in honest):
                break
        else:
            raise world.broken(f"height {height + 1} is not sealed")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_of_four_may_lie(seed: int, fault: str) -> None:
    live_through(900 + seed, 4, (fault,))


@pytest.mark.parametrize("seed", range(2 * SEEDS))
def test_two_of_seven_may_lie(seed: int) -> None:
    rng = Random(seed)
    faults = (rng.choice(FAULTS), rng.choice(FAULTS))
    assert quorum_of(7).lies == len(faults)
    live_through(1_000 + seed, 7, faults)


def test_with_one_liar_too_many_who_says_nothing_no_seal_comes() -> None:
    with pytest.raises(Broken, match="is not sealed"):
        live_through(900, 4, ("silent", "silent"))
