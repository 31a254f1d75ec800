"""The report of promises: how many of each member can be judged, and how many were kept.

The same count as `client.exchange.reliability`, made by the database over final rows, and for a
period. Promises that a record above the last seal has changed are read from the final state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.exchange.reliability import KeptPromises, is_late, is_met
from commonweal.client.exchange.reviews.rows import ReviewSummary
from commonweal.client.exchange.reviews.summaries import review_summaries
from commonweal.client.reports.seal_periods import SealPeriod, per_mille
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.members.registry import ACTIVE, member_row

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.exchange.commitments import CommitmentRow

_JUDGED = """
    SELECT provider, count(*), sum(open_n = 0 AND quantity_n <> 0) FROM clause_row
    WHERE final AND (open_n = 0 AND quantity_n <> 0 OR (status IN ('agreed', 'said') AND due < ?3))
        AND (?4 OR (due NOTNULL AND due >= ?1 AND due < ?2))
    GROUP BY provider
"""


@dataclass(frozen=True, slots=True)
class KeptByMember:
    """Promises of one member. promised: those that can be judged; per_mille: rounded down.

    is_member: whether they are one now; a supplier outside never is. reviews, stars_tenths: the
    open reviews of them up to the last seal, and their mean; None without one. withheld: reviews
    that they wrote and never opened.
    """

    member: bytes
    member_name: str
    is_member: bool
    promised: int
    kept: int
    per_mille: int | None
    reviews: int
    stars_tenths: int | None
    withheld: int


@dataclass(frozen=True, slots=True)
class KeptReport:
    """Promises that were due in a period, of who promised most first.

    Of all heights those without a time are among them too, once they are kept, and withheld reviews
    where the rules call them broken promises. What was kept late is kept.
    """

    first: int
    last: int
    height: int
    promised: int
    kept: int
    per_mille: int | None
    members: tuple[KeptByMember, ...]


def kept_report(view: LedgerView, period: SealPeriod) -> KeptReport:
    """Return how many promises of a period were kept."""
    counted = {id: KeptPromises(*row) for id, *row in _sealed(view, period)}
    for id, row in _changed(view, period):
        known = counted.get(id, KeptPromises())
        counted[id] = KeptPromises(known.promised + 1, known.kept + is_met(row))
    rule = view.kept.ruleset.withheld
    said = review_summaries(view.final, rule)
    if period.is_whole and rule.is_broken_promise:
        for id, summary in said.items():
            if summary.withheld:
                known = counted.get(id, KeptPromises())
                counted[id] = known._replace(promised=known.promised + summary.withheld)
    order = sorted(counted.items(), key=lambda pair: (-pair[1].promised, pair[0]))
    promised, kept = (
        (sum(part) for part in zip(*counted.values(), strict=True)) if counted else (0, 0)
    )
    return KeptReport(
        *(period.first, period.last, view.kept.cut.height, promised, kept),
        per_mille(kept, promised),
        tuple(_of_member(view, id, row, said.get(id, ReviewSummary())) for id, row in order),
    )


def _of_member(view: LedgerView, id: bytes, row: KeptPromises, said: ReviewSummary) -> KeptByMember:
    member = member_row(view.final, id)
    is_member = member is not None and member.status == ACTIVE
    rate = per_mille(row.kept, row.promised)
    reviews = (said.reviews, said.tenths, said.withheld)
    return KeptByMember(id, view.name(id), is_member, row.promised, row.kept, rate, *reviews)


def _sealed(view: LedgerView, period: SealPeriod) -> list[tuple[bytes, int, int]]:
    rows = view.kept.layers.rows(
        _JUDGED, (period.begin_ms, period.end_ms, period.end_ms, period.is_whole)
    )
    return [(bytes(id), promised, kept) for id, promised, kept in rows]


def _changed(view: LedgerView, period: SealPeriod) -> list[tuple[bytes, CommitmentRow]]:
    """Return the promises that can be judged of those that wait for a seal in another form."""
    judged: list[tuple[bytes, CommitmentRow]] = []
    for (id,) in view.kept.layers.rows("SELECT id FROM clause_row WHERE NOT final"):
        row = commitment_row(view.final, id)
        if row is None or not (is_met(row) or is_late(row, period.end_ms)):
            continue
        is_due = row.due is not None and period.begin_ms <= row.due < period.end_ms
        if period.is_whole or is_due:
            judged.append((row.provider, row))
    return judged
