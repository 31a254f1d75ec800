"""Revaluations: what corrections changed, and at which height, so that no earlier report changes.

A value and an income are kept as they count now. What they were, from which height to which, is
noted here once they are corrected. The points of a period are the values given in it and the
changes in it; so are its incomes, as they first came in. State: 94 changes.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.codec import INT_MAX, INT_MIN
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

REVALUED = Table.REVALUED.prefix


class ChangeRow(NamedTuple):
    """What a height changed of an event. amount: points, or income at the scale of its pool.

    events: 1 where that height had given it its first value, else 0.
    """

    amount: int
    events: int


def note_change(
    state: State, height: int, event: bytes, giver: bytes, amount: int, events: int = 0
) -> None:
    """Add to what a height changed of an event. giver: whose points they are; empty: an income."""
    key = REVALUED + height.to_bytes(8) + event + giver
    known = ChangeRow(*(state.get(key) or (0, 0)))
    total = max(INT_MIN, min(known.amount + amount, INT_MAX))
    state.put(key, [*ChangeRow(total, known.events + events)])


def note_value_gone(
    state: State, height: int, event: bytes, giver: bytes, points: int, at: int, is_first: bool
) -> None:
    """Note that a correction takes the value that a cut gave an event, until it has another.

    height: of the correction; at: of that cut. is_first: whether it had never had another.
    """
    note_change(state, at, event, giver, points, int(is_first))
    note_change(state, height, event, giver, -points)
