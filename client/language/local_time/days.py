"""One day as members type it: a date, a day of the week, tomorrow, in 2 weeks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from commonweal.client.language.local_time.tokens import (
    Ahead,
    ClockTime,
    DayOfMonth,
    Length,
    Token,
    Weekday,
    Word,
    month_after,
    tokens_of,
)
from commonweal.client.language.local_time.zones import at, day_begin_ms, to_ms
from commonweal.protocol.errors import UnreadableTime

YEARS_AHEAD_MAX = 8
"""A day without a year is looked for in so many years, the greatest gap between leap days."""
MINUTE_MS = 60_000

Day = DayOfMonth | Weekday | Ahead


def read_day(text: str, now_ms: int, zone: tzinfo | None = None) -> date:
    """Return one day: 2026-12-05, 31.12., 5 dec, friday, tomorrow, in 2 weeks, 周五, 12月31日.

    Without a year, and of a day of the week, the next one, today included. Raises UnreadableTime.
    """
    match joined(tokens_of(text)):
        case [DayOfMonth() | Weekday() | Ahead() as day]:
            return resolve(day, at(now_ms, zone).date())
        case _:
            raise UnreadableTime(text)


def read_moment_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return a moment ahead: a day, which ends a minute before the next, or a time on one.

    In ms since 1970. `in 2 hours` is counted from now. Raises UnreadableTime, MissingHour,
    RepeatedHour.
    """
    today = at(now_ms, zone).date()
    match joined(tokens_of(text)):
        case [Ahead(0, 0, minutes)] if minutes:
            return now_ms + minutes * MINUTE_MS
        case [DayOfMonth() | Weekday() | Ahead() as day]:
            return day_begin_ms(day_after(resolve(day, today)), zone) - MINUTE_MS
        case [DayOfMonth() | Weekday() | Ahead() as day, ClockTime(is_bare=False) as clock]:
            moment_ms = clock_ms(resolve(day, today), clock, zone)
            if moment_ms < now_ms and (later := next_one(day, resolve(day, today))):
                return clock_ms(later, clock, zone)
            return moment_ms
        case _:
            raise UnreadableTime(text)


def joined(tokens: list[Token]) -> list[Token]:
    """Return the words with "in 2 weeks" and "2 周后" made one."""
    made: list[Token] = []
    for token in tokens:
        match made[-1:], token:
            case [Word("in")], Length(minutes, days, months):
                made[-1] = Ahead(days, months, minutes)
            case [Length(minutes, days, months)], Word("after"):
                made[-1] = Ahead(days, months, minutes)
            case _:
                made.append(token)
    return made


def resolve(day: Day, from_day: date) -> date:
    """Return which day is meant, the first from `from_day` on. Raises UnreadableTime."""
    try:
        match day:
            case Ahead(days, months, 0):
                return month_after(from_day, months) + timedelta(days=days)
            case Weekday(number, None):
                return from_day + timedelta(days=(number - from_day.weekday()) % 7)
            case Weekday(number, week):
                monday = from_day - timedelta(days=from_day.weekday())
                return monday + timedelta(days=7 * (week or 0) + number)
            case DayOfMonth(0, month, number):
                return _next_date(month, number, from_day)
            case DayOfMonth(year, month, number):
                return date(year, month, number)
            case Ahead():
                raise UnreadableTime
    except (ValueError, OverflowError):
        raise UnreadableTime(_shown(day)) from None


def next_one(day: Day, meant: date) -> date | None:
    """Return the next day that `day` can mean after `meant`; None where it names one day only."""
    is_open = isinstance(day, Weekday) and day.week is None
    is_open |= isinstance(day, DayOfMonth) and day.year == 0
    return resolve(day, day_after(meant)) if is_open else None


def clock_ms(day: date, clock: ClockTime, zone: tzinfo | None) -> int:
    """Return the instant of a time on a day. Raises MissingHour, RepeatedHour, UnreadableTime."""
    try:
        local = datetime.combine(day, time()) + timedelta(minutes=clock.minutes)
    except OverflowError:
        raise UnreadableTime(day.isoformat()) from None
    if clock.offset is None:
        return to_ms(local, zone)
    return to_ms(local, UTC) - clock.offset * MINUTE_MS


def day_after(day: date, days: int = 1) -> date:
    """Return the day so many days on. Raises UnreadableTime after 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise UnreadableTime(day.isoformat()) from None


def _shown(day: Day) -> str:
    match day:
        case DayOfMonth(0, month, number):
            return f"{number}.{month}."
        case DayOfMonth(year, month, number):
            return f"{year}-{month:02}-{number:02}"
        case Weekday() | Ahead():
            return ""


def _next_date(month: int, number: int, from_day: date) -> date:
    for year in range(from_day.year, from_day.year + YEARS_AHEAD_MAX + 1):
        try:
            day = date(year, month, number)
        except ValueError:
            continue
        if day >= from_day:
            return day
    raise ValueError(number)
