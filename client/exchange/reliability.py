"""Reliability: how many promises of each member can be judged, and how many of them were kept.

A promise is judged once it is kept, or its time is over and it is not. One without a time is judged
when it is kept; one that was ended by all, or of a deal that never came about, is not judged.
A review that stays withheld is a broken promise of its writer, unless the rules say otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.exchange.commitments import (
    COMMITMENT,
    PROMISED,
    CommitmentRow,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import REVIEW, WITHHELD, ReviewRow
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.sections.reviews import WithheldRule


class KeptPromises(NamedTuple):
    """Promises of one member. promised: those that can be judged; kept: how many were kept."""

    promised: int = 0
    kept: int = 0


def kept_promises(state: State, judged_at_ms: int, rule: WithheldRule) -> dict[bytes, KeptPromises]:
    """Return the promises of all who made any, by their ids; in one look at all of them.

    judged_at_ms: the time of the last seal. rule: what withheld reviews count.
    """
    counted: dict[bytes, KeptPromises] = {}
    for _key, value in state.items(COMMITMENT):
        row = CommitmentRow(*value)
        is_kept = is_met(row)
        if is_kept or is_late(row, judged_at_ms):
            known = counted.get(row.provider, KeptPromises())
            counted[row.provider] = KeptPromises(known.promised + 1, known.kept + is_kept)
    for _key, value in state.items(REVIEW) if rule.is_broken_promise else ():
        review = ReviewRow(*value)
        if review.status == WITHHELD:
            known = counted.get(review.member, KeptPromises())
            counted[review.member] = KeptPromises(known.promised + 1, known.kept)
    return counted


def is_met(row: CommitmentRow) -> bool:
    """Return whether all of a commitment was given; of nothing, nothing was promised."""
    return not row.open.n and bool(row.quantity[0])


def is_late(row: CommitmentRow, judged_at_ms: int) -> bool:
    """Return whether a commitment in force was due before a time, and is open."""
    is_due = row.due is not None and row.due < judged_at_ms
    return row.status in PROMISED and is_due and not is_met(row)
