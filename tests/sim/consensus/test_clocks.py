"""Clocks that are wrong by days, in the simulated community."""

from __future__ import annotations

import pytest

from tests.sim.consensus.test_seals import chain, seal_soon, until
from tests.sim.world.node import Node
from tests.sim.world.world import World

DAY_MS = 24 * 60 * 60 * 1000


def sealed(node: Node) -> tuple[int, int]:
    """Return the height and the time of the last seal."""
    point = chain(node).point
    assert point is not None
    return point.height, point.time_ms


@pytest.mark.parametrize("days", [8, -8, 3650])
def test_a_sole_witness_whose_clock_differs_from_its_peers_by_days_seals_nothing(
    days: int,
) -> None:
    world = World(1, seals=True)
    world.grow(3)
    node = world.nodes[0]
    node.write()
    until(world, lambda: sealed(node)[0] > 0, 90_000, "nothing is sealed")
    before = sealed(node)
    node.shift(days * DAY_MS)
    node.write()
    seal_soon(node)
    world.run(90_000)
    assert sealed(node) == before
    node.shift(-days * DAY_MS)
    node.write()
    until(world, lambda: sealed(node)[0] > before[0], 120_000, "it does not go on")
    assert abs(sealed(node)[1] - node.now_ms) < 120_000


def test_clocks_that_are_off_in_both_directions_keep_no_witness_from_sealing() -> None:
    world = World(3, seals=True)
    world.grow(5)
    node = world.nodes[0]
    node.write()
    until(world, lambda: sealed(node)[0] > 0, 90_000, "nothing is sealed")
    before = sealed(node)
    for other, days in ((world.nodes[3], 1), (world.nodes[4], -1)):
        other.crash()
        other.start()
        other.shift(days * DAY_MS)
    world.run(30_000)
    node.write()
    seal_soon(node)
    until(world, lambda: sealed(node)[0] > before[0], 120_000, "it does not go on")


def test_a_sole_witness_finds_back_from_a_seal_of_ten_years_ahead() -> None:
    world = World(2, seals=True)
    node = world.nodes[0]
    node.write()
    until(world, lambda: sealed(node)[0] > 0, 90_000, "nothing is sealed")
    node.shift(3650 * DAY_MS)
    node.write()
    seal_soon(node)
    until(world, lambda: sealed(node)[0] > 1, 90_000, "nothing is sealed")
    node.shift(-3650 * DAY_MS)
    node.write()
    world.run(700_000)
    assert sealed(node)[0] == 2, "alone it does not know which of the two is wrong"
    seal_soon(node)
    until(world, lambda: sealed(node)[0] > 2, 90_000, "it does not go on")
    assert abs(sealed(node)[1] - node.now_ms) < 120_000
