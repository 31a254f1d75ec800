"""How far contributions came, as the rows that the fold writes tell it; alike ones are counted.

Read by one query over `event_row`. Of some contributions only the state can tell whether they are
attested, or money: these are listed one by one, and left to the caller. Never folds, never writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from commonweal.protocol.ledger.state.tables import Table
from commonweal.storage.ledger.contributions.contribution_filter import (
    NOTHING_LEFT,
    Conditions,
    ContributionFilter,
    conditions,
)
from commonweal.storage.ledger.ledger import LedgerState

_HALF_BITS = 32
_POINTS = f"ifnull(points, 0) >> {_HALF_BITS}", f"ifnull(points, 0) & {(1 << _HALF_BITS) - 1}"
"""Points in two halves: the sum of numbers of 64 bits has more."""

_KEYS = (
    # Of this machine, where no calendar is stated.
    "strftime('%Y-%m', when_start / 1000, 'unixepoch', iif(when_local, '+0 days', 'localtime'))",
    *("provider", "factor", "specification", "height NOTNULL", "ifnull(points, 0) > 0"),
    'disputes = 0 AND yes >= ? AND (yes > "no" OR "no" = 0)',
)
_TAKEN = (
    "iif(points > 0,"
    " (SELECT value FROM state WHERE start = CAST(? || id AS BLOB) AND layer = 0), NULL)"
)


class StageSource(NamedTuple):
    """What decides how far contributions came.

    attestations: how many others must attest one by the rules. units: of pools: a contribution
    in one of them may be money. taken: for each bucket the key of the state, but for the id at its
    end, that tells what a contribution received.
    """

    attestations: int
    units: tuple[str, ...]
    taken: tuple[bytes, ...]


class StageRow(NamedTuple):
    """Contributions that are alike, or a single one.

    month: in which they happened; None where that is not known. taken: the values of the keys that
    the source names. is_odd: whether it is left to the caller; then it is a single one. records:
    how many; points: their sum. id: of a single one, else empty.
    """

    month: str | None
    provider: bytes
    factor: str | None
    specification: str | None
    is_sealed: bool
    has_points: bool
    is_attested: bool
    taken: tuple[bytes | None, ...]
    is_odd: bool
    records: int
    points: int
    id: bytes


def alike(kept: LedgerState, wanted: ContributionFilter, source: StageSource) -> Iterator[StageRow]:
    """Yield the contributions that fit as groups; those that are odd one by one."""
    keys = ", ".join(str(place + 1) for place in range(len(_KEYS) + len(source.taken) + 1))
    sums = f"count(*), sum({_POINTS[0]}), sum({_POINTS[1]}), x''"
    yield from _rows(kept, wanted, source, sums, f"GROUP BY {keys}")


def each(kept: LedgerState, wanted: ContributionFilter, source: StageSource) -> Iterator[StageRow]:
    """Yield the contributions that fit one by one, the last to happen first."""
    order = "ORDER BY when_start DESC, clock DESC, id DESC"
    yield from _rows(kept, wanted, source, f"1, {', '.join(_POINTS)}, id", order)


def _rows(
    kept: LedgerState, wanted: ContributionFilter, source: StageSource, sums: str, end: str
) -> Iterator[StageRow]:
    odd, odd_values = _odd(source)
    where, values = conditions(wanted)
    columns = ", ".join([*_KEYS, *[_TAKEN] * len(source.taken)])
    statement = (
        f"SELECT {columns}, iif({odd}, id, x''), {sums} FROM event_row"  # noqa: S608
        f" WHERE NOT ({NOTHING_LEFT}) {where} {end}"
    )
    known = [source.attestations, *source.taken, *odd_values, *values]
    for row in kept.layers.each(statement, known):
        month, provider, factor, spec, is_sealed, has_points, is_attested = row[: len(_KEYS)]
        odd_id, records, high, low, id = row[-5:]
        yield StageRow(
            month=month,
            provider=provider,
            factor=factor,
            specification=spec,
            is_sealed=bool(is_sealed),
            has_points=bool(has_points),
            is_attested=bool(is_attested),
            taken=row[len(_KEYS) : -5],
            is_odd=odd_id != b"",
            records=records,
            points=(high << _HALF_BITS) + low,
            id=id or odd_id,
        )


def _odd(source: StageSource) -> Conditions:
    """Return the condition of what only the state can tell: money, the commons, claimed agents."""
    marks = ", ".join("?" * len(source.units))
    of_table = "(SELECT substr(start, ?) FROM state WHERE start >= ? AND start < ?)"
    text = (
        f"ifnull(unit IN ({marks}), 0) OR ifnull(points, 0) = 0"
        f" AND (id IN {of_table} OR provider IN {of_table})"
    )
    values: list[Any] = [*source.units]
    for table in (Table.COMMON, Table.CLAIMED):
        prefix = table.prefix
        values += [len(prefix) + 1, prefix, prefix[:-1] + bytes([prefix[-1] + 1])]
    return text, values
