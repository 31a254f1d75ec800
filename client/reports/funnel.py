"""The funnel 拉新 触达 转化 复购: who was invited, asked, came, gave, gave again, brought others.

From milestones in the state alone: signed records that a seal covers, and nothing that follows
people. Who left stays in the cohort in which they came. Whole numbers, by periods of seals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from commonweal.client.language.words import N_
from commonweal.client.reports.seal_periods import SealPeriod, per_mille
from commonweal.protocol.ledger.members.invites import invite_row
from commonweal.protocol.ledger.members.registry import ACTIVE, member_row
from commonweal.protocol.ledger.sharing.milestones import Milestone

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class FunnelStage(StrEnum):
    """The stages; from `active` on each counts those of the one before who came further."""

    INVITED = "invited"
    ASKED = "asked"
    ADMITTED = "admitted"
    ACTIVE = "active"
    AGAIN = "again"
    BROUGHT = "brought"


FUNNEL_WORDS = {
    FunnelStage.INVITED: (N_("invited"), N_("uses that sealed invites offer")),
    FunnelStage.ASKED: (N_("asked to join"), N_("asked under an invite for the first time")),
    FunnelStage.ADMITTED: (N_("admitted"), N_("became a member for the first time")),
    FunnelStage.ACTIVE: (
        N_("gave or bought"),
        N_("of those: a contribution of theirs got a value, or they paid the community"),
    ),
    FunnelStage.AGAIN: (N_("again"), N_("of those: once more in a later month")),
    FunnelStage.BROUGHT: (N_("brought somebody"), N_("of those: somebody came by their invite")),
}
"""What each stage is called, and what it counts."""

_OF_COHORT = (FunnelStage.ACTIVE, FunnelStage.AGAIN, FunnelStage.BROUGHT)

_COHORT = """
    SELECT strftime('%Y-%m', came.time_ms / 1000, 'unixepoch') AS month, came.id AS id,
        gave.height NOTNULL AS active,
        gave.height NOTNULL AND again.height NOTNULL AS again,
        gave.height NOTNULL AND again.height NOTNULL AND brought.height NOTNULL AS brought
    FROM milestone_row AS came
        LEFT JOIN milestone_row AS gave
            ON gave.key = CAST('active' || x'00' || came.id AS BLOB) AND gave.height <= ?2
        LEFT JOIN milestone_row AS again
            ON again.key = CAST('again' || x'00' || came.id AS BLOB) AND again.height <= ?2
        LEFT JOIN milestone_row AS brought
            ON brought.key = CAST('brought' || x'00' || came.id AS BLOB) AND brought.height <= ?2
    WHERE came.sort = 'admitted' AND came.height BETWEEN ?1 AND ?2
"""


_CODES = """
    SELECT code, count(DISTINCT referral_row.id), count(commission_row.id)
    FROM promotion_row
        JOIN referral_row ON referral_row.promotion = promotion_row.id AND referral_row.final
        LEFT JOIN commission_row ON commission_row.referral = referral_row.id
            AND commission_row.final
    WHERE since BETWEEN ? AND ? GROUP BY promotion_row.id ORDER BY 2 DESC, code
"""


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many came to a stage; of: to the one before. per_mille: rounded down; None of nothing."""

    stage: FunnelStage
    count: int
    of: int | None
    per_mille: int | None


@dataclass(frozen=True, slots=True)
class FunnelCohort:
    """Members of one month of admission (UTC, by the seal that admitted them)."""

    month: str
    admitted: int
    active: int
    again: int
    brought: int


@dataclass(frozen=True, slots=True)
class FunnelCode:
    """A code of promotion. referrals: buyers it brought in the period; sales: incomes by them."""

    code: str
    referrals: int
    sales: int


@dataclass(frozen=True, slots=True)
class FunnelReport:
    """The funnel of a period: what came of its cohorts until its end, and by which codes."""

    first: int
    last: int
    height: int
    steps: tuple[FunnelStep, ...]
    cohorts: tuple[FunnelCohort, ...]
    codes: tuple[FunnelCode, ...]


