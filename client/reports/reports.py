"""Reports: factors, how far contributions came, and what came in for them, by month.

Each number is that of contributions whose ids are beside it, or a sum over them; nothing here is
estimated. Points, shares and incomes are final.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.contribution_rows import ContributionState, contribution_state
from commonweal.client.reports.contribution_stages import (
    ContributionStages,
    Stage,
    StagedContribution,
)
from commonweal.client.reports.money_flow import MoneyFlow, money_flow
from commonweal.client.reports.periods import month_of, months_between, read_period
from commonweal.client.sharing.shares import UnitAmount
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

PER_POINTS = 1_000
"""Productivity is what came in for so many points."""

PRODUCTIVITY_DECIMALS = 4

MONTHS_MAX = 60
"""Months of one report."""


@dataclass(frozen=True, slots=True)
class FactorReport:
    """What was given of a factor of production: points of the contributions that count.

    factor: empty for contributions that name none. contributors: how many different agents gave.
    outside: points of agents who are no members.
    """

    factor: str
    contributions: tuple[RecordId, ...]
    contributors: int
    points: int
    outside: int


@dataclass(frozen=True, slots=True)
class StageReport:
    """The contributions that came to a stage or further."""

    stage: Stage
    contributions: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class MonthReport:
    """What happened in a month. contributions: those that have points.

    incomes: what came into pools, as it counts now. productivity: the same for PER_POINTS points,
    rounded to PRODUCTIVITY_DECIMALS; empty where nothing has points.
    """

    month: str
    contributions: tuple[RecordId, ...]
    contributors: int
    points: int
    incomes: tuple[UnitAmount, ...]
    productivity: tuple[UnitAmount, ...]


@dataclass(frozen=True, slots=True)
class CommunityReport:
    """The report of a period, as of a height.

    months: all of the period from the first to the last in which anything counted or came in; the
    last MONTHS_MAX. known: all months, of any period, in which something was written down.
    """

    period: str
    height: int
    factors: tuple[FactorReport, ...]
    funnel: tuple[StageReport, ...]
    months: tuple[MonthReport, ...]
    known: tuple[str, ...]


class Reports(HomeAccess):
    """What a community can read of itself."""

    def money_flow(self) -> MoneyFlow:
        """Return where the money of all pools came from and went, as far as seals cover it."""
        return money_flow(self.view)

    def report(self, period: str = "") -> CommunityReport:
        """Return the report of a period: "2026-11", "2026", or "" for all the time.

        When a contribution happened decides its month. Raises UnreadableTime.
        """
        view, wanted = self.view, read_period(period)
        every = list(ContributionStages(view).contributions())
        staged = [given for given in every if wanted.has(given.month)]
        counted = [given for given in staged if given.points]
        incomes = [income for income in _incomes(view) if wanted.has(income.month)]
        return CommunityReport(
            period=wanted.name,
            height=view.kept.cut.height,
            factors=tuple(_factors(counted)),
            funnel=tuple(_funnel(staged)),
            months=tuple(_months(counted, incomes)),
            known=tuple(sorted({given.month for given in every if given.month is not None})),
        )

    def contribution_states(self, ids: Iterable[bytes]) -> list[ContributionState]:
        """Return the contributions that a report names. Raises UnknownId for what is none."""
        states = []
        for id in ids:
            row = event_row(self.view.state, id)
            if row is None:
                raise UnknownId(id.hex())
            states.append(contribution_state(self.view, id, row))
        return states


@dataclass(slots=True)
class _Sum:
    """Contributions with their points and who gave them."""

    ids: list[RecordId] = field(default_factory=list)
    people: set[bytes] = field(default_factory=set)
    points: int = 0
    outside: int = 0

    def add(self, given: StagedContribution) -> None:
        """Add a contribution."""
        self.ids.append(given.id)
        self.people.add(given.person)
        self.points += given.points
        self.outside += 0 if given.is_member else given.points


def _factors(counted: Iterable[StagedContribution]) -> Iterable[FactorReport]:
    """Yield each factor, that with the most points first."""
    sums: dict[str, _Sum] = {}
    for given in counted:
        sums.setdefault(given.factor, _Sum()).add(given)
    for factor, its in sorted(sums.items(), key=lambda pair: (-pair[1].points, pair[0])):
        yield FactorReport(factor, tuple(its.ids), len(its.people), its.points, its.outside)


def _funnel(staged: list[StagedContribution]) -> Iterable[StageReport]:
    order = list(Stage)
    for place, stage in enumerate(order):
        reached = (given.id for given in staged if order.index(given.stage) >= place)
        yield StageReport(stage, tuple(reached))


class _MonthIncome(NamedTuple):
    """An income of a pool, at the scale of its pool."""

    month: str | None
    unit: str
    scale: int
    amount: int


def _incomes(view: LedgerView) -> Iterable[_MonthIncome]:
    """Yield each income of a pool."""
    times = {
        id: month_of(when, is_local=bool(is_local))
        for id, when, is_local in view.kept.layers.each(
            "SELECT id, when_start, when_local FROM event_row"
        )
    }
    for key, _ in view.final.items(pools.INCOME):
        row = pools.income_row(view.final, key[1:])
        assert row is not None, "it is an income"
        yield _MonthIncome(times.get(key[1:]), row.pool.unit, row.pool.scale, row.amount)


def _months(
    counted: Iterable[StagedContribution],
    incomes: Iterable[_MonthIncome],
) -> Iterable[MonthReport]:
    sums: dict[str, _Sum] = {}
    for given in counted:
        if given.month is not None:
            sums.setdefault(given.month, _Sum()).add(given)
    came: dict[str, dict[str, list[_MonthIncome]]] = {}
    for income in incomes:
        if income.month is not None:
            came.setdefault(income.month, {}).setdefault(income.unit, []).append(income)
    for month in months_between({**sums, **came})[-MONTHS_MAX:]:
        its = sums.get(month, _Sum())
        units = [(unit, _total(some)) for unit, some in sorted(came.get(month, {}).items())]
        yield MonthReport(
            month,
            tuple(its.ids),
            len(its.people),
            its.points,
            tuple(UnitAmount(unit, amount) for unit, amount in units),
            tuple(
                UnitAmount(unit, _per_points(amount, its.points))
                for unit, amount in units
                if its.points
            ),
        )


def _total(incomes: Iterable[_MonthIncome]) -> Decimal:
    """Return the exact sum of incomes of one unit."""
    incomes = list(incomes)
    scale = max(income.scale for income in incomes)
    return exact(sum(income.amount * 10 ** (scale - income.scale) for income in incomes), scale)


def _per_points(amount: Decimal, points: int) -> Decimal:
    scaled = round(Fraction(amount) * PER_POINTS * 10**PRODUCTIVITY_DECIMALS / points)
    return exact(scaled, PRODUCTIVITY_DECIMALS)
