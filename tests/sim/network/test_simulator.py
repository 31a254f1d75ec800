"""The simulator itself: it repeats itself exactly, and it goes red when a promise is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from commonweal.node.service.peers.handshake import Handshake
from commonweal.node.service.service import Service
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.node.service.sync.ingest import Ingest
from commonweal.storage.records.logs.log_store import Store
from tests.sim.replication.test_byzantine import convicted, live, reconnect, with_a_liar
from tests.sim.world.byzantine import good
from tests.sim.world.node import Node, by_hand
from tests.sim.world.weather import CRASHING
from tests.sim.world.world import Broken, World

ROOT = Path(__file__).parents[3]
TRACE = """
from tests.sim.world.story import Story
for seed in (3, 9):
    story = Story.of(seed)
    story.run()
    print(story.world.agenda.trace())
"""


def test_one_seed_has_one_trace_whatever_the_order_of_hashes() -> None:
    traces = set()
    for hash_seed in ("0", "1", "77"):
        ran = subprocess.run(
            [sys.executable, "-c", TRACE],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(ran.stdout)
    assert len(traces) == 1
    first, second = traces.pop().split()
    assert first != second


def test_a_failure_says_its_seed_and_how_to_see_it_again() -> None:
    world = World(41)
    assert str(world.broken("it fell")) == "it fell\nseed 41; see it again with: make sim SEED=41"


# Each promise is broken once, and the simulator must see it.


def suffer(seed: int = 4) -> None:
    """Let a small community live through a bad time."""
    world = World(seed)
    world.grow(5)
    weather = replace(CRASHING, crash=0.05)
    world.storm(weather, 8, lambda: [node.write() for node in world.nodes])
    world.settle(20_000)


def test_a_community_that_keeps_its_promises_is_green() -> None:
    suffer()


def test_a_disk_that_does_not_commit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Store.commit
    calls = 0

    def forgetful(self: Store) -> None:
        nonlocal calls
        calls += 1
        if calls < 400:
            commit(self)

    monkeypatch.setattr(Store, "commit", forgetful)
    with pytest.raises(Broken, match="lost a record"):
        for seed in range(20):
            suffer(seed)


def test_an_answer_before_the_commit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Service.handle

    def hasty(self: Service, event: object, now_ms: int) -> object:
        actions = handle(self, event, now_ms)  # type: ignore[arg-type]
        for answer in self._answers:
            node = next(one for one in nodes if getattr(one, "service", None) is self)
            node._answered(answer.ticket, answer.value)
        return actions

    nodes: list[Node] = []
    start = Node.start

    def noted(self: Node) -> None:
        nodes.append(self)
        start(self)

    monkeypatch.setattr(Node, "start", noted)
    monkeypatch.setattr(Service, "handle", hasty)
    with pytest.raises(Broken, match=r"lost a record|acknowledged is missing"):
        for seed in range(20):
            suffer(seed)


def test_repair_that_does_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordFetch, "ask", lambda *_: None)
    with pytest.raises(Broken, match="hold different records"):
        suffer()


def test_a_fork_that_nobody_proves_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ingest, "_differs", lambda *_: True)
    world, node, liar = with_a_liar(4)
    liar.split(liar.faces[0])
    reconnect(world, node)
    live(world, 5, lambda: liar.write(good))
    assert world.disagreement() is not None
    with pytest.raises(AssertionError, match="has no proof"):
        convicted(world, node)


def test_a_guest_who_is_never_admitted_is_seen() -> None:
    with pytest.raises(Broken):
        World(3, rules=by_hand(1)).grow(3)


def test_a_gate_that_drops_members_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Handshake.receive

    def moody(self: Handshake, session: object, message: object) -> bool:
        if self.core.rng.random() < 0.1:
            self.core.drop(session, "a whim")  # type: ignore[arg-type]
            return False
        return receive(self, session, message)  # type: ignore[arg-type]

    monkeypatch.setattr(Handshake, "receive", moody)
    with pytest.raises(Broken, match="dropped the honest"):
        suffer()