@dataclass(frozen=True, slots=True)
class FunnelMember:
    """A member behind a number of the funnel. active: whether they are a member now."""

    member: bytes
    member_name: str
    month: str
    is_member: bool


def funnel_report(view: LedgerView, period: SealPeriod) -> FunnelReport:
    """Return the funnel of a period."""
    cohorts = _cohorts(view, period)
    counts = {
        FunnelStage.INVITED: _invited(view, period),
        FunnelStage.ASKED: _dated(view, period, Milestone.ASKED),
        FunnelStage.ADMITTED: sum(cohort.admitted for cohort in cohorts),
        FunnelStage.ACTIVE: sum(cohort.active for cohort in cohorts),
        FunnelStage.AGAIN: sum(cohort.again for cohort in cohorts),
        FunnelStage.BROUGHT: sum(cohort.brought for cohort in cohorts),
    }
    since_ms = 0 if period.first == 1 else period.begin_ms + 1
    codes = view.kept.layers.rows(_CODES, (since_ms, period.end_ms))
    return FunnelReport(
        *(period.first, period.last, view.kept.cut.height, tuple(_steps(counts)), tuple(cohorts)),
        tuple(FunnelCode(*row) for row in codes),
    )


def funnel_members(
    view: LedgerView, period: SealPeriod, stage: FunnelStage, month: str | None, limit: int
) -> list[FunnelMember]:
    """Return the members who came to a stage, those who came first first. month: of admission."""
    if stage is FunnelStage.ASKED:
        asked = (
            "SELECT strftime('%Y-%m', time_ms / 1000, 'unixepoch'), id FROM milestone_row"
            " WHERE sort = 'asked' AND height BETWEEN ?1 AND ?2 ORDER BY height, id LIMIT ?3"
        )
        rows = view.kept.layers.rows(asked, (period.first, period.last, limit))
    else:
        place = _OF_COHORT.index(stage) + 2 if stage in _OF_COHORT else 0
        every = view.kept.layers.rows(
            f"{_COHORT} ORDER BY came.height, came.id", (period.first, period.last)
        )
        rows = [row[:2] for row in every if not place or row[place]]
    named = [(name or "", id) for name, id in rows if month in (None, name or "")]
    return [
        FunnelMember(id, view.name(id), name, _is_active(view, id)) for name, id in named[:limit]
    ]


def _steps(counts: dict[FunnelStage, int]) -> Iterable[FunnelStep]:
    before: int | None = None
    for stage, count in counts.items():
        yield FunnelStep(stage, count, before, per_mille(count, before or 0))
        before = count


def _cohorts(view: LedgerView, period: SealPeriod) -> list[FunnelCohort]:
    rows = view.kept.layers.rows(
        "SELECT month, count(*), sum(active), sum(again), sum(brought)"  # noqa: S608
        f" FROM ({_COHORT}) GROUP BY month ORDER BY month",
        (period.first, period.last),
    )
    return [FunnelCohort(month or "", *counts) for month, *counts in rows]


def _invited(view: LedgerView, period: SealPeriod) -> int:
    """Return how many uses the invites of a period offer; a parent's invites have no row."""
    rows = view.kept.layers.rows(
        "SELECT id FROM milestone_row WHERE sort = 'invited' AND height BETWEEN ? AND ?",
        (period.first, period.last),
    )
    invites = (invite_row(view.final, id) for (id,) in rows)
    return sum(invite.uses for invite in invites if invite is not None)


def _dated(view: LedgerView, period: SealPeriod, sort: Milestone) -> int:
    ((count,),) = view.kept.layers.rows(
        "SELECT count(*) FROM milestone_row WHERE sort = ? AND height BETWEEN ? AND ?",
        (sort.value, period.first, period.last),
    )
    return int(count)


def _is_active(view: LedgerView, member: bytes) -> bool:
    row = member_row(view.final, member)
    return row is not None and row.status == ACTIVE
