"""The report of things and needs: what lies idle, what is needed and not found, what became deals.

From final rows, for a period of seals: days of UTC on which a thing is taken, needs by their tags,
the time from a need to the deal that answers it, and how many deals are rings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.exchange.lending.states import thing_name
from commonweal.client.reports.seal_periods import DAY_MS, SealPeriod, per_mille
from commonweal.protocol.ledger.exchange.lending.calendar_slots import SLOT
from commonweal.protocol.ledger.exchange.offers.intents import (
    REPLACED,
    WITHDRAWN,
    IntentRow,
    intent_row,
)
from commonweal.protocol.ledger.sharing.milestones import Milestone

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

MINUTE_MS = 60_000

RING_PARTIES_MIN = 3
"""A deal of so many parties is a ring."""

_DATED = "SELECT id, time_ms FROM milestone_row WHERE sort = ? AND height <= ? ORDER BY height, id"
_NEEDS = """
    SELECT needed.id, needed.time_ms, answered.time_ms
    FROM milestone_row AS needed LEFT JOIN milestone_row AS answered
        ON answered.key = CAST('answered' || x'00' || needed.id AS BLOB)
            AND answered.height <= ?2
    WHERE needed.sort = 'needed' AND needed.height BETWEEN ?1 AND ?2
"""
_WAITED = """
    SELECT answered.time_ms - needed.time_ms
    FROM milestone_row AS answered JOIN milestone_row AS needed
        ON needed.key = CAST('needed' || x'00' || answered.id AS BLOB)
    WHERE answered.sort = 'answered' AND answered.height BETWEEN ? AND ? ORDER BY 1
"""
_DEALS = """
    SELECT count(*), ifnull(sum(parties >= ?), 0) FROM milestone_row
        JOIN deal_row ON deal_row.id = milestone_row.id
    WHERE sort = 'agreed' AND height BETWEEN ? AND ?
"""
_DAYS = "SELECT count(*) FROM state WHERE start >= ? AND start < ? AND layer = 0"


@dataclass(frozen=True, slots=True)
class ThingUse:
    """Days of a period on which a thing was lent out, at least in part.

    days: of the period, from the day on which terms were first written for it. per_mille: of the
    days on which it was idle, rounded down; None without a day.
    """

    resource: bytes
    resource_name: str
    days: int
    booked: int
    idle: int
    per_mille: int | None


@dataclass(frozen=True, slots=True)
class TagNeeds:
    """Needs of a period with a tag: how many there were, and how many no deal answers.

    tag: empty for those without one. A need with two tags is in both.
    """

    tag: str
    needs: int
    unmet: int


@dataclass(frozen=True, slots=True)
class ThingsReport:
    """Things, needs and deals of a period.

    needs: published in it, but for those that were withdrawn or replaced since; unmet: of these,
    without a promise in force until its end. answered: needs that got one in it; median_minutes,
    longest_minutes: how long that took from seal to seal; the lower of two in the middle. deals:
    that came into force in it; rings: of at least RING_PARTIES_MIN parties.
    """

    first: int
    last: int
    height: int
    lent: tuple[ThingUse, ...]
    needs: int
    unmet: int
    tags: tuple[TagNeeds, ...]
    answered: int
    median_minutes: int | None
    longest_minutes: int | None
    deals: int
    rings: int
    rings_per_mille: int | None


def things_report(view: LedgerView, period: SealPeriod) -> ThingsReport:
    """Return what lay idle and what was missing in a period."""
    heights = (period.first, period.last)
    uses = [_use(view, period, *row) for row in _lent(view, period)]
    needs, unmet, tags = _needs(view, period)
    waited = [row[0] for row in view.kept.layers.rows(_WAITED, heights)]
    ((deals, rings),) = view.kept.layers.rows(_DEALS, (RING_PARTIES_MIN, *heights))
    return ThingsReport(
        first=period.first,
        last=period.last,
        height=view.kept.cut.height,
        lent=tuple(sorted(uses, key=lambda use: (-(use.per_mille or 0), use.resource))),
        needs=needs,
        unmet=unmet,
        tags=tags,
        answered=len(waited),
        median_minutes=waited[(len(waited) - 1) // 2] // MINUTE_MS if waited else None,
        longest_minutes=waited[-1] // MINUTE_MS if waited else None,
        deals=deals,
        rings=rings,
        rings_per_mille=per_mille(rings, deals),
    )


def _lent(view: LedgerView, period: SealPeriod) -> list[tuple[bytes, int]]:
    rows = view.kept.layers.rows(_DATED, (Milestone.LENT.value, period.last))
    return [(id, time_ms // DAY_MS) for id, time_ms in rows]


def _use(view: LedgerView, period: SealPeriod, thing_id: bytes, since: int) -> ThingUse:
    days = range(max(period.days.start, since), period.days.stop)
    bounds = (SLOT + thing_id + day.to_bytes(4) for day in (days.start, days.stop))
    booked = view.kept.layers.rows(_DAYS, tuple(bounds))[0][0] if days else 0
    idle = len(days) - booked
    name = thing_name(view, thing_id)
    return ThingUse(thing_id, name, len(days), booked, idle, per_mille(idle, len(days)))


def _needs(view: LedgerView, period: SealPeriod) -> tuple[int, int, tuple[TagNeeds, ...]]:
    needs, unmet = Counter[str](), Counter[str]()
    whole, open_needs = 0, 0
    for id, _, answered_ms in view.kept.layers.rows(_NEEDS, (period.first, period.last)):
        row = intent_row(view.final, id)
        if row is None or not _stands(row):
            continue
        tags = [*dict.fromkeys(row.tags)] or [""]
        is_unmet = answered_ms is None and not row.is_met
        whole, open_needs = whole + 1, open_needs + is_unmet
        needs.update(tags)
        unmet.update(tags if is_unmet else ())
    rows = (TagNeeds(tag, count, unmet[tag]) for tag, count in needs.items())
    return whole, open_needs, tuple(sorted(rows, key=lambda row: (-row.unmet, -row.needs, row.tag)))


def _stands(row: IntentRow) -> bool:
    """Whether a need was not taken back; one whose time is over stands as unmet."""
    return row.status not in (WITHDRAWN, REPLACED)
