"""Handovers: a thing goes out for a booking, perhaps through other hands, and comes back.

What hands it out fulfils the booking. Whatever takes custody of it from there follows it, so that
anybody who has it may give it back, and it is back once who lends it has it. It came back at the
time of the seal that covers the event, unless who lends it writes that event: then at the time that
they say, but not before the seal before it. What moves a thing to somebody without a booking moves
its home: its bookings go along, and the new custodian is asked to confirm them.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.lending import calendar_slots, late_fees, quotas
from commonweal.protocol.ledger.exchange.lending.booking_row import (
    BookingRow,
    booking_row,
    put_booking,
)
from commonweal.protocol.ledger.exchange.lending.terms import (
    HANDED_ON,
    TERMS,
    THING,
    HandedOnRow,
    custodian_of,
    handed_on,
    may_manage,
    thing_of,
    thing_row,
)
from commonweal.protocol.ledger.exchange.times import now_ms, sealed_ms
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record

LENDS = "transferCustody"
MOVES = ("transfer", LENDS, "move")


def note(state: State, record: Record, context: Context, event: EventRow, *, waits: bool) -> None:
    """Note that a new event hands a thing out, on or back, or moves its home.

    waits: resources do not show it yet, since it is of the commons and not attested.
    """
    if not waits:
        rehome(state, event)
    if event.action != LENDS or event.source is None or event.target is None:
        return
    if not _moves_something(event):
        return
    lent = handed_on(state, event.source)
    if lent is not None and lent.booking:
        if _is_home(state, lent.thing_id, event):
            left = resource_row(state, event.source)
            if waits or left is None or not left.onhand:
                _come_back(state, record, context, lent.booking)
        else:
            _follow(state, event.target, lent)
        return
    row = None if event.fulfills is None else booking_row(state, event.fulfills)
    if row is None or event.fulfills is None:
        return
    _follow(state, event.target, HandedOnRow(row.thing_id, event.fulfills))
    if row.out is None:
        put_booking(state, event.fulfills, row._replace(out=record.id))


def rehome(state: State, event: EventRow) -> None:
    """Move the home of a thing, where an event that resources show moved it without a booking."""
    if event.action not in MOVES or event.source is None or event.target is None:
        return
    thing_id = thing_of(state, event.source)
    row, left = thing_row(state, thing_id), resource_row(state, event.source)
    if row is None or row.at != event.source or left is None or left.onhand:
        return
    if event.fulfills is not None and booking_row(state, event.fulfills) is not None:
        return
    if not _moves_something(event):
        return
    if event.target == thing_id or _follow(state, event.target, HandedOnRow(thing_id, b"")):
        state.put(THING + thing_id, [*row._replace(at=event.target)])


def undo(state: State, event: bytes) -> None:
    """Take back what an event said of a booking, once a correction leaves nothing of it."""
    row = event_row(state, event)
    if row is None or row.action != LENDS or row.quantity is None or row.quantity[0]:
        return
    lent = None if row.source is None else handed_on(state, row.source)
    commitment = lent.booking if lent is not None and lent.booking else row.fulfills
    booking = booking_row(state, commitment) if commitment else None
    if booking is None or not commitment:
        return
    if booking.back == event:
        late_fees.forgive(state, event)
        put_booking(state, commitment, booking._replace(back=None, back_ms=None))
    elif booking.out == event:
        put_booking(state, commitment, booking._replace(out=None))


def shorten(
    state: State, commitment: bytes, clause: CommitmentRow, row: BookingRow, at_ms: int
) -> BookingRow:
    """End the slot of an accepted booking at `at_ms`, and count its days until then only."""
    assert clause.begin is not None, "a booking has a beginning"
    until = max(clause.begin, min(row.until, at_ms))
    if until == row.until:
        return row
    slot = calendar_slots.Slot(clause.begin, row.until, commitment, row.number)
    calendar_slots.release(state, row.thing_id, slot, until)
    had = quotas.local_days(clause.begin, row.until, row.offset)
    left = quotas.local_days(clause.begin, until, row.offset) if until > clause.begin else range(0)
    borrowers = agents.person(state, clause.receiver), clause.receiver
    quotas.uncount(state, row.thing_id, borrowers, had[len(left) :])
    return row._replace(until=until)


def _moves_something(event: EventRow) -> bool:
    """Return whether an event is of more than 0: with 0, nothing goes out, on or back."""
    return event.quantity is not None and event.quantity[0] > 0


def _is_home(state: State, thing_id: bytes, event: EventRow) -> bool:
    """Return whether an event gives a thing back to who lends it."""
    row, custodian = thing_row(state, thing_id), custodian_of(state, thing_id)
    if row is not None and event.target == row.at:
        return True
    if custodian is None or event.receiver is None:
        return False
    return agents.person(state, event.receiver) == agents.person(state, custodian)


def _come_back(state: State, record: Record, context: Context, commitment: bytes) -> None:
    row, clause = booking_row(state, commitment), commitment_row(state, commitment)
    if row is None or clause is None or row.back is not None or not row.number:
        return
    at_ms = _returned_ms(state, record, context, row, clause)
    row = row._replace(back=record.id, back_ms=at_ms)
    late_fees.owe(state, record.id, (context.member, record.clock), clause, row)
    put_booking(state, commitment, shorten(state, commitment, clause, row, at_ms))


def _returned_ms(
    state: State, record: Record, context: Context, row: BookingRow, clause: CommitmentRow
) -> int:
    """Return the time (ms) at which a thing came back by an event."""
    now = now_ms(state, context)
    home = thing_row(state, row.thing_id)
    assert home is not None, "a booking is of a thing"
    is_lender = may_manage(state, context, home.at) is None
    if not is_lender or agents.person(state, clause.receiver) == context.member:
        return now
    return min(now, max(record.claimed_at, sealed_ms(state, context.cut.time_ms)))


def _follow(state: State, resource: bytes, row: HandedOnRow) -> bool:
    """Note that a resource is a thing handed on, unless it is another thing; return whether."""
    known = handed_on(state, resource)
    if state.get(TERMS + resource) is not None or (
        known is not None and known.thing_id != row.thing_id
    ):
        return False
    state.put(HANDED_ON + resource, [*row])
    return True
