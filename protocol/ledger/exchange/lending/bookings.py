"""Bookings: things that are lent for a time, and which of two that ask for one time gets it.

A booking is a commitment (`use` or `transferCustody`) that names a thing with terms, hasBeginning
and hasEnd, in an agreement with who has the thing; each takes one place of it. It is checked
against the terms when it is asked, and takes its time at the last yes, if by then fewer than the
thing's capacity are taken and no repair stands. The terms may give that yes themselves, to holders
of a role. Nobody accepts it from the least of these on: 6 days after it was asked, 1 day after its
beginning, its end (Sharetribe's default process for bookings, transition/expire).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from commonweal.protocol.ledger.exchange.commitments import (
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.lending import blocks, calendar_slots, late_fees, quotas
from commonweal.protocol.ledger.exchange.lending.booking_row import (
    BookingRow,
    booking_row,
    is_bookable,
    put_booking,
)
from commonweal.protocol.ledger.exchange.lending.calendar_slots import (
    DAY_MS,
    DAYS_MAX,
    LENGTH_MS_MAX,
    Slot,
)
from commonweal.protocol.ledger.exchange.lending.handovers import shorten
from commonweal.protocol.ledger.exchange.lending.terms import (
    THING,
    Fee,
    TermsRow,
    custodian_of,
    roles_accepted,
    terms_row,
    thing_of,
    thing_row,
)
from commonweal.protocol.ledger.exchange.times import now_ms, sealed_ms
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import SCALE_MAX

ANSWER_MS = 6 * DAY_MS
BEGUN_MS = DAY_MS

Clause: TypeAlias = tuple[bytes, CommitmentRow]
"""A commitment of an agreement: its id and its row."""


def lapses_ms(asked_ms: int, begin: int, end: int) -> int:
    """Return from when on (ms since 1970) nobody accepts a booking that was asked at `asked_ms`."""
    return min(asked_ms + ANSWER_MS, begin + BEGUN_MS, end)


def ask(
    state: State, context: Context, agreement: bytes, party: bytes, clauses: Iterable[Clause]
) -> Verdict:
    """Note the bookings among the clauses of a new agreement, or return why one cannot be.

    party: for which the author speaks. What was asked before keeps its time to lapse; and its
    agreement, unless the party lends or borrows by it.
    """
    own: dict[bytes, list[Slot]] = {}
    for number, (id, clause) in enumerate(clauses):
        if not is_bookable(state, clause):
            continue
        (begin, end), thing_id = _span(clause), _thing(state, clause)
        terms = terms_row(state, thing_id)
        assert terms is not None, "it can be booked"
        refused = _fits_terms(state, context, clause, terms)
        if refused is not None:
            return refused
        beside = own.setdefault(thing_id, [])
        if calendar_slots.clash(beside, begin, end, terms.capacity, terms.buffer_ms) is not None:
            return Reason.TOO_MANY_AT_ONCE
        beside.append(Slot(begin, end, id, number))
        now = now_ms(state, context)
        known = booking_row(state, id)
        if known is None:
            known = BookingRow(thing_id, agreement, now, lapses_ms(now, begin, end))
        elif party in (agents.person(state, side) for side in clause.sides):
            known = known._replace(deal=agreement)
        put_booking(state, id, known)
    return None


def consents(state: State, context: Context, clauses: Sequence[CommitmentRow]) -> list[bytes]:
    """Return the parties whose yes the terms of their things give to the author's member.

    All that such a party gives are bookings by a role that the author holds, and the author gives
    them the fees of the terms.
    """
    lenders = dict.fromkeys(agents.person(state, clause.provider) for clause in clauses)
    return [
        lender
        for lender in lenders
        if lender != context.member and _is_given(state, context, lender, clauses)
    ]


def is_late(state: State, context: Context, clauses: Iterable[bytes]) -> bool:
    """Return whether a booking among the clauses of an agreement has lapsed."""
    now = now_ms(state, context)
    rows = (booking_row(state, id) for id in clauses)
    return any(row is not None and row.lapses_ms <= now for row in rows)


def take(state: State, context: Context, commitment: bytes, agreement: bytes) -> Verdict:
    """Take the time of a booking that nothing clashes with, by an agreement that comes into force.

    Refuses with QUOTA, and with DAY_FULL.
    """
    clause = commitment_row(state, commitment)
    if clause is None or not is_bookable(state, clause):
        return None
    begin, end = _span(clause)
    thing_id, now = _thing(state, clause), now_ms(state, context)
    terms, where = terms_row(state, thing_id), thing_row(state, thing_id)
    assert terms is not None and where is not None, "it can be booked"
    if end - begin > LENGTH_MS_MAX:
        return Reason.TOO_LONG
    offset = terms.utc_offset_minutes
    more = quotas.local_days(begin, end, offset)
    if not calendar_slots.has_room(begin, end + terms.buffer_ms) or more.stop > DAYS_MAX:
        return Reason.TOO_FAR_AHEAD  # whoever asked for it did so before the thing had terms
    if calendar_slots.is_full(state, thing_id, begin, end):
        return Reason.DAY_FULL
    borrower = agents.person(state, clause.receiver)
    if _is_over_quota(state, thing_id, borrower, more, terms):
        return Reason.QUOTA
    number = where.slots + 1
    state.put(THING + thing_id, [*where._replace(slots=number)])
    calendar_slots.take(state, thing_id, Slot(begin, end, commitment, number))
    quotas.count(state, thing_id, borrower, more)
    row = booking_row(state, commitment)
    row = row or BookingRow(thing_id, agreement, now, lapses_ms(now, begin, end))
    row = row._replace(deal=agreement, number=number, until=end, offset=offset)
    row = row._replace(late_fee=terms.late_fee)
    put_booking(state, commitment, row)
    return None


def clash(state: State, context: Context, commitment: bytes) -> bytes | None:
    """Return the agreement or the repair for which a booking has no place; None when it has one."""
    clause = commitment_row(state, commitment)
    if clause is None or not is_bookable(state, clause):
        return None
    begin, end = _span(clause)
    thing_id = _thing(state, clause)
    terms = terms_row(state, thing_id)
    assert terms is not None, "it can be booked"
    if end - begin > LENGTH_MS_MAX:
        return None
    first, last = begin - terms.buffer_ms, end + terms.buffer_ms
    repair = blocks.repair_at(state, thing_id, first, last)
    if repair is not None:
        return repair
    if not calendar_slots.has_room(first, last):
        return None
    taken = calendar_slots.slots_at(state, thing_id, first, last)
    winner = calendar_slots.clash(taken, begin, end, terms.capacity, terms.buffer_ms)
    row = None if winner is None else commitment_row(state, winner)
    return winner if row is None else row.agreement or winner


def may_cancel(state: State, context: Context, clauses: Sequence[Clause]) -> bool:
    """Return whether one party alone may end the agreement: all are bookings that did not begin."""
    now = now_ms(state, context)
    rows = [(booking_row(state, id), clause) for id, clause in clauses]
    return bool(rows) and all(
        row is not None and row.out is None and now < _span(clause)[0] for row, clause in rows
    )


def release(
    state: State, context: Context, commitment: bytes, clause: CommitmentRow, is_forgiven: bool
) -> None:
    """Free what is left of the time of a booking whose agreement has ended.

    is_forgiven: a late fee that it was charged is not owed either.
    """
    row = booking_row(state, commitment)
    if row is None or not row.number:
        return
    put_booking(state, commitment, shorten(state, commitment, clause, row, now_ms(state, context)))
    if is_forgiven and row.back is not None:
        late_fees.forgive(state, row.back)


def lender_of(state: State, resource: bytes) -> bytes | None:
    """Return who lends the thing that a resource is now; None when it has no terms."""
    return custodian_of(state, thing_of(state, resource))


def lends_now(state: State, agent: bytes, clause: CommitmentRow) -> bool:
    """Return whether a booking is of a thing that moved to `agent` since, who did not confirm."""
    if clause.resource is None or not is_bookable(state, clause):
        return False
    custodian = custodian_of(state, _thing(state, clause))
    if custodian is None or custodian == clause.provider:
        return False
    return agents.person(state, custodian) == agent != agents.person(state, clause.provider)


def _fits_terms(state: State, context: Context, clause: CommitmentRow, terms: TermsRow) -> Verdict:
    """Return why a booking does not fit the terms at the place where it is asked."""
    (begin, end), thing_id = _span(clause), _thing(state, clause)
    custodian = custodian_of(state, thing_id)
    lender = None if custodian is None else agents.person(state, custodian)
    if lender != agents.person(state, clause.provider):
        return Reason.NOT_THE_LENDER
    if end - begin < terms.min_ms:
        return Reason.TOO_SHORT
    if end - begin > terms.max_ms:
        return Reason.TOO_LONG
    if begin < sealed_ms(state, context.cut.time_ms):
        return Reason.IN_THE_PAST
    if begin - now_ms(state, context) > terms.ahead_ms:
        return Reason.TOO_FAR_AHEAD
    more = quotas.local_days(begin, end, terms.utc_offset_minutes)
    borrower = agents.person(state, clause.receiver)
    return Reason.QUOTA if _is_over_quota(state, thing_id, borrower, more, terms) else None


def _is_over_quota(
    state: State, thing_id: bytes, borrower: bytes, more: range, terms: TermsRow
) -> bool:
    if terms.days_max is None or terms.per is None:
        return False
    return quotas.exceeds(state, thing_id, borrower, more, terms.days_max, terms.per)


def _is_given(
    state: State, context: Context, party: bytes, clauses: Sequence[CommitmentRow]
) -> bool:
    """Return whether the terms give the yes of one party to the author's member."""
    fees: dict[str, int] = {}
    gives = False
    for clause in clauses:
        provider, receiver = (agents.person(state, side) for side in clause.sides)
        if provider == party:
            if receiver != context.member or not is_bookable(state, clause):
                return False
            thing_id = _thing(state, clause)
            terms = terms_row(state, thing_id)
            assert terms is not None, "it can be booked"
            accepts = roles_accepted(state, context.community, thing_id)
            if not any(roles.holds(state, context.member, role) for role in accepts):
                return False
            gives = True
            if terms.fee is not None:
                fee = Fee(*terms.fee)
                begin, end = _span(clause)
                due = fee.times(end - begin, LENGTH_MS_MAX)
                _add(fees, [due, *fee.quantity[1:]], 1)
        elif receiver == party:
            if provider != context.member:
                return False
            if clause.action == "transfer":
                _add(fees, clause.quantity, -1)
    return gives and all(left <= 0 for left in fees.values())


def _add(sums: dict[str, int], quantity: Sequence[object], sign: int) -> None:
    n, scale, unit = quantity
    assert type(n) is int and type(scale) is int and type(unit) is str, "a quantity"
    sums[unit] = sums.get(unit, 0) + sign * n * 10 ** (SCALE_MAX - scale)


def _span(clause: CommitmentRow) -> tuple[int, int]:
    assert clause.begin is not None and clause.end is not None, "a booking has a time"
    return clause.begin, clause.end


def _thing(state: State, clause: CommitmentRow) -> bytes:
    assert clause.resource is not None, "a booking names a thing"
    return thing_of(state, clause.resource)
