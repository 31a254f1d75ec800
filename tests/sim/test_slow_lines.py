"""Slow lines: who is behind one catches up, however long a frame is under way."""

from __future__ import annotations

from commonweal.node.events import Wish
from tests.sim.node import Node
from tests.sim.world import World

MOBILE_BYTES_PER_MS = 5
"""40 kbit/s: a frame of records takes a minute and more."""


def write_much(world: World, node: Node, count: int) -> None:
    """Let a member write many large records."""
    for _ in range(count // 50):
        node.submit(*[Wish("event", {"pad": "x" * 1_000})] * 50)
        world.run(100)


def test_who_was_away_catches_up_over_a_slow_line() -> None:
    world = World(1)
    world.grow(2)
    here, away = world.nodes
    away.crash()
    write_much(world, here, 2_000)
    world.network.pace = MOBILE_BYTES_PER_MS
    away.start()
    assert world.settle(1_200_000) < 600_000
    assert not here.service.desk.ends[away.key].reason.startswith("silent")
