"""The report of factors: who gave what of each, whether it is distributed, and what came in.

Y = A * F(R, L, K, E ...): the factors are what members gave, in points; A is what came in for that.
Final values only, whole numbers, for a period of seals. A correction counts at its own height, so
what a period comes to never changes, and periods that follow each other add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.language.quantity import exact
from commonweal.client.reports.seal_periods import SealPeriod, per_mille
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.members.registry import MEMBER
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State
    from commonweal.protocol.rules.sections.reports import ReportRules

PER_POINTS = 1_000
"""Productivity is what came in for so many points."""

GIVEN_LISTED_MAX = 200
"""Contributions behind a number that are listed at once."""

_HALF = 32
_LOW = (1 << _HALF) - 1

_GIVEN = """
    SELECT factor, height, giver, points, is_first FROM worth_row WHERE height BETWEEN ?1 AND ?2
    UNION ALL
    SELECT factor, height, giver, amount, events FROM change_row
        WHERE height BETWEEN ?1 AND ?2 AND giver NOTNULL
    ORDER BY 1, 2
"""
"""What heights gave: values, and what corrections changed, by factor and height."""

_AGENTS = "SELECT number, id FROM agent ORDER BY number"

_INCOMES = f"""
    SELECT unit, scale, sum(amount >> {_HALF}), sum(amount & {_LOW}), sum(events)
    FROM (
        SELECT unit, scale, first AS amount, 1 AS events FROM income_row
        WHERE height BETWEEN ?1 AND ?2
        UNION ALL
        SELECT unit, scale, change_row.amount, 0 FROM change_row
            JOIN local_id ON local_id.number = change_row.number
            JOIN income_row ON income_row.key = local_id.id
        WHERE change_row.height BETWEEN ?1 AND ?2 AND giver ISNULL
    ) GROUP BY unit, scale ORDER BY unit, scale
"""  # noqa: S608

_FIRST_HEIGHT = """
    coalesce(
        (SELECT height FROM change_row AS begun
            WHERE begun.number = {0}.number AND begun.events LIMIT 1),
        (SELECT income_row.height FROM income_row JOIN local_id ON local_id.id = income_row.key
            WHERE local_id.number = {0}.number)
    )
"""
"""The height that gave an event its first value, or took it as an income; of one with changes."""

_CORRECTED = f"""
    SELECT count(DISTINCT number), 0 FROM change_row
    WHERE height > ?2 AND {_FIRST_HEIGHT.format("change_row")} BETWEEN ?1 AND ?2
    UNION ALL
    SELECT count(DISTINCT number), 1 FROM change_row
    WHERE height BETWEEN ?1 AND ?2 AND {_FIRST_HEIGHT.format("change_row")} < ?1
    ORDER BY 2
"""  # noqa: S608

_ENTRIES = """
    SELECT (SELECT id FROM local_id WHERE local_id.number = given.number), agent.id, factor,
        given.height, points
    FROM (
        SELECT number, giver, factor, height, points FROM worth_row
        WHERE height BETWEEN ?1 AND ?2
        UNION ALL
        SELECT number, giver, factor, height, amount FROM change_row
        WHERE height BETWEEN ?1 AND ?2 AND giver NOTNULL
    ) AS given JOIN agent ON agent.number = given.giver
    WHERE ?3 ISNULL OR factor = ?3 ORDER BY given.height DESC, given.number DESC LIMIT ?4
