"""More logs whose keys begin alike than one message names: comparing ends, and finds all."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.node.service.sync import anti_entropy
from commonweal.protocol.wire import messages
from tests.sim.world import world as worlds
from tests.sim.world.node import Person
from tests.sim.world.weather import BREAKING
from tests.sim.world.world import World

FEW = 4


def alike(rng: Random) -> Person:
    """A person whose device's key begins as all others' do."""
    while (person := Person(rng)).device[0]:
        pass
    return person


def test_logs_that_begin_alike_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "Person", alike)
    monkeypatch.setattr(messages, "ENTRIES_MAX", FEW)
    monkeypatch.setattr(anti_entropy, "WHOLE_FRONTIER_MAX", FEW)
    world = World(1)
    world.grow(3 * FEW)
    world.storm(BREAKING, 5, lambda: world.rng.choice(world.nodes).write("work"))
    world.settle()
