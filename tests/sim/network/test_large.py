"""Many nodes: what they cost each other does not grow beyond what one run can bear."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from commonweal.node.service.peers import handshake
from tests.sim.world.weather import BREAKING
from tests.sim.world.world import World

NODES = 200 if os.environ.get("COMMONWEAL_RUNS") else 70


@pytest.mark.timeout(600)
def test_many_nodes_agree_after_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "GUESTS_MAX", NODES)  # they all come at once, to one node
    world = World(200)
    world.grow(NODES)
    weather = replace(BREAKING, cut=0.02, crash=0.0005)
    world.storm(weather, 1, lambda: [node.write() for node in world.rng.sample(world.nodes, 2)])
    world.settle()
    assert all(len(node.service.core.replica.frontier) == NODES for node in world.nodes)