"""


@dataclass(frozen=True, slots=True)
class FactorShare:
    """What was given of a factor in a period.

    factor: empty for what names none. points: with what corrections changed in the period. events:
    contributions that got their first value in it. givers: people whose points are above 0; given:
    what these gave together; largest: what largest_giver gave, the most of all; beyond_core: what
    people gave who are no members or hold no role of the core. per_mille: of what was given,
    rounded down; None where nobody gave. since: the height since which the sum of the period so far
    is distributed without a break; None while it is not.
    """

    factor: str
    points: int
    events: int
    givers: int
    given: int
    largest: int
    largest_giver: bytes
    largest_giver_name: str
    largest_per_mille: int | None
    beyond_core: int
    beyond_core_per_mille: int | None
    distributed: bool
    since: int | None


@dataclass(frozen=True, slots=True)
class IncomeShare:
    """What came into pools in a unit in a period, corrections in it included.

    per_points: for PER_POINTS points of all factors, rounded down to the decimals of the pool; None
    where there are no points.
    """

    unit: str
    income: Decimal
    incomes: int
    per_points: Decimal | None


@dataclass(frozen=True, slots=True)
class FactorsReport:
    """Factors of a period of seals, those with the most points first.

    height: of the last seal, as of which roles and claims of outside agents are read. corrected:
    contributions and incomes of earlier periods that were corrected in this one, which counts here;
    corrected_later: of this one, corrected after it, which counts later.
    """

    first: int
    last: int
    height: int
    income: tuple[IncomeShare, ...]
    points: int
    factors: tuple[FactorShare, ...]
    corrected: int
    corrected_later: int
    core: tuple[str, ...]
    givers_min: int
    largest_max: str


@dataclass(frozen=True, slots=True)
class ReportedPoints:
    """What a height gave for a contribution, or took: a correction takes and gives."""

    id: RecordId
    giver: bytes
    giver_name: str
    factor: str
    height: int
    points: int


@dataclass(slots=True)
class _FactorSum:
    """Points of a factor by giver, as heights add them; each height is looked at once."""

    rules: ReportRules
    by_giver: dict[int, int] = field(default_factory=dict)
    events: int = 0
    points: int = 0
    since: int | None = None
    _given: int = 0
    _givers: int = 0
    _largest: int = 0

    def add(self, giver: int, points: int, events: int) -> None:
        """Add what was given, or taken."""
        by_giver = self.by_giver
        before = by_giver.get(giver, 0)
        after = by_giver[giver] = before + points
        self.events += events
        self.points += points
        if before >= 0 and points >= 0:
            self._given += points
            self._givers += before == 0 < after
        else:
            self._given += max(after, 0) - max(before, 0)
            self._givers += (after > 0) - (before > 0)
        if after >= self._largest:
            self._largest = after
        elif points < 0 and before == self._largest:
            self._largest = max(0, *by_giver.values())

    def end_height(self, height: int) -> None:
        """See whether the factor is distributed after a height."""
        if not self.rules.is_distributed(self._givers, self._largest, self._given):
            self.since = None
        elif self.since is None:
            self.since = height


def factors_report(view: LedgerView, period: SealPeriod, rules: ReportRules) -> FactorsReport:
    """Return the factors of a period, by rows that the database adds up."""
    heights = (period.first, period.last)
    people = _People(view.final)
    numbers = _Numbers(view, people)
    sums = _sums(view, period, rules, numbers)
    points = sum(its.points for its in sums.values())
    shares = [_share(factor, its, numbers, rules, view) for factor, its in sums.items()]
    later, earlier = (row[0] for row in view.kept.layers.rows(_CORRECTED, heights))
    above, below, _ = rules.largest
    return FactorsReport(
        first=period.first,
        last=period.last,
        height=view.kept.cut.height,
        income=tuple(_incomes(view, period, points)),
        points=points,
        factors=tuple(sorted(shares, key=lambda share: (-share.points, share.factor))),
        corrected=earlier,
        corrected_later=later,
        core=rules.core,
        givers_min=rules.givers,
        largest_max=f"{above}/{below}",
    )


def given_points(
    view: LedgerView, period: SealPeriod, factor: str | None, limit: int
) -> list[ReportedPoints]:
    """Return what the heights of a period gave, the last first. factor: None for all."""
    person = _People(view.final).person
    rows = view.kept.layers.rows(_ENTRIES, (period.first, period.last, factor, limit))
    return [
        ReportedPoints(RecordId(id), person(giver), view.name(person(giver)), named, height, points)
        for id, giver, named, height, points in rows
    ]


class _People:
    """Who agents are, and who is at the core, as of the last seal."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._persons: dict[bytes, bytes] = {}

    def person(self, agent: bytes) -> bytes:
        """Return the member who claimed an agent, or the agent."""
        known = self._persons.get(agent)
        if known is None:
            known = self._persons[agent] = agents.person(self._state, agent)
        return known

    def is_core(self, person: bytes, rules: ReportRules) -> bool:
        """Return whether somebody is a member with a role of the core, or with any, for none."""
        if self._state.get(MEMBER + person) is None:
            return False
        return not rules.core or any(roles.holds(self._state, person, role) for role in rules.core)


