"""Many nodes in one process: what they cost each other does not grow beyond what a run can bear.

`make sim-large NODES=n` runs them with as many nodes and prints what each part of it costs.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

import pytest

from commonweal.node.service.events import Wish
from commonweal.node.service.peers import handshake
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import Record
from tests.sim.consensus.test_giving import propose
from tests.sim.consensus.test_seals import chain, council, seal_soon, until
from tests.sim.world.node import Node
from tests.sim.world.settled import copies, crowd
from tests.sim.world.weather import BREAKING, CALM, Weather
from tests.sim.world.world import World

NODES = int(os.environ.get("COMMONWEAL_NODES") or 30)
JOINING = 200 if os.environ.get("COMMONWEAL_RUNS") else 40
WITNESSES = 4
SETTLED_MS_MAX = 120_000
CHECKED_MS_MAX = 600_000
LOSSES = Weather((1, 100), loss=0.02, double=0.01, late=0.02, gossip_loss=0.2, cut=0.01)
CUT_OFF_PERCENT = 20
KILLED_PERCENT = 5
WRITERS = 5
"""Nodes that write in a second of a storm."""


@pytest.mark.timeout(600)
def test_many_nodes_agree_after_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "GUESTS_MAX", JOINING)  # they all come at once, to one node
    world = World(200)
    world.grow(JOINING)
    weather = replace(BREAKING, cut=0.02, crash=0.0005)
    world.storm(weather, 1, lambda: [node.write() for node in world.rng.sample(world.nodes, 2)])
    world.settle()
    assert all(len(node.service.core.replica.frontier) == JOINING for node in world.nodes)


Directions: TypeAlias = dict[tuple[PeerKey, PeerKey], None]


class Costs:
    """Prints what each part of a run costs: processor time, and memory of the process."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()

    def tell(self, part: str, world: World) -> None:
        """Print what was spent since the last part ended."""
        spent_s, self._cpu_s = time.process_time() - self._cpu_s, time.process_time()
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        records = world.nodes[0].store.counts().records
        print(f"{part}: {spent_s:.1f} s, {mib} MiB, {records} records on each node", flush=True)


def settled(seed: int, count: int) -> World:
    """Return a sealed community of `count` members, whose nodes all run and are linked."""
    world = council(seed, WITNESSES, more=1)
    home = world.nodes[-1]
    people = crowd(world, world.nodes[0], count - len(world.nodes))
    world.settle()
    sealed(world, world.nodes)
    until(world, lambda: _is_checked(home), CHECKED_MS_MAX, "signatures are not checked")
    home.crash()
    copies(world, home, people)
    world.run(8_000)
    return world


def _is_checked(node: Node) -> bool:
    return all(row.checked == row.length for row in node.service.core.replica.rows())


def sealed(world: World, nodes: list[Node]) -> None:
    """Let what is held be sealed by the witnesses, and the seal reach all of these nodes."""
    witnesses = world.nodes[:WITNESSES]
    height = max(chain(node).height for node in witnesses) + 1
    witnesses[0].write()
    world.run(1_000)
    for _ in range(SETTLED_MS_MAX // 1_000):
        for node in witnesses:
            seal_soon(node)
        world.run(1_000)
        if all(chain(node).height >= height for node in nodes):
            return
    raise world.broken(f"height {height} does not reach all")


def cut_off(world: World, nodes: list[Node]) -> None:
    """Let nothing pass between these nodes and the others."""
    inside = dict.fromkeys(node.key for node in nodes)
    outside = [node.key for node in world.nodes if node.key not in inside]
    world.network.blocked = _directions(inside, outside) | _directions(outside, inside)


def _directions(some: Iterable[PeerKey], others: Iterable[PeerKey]) -> Directions:
    return dict.fromkeys((a, b) for a in some for b in others)


def write(world: World, nodes: list[Node]) -> None:
    """Let some of these nodes write a record each."""
    for node in world.rng.sample(nodes, min(WRITERS, len(nodes))):
        node.write()


def rule_records(world: World) -> list[Record]:
    """Let a member propose other rules and another vote on it; return both records."""
    author, voter = world.nodes[WITNESSES : WITNESSES + 2]
    propose(author, 2)
    world.run(2_000)
    proposal = _newest(author)
    data: dict[str, Value] = {"proposal": proposal.id, "say": "yes"}
    voter.submit(Wish("rules.vote", data, (proposal.id,)))
    world.run(2_000)
    return [proposal, _newest(voter)]


def _newest(node: Node) -> Record:
    record = node.store.record(node.store.log(node.person.device).head)
    assert record is not None
    return record


def test_a_settled_community_agrees_after_losses_deaths_and_a_split() -> None:
    costs = Costs()
    world = settled(1_000, NODES)
    nodes, rng = world.nodes, world.rng
    assert len(nodes) == NODES
    costs.tell("started", world)

    world.storm(LOSSES, 2, lambda: write(world, nodes))
    costs.tell("messages lost", world)

    others = nodes[WITNESSES:]
    for node in rng.sample(others, max(2, NODES * KILLED_PERCENT // 100)):
        node.crash()
        node.restart_later()
    world.run(4_000)
    costs.tell("nodes killed", world)

    away = others[: NODES * CUT_OFF_PERCENT // 100]
    cut_off(world, away)
    write(world, away)
    write(world, nodes[:WITNESSES])
    world.run(10_000)
    assert world.disagreement() is not None
    world.network.blocked, world.network.weather = {}, CALM
    costs.tell("a part cut off", world)

    world.settle(SETTLED_MS_MAX)
    costs.tell("healed and equal", world)

    for record in rule_records(world):
        assert record.kind.startswith("rules.")
        assert all(node.store.clock_of(record.id) for node in nodes)
        told = (count for (_, data), count in world.network.gossiped.items() if record.wire in data)
        assert sum(told) > len(nodes) // 2  # no node is told twice
    costs.tell("a rule gossiped", world)

    sealed(world, nodes)
    world.settle(SETTLED_MS_MAX)
    assert len({chain(node).seal for node in nodes}) == 1
    for node in nodes:
        assert node.assessor is not None
        assert node.assessor.kept.cut.height == chain(nodes[0]).height
        assert not node.assessor.outlook().alarm
    costs.tell("sealed and equal", world)
