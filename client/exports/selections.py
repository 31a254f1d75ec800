"""Selections of contributions: a page of those that fit, what they come to, and what else there is.

A selection is exact at a height: sums of what is final are the same on every node; what no seal
covers yet is summed apart. What counts for nothing is listed with the reason, and in no sum.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.exports.contribution_export import ExportedContribution, exported
from commonweal.client.home.submit import now_ms
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import (
    exact,
    read_action,
    read_scope,
    read_unit,
    shown_action,
    shown_unit,
)
from commonweal.client.language.times import month_bounds, month_of, read_bound
from commonweal.client.ledger.rows.listed_rows import place_from_text, place_to_text
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.contributions import commons
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.storage.ledger.contributions import contribution_sums
from commonweal.storage.ledger.contributions.contribution_filter import (
    AskedAttestations,
    ContributionFilter,
    FactorFilter,
    Standing,
)
from commonweal.storage.ledger.contributions.contribution_list import (
    ContributionRow,
    contributions,
    count,
)
from commonweal.storage.ledger.state.local_ids import with_ids

if TYPE_CHECKING:  # loads the fold
    from commonweal.client.ledger.ledger_view import LedgerView

PAGE_ROWS, PAGE_ROWS_MAX = 50, 200
"""Contributions on one page where nobody says how many, and at most."""

FACET_VALUES_MAX = 100
"""Values that are offered to choose from, those with the most contributions."""

MONTHS_MAX = 24
"""Months that are added up one by one, the last ones."""

_ROWS_AT_ONCE = 500
"""Contributions of which the rest is read by one query."""


@dataclass(frozen=True, slots=True)
class SelectionQuery:
    """Which contributions are meant, as typed; None leaves a field open.

    member: an agent by name or id. unit: of the quantity or the effort. state: a value of Standing.
    month: 2026-11, of the calendar here; since, until: a date, or a duration back from now like 7d.
    """

    member: str | None = None
    action: str | None = None
    factor: str | None = None
    scope: str | None = None
    unit: str | None = None
    state: str | None = None
    month: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class SelectedContribution(ExportedContribution):
    """A contribution in full, and how far it came.

    height: of the seal that covers it, else None. points: None while it has no value. needed: how
    many yes the rules ask for. withdrawn: it was corrected to nothing.
    """

    factor: str | None
    height: int | None
    points: int | None
    yes: int
    no: int
    disputes: int
    needed: int
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class SelectionTotal:
    """What the contributions of one action come to in one unit.

    final: by the last seal. provisional: what is added or taken away by what no seal covers.
    records: contributions that this is the sum of; provisional_records: those no seal covers.
    """

    unit: str
    action: str
    final: Decimal
    provisional: Decimal
    records: int
    provisional_records: int


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value to choose: as a query has it, as people read it, and how many contributions have it.

    records: of those that all other fields of the query leave.
    """

    value: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class SelectionFacets:
    """What can be chosen instead of what a query has; the most frequent first."""

    member: tuple[FacetValue, ...]
    action: tuple[FacetValue, ...]
    factor: tuple[FacetValue, ...]
    scope: tuple[FacetValue, ...]
    unit: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class MonthAmount:
    """What was given in a month, 2026-11, of the calendar here; final and provisional."""

    month: str
    amount: Decimal
    records: int


