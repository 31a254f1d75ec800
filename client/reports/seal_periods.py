"""Periods of seals: from one height to another, with the times of the seals at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.errors import WrongPeriod

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

DAY_MS = 86_400_000
MONTHS_LISTED_MAX = 60
"""Months that are offered as periods, the last ones."""


class SealPeriod(NamedTuple):
    """Heights from `first` to `last`, both included; last is 0 before the first seal.

    begin_ms: the time of the seal before it, or of the first one that is known; end_ms: of the last
    seal in it. is_whole: all heights up to the last seal are in it.
    """

    first: int
    last: int
    begin_ms: int
    end_ms: int
    is_whole: bool

    @property
    def days(self) -> range:
        """The days of UTC since 1970 that it touches; none before the first seal."""
        return range(self.begin_ms // DAY_MS, self.end_ms // DAY_MS + 1) if self.last else range(0)


@dataclass(frozen=True, slots=True)
class SealMonth:
    """A month of UTC, and the first and the last height whose seals are of it."""

    month: str
    first: int
    last: int


def seal_period(view: LedgerView, first: int | None, last: int | None) -> SealPeriod:
    """Return the heights from `first` to `last`; None: from the first one, to the last seal.

    Raises WrongPeriod where it begins after its end, or after the last seal.
    """
    height = view.kept.cut.height
    begin, end = first or 1, min(last or height, height)
    if begin > max(end, 1):
        raise WrongPeriod(f"{begin}-{last or height}")
    return SealPeriod(
        begin,
        end,
        _time_before(view, begin),
        view.kept.cut.time_ms if end == height else _time_at(view, end),
        begin == 1 and end == height,
    )


def seal_months(view: LedgerView) -> list[SealMonth]:
    """Return the months that have seals, the last first."""
    rows = view.kept.layers.rows(
        "SELECT strftime('%Y-%m', time_ms / 1000, 'unixepoch'), min(height), max(height)"
        " FROM seal_row GROUP BY 1 HAVING 1 IS NOT NULL ORDER BY 2 DESC LIMIT ?",
        (MONTHS_LISTED_MAX,),
    )
    return [SealMonth(*row) for row in rows if row[0] is not None]


def _time_at(view: LedgerView, height: int) -> int:
    """Return the time of a seal; where it is not known here, of the next one that is."""
    asked = "SELECT time_ms FROM seal_row WHERE height >= ? ORDER BY height LIMIT 1"
    rows = view.kept.layers.rows(asked, (height,))
    return rows[0][0] if rows else view.kept.cut.time_ms


def _time_before(view: LedgerView, height: int) -> int:
    """Return the time of the seal before a height; of the first of what is dated without one.

    A member who took a state has no seal before it, and what is dated tells the same.
    """
    asked = "SELECT time_ms FROM seal_row WHERE height < ? ORDER BY height DESC LIMIT 1"
    first = "SELECT min(time_ms) FROM (SELECT min(time_ms) AS time_ms FROM seal_row UNION ALL"
    first += " SELECT min(time_ms) FROM milestone_row)"
    rows = view.kept.layers.rows(asked, (height,)) or view.kept.layers.rows(first)
    return rows[0][0] or view.kept.cut.time_ms


def per_mille(part: int, whole: int) -> int | None:
    """Return how many thousandths of the whole a part is, rounded down; None of nothing."""
    return part * 1000 // whole if whole > 0 else None
