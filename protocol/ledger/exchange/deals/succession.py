"""Succession: a thing that moves takes its accepted bookings along, and its new custodian answers.

By `agreement.sign` of an agreement in force, of which they are no party: with yes they take the
place of the custodian before them, and with no they give it up for that party. What the borrower
gives in return stays promised to the one before.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange import commitments
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREEMENT,
    GIVEN_UP,
    NO,
    SIGNED,
    YES,
    AgreementRow,
    SignedRow,
    clause_rows,
)
from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record


def answer(state: State, record: Record, context: Context, row: AgreementRow) -> Verdict:
    """Take over the bookings of an agreement in force whose thing has moved, or give it up."""
    id, say, custodian = record.data["agreement"], record.data["say"], context.member
    if record.data.get("for") is not None:
        is_community = record.data["for"] == context.community
        if not is_community or not roles.may_speak_for_community(state, context):
            return Reason.NOT_YOURS
        custodian = record.data["for"]
    clauses = clause_rows(state, row)
    moved = [pair for pair in clauses if bookings.lends_now(state, custodian, pair[1])]
    if not moved:
        return Reason.NOT_YOURS
    if say == NO:
        for clause_id, clause in clauses:
            refused = commitments.release(state, clause_id)
            if refused is not None:
                return refused
            bookings.release(state, context, clause_id, clause, is_forgiven=True)
        state.put(AGREEMENT + id, [*row._replace(status=GIVEN_UP, cause=custodian)])
        return None
    if say != YES:
        return Reason.ALREADY_AGREED
    for clause_id, clause in moved:
        state.put(COMMITMENT + clause_id, [*clause._replace(provider=custodian)])
    sides = [side for _, clause in clause_rows(state, row) for side in clause.sides]
    people = dict.fromkeys(agents.person(state, side) for side in sides)
    parties = sorted(person for person in people if not agents.is_outside(person))
    state.put(SIGNED + id + custodian, [*SignedRow(YES, record.id)])
    state.put(AGREEMENT + id, [*row._replace(parties=parties, yes=len(parties))])
    return None
