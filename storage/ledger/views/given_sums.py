"""What each gave, kept as sums: `given_sum` follows the rows of `event_entry`.

Sums are counted here and not by triggers: to a statement with triggers SQLite writes each page that
it changes a second time, for its rollback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.storage.ledger.state.state_db import StateDb

LOW_BITS = 32
"""A sum is high * 2^32 + low, so that no number of contributions overflows it."""

_ADD = (
    "INSERT INTO given_sum (provider, action, unit, scale, is_sealed, events, high, low)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events,"
    " high = high + excluded.high, low = low + excluded.low"
)


class GivenSums:
    """What some rows of events add to the sums, and what others no longer do."""

    def __init__(self) -> None:
        self._changed: dict[tuple[Any, ...], list[int]] = {}

    def count(
        self,
        provider: int,
        action: str,
        quantity: Sequence[Any],
        effort: Sequence[Any],
        *,
        sealed: bool,
        times: int = 1,
    ) -> None:
        """Count a contribution: its effort where there is any, else its quantity.

        provider: the number of an agent. quantity, effort: n, scale and unit, or three times None.
        times: -1 takes it back.
        """
        n, scale, unit = quantity if effort[0] is None else effort
        if n is None:
            return
        changed = self._changed.setdefault((provider, action, unit, scale, sealed), [0, 0, 0])
        changed[0] += times
        changed[1] += times * (n >> LOW_BITS)
        changed[2] += times * (n & ((1 << LOW_BITS) - 1))

    def write(self, layers: StateDb) -> None:
        """Add what was counted to the sums; the caller commits."""
        rows = [(*given, *more) for given, more in self._changed.items() if any(more)]
        layers.change_many(_ADD, rows)
        self._changed.clear()
