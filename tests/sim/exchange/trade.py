"""Short ways to write the records of deals on a simulated node."""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, agreement_row
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import final, member, write
from tests.sim.world.node import Node


def hours(n: int) -> dict[str, Value]:
    """Return so many hours of work."""
    return {"action": "work", "effortQuantity": {"n": n, "scale": 0, "unit": "hour"}}


def offer(node: Node, n: int, **over: Value) -> RecordId:
    """Let a member offer n hours of work; return the intent."""
    return write(node, "intent", hours(n) | {"provider": member(node)} | over)


def need(node: Node, n: int, **over: Value) -> RecordId:
    """Let a member ask for n hours of work; return the intent."""
    return write(node, "intent", hours(n) | {"receiver": member(node)} | over)


def clause(
    by: Node, n: int, giver: Node, taker: Node, satisfies: Sequence[RecordId] = ()
) -> RecordId:
    """Let a member write that one is to give another n hours of work."""
    data: dict[str, Value] = {"provider": member(giver), "receiver": member(taker)}
    data |= {**hours(n), "clause": True}
    if satisfies:
        data["satisfies"] = list(satisfies)
    return write(by, "commitment", data)


def propose(by: Node, *clauses: RecordId, **over: Value) -> RecordId:
    """Let a member propose an agreement, to which they say yes by that."""
    data: dict[str, Value] = {"stipulates": list(clauses)}
    return write(by, "agreement", data | over)


def deal(by: Node, n: int, taker: Node, intent: RecordId, **over: Value) -> RecordId:
    """Let a member propose to give another n hours of what an intent offers."""
    return propose(by, clause(by, n, by, taker, [intent]), **over)


def answer(by: Node, agreement: RecordId, say: str = "yes") -> RecordId:
    """Let a member answer an agreement."""
    return write(by, "agreement.sign", {"agreement": agreement, "say": say})


def standing(node: Node, agreement: bytes) -> tuple[str, bytes | None]:
    """Return how an agreement stands at the last seal, and the cause."""
    row = agreed(node, agreement)
    return row.status, row.cause


def agreed(node: Node, agreement: bytes) -> AgreementRow:
    """Return an agreement as it stands at the last seal."""
    row = agreement_row(final(node), agreement)
    assert row is not None, "the agreement counts"
    return row


def intended(node: Node, intent: bytes) -> IntentRow:
    """Return an intent as it stands at the last seal."""
    row = intent_row(final(node), intent)
    assert row is not None, "the intent counts"
    return row


def verdict(node: Node, id: RecordId) -> Verdict:
    """Return why a record counts for nothing; None when it counts."""
    record = node.store.record(id)
    assert record is not None and node.assessor is not None
    return node.assessor.kept.verdict(record)
