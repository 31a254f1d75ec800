"""How people write times and durations; instants are shown in the zone of the machine.

A day, and a time without a zone, are read and shown as they are, wherever the machine is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from commonweal.client.language.digits import plain_digits
from commonweal.protocol.errors import FutureTime, UnreadableTime
from commonweal.storage.ledger.contributions.points_in_time import (
    DAY_MS,
    PointInTime,
    TimeBound,
    instant,
    read_point_in_time,
)

TYPED_CHARS_MAX = 100
"""A time or a duration has at most so many characters."""

_DURATION = r"(\d{1,6})\s*(m|h|d|w|分钟|小时|天|日|周)"
"""Expressions are compiled by the first who reads a time; most commands only show some."""
_MINUTES = {"m": 1, "分钟": 1, "h": 60, "小时": 60, "d": 1440, "天": 1440, "日": 1440}
_MINUTES |= {"w": 10080, "周": 10080}
_HOURS = ("m", "分钟", "h", "小时")
_DAYS_BACK = {"today": 0, "今天": 0, "yesterday": 1, "昨天": 1}

_POINT = (
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[t ] *([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r" *(z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_MONTH = r"([0-9]{4})[-/.年]([0-9]{1,2})月?"
_MONTHS = 12
_DAY_CHARS, _MINUTE_CHARS = len("2026-01-05"), len("2026-01-05 18:30")
_1970 = datetime(1970, 1, 1, tzinfo=UTC)

EAST_MS_MAX = 14 * 3_600_000
"""How far the clocks of the easternmost zone are before UTC."""


def read_duration_ms(text: str) -> int:
    """Return ms for 30m, 12h, 7d, 2w, 7天. Raises UnreadableTime."""
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableTime(text[:TYPED_CHARS_MAX])
    match = re.fullmatch(_DURATION, plain_digits(text).lower())
    if match is None or not int(match[1]):
        raise UnreadableTime(text)
    return int(match[1]) * _MINUTES[match[2]] * 60_000


def read_when(text: str, now_ms: int) -> PointInTime:
    """Return when a contribution was given: 2026-01-05, 2026-01-05 18:30, yesterday, friday or 3d.

    A day, or a time without a zone, is the same in every zone; with a zone, or hours back from now,
    it is an instant. Raises UnreadableTime, FutureTime.
    """
    plain = _plain(text)
    is_date = re.fullmatch(_POINT, plain)  # most are: what reads other words is not loaded for it
    when = None if is_date else _back(plain, now_ms) or _weekday(plain, now_ms)
    when = when or _written(text)
    return _past(when, text, now_ms)


def read_date(text: str, now_ms: int) -> PointInTime:
    """Return when a contribution was given that is written down: 2026-01-05, 2026-01-05 18:30.

    The same as `read_when`, without what is counted back from now. Raises as it does.
    """
    return _past(_written(text), text, now_ms)


def read_bound(text: str, now_ms: int) -> TimeBound:
    """Return where a period begins or ends, as `read_when` reads it. Raises UnreadableTime.

    What has no zone is of the machine's, and so is the day that a moment falls on.
    """
    plain = _plain(text)
    try:
        if re.fullmatch(_DURATION, plain):
            when = instant(max(0, now_ms - read_duration_ms(plain)))
        else:
            when = _back(plain, now_ms) or _written(text)
        if when.is_local:
            at = _1970 + timedelta(milliseconds=when.start_ms)
            return TimeBound(_ms(at.replace(tzinfo=None).astimezone(UTC)), when.start_ms)
        here = _here(when.start_ms)
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(text) from None
    return TimeBound(when.start_ms, local(here, is_day=False).start_ms)


def month_bounds(text: str) -> tuple[TimeBound, TimeBound]:
    """Return where a month like 2026-11 begins and ends, here. Raises UnreadableTime."""
    match = re.fullmatch(_MONTH, _plain(text))
    if match is None:
        raise UnreadableTime(text)
    year, month = int(match[1]), int(match[2])
    next_year, next_month = (year + 1, 1) if month == _MONTHS else (year, month + 1)
    days = f"{year:04d}-{month:02d}-01", f"{next_year:04d}-{next_month:02d}-01"
    first, last = (read_bound(day, 0) for day in days)
    return first, last


def month_of(at_ms: int) -> int:
    """Return the month, counted from the year 0, that calendars here show at a moment."""
    here = _here(at_ms)
    return here.year * _MONTHS + here.month - 1


def read_due_ms(text: str, now_ms: int) -> int:
    """Return until when something is due, in ms since 1970: a time, a day, or 3d from now on.

    A day, of all forms that `read_day` reads, ends a minute before the next. What has no zone is of
    the machine's. Raises UnreadableTime, and MissingHour or RepeatedHour when the clocks change.
    """
    plain = _plain(text)
    if re.fullmatch(_DURATION, plain):
        return now_ms + read_duration_ms(plain)
    if (match := re.fullmatch(_POINT, plain)) and match[6]:
        return _written(text).start_ms
    from commonweal.client.language.local_time.days import read_moment_ms

    return read_moment_ms(text, now_ms)


def iso(at_ms: int) -> str:
    """Return a time as scripts read it: UTC with ms, like 2026-11-23T18:30:00.000Z."""
    try:
        at = _1970 + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms} ms"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_when(when: PointInTime) -> str:
    """Return when something happened as scripts read it.

    A day 2026-01-05, a time without a zone 2026-01-05T18:30:00, an instant as `iso` does.
    """
    if not when.is_local:
        return iso(when.start_ms)
    text = (_1970 + timedelta(milliseconds=when.start_ms)).replace(tzinfo=None).isoformat()
    return text[:_DAY_CHARS] if when.is_day else text


def stated(when: PointInTime) -> int | str:
    """Return what an event states under HAPPENED: ms of an instant, else what `iso_when` does."""
    return iso_when(when) if when.is_local else when.start_ms


def local(at: datetime, *, is_day: bool) -> PointInTime:
    """Return what a calendar and a clock show, to the second. at: its zone is ignored."""
    shown_at = at.replace(tzinfo=None).isoformat(timespec="seconds")
    when = read_point_in_time(shown_at[:_DAY_CHARS] if is_day else shown_at)
    assert when is not None, "isoformat writes it so"
    return when


def shown(at_ms: int) -> str:
    """Return a time as people read it, to the minute, where they are."""
    try:
        return _here(at_ms).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "?"


def shown_when(when: PointInTime) -> str:
    """Return when something happened as people read it: a day, or a time to the minute."""
    if when.is_local:
        return iso_when(when).replace("T", " ")[:_MINUTE_CHARS]
    return shown(when.start_ms)


def _back(plain: str, now_ms: int) -> PointInTime | None:
    """Return what is counted back from now, days or an instant; None where nothing is."""
    days, duration = _DAYS_BACK.get(plain), re.fullmatch(_DURATION, plain)
    try:
        if duration:
            back_ms = read_duration_ms(plain)
            if duration[2] in _HOURS:
                return instant(now_ms - back_ms)
            days = back_ms // DAY_MS
        if days is None:
            return None
        return local(_here(now_ms) - timedelta(days=days), is_day=True)
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(plain) from None


def _weekday(plain: str, now_ms: int) -> PointInTime | None:
    """Return the last such day, today included, where a weekday stands; None elsewhere.

    Raises FutureTime for what is counted ahead, as tomorrow is.
    """
    from commonweal.client.language.local_time.tokens import Ahead, Weekday, tokens_of

    try:
        tokens = tokens_of(plain)
    except UnreadableTime:
        return None
    match tokens:
        case [Ahead(days=days, months=months, minutes=minutes)] if days or months or minutes:
            raise FutureTime(plain)
        case [Weekday(day=day, week=None)]:
            here = _here(now_ms)
            return local(here - timedelta(days=(here.weekday() - day) % 7), is_day=True)
    return None


def _written(text: str) -> PointInTime:
    """Return a day, a time without a zone, or an instant. Raises UnreadableTime."""
    match = re.fullmatch(_POINT, _plain(text))
    if match is None:
        raise UnreadableTime(text)
    year, month, day, hour, rest, zone = match.groups()
    date, time = f"{year}-{month:0>2}-{day:0>2}", f"{hour or '':0>2}{rest or ':00'}"
    try:
        at = datetime.fromisoformat(f"{date}T{time}{zone or ''}".upper())
        return instant(_ms(at.astimezone(UTC))) if zone else local(at, is_day=hour is None)
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(text) from None


def _past(when: PointInTime, text: str, now_ms: int) -> PointInTime:
    """Return what is not in the future. Raises FutureTime."""
    if when.start_ms > now_ms + (EAST_MS_MAX if when.is_local else 0):
        raise FutureTime(text)
    return when


def _plain(text: str) -> str:
    """Return a typed time in lower case and plain digits. Raises UnreadableTime when it is long."""
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableTime(text[:TYPED_CHARS_MAX])
    return plain_digits(text).lower()


def _here(at_ms: int) -> datetime:
    """Return what calendar and clock of this machine show."""
    return (_1970 + timedelta(milliseconds=at_ms)).astimezone()


def _ms(at: datetime) -> int:
    past = at - _1970
    return (past.days * 86_400 + past.seconds) * 1000 + past.microseconds // 1000
