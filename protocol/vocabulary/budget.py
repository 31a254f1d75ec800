"""Budgets: how much of what one member writes everybody keeps, a day and in all.

The sums are of records, of their bytes (header and signature), and of the bytes of the
permanent and of the erasable bodies that they name. The rules set them, within limits that
no rules exceed.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import add, attrgetter, sub
from typing import NamedTuple

from commonweal.protocol.records.record import (
    ERASABLE_BYTES_MAX,
    PERMANENT_BYTES_MAX,
    RECORD_BYTES_MAX,
    Record,
)

_WIRE, _BODY = attrgetter("wire"), attrgetter("body")

DAY_MS = 24 * 3_600_000
MIB = 1024 * 1024


class Usage(NamedTuple):
    """So many records, bytes of them, and bytes of the documents and texts that they name."""

    records: int = 0
    bytes: int = 0
    documents: int = 0
    texts: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return both together."""
        return Usage(*map(add, self, other))

    def less(self, other: Usage) -> Usage:
        """Return what is left without the other; below 0 where that is more."""
        return Usage(*map(sub, self, other))

    def times(self, number: int) -> Usage:
        """Return it so many times."""
        return Usage(*(amount * number for amount in self))

    def fits(self, room: Usage) -> bool:
        """Whether each part is within that of `room`."""
        return all(amount <= most for amount, most in zip(self, room, strict=True))

    def reaches(self, limit: Usage) -> bool:
        """Whether some part is at its limit."""
        return any(amount >= most for amount, most in zip(self, limit, strict=True))


NO_USAGE = Usage()
RECORD_USAGE_MAX = Usage(1, RECORD_BYTES_MAX, PERMANENT_BYTES_MAX, ERASABLE_BYTES_MAX)
"""The largest that one record can have others keep."""

NEW_LOG_MAX = Usage(4_096, MIB, MIB // 4, MIB // 2)
"""So much of a log is taken before its first record, which says whose it is, is final."""


class Budget(NamedTuple):
    """What the rules let each member have others keep: so much a day, and so many days of it."""

    daily: Usage
    days: int

    @property
    def whole(self) -> Usage:
        """All that a member may ever have others keep."""
        return self.daily.times(self.days)


DEFAULT_BUDGET = Budget(Usage(200_000, 64 * MIB, 4 * MIB, 32 * MIB), 365)
BUDGET_MIN = Budget(Usage(1_000, MIB, MIB, MIB), 30)
BUDGET_MAX = Budget(Usage(1_000_000, 1024 * MIB, 64 * MIB, 1024 * MIB), 36_600)
"""No rules set less, or more."""


def usage_of(record: Record) -> Usage:
    """Return what one record has others keep."""
    size, body = len(record.wire), record.body
    if body is None:
        return Usage(1, size)
    return Usage(1, size, body.size, 0) if body.permanent else Usage(1, size, 0, body.size)


def total_usage(records: Iterable[Record]) -> Usage:
    """Return what records have others keep together."""
    run = list(records)
    bodies = [body for body in map(_BODY, run) if body is not None]
    documents = sum(body.size for body in bodies if body.permanent)
    texts = sum(body.size for body in bodies) - documents
    return Usage(len(run), sum(map(len, map(_WIRE, run))), documents, texts)


def log_window(budget: Budget, devices: int) -> Usage:
    """Return how far above the last cut one of a member's logs is taken: its part of a day.

    devices: how many the member has enrolled. At least one record always fits.
    """
    parts = (amount // max(1, devices) for amount in budget.daily)
    return Usage(*map(max, parts, RECORD_USAGE_MAX))


def day_of(time_ms: int) -> int:
    """Return the day of a seal's time, counted from 1970 in UTC."""
    return time_ms // DAY_MS
