"""A span of time as members type it, and as they read it: sat 9:00-17:00, half-open in ms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from commonweal.client.language.local_time.days import (
    MINUTE_MS,
    Day,
    clock_ms,
    day_after,
    joined,
    next_one,
    resolve,
)
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
from commonweal.client.language.local_time.zones import at, day_begin_ms, is_repeated, zone_of
from commonweal.client.language.words import N_, Words
from commonweal.protocol.errors import EndBeforeBegin, NoEnd, UnreadableTime

WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
UNKNOWN = "?"
_NOON_MINUTES = 12 * 60


class Span(NamedTuple):
    """A span of time [begin, end), in ms since 1970."""

    begin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Point:
    """One side of a span: a day, a time, or both."""

    day: Day | None = None
    clock: ClockTime | None = None


def read_span(text: str, now_ms: int, zone: tzinfo | None = None) -> Span:
    """Return a span: sat 9:00-17:00, 2026-12-05 9:00 - 2026-12-06 18:00, tomorrow 9:00 for 2 hours.

    Days without times are whole days, the last one included. A day that can be more than one is the
    first on which the span is not over. A name like Europe/Berlin at the end is the zone.
    Raises UnreadableTime, NoEnd, EndBeforeBegin, MissingHour, RepeatedHour.
    """
    plain, named = zone_of(text)
    return read_tokens(joined(tokens_of(plain)), text, now_ms, named or zone)


def read_tokens(tokens: list[Token], text: str, now_ms: int, zone: tzinfo | None) -> Span:
    """Return the span that words say. text: what was typed, for the error. Raises as `read_span`"""
    length = tokens[-1] if tokens and isinstance(tokens[-1], Length) else None
    match tokens:
        case [*first, Length()]:
            begin, end = _point(first, text), None
        case _ if Word("to") in tokens:
            middle = tokens.index(Word("to"))
            begin, end = _point(tokens[:middle], text), _point(tokens[middle + 1 :], text)
            if begin.day is None and end.day is not None and isinstance(tokens[-2], ClockTime):
                begin, end = Point(end.day, begin.clock), Point(None, end.clock)
        case _:
            begin, end = _point(tokens, text), None
    if begin.day is None and end is not None and end.day is not None:
        raise UnreadableTime(text)
    end = _in_same_half(begin, end, text)
    today = at(now_ms, zone).date()
    day = resolve(begin.day, today) if begin.day else today
    span = _on(day, begin, end, length, zone, today)
    if span.end_ms <= now_ms and begin.day and (later := next_one(begin.day, day)):
        span = _on(later, begin, end, length, zone, today)
    return span


def shown_span(span: Span, words: Words, zone: tzinfo | None = None) -> str:
    """Return a span as people read it: Sat 2026-12-05 09:00–17:00; whole days without times.

    A time that comes twice, and both where the clocks change in between, have their offset of UTC.
    What no calendar has is a question mark: others may state any number.
    """
    try:
        return _shown_span(span, words, zone)
    except UnreadableTime:
        return " – ".join(shown_moment(ms, words, zone) for ms in span)


def _shown_span(span: Span, words: Words, zone: tzinfo | None) -> str:
    begin, end = at(span.begin_ms, zone), at(span.end_ms, zone)
    last = end - timedelta(minutes=1)
    if _is_whole(span, begin.date(), last.date(), zone):
        days = dict.fromkeys(shown_day(day, words) for day in (begin.date(), last.date()))
        return " – ".join(days)
    first, second = begin.strftime("%H:%M"), end.strftime("%H:%M")
    if begin.utcoffset() != end.utcoffset() or is_repeated(begin, zone):
        first = f"{first} ({offset(begin)})"
    if begin.utcoffset() != end.utcoffset() or is_repeated(end, zone):
        second = f"{second} ({offset(end)})"
    day = shown_day(begin.date(), words)
    if begin.date() == end.date():
        return f"{day} {first}–{second}"
    if last.date() == begin.date() and second == "00:00":
        return f"{day} {first}–24:00"
    return f"{day} {first} – {shown_day(end.date(), words)} {second}"


def shown_moment(at_ms: int, words: Words, zone: tzinfo | None = None) -> str:
    """Return an instant as people read it: Sat 2026-12-05 09:00; of one that is twice, which.

    What no calendar has is a question mark.
    """
    try:
        moment = at(at_ms, zone)
    except UnreadableTime:
        return UNKNOWN
    text = f"{shown_day(moment.date(), words)} {moment:%H:%M}"
    return f"{text} ({offset(moment)})" if is_repeated(moment, zone) else text


def shown_day(day: date, words: Words) -> str:
    """Return a day as people read it, with its name: Sat 2026-12-05."""
    name = words(WEEKDAYS[day.weekday()])
    return f"{day.isoformat()} {name}" if words.is_chinese else f"{name} {day.isoformat()}"


def offset(moment: datetime) -> str:
    """Return the offset of UTC of a moment, as people read it: UTC+01:00."""
    return f"UTC{moment.isoformat()[len(moment.replace(tzinfo=None).isoformat()) :]}"


def end_day(day: Day, begin_day: date, today: date) -> date:
    """Return the day of an end: the first from the begin on, where it can be more than one."""
    is_open = next_one(day, begin_day) is not None
    return resolve(day, begin_day if is_open else today)


def _point(tokens: list[Token], text: str) -> Point:
    match tokens:
        case [DayOfMonth() | Weekday() | Ahead() as day]:
            return Point(day)
        case [ClockTime() as clock]:
            return Point(None, clock)
        case [DayOfMonth() | Weekday() | Ahead() as day, ClockTime() as clock] | [
            ClockTime() as clock,
            DayOfMonth() | Weekday() | Ahead() as day,
        ]:
            return Point(day, clock)
        case _:
            raise UnreadableTime(text)


def _in_same_half(begin: Point, end: Point | None, text: str) -> Point | None:
    """Return the end with the half of the day that it shares with the begin: 下午2点到5点.

    Raises UnreadableTime where only the end has one and the begin could be in either: 2-5pm.
    """
    if end is None or end.clock is None or begin.clock is None or end.day is not None:
        return end
    from_minutes, to_minutes = begin.clock.minutes, end.clock.minutes
    if begin.clock.half == "pm" and not end.clock.half and to_minutes < _NOON_MINUTES:
        return Point(None, end.clock._replace(minutes=to_minutes + _NOON_MINUTES))
    is_either = from_minutes and from_minutes + _NOON_MINUTES < to_minutes
    if end.clock.half == "pm" and not begin.clock.half and is_either:
        raise UnreadableTime(text)
    return end


def _on(
    day: date,
    begin: Point,
    end: Point | None,
    length: Length | None,
    zone: tzinfo | None,
    today: date,
) -> Span:
    """Return the span that begins on `day`. Raises as `read_span` does."""
    if begin.clock is None:
        if end is not None and end.clock is not None:
            raise NoEnd
        begin_ms = day_begin_ms(day, zone)
        end_ms = day_begin_ms(_day_past(day, end, length, today), zone)
    else:
        begin_ms = clock_ms(day, begin.clock, zone)
        end_ms = _end_ms(day, begin_ms, begin.clock, end, length, zone, today)
    if end_ms <= begin_ms:
        raise EndBeforeBegin
    return Span(begin_ms, end_ms)


def _day_past(day: date, end: Point | None, length: Length | None, today: date) -> date:
    """Return the first day that is no longer part of a span of whole days."""
    if end is not None:
        return day_after(end_day(end.day, day, today) if end.day else day)
    match length:
        case None:
            return day_after(day)
        case Length(0, days, months):
            return day_after(month_after(day, months), days)
        case _:
            raise NoEnd


def _end_ms(
    day: date,
    begin_ms: int,
    clock: ClockTime,
    end: Point | None,
    length: Length | None,
    zone: tzinfo | None,
    today: date,
) -> int:
    """Return where a span ends that begins at a time."""
    if end is not None:
        if end.clock is None:
            raise NoEnd
        last = end_day(end.day, day, today) if end.day else day
        return clock_ms(last, end.clock, zone)
    match length:
        case Length(minutes, 0, 0):
            return begin_ms + minutes * MINUTE_MS
        case Length(_, days, months):
            return clock_ms(day_after(month_after(day, months), days), clock, zone)
        case None:
            raise NoEnd


def _is_whole(span: Span, first: date, last: date, zone: tzinfo | None) -> bool:
    begins = (day_begin_ms(first, zone), day_begin_ms(day_after(last), zone))
    return begins == tuple(span)
