"""Series of spans: each at the same time of the clock, none past, a named number at most."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.local_time.repeats import REPEATS_MAX, read_repeat
from commonweal.client.language.local_time.spans import read_span
from commonweal.client.language.local_time.zones import at
from commonweal.protocol.errors import (
    CommonwealError,
    EndBeforeBegin,
    EndlessRepeat,
    MissingHour,
    TooManyTimes,
    UnreadableTime,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = 1_796_065_200_000
"""Monday, 2026-11-30T19:00:00Z, 20:00 in Berlin"""
HOUR_MS = 3_600_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def begins(text: str) -> list[str]:
    spans = read_repeat(text, NOW_MS, BERLIN)
    return [at(span.begin_ms, BERLIN).strftime("%m-%d %H:%M") for span in spans]


def test_a_single_span_is_a_series_of_it() -> None:
    (span,) = read_repeat("sat 9:00-17:00", NOW_MS, BERLIN)
    assert span == read_span("sat 9:00-17:00", NOW_MS, BERLIN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every tue 18:00-20:00 until 15.12.", ["12-01 18:00", "12-08 18:00", "12-15 18:00"]),
        ("every tue 18:00-20:00, 2 times", ["12-01 18:00", "12-08 18:00"]),
        ("every mon 18:00-20:00, 2 times", ["12-07 18:00", "12-14 18:00"]),
        ("every mon 20:00-21:00, 2 times", ["11-30 20:00", "12-07 20:00"]),
        ("every tue and thu 9-10 until 8.12.", ["12-01 09:00", "12-03 09:00", "12-08 09:00"]),
        ("every sun, tue 9-10, 3 times", ["12-01 09:00", "12-06 09:00", "12-08 09:00"]),
        ("every 2 weeks on sat 9-10, 2 times", ["12-05 09:00", "12-19 09:00"]),
        ("every day 9-10 until thursday", ["12-01 09:00", "12-02 09:00", "12-03 09:00"]),
        ("every sat 22:00 - sun 2:00, 2 times", ["12-05 22:00", "12-12 22:00"]),
        ("every 3 days 9-10, 2 times", ["12-03 09:00", "12-06 09:00"]),
        ("every sat from 5.1. until 20.1.", ["01-09 00:00", "01-16 00:00"]),
        ("every sat 22:00 for 5 hours, 1 times", ["12-05 22:00"]),
        ("every mon and wed 9-10 from 16.12., 2 times", ["12-16 09:00", "12-21 09:00"]),
        ("每周二18:00-20:00到12月15日", ["12-01 18:00", "12-08 18:00", "12-15 18:00"]),
        ("每周二、四晚上7点到9点 共3次", ["12-01 19:00", "12-03 19:00", "12-08 19:00"]),
        ("每周二和周四 9:00-10:00 直到周五", ["12-01 09:00", "12-03 09:00"]),
        ("每两周周六 9:00-11:00 共2次", ["12-05 09:00", "12-19 09:00"]),
        ("每天 9:00-10:00 到周三", ["12-01 09:00", "12-02 09:00"]),
    ],
)
def test_a_series_is_spread_out(text: str, expected: list[str]) -> None:
    assert begins(text) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("every tue 18:00-20:00", EndlessRepeat),
        ("every tue until 15.12. 3 times", UnreadableTime),
        ("every day 9-10, 54 times", TooManyTimes),
        ("every day 9-10, 0 times", TooManyTimes),
        ("every day 9-10 until 2027-01-23", TooManyTimes),
        ("every tue 20:00-18:00, 3 times", EndBeforeBegin),
        ("every 18:00-20:00, 3 times", UnreadableTime),
        ("every week 18:00-20:00, 3 times", UnreadableTime),
        ("every 2 days tue 18:00-20:00, 3 times", UnreadableTime),
        ("every tue every thu 18:00-20:00, 3 times", UnreadableTime),
        ("every 0 weeks tue 18:00-20:00, 3 times", UnreadableTime),
        ("every tue 18:00-20:00 tomorrow tomorrow, 3 times", UnreadableTime),
        ("every tue 18:00-20:00 until 2026-11-01", UnreadableTime),
        ("every", UnreadableTime),
        ("每 18:00-20:00", UnreadableTime),
        ("every sun 2:30-4:00 from 2026-03-22 until 2026-04-05", UnreadableTime),
    ],
)
def test_another_series_is_refused(text: str, error: type[CommonwealError]) -> None:
    with pytest.raises(error) as refused:
        read_repeat(text, NOW_MS, BERLIN)
    assert type(refused.value) is error


def test_the_most_spans_of_a_series_are_taken() -> None:
    assert len(begins("every day 9-10 until 2027-01-22")) == REPEATS_MAX
    assert len(begins(f"every day 9-10, {REPEATS_MAX} times")) == REPEATS_MAX


def test_a_series_keeps_the_time_of_the_clock_when_it_changes() -> None:
    now_ms = int(datetime(2026, 10, 20, tzinfo=BERLIN).timestamp()) * 1000
    spans = read_repeat("every day 18:00-20:00, 7 times", now_ms, BERLIN)
    assert {at(span.begin_ms, BERLIN).hour for span in spans} == {18}
    steps = [after.begin_ms - span.begin_ms for span, after in pairwise(spans)]
    assert steps == [24 * HOUR_MS, *[24 * HOUR_MS] * 3, 25 * HOUR_MS, 24 * HOUR_MS]


def test_a_series_over_an_hour_that_does_not_exist_is_refused_with_its_day() -> None:
    now_ms = int(datetime(2026, 3, 20, tzinfo=BERLIN).timestamp()) * 1000
    with pytest.raises(MissingHour, match="2026-03-29"):
        read_repeat("every sun 2:30-4:00, 4 times", now_ms, BERLIN)


def test_a_series_that_began_long_ago_is_found_at_once() -> None:
    text = "every 2 weeks tue 9:00-10:00 from 1970-01-06, 2 times"
    spans = read_repeat(text, NOW_MS, BERLIN)
    days = [at(span.begin_ms, BERLIN).date() for span in spans]
    assert [(day - date(1970, 1, 6)).days % 14 for day in days] == [0, 0]
    assert 0 < (days[0] - date(2026, 11, 30)).days <= 14


@given(
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True),
    st.integers(1, 4),
    st.integers(1, REPEATS_MAX),
    st.integers(0, 3000),
)
def test_a_series_has_its_days_and_its_number(
    days: list[str], weeks: int, times: int, days_on: int
) -> None:
    now_ms = NOW_MS + days_on * 24 * HOUR_MS
    text = f"every {weeks} weeks {' and '.join(days)} 9:00-10:00, {times} times"
    moments = [at(span.begin_ms, BERLIN) for span in read_repeat(text, now_ms, BERLIN)]
    assert len(moments) == times
    assert {DAYS[moment.weekday()] for moment in moments} <= set(days)
    assert all(moment.hour == 9 for moment in moments)
    mondays = [moment.date() - timedelta(days=moment.weekday()) for moment in moments]
    assert {(monday - mondays[0]).days % (7 * weeks) for monday in mondays} == {0}
    assert moments == sorted(set(moments))
    assert moments[0].timestamp() * 1000 >= now_ms


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_after_every_is_read_or_refused(text: str) -> None:
    try:
        spans = read_repeat(f"every {text}", NOW_MS, BERLIN)
    except CommonwealError:
        return
    assert 0 < len(spans) <= REPEATS_MAX
