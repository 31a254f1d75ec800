"""Today: what waits for this member and is not put off, and what their last shares were.

What is put off is remembered in the home alone; it does nothing to the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from commonweal.client.home.reminders import LATER_MAX, read_reminders, remember_later
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox import EVENT, PAYMENT, Inbox, InboxRow, inbox_row, page_of
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.views.column_amounts import halves, whole

TODAY_ROWS_MAX = 20
SHARES_SHOWN_MAX = 3
NOTED = (EVENT, PAYMENT)
"""Kinds of rows that are contributions, with a note or without."""


@dataclass(frozen=True, slots=True)
class TodayRow:
    """One thing that waits. key: what it is put off by. about: the role, round or promise in it.

    note: what the author of a contribution wrote with it; None for anything else. path: the page
    on which it is done; None where Today has what does it.
    """

    key: str
    about: str
    row: InboxRow
    note: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class TodayList:
    """What waits and is not put off, deadlines first; at most TODAY_ROWS_MAX of `total` rows.

    put_off: how many things are put off.
    """

    total: int
    put_off: int
    rows: tuple[TodayRow, ...]


@dataclass(frozen=True, slots=True)
class LatestShare:
    """What this member got from a pool by one seal. sealed_at_ms: its time; None where unknown."""

    height: int
    sealed_at_ms: int | None
    pool: str
    amount: Decimal
    unit: str


class Today(Inbox):
    """What a member looks at every day."""

    def today(self) -> TodayList:
        """Return what waits and is not put off."""
        waiting, later = self._waiting_sorted(), self._later(now_ms())
        shown = [entry for entry in waiting if entry.key not in later]
        rows = tuple(
            TodayRow(
                entry.key,
                entry.about,
                inbox_row(self.view, entry),
                text_of(self.view.store, RecordId(entry.id)) if entry.kind in NOTED else None,
                page_of(entry),
            )
            for entry in shown[:TODAY_ROWS_MAX]
        )
        return TodayList(len(shown), len(waiting) - len(shown), rows)

    def put_off(self, key: str) -> None:
        """Let something that waits be silent until tomorrow. Raises UnknownId, FileRefused.

        Of more than LATER_MAX the one that comes back first comes back at once.
        """
        if all(entry.key != key for entry in self._waiting_sorted()):
            raise UnknownId(key)
        later = self._later(now_ms()) | {key: _tomorrow_ms()}
        kept = sorted(later.items(), key=lambda pair: pair[1])[-LATER_MAX:]
        remember_later(self.home, dict(kept))

    def bring_back(self) -> None:
        """Let all that was put off be told again. Raises FileRefused."""
        remember_later(self.home, {})

    def latest_shares(self) -> list[LatestShare]:
        """Return what this member got by the last seals that gave them something."""
        rows = self.view.kept.layers.rows(
            f"SELECT height, time_ms, pool, {halves('amount')}, scale, unit FROM payout_row"  # noqa: S608
            " LEFT JOIN seal_row USING (height) WHERE member = ?"
            " GROUP BY height, pool, scale, unit ORDER BY height DESC, pool LIMIT ?",
            (self.view.me, SHARES_SHOWN_MAX),
        )
        return [
            LatestShare(height, time_ms, pool, exact(whole(high, low), scale), unit)
            for height, time_ms, pool, high, low, scale, unit in rows
        ]

    def _later(self, now: int) -> dict[str, int]:
        """Return what is put off, and until when."""
        later = read_reminders(self.home).later
        return {key: until_ms for key, until_ms in later.items() if until_ms > now}


def _tomorrow_ms() -> int:
    """Return when tomorrow begins, by the clock of this machine."""
    here = datetime.fromtimestamp(now_ms() / 1000).astimezone()
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp() * 1000)
