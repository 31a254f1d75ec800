"""A series of spans as members type it: every tue 18:00-20:00 until 31.3., in local time.

It is spread out here to single spans: the clock shows the same for each, also after it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from commonweal.client.language.local_time.days import Day, day_after, joined, resolve
from commonweal.client.language.local_time.spans import Span, end_day, read_tokens
from commonweal.client.language.local_time.tokens import (
    Ahead,
    ClockTime,
    DayOfMonth,
    Every,
    Length,
    Times,
    Token,
    Weekday,
    Word,
    tokens_of,
)
from commonweal.client.language.local_time.zones import at, day_begin_ms, zone_of
from commonweal.protocol.errors import (
    EndlessRepeat,
    TooManyTimes,
    UnreadableTime,
)

REPEATS_MAX = 53
"""A series has at most so many spans: one a week for a year."""


def read_repeat(text: str, now_ms: int, zone: tzinfo | None = None) -> tuple[Span, ...]:
    """Return the spans of a series, those that begin before now left out; of a single span, that.

    every tue and thu 18:00-20:00 until 31.3. · every 2 weeks sat, 6 times · 每周二18:00-20:00 共6次
    Raises EndlessRepeat, TooManyTimes beyond REPEATS_MAX, and as `read_span` does.
    """
    plain, named = zone_of(text)
    zone, tokens = named or zone, joined(tokens_of(plain))
    series = [token for token in tokens if isinstance(token, Every)]
    if not series:
        return (read_tokens(tokens, text, now_ms, zone),)
    if len(series) > 1:
        raise UnreadableTime(text)
    tokens.remove(series[0])
    today = at(now_ms, zone).date()
    until, times = _end(tokens)
    begin = _begin(tokens)
    first = resolve(begin, today) if begin else today
    last = end_day(until, first, today) if until else date.max
    spans: list[Span] = []
    for day in _days(series[0], first, last, today):
        span = _span_on(day, tokens, text, zone)
        if span.begin_ms >= now_ms:
            spans.append(span)
        if len(spans) > REPEATS_MAX:
            raise TooManyTimes(str(REPEATS_MAX))
        if len(spans) == times:
            break
    if not spans:
        raise UnreadableTime(text)
    return tuple(spans)


def _end(tokens: list[Token]) -> tuple[Day | None, int]:
    """Take the end of a series off its words; return its last day, or its number of spans.

    Raises EndlessRepeat where there is none, TooManyTimes where it has more than REPEATS_MAX.
    """
    match tokens:
        case [*_, Times(number)]:
            if not 0 < number <= REPEATS_MAX:
                raise TooManyTimes(str(REPEATS_MAX))
            del tokens[-1:]
            return None, number
        case [*_, Word("until" | "to"), DayOfMonth() | Weekday() | Ahead() as day]:
            del tokens[-2:]
            return day, REPEATS_MAX + 1
        case _:
            raise EndlessRepeat


def _begin(tokens: list[Token]) -> Day | None:
    """Take the first day of a series off its words; None where they name none."""
    match tokens:
        case [DayOfMonth() | Weekday() | Ahead() as day, *_]:
            del tokens[0]
            return day
        case [*_, ClockTime() | Length(), DayOfMonth() | Weekday() | Ahead() as day]:
            del tokens[-1]
            return day
        case _:
            return None


def _days(every: Every, first: date, last: date, today: date) -> Iterator[date]:
    """Yield the days of a series from `first` to `last`, of those before today few."""
    begin = first
    if every.weeks:
        nearest = min((number - first.weekday()) % 7 for number in every.weekdays)
        begin = day_after(first, nearest)
        begin = day_after(begin, -begin.weekday())
    step = every.days or 7 * every.weeks
    begin = day_after(begin, max(0, (today - begin).days // step * step))
    while begin <= last:
        for number in every.weekdays or (0,):
            day = day_after(begin, number)
            if first <= day <= last:
                yield day
        begin = day_after(begin, step)


def _span_on(day: date, tokens: list[Token], text: str, zone: tzinfo | None) -> Span:
    """Return what the words for one day say of `day`."""
    on_day = [DayOfMonth(day.year, day.month, day.day), *tokens]
    return read_tokens(on_day, text, day_begin_ms(day, zone), zone)
