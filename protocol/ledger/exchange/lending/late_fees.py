"""Late fees: what a borrower owes for a thing that came back after the end of its booking.

A commitment that the fold derives at the place of the return: its id is that of the return's event,
and it is agreed, since the terms under which the booking was accepted said so. It is for each
started unit of time, LATE_UNITS_MAX at most.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange.commitments import (
    AGREED,
    COMMITMENT,
    ENDED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.lending.booking_row import BookingRow
from commonweal.protocol.ledger.exchange.lending.terms import Fee
from commonweal.protocol.ledger.state.state import State

LATE_UNITS_MAX = 1_000


def owe(
    state: State, event: bytes, author: tuple[bytes, int], clause: CommitmentRow, row: BookingRow
) -> None:
    """Derive the fee of a booking that came back by `event`, if it is late and its terms ask one.

    author: the member who wrote the event, and the clock of its record.
    """
    if row.late_fee is None or row.back_ms is None or clause.end is None:
        return
    fee = Fee(*row.late_fee)
    n = fee.times(row.back_ms - clause.end, LATE_UNITS_MAX)
    if not n:
        return
    _, scale, unit = fee.quantity
    owed = CommitmentRow(
        *author,
        action="transfer",
        provider=clause.receiver,
        receiver=clause.provider,
        quantity=[n, scale, unit],
        given=[0, scale, unit],
        spec=None,
        satisfies=[],
        resource=None,
        begin=None,
        end=None,
        due=None,
        status=AGREED,
        agreement=clause.agreement,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )
    state.put(COMMITMENT + event, [*owed])


def forgive(state: State, event: bytes) -> None:
    """End the fee that a return was charged, if there is one: what is open of it is not owed."""
    owed = commitment_row(state, event)
    if owed is not None and owed.status == AGREED:
        state.put(COMMITMENT + event, [*owed._replace(status=ENDED)])
