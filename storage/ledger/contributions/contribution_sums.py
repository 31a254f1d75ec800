"""What contributions come to: exact sums of a selection, counts by what they have, and by month.

Read from the rows that the fold writes, by one query for each. What counts for nothing is in none
of them. Never folds and never writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.storage.ledger.contributions.contribution_filter import (
    NOTHING_LEFT,
    ContributionFilter,
    conditions,
)
from commonweal.storage.ledger.contributions.points_in_time import DATES_END_MS, DATES_FIRST_MS
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import FINAL

_HALF_BITS = 32
"""A column is summed in two halves: the sum of numbers of 64 bits has more."""


class SumKey(NamedTuple):
    """What is added up together."""

    unit: str
    action: str


@dataclass(slots=True)
class SelectionSum:
    """What contributions of one action come to in one unit.

    final: by the last seal. all: with what no seal covers, which may be a correction that takes
    away. scale: digits after the point in which both are exact. records: how many there are;
    provisional: how many of these no seal covers.
    """

    final: Fraction = Fraction()
    all: Fraction = Fraction()
    scale: int = 0
    records: int = 0
    provisional: int = 0

    def add(self, n: int, scale: int, *, final: bool, every: bool) -> None:
        """Add an amount n / 10**scale to one of both sums, or to both."""
        amount = Fraction(n, 10**scale)
        self.scale = max(self.scale, scale)
        self.final += amount if final else 0
        self.all += amount if every else 0


def sums(kept: LedgerState, wanted: ContributionFilter) -> dict[SumKey, SelectionSum]:
    """Return the sums of the contributions that fit, by unit and action.

    An event that has a quantity and an effort is in the sums of both.
    """
    totals: dict[SumKey, SelectionSum] = {}
    where, values = conditions(wanted)
    for unit, amount in _COLUMNS:
        columns = (unit, "action", f"{amount}_scale", "height NOTNULL", "corrections > 0")
        for name, action, scale, is_final, is_corrected, count, n in _added_up(
            kept, columns, amount, f"{unit} NOTNULL {where}", values
        ):
            row = totals.setdefault(SumKey(name, action), SelectionSum())
            row.records += count
            row.provisional += 0 if is_final else count
            row.add(n, scale, final=bool(is_final and not is_corrected), every=True)
    for key, had in _sealed_corrected(kept, where, values):
        totals.setdefault(key, SelectionSum()).add(had[0], had[1], final=True, every=False)
    return totals


def sums_by_month(
    kept: LedgerState, wanted: ContributionFilter, of: SumKey
) -> dict[str, SelectionSum]:
    """Return what was given of one action in one unit, by the month that calendars here show."""
    totals: dict[str, SelectionSum] = {}
    where, values = conditions(wanted)
    for unit, amount in _COLUMNS:
        for month, scale, count, n in _added_up(
            kept,
            (_MONTH, f"{amount}_scale"),
            amount,
            f"{unit} = ? AND action = ? AND when_start NOTNULL {where}",
            [*of, *values],
        ):
            row = totals.setdefault(month, SelectionSum())
            row.records += count
            row.add(n, scale, final=False, every=True)
    return totals


_COLUMNS = (("unit", "quantity"), ("effort_unit", "effort"))
"""Where a unit stands, and how the columns of its amount begin."""

_MONTH = (
    "iif(when_local, strftime('%Y-%m', when_start / 1000, 'unixepoch'),"
    " strftime('%Y-%m', when_start / 1000, 'unixepoch', 'localtime'))"
)


def _added_up(
    kept: LedgerState, columns: Sequence[str], amount: str, where: str, values: list[Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `columns`, each with how many contributions it has and their exact sum."""
    low = (1 << _HALF_BITS) - 1
    places = ", ".join(str(number + 1) for number in range(len(columns)))
    statement = (
        f"SELECT {', '.join(columns)}, count(*),"  # noqa: S608
        f" sum({amount}_n >> {_HALF_BITS}), sum({amount}_n & {low})"
        f" FROM event_row WHERE {amount}_n NOTNULL AND NOT ({NOTHING_LEFT}) AND {where}"
        f" GROUP BY {places}"
    )
    for *row, high, rest in kept.layers.rows(statement, values):
        yield (*row, (high << _HALF_BITS) + rest)


def _sealed_corrected(
    kept: LedgerState, where: str, values: list[Any]
) -> Iterable[tuple[SumKey, list[Any]]]:
    """Yield what the last seal has of contributions that were corrected, perhaps since then."""
    statement = (
        "SELECT id FROM event_row WHERE corrections > 0 AND height NOTNULL"  # noqa: S608
        f" {where}"
    )
    for (id,) in kept.layers.rows(statement, values):
        row = EventRow(*kept.layers.get(EVENT + id, FINAL))
        for had in (row.quantity, row.effort):
            if had is not None:
                yield SumKey(had[2], row.action), had


FACETS = ("provider", "action", "scope")
"""By what contributions are counted: columns of `event_row`."""


def counts_by(
    kept: LedgerState, column: str, wanted: ContributionFilter, most: int
) -> list[tuple[Any, int]]:
    """Return how many contributions that fit have each value of a column, the most first.

    column: one of FACETS. most: so many values at most.
    """
    assert column in FACETS, "a name that is put into a statement is ours"
    where, values = conditions(wanted)
    group = "provider_number" if column == "provider" else column  # which has an index
    statement = (
        f"SELECT {column}, count(*) FROM event_row"  # noqa: S608
        f" WHERE {column} NOTNULL {where} GROUP BY {group} ORDER BY 2 DESC, 1 LIMIT ?"
    )
    return kept.layers.rows(statement, [*values, most])


def counts_by_factor(
    kept: LedgerState, wanted: ContributionFilter
) -> list[tuple[str | None, str | None, int]]:
    """Return how many contributions that fit have each factor and specification."""
    where, values = conditions(wanted)
    statement = (
        "SELECT factor, specification, count(*) FROM event_row"  # noqa: S608
        f" WHERE (factor NOTNULL OR specification NOTNULL) {where} GROUP BY 1, 2"
    )
    return kept.layers.rows(statement, values)


def first_and_last_ms(kept: LedgerState, wanted: ContributionFilter) -> tuple[int, int] | None:
    """Return when the first and the last contribution that fits began; None without any.

    One at a time that no calendar has is left out.
    """
    where, values = conditions(wanted)
    statement = (
        "SELECT min(when_start), max(when_start) FROM event_row"  # noqa: S608
        f" WHERE when_start >= ? AND when_start < ? {where}"
    )
    ((first, last),) = kept.layers.rows(statement, [DATES_FIRST_MS, DATES_END_MS, *values])
    return None if first is None else (first, last)
