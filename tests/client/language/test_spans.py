"""Spans of time as members type and read them, also on days of 23 and 25 hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.local_time.spans import Span, read_span, shown_span
from commonweal.client.language.local_time.zones import at, day_begin_ms
from commonweal.client.language.words import ENGLISH, words_in
from commonweal.protocol.errors import (
    CommonwealError,
    EndBeforeBegin,
    MissingHour,
    NoEnd,
    RepeatedHour,
    UnreadableTime,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = 1_796_065_200_000
"""Monday, 2026-11-30T19:00:00Z, 20:00 in Berlin"""
HOUR_MS = 3_600_000


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("sat 9:00-17:00", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("Saturday 9:00 to 17:00", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("sat 9-17", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("sat 9am - 5pm", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("sat 9-5pm", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("9:00-17:00 on sat", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("sat 9:00–17:00", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("周六上午9点到下午5点", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("周六９：００至１７：００", "2026-12-05T09:00", "2026-12-05T17:00"),
        ("周六下午2点到5点", "2026-12-05T14:00", "2026-12-05T17:00"),
        ("周六上午九点到十一点半", "2026-12-05T09:00", "2026-12-05T11:30"),
        ("周六9点2小时", "2026-12-05T09:00", "2026-12-05T11:00"),
        ("sat 9:00 for 90 minutes", "2026-12-05T09:00", "2026-12-05T10:30"),
        ("sat 9:00 for 2 days", "2026-12-05T09:00", "2026-12-07T09:00"),
        ("tomorrow 14:00-15:30", "2026-12-01T14:00", "2026-12-01T15:30"),
        ("明天 14:00-15:30", "2026-12-01T14:00", "2026-12-01T15:30"),
        ("21:00-22:00", "2026-11-30T21:00", "2026-11-30T22:00"),
        ("2026-12-05", "2026-12-05T00:00", "2026-12-06T00:00"),
        ("friday", "2026-12-04T00:00", "2026-12-05T00:00"),
        ("monday", "2026-11-30T00:00", "2026-12-01T00:00"),
        ("sat-sun", "2026-12-05T00:00", "2026-12-07T00:00"),
        ("周六到周日", "2026-12-05T00:00", "2026-12-07T00:00"),
        ("sat for 2 days", "2026-12-05T00:00", "2026-12-07T00:00"),
        ("2026-12-05 for 1 month", "2026-12-05T00:00", "2027-01-05T00:00"),
        ("31.12. - 2.1.", "2026-12-31T00:00", "2027-01-03T00:00"),
        ("2026-12-05 9:00 - 2026-12-06 18:00", "2026-12-05T09:00", "2026-12-06T18:00"),
        ("sat 22:00 - sun 2:00", "2026-12-05T22:00", "2026-12-06T02:00"),
        ("sat 20:00-24:00", "2026-12-05T20:00", "2026-12-06T00:00"),
        ("in 2 weeks 9:00-10:00", "2026-12-14T09:00", "2026-12-14T10:00"),
        ("9:00-10:00 in 2 weeks", "2026-12-14T09:00", "2026-12-14T10:00"),
        ("tomorrow 9:00 - in 3 days 10:00", "2026-12-01T09:00", "2026-12-03T10:00"),
        ("sat 9:00 - 下周日 10:00", "2026-12-05T09:00", "2026-12-13T10:00"),
        ("mon 9:00-10:00", "2026-12-07T09:00", "2026-12-07T10:00"),
        ("mon 19:00-21:00", "2026-11-30T19:00", "2026-11-30T21:00"),
        ("30.11. 9:00-10:00", "2027-11-30T09:00", "2027-11-30T10:00"),
        ("sat 9:00+08:00 - 10:00+08:00", "2026-12-05T02:00", "2026-12-05T03:00"),
        ("sat 9:00-10:00 Asia/Shanghai", "2026-12-05T02:00", "2026-12-05T03:00"),
    ],
)  # fmt: skip
def test_a_span_is_read(text: str, begin: str, end: str) -> None:
    assert read_span(text, NOW_MS, BERLIN) == (ms(begin), ms(end))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", UnreadableTime),
        ("sat 2-5pm", UnreadableTime),
        ("sat 9:00-10:00 Europe/Nowhere", UnreadableTime),
        ("sat 9:00-10:00 ../../etc/passwd", UnreadableTime),
        ("sat 9:00-10:00-11:00", UnreadableTime),
        ("9:00 - sun 17:00", UnreadableTime),
        ("sat 9:00 in 2 weeks", UnreadableTime),
        ("sat in 2 hours", UnreadableTime),
        ("2 hours", UnreadableTime),
        ("for 2 days", UnreadableTime),
        ("sat until 5", UnreadableTime),
        ("-", UnreadableTime),
        ("sat 9:00", NoEnd),
        ("31.12. 10:00", NoEnd),
        ("sat - 17:00", NoEnd),
        ("sat 9:00 - sun", NoEnd),
        ("sat for 2 hours", NoEnd),
        ("sat 9:00-9:00", EndBeforeBegin),
        ("sat 22:00-2:00", EndBeforeBegin),
        ("2026-12-06 - 2026-12-05", EndBeforeBegin),
        ("周六上午9点到5点", EndBeforeBegin),
    ],
)
def test_another_span_is_refused(text: str, error: type[CommonwealError]) -> None:
    with pytest.raises(error) as refused:
        read_span(text, NOW_MS, BERLIN)
    assert type(refused.value) is error


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-03-29", 23),
        ("2026-10-25", 25),
        ("2026-03-29 0:00-4:00", 3),
        ("2026-10-25 0:00-4:00", 5),
        ("2026-10-25 1:00 for 4 hours", 4),
        ("2026-10-24 12:00 for 1 day", 25),
        ("2026-10-25 2:30 utc+2 - 2:30 utc+1", 1),
    ],
)
def test_a_span_over_the_change_of_clocks_has_its_hours(text: str, hours: int) -> None:
    span = read_span(text, NOW_MS, BERLIN)
    assert span.end_ms - span.begin_ms == hours * HOUR_MS


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("2026-03-29 2:30-4:00", MissingHour),
        ("2026-03-29 1:00-2:30", MissingHour),
        ("2026-10-25 2:30-4:00", RepeatedHour),
        ("2026-10-25 1:00-2:30", RepeatedHour),
    ],
)
def test_a_doubtful_hour_is_asked_about(text: str, error: type[CommonwealError]) -> None:
    with pytest.raises(error, match=r"UTC\+01:00"):
        read_span(text, NOW_MS, BERLIN)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("sat 9:00-17:00", "Sat 2026-12-05 09:00–17:00", "2026-12-05 周六 09:00–17:00"),
        ("sat", "Sat 2026-12-05", "2026-12-05 周六"),
        ("sat-sun", "Sat 2026-12-05 – Sun 2026-12-06", "2026-12-05 周六 – 2026-12-06 周日"),
        (
            "sat 22:00 - sun 2:00",
            "Sat 2026-12-05 22:00 – Sun 2026-12-06 02:00",
            "2026-12-05 周六 22:00 – 2026-12-06 周日 02:00",
        ),
        ("sat 20:00-24:00", "Sat 2026-12-05 20:00–24:00", "2026-12-05 周六 20:00–24:00"),
        (
            "2026-10-25 1:00-4:00",
            "Sun 2026-10-25 01:00 (UTC+02:00)–04:00 (UTC+01:00)",
            "2026-10-25 周日 01:00 (UTC+02:00)–04:00 (UTC+01:00)",
        ),
        (
            "2026-10-25 1:00 - 2:30 utc+2",
            "Sun 2026-10-25 01:00–02:30 (UTC+02:00)",
            "2026-10-25 周日 01:00–02:30 (UTC+02:00)",
        ),
        (
            "2026-10-25 2:30 utc+1 - 4:00",
            "Sun 2026-10-25 02:30 (UTC+01:00)–04:00",
            "2026-10-25 周日 02:30 (UTC+01:00)–04:00",
        ),
        ("2026-10-25", "Sun 2026-10-25", "2026-10-25 周日"),
    ],
)
def test_a_span_is_shown(text: str, english: str, chinese: str) -> None:
    span = read_span(text, NOW_MS, BERLIN)
    assert shown_span(span, ENGLISH, BERLIN) == english
    assert shown_span(span, words_in("zh"), BERLIN) == chinese


ZONES = st.sampled_from([BERLIN, ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")])
QUARTERS = st.integers(1_700_000_000_000 // 900_000, 2_000_000_000_000 // 900_000)


@given(QUARTERS, st.integers(1, 2000), ZONES)
def test_a_span_that_is_shown_is_read_again(begin: int, length: int, zone: ZoneInfo) -> None:
    span = Span(begin * 900_000, (begin + length) * 900_000)
    text = shown_span(span, ENGLISH, zone).replace("(", " ").replace(")", " ")
    for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        text = text.replace(name, "")
    assert read_span(text, NOW_MS, zone) == span


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 40), ZONES)
def test_whole_days_follow_each_other(day: date, days: int, zone: ZoneInfo) -> None:
    first = read_span(f"{day} for {days} days", NOW_MS, zone)
    after = read_span(str(day + timedelta(days=days)), NOW_MS, zone)
    assert first.begin_ms == day_begin_ms(day, zone)
    assert first.end_ms == after.begin_ms
    assert at(after.begin_ms, zone).date() == day + timedelta(days=days)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        span = read_span(text, NOW_MS, BERLIN)
    except CommonwealError:
        return
    assert span.begin_ms < span.end_ms


@given(
    st.lists(st.sampled_from(["sat", "9:00", "到", "5pm", "31.12.", "in", "2w", "-", "for", "3h"]))
)
def test_any_order_of_words_is_read_or_refused(words: list[str]) -> None:
    try:
        span = read_span(" ".join(words), NOW_MS, BERLIN)
    except CommonwealError:
        return
    assert span.begin_ms < span.end_ms
