"""Which contributions are meant: by who gave, what, for what, when, and how far it came.

A filter is a condition of the rows that the fold writes (`event_row`); nothing is read here.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.protocol.ledger.state.tables import Table
from commonweal.storage.ledger.contributions.points_in_time import DAY_MS, TimeBound

if TYPE_CHECKING:
    from commonweal.storage.ledger.contributions.contribution_list import ContributionRow

NOTHING_LEFT = "corrections > 0 AND ifnull(quantity_n, 0) = 0 AND ifnull(effort_n, 0) = 0"
"""Condition of what was corrected to nothing; it has an index."""


class Standing(Enum):
    """How far a contribution came; several may be true of one.

    FINAL: a seal covers it; PROVISIONAL: none does. WAITING: fewer attest it than the rules ask
    for. DISPUTED: a member disputes it. WITHDRAWN: it was corrected to nothing. VOID: it counts
    for nothing, and none of the others is true of it.
    """

    FINAL = "final"
    PROVISIONAL = "provisional"
    WAITING = "waiting"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class AskedAttestations(NamedTuple):
    """How many others must attest a contribution by the rules: of any, and of the commons."""

    of_any: int = 1
    of_commons: int = 1


class FactorFilter(NamedTuple):
    """A factor of production, and the names of the specifications that are of it."""

    factor: str
    specifications: tuple[str, ...] = ()


class ContributionFilter(NamedTuple):
    """Which contributions are listed; None leaves a field open.

    provider: agent id. since, until: the period; what happened on a day is of each period that
    has a part of that day. factor: of the contribution, else of its specification. unit: of what
    was given or of the effort. asked: what WAITING goes by.
    """

    provider: bytes | None = None
    action: str | None = None
    scope: str | None = None
    since: TimeBound | None = None
    until: TimeBound | None = None
    factor: FactorFilter | None = None
    unit: str | None = None
    standing: Standing | None = None
    asked: AskedAttestations = AskedAttestations()

    def fits(self, row: ContributionRow) -> bool:
        """Whether a contribution is of those listed, by what it states. row: its record is here."""
        assert row.when is not None
        units = (quantity.unit for quantity in (row.resource, row.effort) if quantity is not None)
        return (
            self.provider in (None, row.provider)
            and self.action in (None, row.action)
            and self.scope in (None, row.scope)
            and (self.factor is None or self.factor.factor == row.factor)
            and (self.unit is None or self.unit in units)
            and (self.since is None or not self.since.is_after(row.when))
            and (self.until is None or not self.until.is_until(row.when))
        )


Conditions = tuple[str, list[Any]]
"""Conditions that begin with AND, and their values."""


def conditions(wanted: ContributionFilter) -> Conditions:
    """Return the conditions of rows of `event_row` that are meant."""
    given = [*_stated(wanted), *_period(wanted)]
    if wanted.standing is not None:
        given.append(_standing(wanted.standing, wanted.asked))
    values = [value for _, condition_values in given for value in condition_values]
    return " ".join(condition for condition, _ in given), values


def conditions_of_time(wanted: ContributionFilter) -> Conditions:
    """Return the conditions of rows that have columns of time and no others."""
    return conditions(ContributionFilter(since=wanted.since, until=wanted.until))


def _stated(wanted: ContributionFilter) -> list[Conditions]:
    asked = (
        ("AND provider = ?", wanted.provider),
        ("AND action = ?", wanted.action),
        ("AND scope = ?", wanted.scope),
    )
    given: list[Conditions] = [(text, [value]) for text, value in asked if value is not None]
    if wanted.factor is not None:
        names = wanted.factor.specifications
        places = ", ".join("?" * len(names))
        own = f"AND (factor = ? OR (factor IS NULL AND specification IN ({places})))"
        given.append((own, [wanted.factor.factor, *names]))
    if wanted.unit is not None:
        given.append(("AND (unit = ? OR effort_unit = ?)", [wanted.unit, wanted.unit]))
    return given


def _period(wanted: ContributionFilter) -> list[Conditions]:
    """Return the conditions of a period; the first half of each is what the index is asked for."""
    given: list[Conditions] = []
    if wanted.since is not None:
        places = [wanted.since.local_ms, wanted.since.instant_ms]
        condition = "AND when_start > ? AND when_end > iif(when_local, ?, ?)"
        given.append((condition, [min(places) - DAY_MS - 1, *places]))
    if wanted.until is not None:
        places = [wanted.until.local_ms, wanted.until.instant_ms]
        condition = "AND when_start < ? AND when_start < iif(when_local, ?, ?)"
        given.append((condition, [max(places), *places]))
    return given


def _standing(standing: Standing, asked: AskedAttestations) -> Conditions:
    match standing:
        case Standing.FINAL:
            return "AND height NOTNULL", []
        case Standing.PROVISIONAL:
            return "AND height ISNULL", []
        case Standing.DISPUTED:
            return "AND disputes > 0", []
        case Standing.WITHDRAWN:
            return f"AND {NOTHING_LEFT}", []
        case Standing.WAITING:
            of_commons = "EXISTS (SELECT 1 FROM state WHERE start = CAST(? || id AS BLOB))"
            fewer = f"AND NOT ({NOTHING_LEFT}) AND yes < iif({of_commons}, ?, ?)"
            return fewer, [Table.COMMON.prefix, asked.of_commons, asked.of_any]
        case Standing.VOID:
            return "AND FALSE", []
