"""Days as members type them: 31.12., friday, in 2 weeks, 12月31日, 下周五, 2026-12-31.

A day is one of the calendar where its reader is, and lasts from midnight to midnight there. What is
typed as a time or with hours stays a time. It reads no clock: now, and the zone, are passed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

from commonweal.client.language.digits import plain_digits
from commonweal.client.language.times import TYPED_CHARS_MAX, read_duration_ms, read_moment
from commonweal.protocol.errors import UnreadableDay, UnreadableTime
from commonweal.storage.ledger.contributions.points_in_time import DAY_MS

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS_OF_WEEK, _MONTHS_OF_YEAR, _YEARS_TO_LEAP_DAY = 7, 12, 8

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY_CHARS_MIN = 3
_CHINESE_WEEKDAYS = {name: day for day, name in enumerate("一二三四五六日")} | {"天": 6}
_CHINESE_WEEKDAYS |= {str(number): number - 1 for number in range(1, 7)}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_NAMED = {"today": 0, "今天": 0, "今日": 0, "tomorrow": 1, "明天": 1, "明日": 1}
_NAMED |= {"day after tomorrow": 2, "后天": 2, "大后天": 3}
_COUNTS = {name: number for number, name in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_COUNTS |= {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6}

_WRITTEN = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\.?(?: ?([0-9]{4}))?")
_CHINESE_DAY = re.compile(r"([0-9]{1,2}) ?月 ?([0-9]{1,2}) ?[日号]?")
_DAY_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?\.? ([a-z]{3,9})\.?,?(?: ([0-9]{4}))?")
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:,? ([0-9]{4}))?")
_WEEKDAY = re.compile(r"(?:(this|next|on) )?([a-z]{3,9})")
_CHINESE_WEEKDAY = re.compile(r"(这个?|本|下个?)?(?:周|星期|礼拜)([一二三四五六日天1-6])")
_AWAY = re.compile(
    r"(?:in )?([0-9]{1,4}|[a-z]{1,5}) ?(d|days?|w|weeks?|months?)"
    r"|([0-9]{1,4}|[一二两三四五六七八九十]) ?(天|日|周|个?星期|个?礼拜|个月) ?[以之]?后?"
)
_HOURS_AWAY = re.compile(r"(?:in )?([0-9]{1,6}) ?(m|h|分钟|小时)(?:in(?:ute)?s?|ours?)? ?后?")
_WEEKS = ("w", "week", "weeks", "周", "星期", "个星期", "礼拜", "个礼拜")
_MONTHS_AWAY = ("month", "months", "个月")


def read_day(text: str, today: date) -> date:
    """Return the day that a text names, seen from `today`. Raises UnreadableDay.

    A day without a year is the next one, today included; so is the day of a week. "next friday",
    like 下周五, is that of the week after this one, which begins on Monday; "this friday" that of
    this week, even if it is past.
    """
    plain = _plain(text)
    try:
        day = _read(plain, today)
    except (ValueError, OverflowError):
        day = None
    if day is None:
        raise UnreadableDay(text[:TYPED_CHARS_MAX])
    return day


def read_from_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return when a day that a text names begins, or the time that it names.

    zone: of the day; None for that of the machine. Raises UnreadableDay.
    """
    return _bounds(text, now_ms, zone)[0]


