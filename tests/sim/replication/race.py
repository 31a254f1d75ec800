"""A race: one node defines something, another one names it, and a third one looks on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.records.record import RecordDraft, RecordId
from commonweal.storage.ledger.drafts.dry_run import DryRun
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from tests.sim.consensus.test_seals import next_seal
from tests.sim.world.node import OPEN, Node
from tests.sim.world.world import World

AHEAD = 30
"""Records that the defining node writes before, so that its clocks are ahead of all others."""
ARRIVES_MS_MAX = 30_000
STEP_MS = 20
HOUR = {"n": 3, "scale": 0, "unit": "hour"}


class Use(NamedTuple):
    """What a member writes, and what it names: that record has to stand before."""

    kind: str
    data: Mapping[str, Any]
    named: RecordId


class Race:
    """A community of three that has sealed: one defines, one names it, one looks on."""

    def __init__(self, seed: int, rules: Mapping[str, Value] = OPEN) -> None:
        self.world = World(seed, seals=True, rules=rules)
        self.world.grow(3)
        self.looker, self.definer, self.user = self.world.nodes
        next_seal(self.world, self.world.nodes)
        self.world.settle()
        for _ in range(AHEAD):
            self.definer.write()
        self.world.settle()

    def define(self, kind: str, data: Mapping[str, Any], by: Node | None = None) -> RecordId:
        """Let a definition be written, and reach who will name it."""
        (id,) = self.written(by or self.definer, Wish(kind, data))
        self.reaches(self.user, id)
        return id

    def written(self, node: Node, *wishes: Wish) -> list[RecordId]:
        """Let a member write; return the ids."""
        ticket = node.submit(*wishes)
        while ticket not in node.answers:
            self.world.run(STEP_MS)
        answer = node.answers[ticket]
        assert isinstance(answer, dict), answer
        return [record["id"] for record in answer["records"]]

    def reaches(self, node: Node, id: RecordId) -> None:
        """Let time pass until a node holds a record."""
        for _ in range(ARRIVES_MS_MAX // STEP_MS):
            if node.store.clock_of(id) is not None:
                return
            self.world.run(STEP_MS)
        raise self.world.broken("a record does not arrive")

    def part(self, *nodes: Node) -> None:
        """Cut two nodes off from each other; without nodes, nobody is cut off."""
        pairs = [(node.key, other.key) for node in nodes for other in nodes if node is not other]
        self.world.network.blocked = dict.fromkeys(pairs)


def state_of(node: Node) -> LedgerState:
    """Return what a node's records come to."""
    return LedgerState(node.store, StateDb(":memory:"), node.community)


def uses(node: Node, kind: str, data: Mapping[str, Any]) -> Wish:
    """Return the wish for a record that counts here, with what it cites."""
    kept = state_of(node)
    run = DryRun(kept, node.person.device, node.person.inception.member)
    trial = run.fold(RecordDraft(kind, dict(data), node.now_ms))
    assert trial.reason is None, trial.reason
    return Wish(kind, data, trial.deps, basis=RecordId(kept.last.seal))


def event(node: Node, **more: Any) -> dict[str, Any]:
    """Return what a contribution of a node's member says."""
    return {"action": "work", "provider": member(node), "effortQuantity": HOUR, **more}


def member(node: Node) -> bytes:
    """Return the id of a node's member."""
    return bytes(node.person.inception.member)


def crates(n: int, unit: str = "one") -> dict[str, Any]:
    """Return a quantity of things."""
    return {"n": n, "scale": 0, "unit": unit}
