"""Budgets: how much of one member's data every node stores, per day and in total.

Counted are records, their bytes (header and signature), and the bytes of the permanent and of
the erasable bodies that they name. The rules set a budget between `BUDGET_MIN` and `BUDGET_MAX`.
Nothing here decides whether a record is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add, attrgetter, sub
from typing import NamedTuple

from commonweal.protocol.records.record import (
    ERASABLE_BYTES_MAX,
    PERMANENT_BYTES_MAX,
    RECORD_BYTES_MAX,
    BodyRef,
    Record,
    body_from_bytes,
)

_WIRE, _BODY = attrgetter("wire"), attrgetter("body")

DAY_MS = 24 * 3_600_000
MIB = 1024 * 1024


class Usage(NamedTuple):
    """Numbers of records, of their bytes, and of bytes of permanent and erasable bodies."""

    records: int = 0
    bytes: int = 0
    documents: int = 0
    texts: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return the sum, field by field."""
        return Usage(*map(add, self, other))

    def less(self, other: Usage) -> Usage:
        """Return the difference, field by field; it may be negative."""
        return Usage(*map(sub, self, other))

    def times(self, number: int) -> Usage:
        """Return each field times `number`."""
        return Usage(*(amount * number for amount in self))

    def fits(self, room: Usage) -> bool:
        """Whether each field is at most that of `room`."""
        return all(amount <= most for amount, most in zip(self, room, strict=True))

    def reaches(self, limit: Usage) -> bool:
        """Whether some field is at least that of `limit`."""
        return any(amount >= most for amount, most in zip(self, limit, strict=True))


NO_USAGE = Usage()
RECORD_USAGE_MAX = Usage(1, RECORD_BYTES_MAX, PERMANENT_BYTES_MAX, ERASABLE_BYTES_MAX)
"""The largest usage of one record."""

NEW_LOG_MAX = Usage(4_096, MIB, MIB // 4, MIB // 2)
"""Accepted of a log until its first record, which names its member, is final."""


class Budget(NamedTuple):
    """What the rules allow each member: `daily` usage, and `days` times that in total."""

    daily: Usage
    days: int

    @property
    def whole(self) -> Usage:
        """The usage of a member in total."""
        return self.daily.times(self.days)


DEFAULT_BUDGET = Budget(Usage(200_000, 64 * MIB, 4 * MIB, 32 * MIB), 365)
BUDGET_MIN = Budget(Usage(1_000, MIB, MIB, MIB), 30)
BUDGET_MAX = Budget(Usage(1_000_000, 1024 * MIB, 64 * MIB, 1024 * MIB), 36_600)
"""Rules set no budget outside `BUDGET_MIN` and `BUDGET_MAX`."""


def usage_of(record: Record) -> Usage:
    """Return the usage of one record."""
    size, body = len(record.wire), record.body
    if body is None:
        return Usage(1, size)
    return Usage(1, size, body.size, 0) if body.permanent else Usage(1, size, 0, body.size)


def total_usage(records: Iterable[Record]) -> Usage:
    """Return the usage of `records` together."""
    run = list(records)
    return _usage(list(map(_WIRE, run)), map(_BODY, run))


def usage_of_bytes(wires: Sequence[bytes]) -> Usage:
    """Return the usage of well-formed records together. Errors: as `body_from_bytes`."""
    return _usage(wires, map(body_from_bytes, wires))


def _usage(wires: Sequence[bytes], refs: Iterable[BodyRef | None]) -> Usage:
    bodies = [body for body in refs if body is not None]
    documents = sum(body.size for body in bodies if body.permanent)
    texts = sum(body.size for body in bodies) - documents
    return Usage(len(wires), sum(map(len, wires)), documents, texts)


def log_window(budget: Budget, devices: int) -> Usage:
    """Return the usage accepted above the last cut of one log: its device's part of a day.

    devices: number of devices that the member has enrolled. One record always fits.
    """
    parts = (amount // max(1, devices) for amount in budget.daily)
    return Usage(*map(max, parts, RECORD_USAGE_MAX))


def day_of(time_ms: int) -> int:
    """Return the days from 1970-01-01 UTC to the time of a seal."""
    return time_ms // DAY_MS
