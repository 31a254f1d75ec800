"""How deals stand: who has signed, what of each clause is kept, and which party one can speak for.

A deal is judged by the time of the last seal, as the ledger judges: no clock of this machine
decides whether something is overdue, or was answered too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.reliability import is_late, is_met
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange import commitments, times
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.exchange.deals import agreement_row as agreements
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    YES,
    AgreementRow,
    agreement_row,
    clause_rows,
    signed_row,
)
from commonweal.protocol.ledger.exchange.lending.booking_row import booking_row
from commonweal.protocol.ledger.members import registry, roles

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State

RING_PARTIES_MIN = 3
"""A deal in which each of so many gives and receives is called a ring."""


def judged_at_ms(view: LedgerView) -> int:
    """Return the time (ms since 1970) of the last seal, as far as it is trusted; 0 without one."""
    return times.sealed_ms(view.final, view.kept.cut.time_ms)


def known_agreement(state: State, id: bytes) -> AgreementRow:
    """Return an agreement whose id was found in the state."""
    row = agreement_row(state, id)
    assert row is not None, "it is an agreement"
    return row


def missing(state: State, id: bytes, row: AgreementRow) -> list[bytes]:
    """Return the parties whose yes an agreement lacks."""
    return [party for party in row.parties if not has_said_yes(state, id, party)]


def has_said_yes(state: State, id: bytes, party: bytes) -> bool:
    """Whether a party says yes to an agreement."""
    signed = signed_row(state, id, party)
    return signed is not None and signed.say == YES


def is_present(view: LedgerView, agent: bytes) -> bool:
    """Whether an agent is a member now, or the community."""
    return agent == view.community or registry.is_active(view.state, MemberId(agent))


def voices(view: LedgerView) -> tuple[bytes, ...]:
    """Return the agents that this member speaks for: themselves, the community where they may."""
    role = view.kept.rules.speaks_for_community
    if not role or roles.holds(view.state, view.me, role):
        return bytes(view.me), bytes(view.community)
    return (bytes(view.me),)


def voice_in(view: LedgerView, row: AgreementRow) -> bytes | None:
    """Return the party that this member speaks for in a deal; None where they are no party.

    A member who is a party themselves does not speak for the community too.
    """
    return next((party for party in voices(view) if party in row.parties), None)


def sort_of(state: State, row: AgreementRow) -> str:
    """Return what a deal is by what stands in it: a key of DEAL_SORTS."""
    if row.sets_off:
        return rows.SET_OFF
    if all(booking_row(state, id) for id in row.stipulates):
        return rows.BOOKING
    clauses = [clause for _id, clause in clause_rows(state, row)]
    first = clauses[: len(row.stipulates)]
    if not row.reciprocal and all(map(_is_payment, first)):
        return rows.PAYMENT
    givers = {clause.provider for clause in clauses}
    takers = {clause.receiver for clause in clauses}
    is_ring = len(row.parties) >= RING_PARTIES_MIN and givers == takers == {*row.parties}
    return rows.RING if is_ring else rows.DEAL


def _is_payment(clause: CommitmentRow) -> bool:
    is_of_thing = clause.spec is not None or clause.resource is not None
    return clause.action == "transfer" and not clause.satisfies and not is_of_thing


def state_of(
    state: State, row: AgreementRow, judged_ms: int, disputed: Mapping[bytes, object]
) -> str:
    """Return how a deal stands: a key of DEAL_STATES. disputed: commitments in dispute."""
    if row.status == agreements.ASKED:
        return rows.EXPIRED if _is_over(state, row, judged_ms) else rows.ASKED
    if row.status == agreements.ENDED:
        return rows.DONE
    if row.status != agreements.AGREED:
        return row.status
    clauses = clause_rows(state, row)
    if all(is_met(clause) for _id, clause in clauses):
        return rows.DONE
    if any(id in disputed for id, _clause in clauses):
        return rows.DISPUTED
    if any(is_late(clause, judged_ms) for _id, clause in clauses):
        return rows.OVERDUE
    is_begun = any(clause.given[0] > 0 for _id, clause in clauses)
    return rows.RUNNING if is_begun else rows.AGREED


def _is_over(state: State, row: AgreementRow, judged_ms: int) -> bool:
    """Return whether the time to answer a deal is over: its own, or that of a booking in it."""
    if row.answer_by is not None and judged_ms > row.answer_by:
        return True
    booked = (booking_row(state, id) for id in row.clauses)
    return any(booking is not None and booking.lapses_ms <= judged_ms for booking in booked)


def group_of(view: LedgerView, id: bytes, row: AgreementRow, state: str) -> str:
    """Return what a deal is to this member: a key of DEAL_GROUPS."""
    if state == rows.ASKED:
        mine = voice_in(view, row)
        if mine is None:
            return rows.OF_OTHERS
        return rows.BY_ME if has_said_yes(view.state, id, mine) else rows.OF_ME
    if state == rows.OVERDUE:
        return rows.LATE
    if state in rows.IN_FORCE:
        return rows.NOW
    return rows.PAST if state == rows.DONE else rows.CLOSED


def clause_state(row: CommitmentRow, judged_ms: int) -> str:
    """Return how a clause stands: a key of CLAUSE_STATES."""
    if is_met(row):
        return rows.MET
    if row.status == commitments.ASKED:
        return rows.ASKED
    if row.status == commitments.ENDED:
        return rows.ENDED
    if is_late(row, judged_ms):
        return rows.OVERDUE
    if row.given[0] > 0:
        return rows.PARTLY
    return rows.SAID if row.status == commitments.SAID else rows.OPEN
