"""Days between which something stands, as members type and read them: until 31.12., from friday.

A day lasts from midnight to midnight where its reader is, and its end is the midnight after it.
What is typed as a time stays a time. It reads no clock: now, and the zone, are passed.
"""

from __future__ import annotations

from datetime import date, time, timedelta, tzinfo

from commonweal.client.language.local_time.days import (
    MINUTE_MS,
    day_after,
    read_day,
    read_moment_ms,
)
from commonweal.client.language.local_time.zones import at, day_begin_ms
from commonweal.protocol.errors import UnreadableTime


def read_from_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return when a day that a text names begins, or the time that it names.

    In ms since 1970. zone: of the day; None for that of the machine. Raises UnreadableTime,
    MissingHour, RepeatedHour.
    """
    return _bounds(text, now_ms, zone)[0]


def read_until_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return when a day that a text names has ended, or the time that it names.

    The end of a day is the midnight after it. Takes and raises what `read_from_ms` does.
    """
    return _bounds(text, now_ms, zone)[1]


def day_bounds_ms(day: date, zone: tzinfo | None = None) -> tuple[int, int]:
    """Return when a day begins, and when the next one does. Raises UnreadableTime after 9999.

    It lasts 23 or 25 hours where clocks are put forward or back. zone: None for the machine's.
    """
    return day_begin_ms(day, zone), day_begin_ms(day_after(day), zone)


def shown_until(at_ms: int | None, zone: tzinfo | None = None) -> str:
    """Return an end as people read it: a day, where it is the midnight after it, else a time."""
    return _shown(at_ms, zone, is_end=True)


def shown_from(at_ms: int | None, zone: tzinfo | None = None) -> str:
    """Return a beginning as people read it: a day, where it is its first midnight, else a time."""
    return _shown(at_ms, zone, is_end=False)


def on_day_ms(until_ms: int, zone: tzinfo | None = None) -> int:
    """Return a moment of the day that an end belongs to: the minute before, where it is midnight.

    zone: None for the machine's.
    """
    try:
        is_midnight = at(until_ms, zone).time() == time()
    except UnreadableTime:
        return until_ms
    return until_ms - MINUTE_MS if is_midnight else until_ms


def _bounds(text: str, now_ms: int, zone: tzinfo | None) -> tuple[int, int]:
    try:
        day = read_day(text, now_ms, zone)
    except UnreadableTime:
        moment_ms = read_moment_ms(text, now_ms, zone)
        return moment_ms, moment_ms
    return day_bounds_ms(day, zone)


def _shown(at_ms: int | None, zone: tzinfo | None, *, is_end: bool) -> str:
    if at_ms is None:
        return ""
    try:
        here = at(at_ms, zone)
        day = here.date() - timedelta(days=is_end)
        if day_bounds_ms(day, zone)[is_end] == at_ms:
            return day.isoformat()
    except (UnreadableTime, OverflowError):
        return "?"
    return f"{here:%Y-%m-%d %H:%M}"
