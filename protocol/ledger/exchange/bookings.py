"""Bookings: commitments to use a thing, or to have it in custody, from one time to another.

A booking is a clause of an agreement with the custodian. No thing has terms yet, so none clashes.
"""

from __future__ import annotations

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import State

BOOKED_BY = frozenset({"use", "transferCustody"})
"""Actions of bookings."""


def is_booking(row: CommitmentRow) -> bool:
    """Return whether a commitment books a thing."""
    return (
        row.action in BOOKED_BY
        and row.resource is not None
        and row.begin is not None
        and row.end is not None
    )


def consents(state: State, context: Context, clauses: list[CommitmentRow]) -> list[bytes]:
    """Return the parties, sorted, whose yes to new clauses the terms of their things give."""
    return []


def clash(state: State, context: Context, commitment: bytes) -> bytes | None:
    """Return the agreement by which what a commitment books is taken; None when it is free."""
    return None


def take(state: State, context: Context, commitment: bytes, agreement: bytes) -> Verdict:
    """Take what a commitment books, by an agreement that comes into force."""
    return None


def release(state: State, commitment: bytes, row: CommitmentRow) -> None:
    """Give back what a commitment booked and is open of it: its agreement has ended."""