def read_until_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Return when a day that a text names has ended, or the time that it names.

    The end of a day is the midnight after it. zone: as in `read_from_ms`. Raises UnreadableDay.
    """
    return _bounds(text, now_ms, zone)[1]


def day_here(at_ms: int, zone: tzinfo | None = None) -> date:
    """Return the day that a calendar shows at a time. zone: None for that of the machine."""
    return (_1970 + timedelta(milliseconds=at_ms)).astimezone(zone).date()


def day_bounds_ms(day: date, zone: tzinfo | None = None) -> tuple[int, int]:
    """Return when a day begins, and when the next one does. Raises UnreadableDay.

    It lasts 23 or 25 hours where clocks are put forward or back. zone: None for the machine's.
    """
    try:
        return _midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone)
    except (ValueError, OverflowError, OSError):
        raise UnreadableDay(day.isoformat()) from None


def shown_until(at_ms: int | None, zone: tzinfo | None = None) -> str:
    """Return an end as people read it: a day, where it is the midnight after it, else a time."""
    return _shown(at_ms, zone, is_end=True)


def shown_from(at_ms: int | None, zone: tzinfo | None = None) -> str:
    """Return a beginning as people read it: a day, where it is its first midnight, else a time."""
    return _shown(at_ms, zone, is_end=False)


def _shown(at_ms: int | None, zone: tzinfo | None, *, is_end: bool) -> str:
    if at_ms is None:
        return ""
    try:
        here = (_1970 + timedelta(milliseconds=at_ms)).astimezone(zone)
        day = here.date() - timedelta(days=is_end)
        if day_bounds_ms(day, zone)[is_end] == at_ms:
            return day.isoformat()
        return here.strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError, UnreadableTime):
        return "?"


def _bounds(text: str, now_ms: int, zone: tzinfo | None) -> tuple[int, int]:
    plain = _plain(text)
    try:
        return day_bounds_ms(read_day(text, day_here(now_ms, zone)), zone)
    except UnreadableTime:
        at_ms = _hours_away(plain, now_ms)
        if at_ms is None:
            at_ms = _moment(text, zone)
        return at_ms, at_ms


def _moment(text: str, zone: tzinfo | None) -> int:
    try:
        return read_moment(text, zone)
    except UnreadableTime:
        raise UnreadableDay(text[:TYPED_CHARS_MAX]) from None


def _hours_away(plain: str, now_ms: int) -> int | None:
    """Return a time that is counted in hours or minutes from now; None where nothing is."""
    match = _HOURS_AWAY.fullmatch(plain)
    return None if match is None else now_ms + read_duration_ms(match[1] + match[2])


def _read(plain: str, today: date) -> date | None:
    """Return the day that a plain text names; None where it names none. Raises ValueError."""
    if plain in _NAMED:
        return today + timedelta(days=_NAMED[plain])
    if match := _WRITTEN.fullmatch(plain):
        return _in_year(int(match[2]), int(match[1]), match[3], today)
    if match := _CHINESE_DAY.fullmatch(plain):
        return _in_year(int(match[1]), int(match[2]), None, today)
    if (match := _DAY_MONTH.fullmatch(plain)) and (month := _named(match[2], _MONTHS)):
        return _in_year(month, int(match[1]), match[3], today)
    if (match := _MONTH_DAY.fullmatch(plain)) and (month := _named(match[1], _MONTHS)):
        return _in_year(month, int(match[2]), match[3], today)
    if (match := _WEEKDAY.fullmatch(plain)) and (weekday := _named(match[2], _WEEKDAYS)):
        return _of_week(weekday - 1, match[1] or "", today)
    if match := _CHINESE_WEEKDAY.fullmatch(plain):
        which = {"下": "next", "下个": "next", None: ""}.get(match[1], "this")
        return _of_week(_CHINESE_WEEKDAYS[match[2]], which, today)
    if match := _AWAY.fullmatch(plain):
        return _away(match[1] or match[3], match[2] or match[4], today)
    return _iso_day(plain)


def _in_year(month: int, day: int, year: str | None, today: date) -> date | None:
    """Return a day of a year that is written, else the next one of its name."""
    if year is not None:
        return date(int(year), month, day)
    years: Iterable[int] = range(today.year, today.year + _YEARS_TO_LEAP_DAY + 1)
    for number in years:
        if 1 <= day <= monthrange(number, month)[1] and date(number, month, day) >= today:
            return date(number, month, day)
    return None


def _of_week(weekday: int, which: str, today: date) -> date:
    """Return a day of this week or the next, from Monday on, or the next day of that name."""
    monday = today - timedelta(days=today.weekday())
    if which == "this":
        return monday + timedelta(days=weekday)
    if which == "next":
        return monday + timedelta(days=weekday + _DAYS_OF_WEEK)
    return today + timedelta(days=(weekday - today.weekday()) % _DAYS_OF_WEEK)


def _away(count: str, unit: str, today: date) -> date | None:
    """Return a day so many days, weeks or months from now; of a short month, its last."""
    number = int(count) if count.isdigit() else _COUNTS.get(count)
    if number is None:
        return None
    if unit in _MONTHS_AWAY:
        months = today.year * _MONTHS_OF_YEAR + today.month - 1 + number
        year, month = divmod(months, _MONTHS_OF_YEAR)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    return today + timedelta(days=number * (_DAYS_OF_WEEK if unit in _WEEKS else 1))


def _iso_day(plain: str) -> date | None:
    """Return a day that is written with its year first, as 2026-12-31 or 2026年12月31日."""
    try:
        at_ms = read_moment(plain, UTC)
    except UnreadableTime:
        return None
    is_day = len(re.findall("[0-9]+", plain)) == len(("year", "month", "day"))
    return day_here(at_ms, UTC) if is_day and not at_ms % DAY_MS else None


def _named(word: str, names: tuple[str, ...]) -> int:
    """Return the number, from 1, of the one name that begins with a word; 0 without."""
    fitting = [number for number, name in enumerate(names, 1) if name.startswith(word)]
    return fitting[0] if len(word) >= _WEEKDAY_CHARS_MIN and len(fitting) == 1 else 0


def _midnight_ms(day: date, zone: tzinfo | None) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    past = midnight.astimezone(UTC) - _1970
    return (past.days * 86_400 + past.seconds) * 1000


def _plain(text: str) -> str:
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableDay(text[:TYPED_CHARS_MAX])
    return " ".join(plain_digits(text).lower().split())