class _Numbers:
    """The local numbers of agents; that of a person stands for all that they claimed."""

    def __init__(self, view: LedgerView, people: _People) -> None:
        named = {number: people.person(id) for number, id in view.kept.layers.rows(_AGENTS)}
        self.people = people
        self.id_of: dict[int, bytes] = {}
        self.of: dict[int, int] = {}
        first: dict[bytes, int] = {}
        for number, person in named.items():
            own = self.of[number] = first.setdefault(person, number)
            self.id_of[own] = person


def _sums(
    view: LedgerView, period: SealPeriod, rules: ReportRules, numbers: _Numbers
) -> dict[str, _FactorSum]:
    """Return the sums of each factor; the rows come by factor and height."""
    sums: dict[str, _FactorSum] = {}
    of, its, last_factor, last_height = numbers.of, _FactorSum(rules), None, 0
    for factor, height, giver, points, events in view.kept.layers.each(
        _GIVEN, (period.first, period.last)
    ):
        if height != last_height or factor != last_factor:
            its.end_height(last_height)
            if factor != last_factor:
                its = sums[factor] = _FactorSum(rules)
            last_factor, last_height = factor, height
        its.add(of[giver], points, events)
    its.end_height(last_height)
    return sums


def _share(
    factor: str, its: _FactorSum, numbers: _Numbers, rules: ReportRules, view: LedgerView
) -> FactorShare:
    above: Mapping[bytes, int] = {
        numbers.id_of[number]: n for number, n in its.by_giver.items() if n > 0
    }
    given = sum(above.values())
    giver, largest = max(above.items(), key=lambda pair: (pair[1], pair[0]), default=(b"", 0))
    beyond = sum(n for id, n in above.items() if not numbers.people.is_core(id, rules))
    return FactorShare(
        factor=factor,
        points=its.points,
        events=its.events,
        givers=len(above),
        given=given,
        largest=largest,
        largest_giver=giver,
        largest_giver_name=view.name(giver) if giver else "",
        largest_per_mille=per_mille(largest, given),
        beyond_core=beyond,
        beyond_core_per_mille=per_mille(beyond, given),
        distributed=its.since is not None,
        since=its.since,
    )


def _incomes(view: LedgerView, period: SealPeriod, points: int) -> Iterator[IncomeShare]:
    """Yield what came in, by unit; pools of one unit are added up at the finest scale."""
    rows: dict[str, list[Any]] = {}
    for unit, scale, high, low, events in view.kept.layers.rows(
        _INCOMES, (period.first, period.last)
    ):
        rows.setdefault(unit, []).append((scale, (high << _HALF) + low, events))
    for unit, sums in rows.items():
        scale = max(row[0] for row in sums)
        amount = sum(n * 10 ** (scale - of) for of, n, _ in sums)
        per_points = amount * PER_POINTS // points if points > 0 else None
        yield IncomeShare(
            unit,
            exact(amount, scale),
            sum(events for *_, events in sums),
            None if per_points is None else exact(per_points, scale),
        )
