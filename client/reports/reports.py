"""Reports: factors, how far contributions came, and what came in for them, by month.

Nothing here is estimated; points, shares and incomes are final. `reported` lists what is behind a
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.contribution_rows import (
    ContributionState,
    contribution_state,
    happened,
)
from commonweal.client.reports.contribution_stages import (
    ContributionStages,
    Stage,
    StagedContributions,
)
from commonweal.client.reports.factors import (
    GIVEN_LISTED_MAX,
    PER_POINTS,
    FactorsReport,
    ReportedPoints,
    factors_report,
    given_points,
)
from commonweal.client.reports.funnel import (
    FunnelMember,
    FunnelReport,
    FunnelStage,
    funnel_members,
    funnel_report,
)
from commonweal.client.reports.kept import KeptReport, kept_report
from commonweal.client.reports.money_flow import MoneyFlow, money_flow
from commonweal.client.reports.periods import month_of, months_between, read_period
from commonweal.client.reports.seal_periods import SealMonth, seal_months, seal_period
from commonweal.client.reports.things import ThingsReport, things_report
from commonweal.client.sharing.shares import UnitAmount
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.contribution_filter import ContributionFilter
from commonweal.storage.ledger.contributions.contribution_sums import first_and_last_ms

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

PRODUCTIVITY_DECIMALS = 4

MONTHS_MAX = 60
"""Months of one report."""


@dataclass(frozen=True, slots=True)
class FactorReport:
    """What was given of a factor of production: of contributions that have points.

    factor: empty for contributions that name none. contributions: how many. contributors: how many
    different agents gave. outside: points of agents who are no members.
    """

    factor: str
    contributions: int
    contributors: int
    points: int
    outside: int


@dataclass(frozen=True, slots=True)
class StageReport:
    """How many contributions came to a stage or further."""

    stage: Stage
    contributions: int


@dataclass(frozen=True, slots=True)
class MonthReport:
    """What happened in a month. contributions: how many have points.

    incomes: what came into pools, as it counts now. productivity: the same for PER_POINTS points,
    rounded to PRODUCTIVITY_DECIMALS; empty where nothing has points.
    """

    month: str
    contributions: int
    contributors: int
    points: int
    incomes: tuple[UnitAmount, ...]
    productivity: tuple[UnitAmount, ...]


@dataclass(frozen=True, slots=True)
class CommunityReport:
    """The report of a period, as of a height.

    months: all of the period from the first to the last in which anything counted or came in; the
    last MONTHS_MAX. known: all months from the first to the last contribution of any period.
    """

    period: str
    height: int
    factors: tuple[FactorReport, ...]
    funnel: tuple[StageReport, ...]
    months: tuple[MonthReport, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportedContributions:
    """Contributions behind a number of a report, the last to happen first. total: how many."""

    total: int
    contributions: tuple[ContributionState, ...]


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
        staged = list(ContributionStages(view, wanted).groups())
        counted = [given for given in staged if given.reached(Stage.COUNTED)]
        incomes = [income for income in _incomes(view) if wanted.has(income.month)]
        return CommunityReport(
            period=wanted.name,
            height=view.kept.cut.height,
            factors=tuple(_factors(counted)),
            funnel=tuple(
                StageReport(stage, sum(given.records for given in staged if given.reached(stage)))
                for stage in Stage
            ),
            months=tuple(_months(counted, incomes)),
            known=tuple(_known_months(view)),
        )

    def factors(self, first: int | None = None, last: int | None = None) -> FactorsReport:
        """Return what was given of each factor from height `first` to `last`; None: of all.

        Raises WrongPeriod.
        """
        view = self.sealed
        return factors_report(view, seal_period(view, first, last), view.kept.ruleset.reports)

    def factor_points(
        self,
        first: int | None = None,
        last: int | None = None,
        *,
        factor: str | None = None,
        limit: int = GIVEN_LISTED_MAX,
    ) -> list[ReportedPoints]:
        """Return what is behind the points of a period, the last first. Raises WrongPeriod."""
        view = self.sealed
        return given_points(view, seal_period(view, first, last), factor, limit)

    def funnel(self, first: int | None = None, last: int | None = None) -> FunnelReport:
        """Return who was invited, came, gave and brought others. Raises WrongPeriod."""
        view = self.sealed
        return funnel_report(view, seal_period(view, first, last))

    def funnel_members(
        self,
        stage: FunnelStage,
        first: int | None = None,
        last: int | None = None,
        *,
        month: str | None = None,
        limit: int = GIVEN_LISTED_MAX,
    ) -> list[FunnelMember]:
        """Return the members who came to a stage; invites have none. Raises WrongPeriod."""
        view = self.sealed
        return funnel_members(view, seal_period(view, first, last), stage, month, limit)

    def kept(self, first: int | None = None, last: int | None = None) -> KeptReport:
        """Return how many promises that were due in a period were kept. Raises WrongPeriod."""
        view = self.sealed
        return kept_report(view, seal_period(view, first, last))

    def things_and_needs(self, first: int | None = None, last: int | None = None) -> ThingsReport:
        """Return what lay idle and what was missing in a period. Raises WrongPeriod."""
        view = self.sealed
        return things_report(view, seal_period(view, first, last))

    def seal_months(self) -> list[SealMonth]:
        """Return the months that have seals, with their heights, the last first."""
        return seal_months(self.sealed)

    def reported(
        self, period: str, stage: Stage, *, factor: str | None = None, limit: int
    ) -> ReportedContributions:
        """Return the contributions of a period that came to a stage. Raises UnreadableTime.

        factor: only those of it, or of none where it is empty. limit: so many at most.
        """
        stages = ContributionStages(self.view, read_period(period))

        def fits(given: StagedContributions) -> bool:
            return given.reached(stage) and factor in (None, given.factor)

        total = sum(given.records for given in stages.groups() if fits(given))
        listed = islice(filter(fits, stages.each()), min(limit, total))
        states = self._states(given.id for given in listed)
        return ReportedContributions(total, tuple(states))

    def _states(self, ids: Iterable[RecordId]) -> Iterator[ContributionState]:
        for id in ids:
            row = event_row(self.view.state, id)
            assert row is not None, "it was listed"
            yield contribution_state(self.view, id, row)


@dataclass(slots=True)
class _Sum:
    """What contributions come to."""

    count: int = 0
    people: set[bytes] = field(default_factory=set)
    points: int = 0
    outside: int = 0

    def add(self, given: StagedContributions) -> None:
        """Add contributions that are alike."""
        self.count += given.records
        self.people.add(given.person)
        self.points += given.points
        self.outside += 0 if given.is_member else given.points


def _factors(counted: Iterable[StagedContributions]) -> Iterable[FactorReport]:
    """Yield each factor, that with the most points first."""
    sums: dict[str, _Sum] = {}
    for given in counted:
        sums.setdefault(given.factor, _Sum()).add(given)
    for factor, its in sorted(sums.items(), key=lambda pair: (-pair[1].points, pair[0])):
        yield FactorReport(factor, its.count, len(its.people), its.points, its.outside)


def _known_months(view: LedgerView) -> list[str]:
    both = first_and_last_ms(view.kept, ContributionFilter())
    months = (month_of(when, is_local=False) for when in both or ())
    return months_between(month for month in months if month is not None)


class _MonthIncome(NamedTuple):
    """An income of a pool, at the scale of its pool."""

    month: str | None
    unit: str
    scale: int
    amount: int


def _incomes(view: LedgerView) -> Iterable[_MonthIncome]:
    """Yield each income of a pool."""
    for key, _ in view.final.items(pools.INCOME):
        row, when = pools.income_row(view.final, key[1:]), happened(view, key[1:])
        assert row is not None, "it is an income"
        month = None if when is None else month_of(when.start_ms, is_local=when.is_local)
        yield _MonthIncome(month, row.pool.unit, row.pool.scale, row.amount)


def _months(
    counted: Iterable[StagedContributions],
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
            its.count,
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
