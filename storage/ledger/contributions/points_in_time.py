"""When something happened, as members state it: a day, a time of day without a zone, or an instant.

An event states it under `hasPointInTime`. A day and a time of day are what a calendar and a clock
on a wall show, so they read alike in every zone. It decides nothing, and knows no clock.
"""

from __future__ import annotations

import re
from calendar import monthrange, timegm
from typing import NamedTuple

HAPPENED = "hasPointInTime"
"""Where the data of an event says when it happened."""

SECOND_MS, DAY_MS = 1000, 86_400_000
TIME_MS_MAX = 1 << 62
"""No instant is further from 1970, so that sums of two fit 64 bits."""

DATES_FIRST_MS, DATES_END_MS = -62_104_060_800_000, 253_370_764_800_000
"""The years 2 to 9998: the calendar of every zone has them, and the months beside them."""

_LOCAL = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2}))?")
_HOURS, _SIXTY = 24, 60


class PointInTime(NamedTuple):
    """A moment, or a whole day. start_ms, end_ms: ms since 1970; end_ms is not included.

    is_local: the calendar and the clock show it; then the ms are those of UTC showing the same.
    """

    start_ms: int
    end_ms: int
    is_local: bool

    @property
    def is_day(self) -> bool:
        """Whether it is a day, without a time."""
        return self.end_ms - self.start_ms == DAY_MS


class TimeBound(NamedTuple):
    """Where a period begins or ends: ms of that moment, and what calendar and clock show then.

    local_ms: ms of UTC showing the same. The zone between the two is that of who asks.
    """

    instant_ms: int
    local_ms: int

    def is_after(self, when: PointInTime) -> bool:
        """Whether all of `when` is before this bound."""
        return when.end_ms <= self._beside(when)

    def is_until(self, when: PointInTime) -> bool:
        """Whether none of `when` is before this bound."""
        return when.start_ms >= self._beside(when)

    def _beside(self, when: PointInTime) -> int:
        return self.local_ms if when.is_local else self.instant_ms


def instant(at_ms: int) -> PointInTime:
    """Return a moment. at_ms: ms since 1970; one that is further away stands at the limit."""
    start_ms = max(-TIME_MS_MAX, min(at_ms, TIME_MS_MAX))
    return PointInTime(start_ms, start_ms + 1, is_local=False)


def read_point_in_time(value: object) -> PointInTime | None:
    """Return what an event states under HAPPENED; None where that is no point in time."""
    if type(value) is int:
        return instant(value) if abs(value) <= TIME_MS_MAX else None
    match = _LOCAL.fullmatch(value) if type(value) is str else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        is_one = 1 <= day <= monthrange(year, month)[1]
        start_ms = timegm((year, month, day, hour, minute, second)) * SECOND_MS
    except ValueError:
        return None
    if not is_one or hour >= _HOURS or max(minute, second) >= _SIXTY:
        return None
    return PointInTime(start_ms, start_ms + (DAY_MS if match[4] is None else 1), is_local=True)