@dataclass(frozen=True, slots=True)
class MonthSeries:
    """The amounts of one action and unit by month, the earliest first; MONTHS_MAX of them."""

    action: str
    unit: str
    months: tuple[MonthAmount, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """A page of the contributions that fit, the last to happen first.

    height: at which the sums of what is final are exact. records: how many fit and count.
    months: of what most of them are; None without any. after: names the next page, None on the
    last one.
    """

    height: int
    records: int
    rows: tuple[SelectedContribution, ...]
    after: str | None
    totals: tuple[SelectionTotal, ...]
    months: MonthSeries | None
    facets: SelectionFacets


class Selections(HomeAccess):
    """Contributions that are chosen, and what they come to."""

    def select(
        self, query: SelectionQuery, *, limit: int = PAGE_ROWS, after: str | None = None
    ) -> Selection:
        """Return a page of what fits, the sums of all that fits, and what else can be chosen.

        limit: rows of the page, at most PAGE_ROWS_MAX. after: of the page before. Raises UnknownId,
        AmbiguousId, UnknownAction, UnusableText, AmbiguousUnit, UnreadableTime, UsageError.
        """
        view, wanted = self.view, _filter(self.view, query)
        limit = min(limit, PAGE_ROWS_MAX)
        place = None if after is None else place_from_text(after, self.words)
        rows = list(contributions(view.kept, wanted, limit + 1, place))
        sums = _sums(view, wanted)
        return Selection(
            height=view.kept.cut.height,
            records=count(view.kept, wanted),
            rows=tuple(_selected(view, rows[:limit])),
            after=place_to_text(rows[limit - 1]) if len(rows) > limit else None,
            totals=tuple(sums),
            months=_months(view, wanted, max(sums, key=lambda total: total.records, default=None)),
            facets=_facets(view, query, sums),
        )

    def selected(self, query: SelectionQuery) -> Generator[SelectedContribution, None, None]:
        """Yield all that fits, the last to happen first; close it where it is not read to the end.

        Neither write nor `refresh` before that. Raises what `select` does.
        """
        return selected_rows(self.view, query)


def _filter(view: LedgerView, query: SelectionQuery) -> ContributionFilter:
    from commonweal.client.ledger.names.named import find_agent

    words, now = view.words, now_ms()
    since = read_bound(query.since, now) if query.since else None
    until = read_bound(query.until, now) if query.until else None
    if query.month:
        since, until = month_bounds(query.month)
    rules = view.kept.rules
    return ContributionFilter(
        provider=find_agent(view, query.member) if query.member else None,
        action=read_action(query.action, words) if query.action else None,
        scope=read_scope(query.scope, words) if query.scope else None,
        since=since,
        until=until,
        factor=_factor(view, query.factor) if query.factor else None,
        unit=read_unit(query.unit, words) if query.unit else None,
        standing=_standing(view, query.state) if query.state else None,
        asked=AskedAttestations(
            max(1, rules.attestations), max(1, rules.attestations, rules.common_attestations)
        ),
    )


def _standing(view: LedgerView, text: str) -> Standing:
    try:
        return Standing(text)
    except ValueError:
        known = ", ".join(standing.value for standing in Standing)
        unknown = view.words("{chosen} is none of {forms}").format(chosen=text, forms=known)
        raise UsageError(unknown) from None


def _factor(view: LedgerView, factor: str) -> FactorFilter:
    return FactorFilter(factor, tuple(name for name, of in _spec_factors(view) if of == factor))


def _spec_factors(view: LedgerView) -> list[tuple[str, str | None]]:
    """Return the names of the specifications of resources, each with its factor."""
    rows = (units_and_specs.SpecRow(*row) for _, row in view.state.items(units_and_specs.SPEC))
    return [(row.name, row.factor) for row in rows]


def selected_rows(
    view: LedgerView, query: SelectionQuery
) -> Generator[SelectedContribution, None, None]:
    """Return all that fits, as `Selections.selected` does."""
    return _all_selected(view, contributions(view.kept, _filter(view, query)))


def _all_selected(
    view: LedgerView, rows: Iterable[ContributionRow]
) -> Generator[SelectedContribution, None, None]:
    left = iter(rows)
    while run := list(islice(left, _ROWS_AT_ONCE)):
        yield from _selected(view, run)


def _selected(
    view: LedgerView, rows: list[ContributionRow]
) -> Generator[SelectedContribution, None, None]:
    """Yield rows of the list in full; how far they came is read by one query."""
    numbers, values = with_ids([row.id for row in rows])
    statement = (
        'SELECT id, factor, specification, height, points, yes, "no", disputes FROM event_row'  # noqa: S608
        f" WHERE number IN ({numbers})"
    )
    known = {id: rest for id, *rest in view.kept.layers.rows(statement, values)}
    factors, rules = dict(_spec_factors(view)), view.kept.rules
    for row in rows:
        full = exported(row, view)
        stated, spec, height, points, yes, no, disputes = known.get(row.id, (None,) * 7)
        yield SelectedContribution(
            **fields_of(full),
            factor=row.factor or stated or factors.get(spec or ""),
            height=height,
            points=points,
            yes=yes or 0,
            no=no or 0,
            disputes=disputes or 0,
            needed=commons.attestations(view.state, row.id, rules),
            withdrawn=full.corrected_to is not None and not full.corrected_to,
        )


def _sums(view: LedgerView, wanted: ContributionFilter) -> list[SelectionTotal]:
    """Return the totals by unit, and in each by action, the most frequent first."""
    sums = contribution_sums.sums(view.kept, wanted)
    of_unit: dict[str, int] = {}
    for key, row in sums.items():
        of_unit[key.unit] = of_unit.get(key.unit, 0) + row.records
    order = sorted(
        sums.items(),
        key=lambda pair: (-of_unit[pair[0].unit], pair[0].unit, -pair[1].records, pair[0].action),
    )
    return [
        SelectionTotal(
            unit=key.unit,
            action=key.action,
            final=_decimal(row.final, row.scale),
            provisional=_decimal(row.all - row.final, row.scale),
            records=row.records,
            provisional_records=row.provisional,
        )
        for key, row in order
    ]


def _months(
    view: LedgerView, wanted: ContributionFilter, of: SelectionTotal | None
) -> MonthSeries | None:
    """Return what was given month by month, of one action and unit; None without any."""
    if of is None:
        return None
    chosen = wanted._replace(action=of.action, unit=of.unit)
    ends = contribution_sums.first_and_last_ms(view.kept, chosen)
    if ends is None:
        return None
    first, last = (month_of(ms) for ms in ends)
    numbers = range(max(first, last - MONTHS_MAX + 1), last + 1)
    names = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
    earliest, _ = month_bounds(names[0])
    if chosen.since is None or chosen.since.local_ms < earliest.local_ms:
        chosen = chosen._replace(since=earliest)
    key = contribution_sums.SumKey(of.unit, of.action)
    sums = contribution_sums.sums_by_month(view.kept, chosen, key)
    nothing = contribution_sums.SelectionSum()
    rows = ((name, sums.get(name, nothing)) for name in names)
    months = (MonthAmount(name, _decimal(row.all, row.scale), row.records) for name, row in rows)
    return MonthSeries(of.action, of.unit, tuple(months))


def _facets(
    view: LedgerView, query: SelectionQuery, totals: list[SelectionTotal]
) -> SelectionFacets:
    """Return what can be chosen. totals: of the query, which tell the units if it names none."""
    words = view.words
    if query.unit is not None:
        totals = _sums(view, _filter(view, replace(query, unit=None)))
    units: dict[str, int] = {}
    for total in totals:
        units[total.unit] = units.get(total.unit, 0) + total.records

    def offered(field: str, column: str) -> list[tuple[str | bytes, int]]:
        wanted = _filter(view, replace(query, **{field: None}))
        return contribution_sums.counts_by(view.kept, column, wanted, FACET_VALUES_MAX)

    return SelectionFacets(
        member=tuple(
            FacetValue(bytes(id).hex(), view.name(bytes(id)), n)
            for id, n in offered("member", "provider")
            if isinstance(id, bytes)
        ),
        action=tuple(
            FacetValue(str(name), shown_action(str(name), words), n)
            for name, n in offered("action", "action")
        ),
        factor=tuple(_factors(view, _filter(view, replace(query, factor=None)))),
        scope=tuple(FacetValue(str(text), str(text), n) for text, n in offered("scope", "scope")),
        unit=tuple(FacetValue(unit, shown_unit(unit, words), n) for unit, n in units.items()),
    )


def _factors(view: LedgerView, wanted: ContributionFilter) -> Iterable[FacetValue]:
    """Yield the factors of contributions: their own, else those of their specifications."""
    of_spec, counts = dict(_spec_factors(view)), dict[str, int]()
    for own, spec, n in contribution_sums.counts_by_factor(view.kept, wanted):
        factor = own or of_spec.get(spec or "")
        if factor is not None:
            counts[factor] = counts.get(factor, 0) + n
    for factor, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield FacetValue(factor, view.words(factor), n)


def _decimal(number: Fraction, scale: int) -> Decimal:
    """Return a number that has at most `scale` digits after the point."""
    return exact(int(number * 10**scale), scale)
