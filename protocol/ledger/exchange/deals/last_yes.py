"""The last yes: what an agreement comes to when all its parties have said yes.

It is void when one of its clauses, or an intent that it satisfies, is no longer open, or when what
it sets off is not owed any more. It is lost when something else took what it needs: the rest of an
intent, or a thing for that time. The earlier in the order of the fold wins.
"""

from __future__ import annotations

from typing import TypeAlias

from commonweal.protocol.ledger.exchange import commitments, times
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.exchange.deals import set_off
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    LOST,
    VOID,
    AgreementRow,
    clause_rows,
)
from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import Quantity, is_less, total

Outcome: TypeAlias = tuple[str, bytes | None]
"""AGREED, VOID or LOST, and the cause; None when it is agreed."""


def decide(state: State, context: Context, agreement: bytes, row: AgreementRow) -> Outcome | Reason:
    """Put the clauses of an agreement in force, or return what it is void for or lost to.

    Then nothing is written. Refuses with TOO_LARGE what no quantity holds.
    """
    mark = state.mark()
    outcome = _standing(state, context, row) or _take(state, context, agreement, row)
    if outcome != (AGREED, None):
        state.rollback(mark)
    return outcome


def taken_together(clauses: list[CommitmentRow]) -> dict[bytes, Quantity] | Reason:
    """Return by intent how much clauses take of it together; TOO_LARGE beyond 64 bits."""
    sums: dict[bytes, Quantity] = {}
    for clause in clauses:
        for intent in clause.satisfies:
            _, scale, unit = clause.quantity
            before = sums.get(intent, Quantity(0, scale, unit))
            taken = total(before, clause.quantity[0], scale)
            if taken is None:
                return Reason.TOO_LARGE
            sums[intent] = taken
    return sums


def _standing(state: State, context: Context, row: AgreementRow) -> Outcome | Reason | None:
    """Return why the agreement is void or lost by what it names; None when all of it stands."""
    now_ms = times.now_ms(state, context)
    clauses = clause_rows(state, row)
    for id, clause in clauses:
        if clause.agreement is not None:
            return LOST, clause.agreement
        if clause.status != commitments.ASKED:
            return VOID, id
    for _, clause in clauses:
        closed = commitments.closed_intent(state, clause, now_ms)
        if closed is not None:
            return VOID, closed
    sums = taken_together([clause for _, clause in clauses])
    if isinstance(sums, Reason):
        return sums
    for intent, wanted in sums.items():
        offered = intents.intent_row(state, intent)
        assert offered is not None, "the intent is known"
        if is_less(offered.left, wanted):
            return LOST, intent if offered.by is None else offered.by
    return None


def _take(state: State, context: Context, agreement: bytes, row: AgreementRow) -> Outcome | Reason:
    for clause in row.clauses:
        refused = commitments.promise(state, clause, agreement)
        if refused is not None:
            return refused
    for clause in row.clauses:
        winner = bookings.clash(state, context, clause)
        if winner is not None:
            return LOST, winner
        refused = bookings.take(state, context, clause, agreement)
        if refused is not None:
            return refused
    if row.sets_off:
        if not set_off.holds(state, context, row.sets_off):
            return VOID, row.sets_off[0][0]
        refused = set_off.apply(state, context, row.sets_off, agreement)
        if refused is not None:
            return refused
    return AGREED, None
