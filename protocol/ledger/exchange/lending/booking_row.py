"""The row of a booking in the state: what the fold keeps of it beside its commitment.

A booking is a commitment (`use` or `transferCustody`) that names a thing with terms, hasBeginning
and hasEnd, in an agreement with who has the thing. State: 9b bookings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.exchange.lending.terms import TERMS, thing_of
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

BOOKING = Table.BOOKING.prefix

ACTIONS_BOOKED = ("use", "transferCustody")


class BookingRow(NamedTuple):
    """A booking in the state. Times are ms since 1970.

    deal: the agreement that asked for it first, or by one of its two sides last, or by which it is
    in force. lapses_ms: from when on nobody accepts it any more. number: of its slot; 0 until it
    was accepted. until: the end of its slot; earlier than hasEnd once it was cancelled or came
    back. offset: minutes from UTC by which its days were counted. late_fee: [quantity, per_ms] of
    the terms under which it was accepted. out, back: the events that handed it out and back.
    """

    thing_id: bytes
    deal: bytes
    asked_ms: int
    lapses_ms: int
    number: int = 0
    until: int = 0
    offset: int = 0
    late_fee: list[Any] | None = None
    out: bytes | None = None
    back: bytes | None = None
    back_ms: int | None = None


def booking_row(state: State, commitment: bytes) -> BookingRow | None:
    """Return the booking that a commitment is; None when it is none, or was not asked for."""
    value = state.get(BOOKING + commitment)
    return None if value is None else BookingRow(*value)


def put_booking(state: State, commitment: bytes, row: BookingRow) -> None:
    """Keep the row of a booking."""
    state.put(BOOKING + commitment, [*row])


def is_booking(clause: CommitmentRow) -> bool:
    """Return whether a commitment is to use a resource, or to have it in custody, for a time."""
    is_timed = clause.begin is not None and clause.end is not None
    return clause.action in ACTIONS_BOOKED and clause.resource is not None and is_timed


def is_bookable(state: State, clause: CommitmentRow) -> bool:
    """Return whether a commitment is of a thing with terms, for a time."""
    if not is_booking(clause) or clause.resource is None:
        return False
    return state.get(TERMS + thing_of(state, clause.resource)) is not None
