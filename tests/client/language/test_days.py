"""Days and moments ahead, as members type them: the next that fits, in their zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.local_time.days import read_day, read_moment_ms
from commonweal.client.language.local_time.zones import at, day_begin_ms, hour_ms, to_ms, typed
from commonweal.client.language.times import read_due_ms
from commonweal.protocol.errors import (
    CommonwealError,
    MissingHour,
    RepeatedHour,
    UnreadableTime,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = 1_795_433_400_000
"""Monday, 2026-11-23T11:30:00Z, 12:30 in Berlin"""
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
ZONES = ("UTC", "Europe/Berlin", "Asia/Shanghai", "Africa/Cairo", "America/Los_Angeles")
DATES = st.dates(date(1971, 1, 1), date(2100, 1, 1))


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


@pytest.mark.parametrize(
    ("typed_text", "meant"),
    [
        ("2026-12-05", "2026-12-05"),
        ("2026/12/5", "2026-12-05"),
        ("2026.12.5", "2026-12-05"),
        ("2026年12月5日", "2026-12-05"),
        ("２０２６年１２月５日", "2026-12-05"),
        ("31.12.", "2026-12-31"),
        ("31.12", "2026-12-31"),
        ("31.12.2027", "2027-12-31"),
        ("22.11.", "2027-11-22"),
        ("23.11.", "2026-11-23"),
        ("29.2.", "2028-02-29"),
        ("12月31日", "2026-12-31"),
        ("十二月三十一号", "2026-12-31"),
        ("5 dec", "2026-12-05"),
        ("Dec 5, 2027", "2027-12-05"),
        ("5 December 2027", "2027-12-05"),
        ("today", "2026-11-23"),
        ("今天", "2026-11-23"),
        ("tomorrow", "2026-11-24"),
        ("明天", "2026-11-24"),
        ("day after tomorrow", "2026-11-25"),
        ("后天", "2026-11-25"),
        ("大后天", "2026-11-26"),
        ("monday", "2026-11-23"),
        ("Friday", "2026-11-27"),
        ("sun", "2026-11-29"),
        ("周五", "2026-11-27"),
        ("星期天", "2026-11-29"),
        ("礼拜日", "2026-11-29"),
        ("周7", "2026-11-29"),
        ("这周五", "2026-11-27"),
        ("下周一", "2026-11-30"),
        ("下下周一", "2026-12-07"),
        ("on friday", "2026-11-27"),
        ("in 2 weeks", "2026-12-07"),
        ("in 3 days", "2026-11-26"),
        ("in 3 months", "2027-02-23"),
        ("两周后", "2026-12-07"),
        ("十天之后", "2026-12-03"),
        ("3个月后", "2027-02-23"),
    ],
)
def test_a_day_is_read(typed_text: str, meant: str) -> None:
    assert read_day(typed_text, NOW_MS, BERLIN).isoformat() == meant


def test_a_month_ahead_ends_where_the_month_does() -> None:
    assert read_day("in 3 months", ms("2026-11-30")) == date(2027, 2, 28)
    assert read_day("in 1 month", ms("2026-12-31T12:00")) == date(2027, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "12/5", "5/12/2026", "31.12.26", "32.12.", "30.2.", "2026-02-30"),
        "2026-13-01",
        *("next friday", "friday saturday", "friday 14:00", "14:00", "in friday", "in 0 days"),
        *("in 10000 days", "三三天后", "周八", "十三月一日", "9" * 101, "2 weeks", "after friday"),
        *("9999-12-31 in 1 day", "in 9999 weeks 9999 weeks", "0000-01-01", "\u202e2026-12-05"),
    ],
)  # fmt: skip
def test_another_day_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTime):
        read_day(text, NOW_MS, BERLIN)


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(UnreadableTime):
        read_day("in 9999 months", ms("9990-01-01", ZoneInfo("UTC")), UTC)
    with pytest.raises(UnreadableTime):
        read_moment_ms("9999-12-31", NOW_MS, UTC)


def test_today_is_the_day_of_the_zone() -> None:
    late_ms = ms("2026-11-23T23:30")
    assert read_day("today", late_ms, BERLIN) == date(2026, 11, 23)
    assert read_day("today", late_ms, ZoneInfo("Asia/Shanghai")) == date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("friday", "2026-11-27T23:59"),
        ("31.12. 10:00", "2026-12-31T10:00"),
        ("sat 14:00", "2026-11-28T14:00"),
        ("sat 2pm", "2026-11-28T14:00"),
        ("sat 12am", "2026-11-28T00:00"),
        ("sat 12:30 pm", "2026-11-28T12:30"),
        ("sat noon", "2026-11-28T12:00"),
        ("sat 24:00", "2026-11-29T00:00"),
        ("2026-12-05T18:30", "2026-12-05T18:30"),
        ("2026-12-05 18:30+01:00", "2026-12-05T18:30"),
        ("2026-12-05 17:30z", "2026-12-05T18:30"),
        ("2026-12-05 12:30 utc-5", "2026-12-05T18:30"),
        ("monday 9:00", "2026-11-30T09:00"),
        ("monday 13:00", "2026-11-23T13:00"),
        ("monday 12:30", "2026-11-23T12:30"),
        ("23.11. 9:00", "2027-11-23T09:00"),
        ("今天 9:00", "2026-11-23T09:00"),
        ("周六下午两点", "2026-11-28T14:00"),
        ("周六上午9点半", "2026-11-28T09:30"),
        ("周六 下午2:30", "2026-11-28T14:30"),
        ("周六中午12点", "2026-11-28T12:00"),
        ("周六凌晨12点", "2026-11-28T00:00"),
        ("周六晚上12点", "2026-11-29T00:00"),
        ("周六晚上八点一刻", "2026-11-28T20:15"),
        ("周六9时05分", "2026-11-28T09:05"),
        ("in 2 hours", "2026-11-23T14:30"),
        ("半小时后", "2026-11-23T13:00"),
    ],
)
def test_a_moment_is_read(text: str, meant: str) -> None:
    assert read_moment_ms(text, NOW_MS, BERLIN) == ms(meant)


@pytest.mark.parametrize(
    "text",
    [
        *("sat 25:00", "sat 9:60", "sat 24:30", "sat 13am", "sat 0pm", "sat 9:00+15:00"),
        *("sat 9:00 10:00", "9:00", "周六上午12点", "周六25点", "sat 9:00 cet", "sat 9:00-10:00"),
    ],
)
def test_another_moment_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTime):
        read_moment_ms(text, NOW_MS, BERLIN)


def test_an_hour_that_does_not_exist_is_said() -> None:
    with pytest.raises(MissingHour) as refused:
        read_moment_ms("2026-03-29 2:30", NOW_MS, BERLIN)
    assert refused.value.choices == ("2026-03-29 01:30 UTC+01:00", "2026-03-29 03:30 UTC+02:00")
    assert read_moment_ms(refused.value.choices[1], NOW_MS, BERLIN) == ms("2026-03-29T03:30")


def test_an_hour_that_comes_twice_is_asked_about() -> None:
    with pytest.raises(RepeatedHour) as refused:
        read_moment_ms("2026-10-25 2:30", NOW_MS, BERLIN)
    first, second = refused.value.choices
    assert (first, second) == ("2026-10-25 02:30 UTC+02:00", "2026-10-25 02:30 UTC+01:00")
    first_ms, second_ms = (read_moment_ms(text, NOW_MS, BERLIN) for text in (first, second))
    assert second_ms - first_ms == HOUR_MS
    assert str(refused.value) == f"{first} · {second}"


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)]
)
def test_a_day_has_as_many_hours_as_the_clock_shows(day: str, hours: int) -> None:
    begin = date.fromisoformat(day)
    end_ms = day_begin_ms(begin + timedelta(days=1), BERLIN)
    assert end_ms - day_begin_ms(begin, BERLIN) == hours * HOUR_MS


def test_a_day_without_midnight_begins_when_the_clock_first_shows_it() -> None:
    """Cairo goes forward at midnight on the last Friday of April: the day begins at 1:00."""
    begin_ms = day_begin_ms(date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
    assert typed(begin_ms, ZoneInfo("Africa/Cairo")) == "2026-04-24 01:00 UTC+03:00"


@given(DATES, st.sampled_from(ZONES))
def test_a_day_begins_at_its_first_instant(day: date, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    begin_ms = day_begin_ms(day, zone)
    assert at(begin_ms, zone).date() >= day
    assert at(begin_ms - 1, zone).date() < day


@given(DATES, st.integers(0, 24), st.sampled_from(ZONES))
def test_an_hour_is_where_the_clock_first_shows_it_or_more(
    day: date, hour: int, zone_name: str
) -> None:
    zone = ZoneInfo(zone_name)
    local = datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)
    begin_ms = hour_ms(day, hour, zone)
    assert at(begin_ms, zone).replace(tzinfo=None) >= local
    assert at(begin_ms - 1, zone).replace(tzinfo=None) < local


def test_an_hour_that_is_skipped_or_twice_has_a_first_instant() -> None:
    assert typed(hour_ms(date(2026, 3, 29), 2, BERLIN), BERLIN) == "2026-03-29 03:00 UTC+02:00"
    assert typed(hour_ms(date(2026, 10, 25), 2, BERLIN), BERLIN) == "2026-10-25 02:00 UTC+02:00"


@given(st.integers(0, 4_000_000_000_000 // MINUTE_MS), st.sampled_from(ZONES))
def test_what_a_clock_shows_is_read_again(minute: int, zone_name: str) -> None:
    zone, at_ms = ZoneInfo(zone_name), minute * MINUTE_MS
    assert read_moment_ms(typed(at_ms, zone), NOW_MS, zone) == at_ms
    shown = at(at_ms, zone)
    try:
        assert to_ms(shown.replace(tzinfo=None, fold=0), zone) == at_ms
    except RepeatedHour as error:
        assert typed(at_ms, zone) in error.choices


@given(DATES, DATES)
def test_a_date_is_the_same_whenever_it_is_typed(day: date, today: date) -> None:
    now_ms = day_begin_ms(today, BERLIN)
    written = f"{day.year}年{day.month}月{day.day}日"
    assert read_day(day.isoformat(), now_ms, BERLIN) == day
    assert read_day(written, now_ms, BERLIN) == day
    assert read_day(f"{day:%d.%m.}{day.year:04d}", now_ms, BERLIN) == day
    without_year = read_day(f"{day.day}.{day.month}.", now_ms, BERLIN)
    assert without_year >= today
    assert (without_year.month, without_year.day) == (day.month, day.day)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        moment_ms = read_moment_ms(text, NOW_MS, BERLIN)
    except CommonwealError:
        return
    assert isinstance(moment_ms, int)


@given(st.lists(st.sampled_from(["sat", "9:00", "到", "5", "31.12.", "in", "2w", "周", "十", "-"])))
def test_any_order_of_words_is_read_or_refused(words: list[str]) -> None:
    try:
        day = read_day(" ".join(words), NOW_MS, BERLIN)
    except CommonwealError:
        return
    assert isinstance(day, date)


def test_what_is_due_is_a_moment_or_a_duration() -> None:
    assert read_due_ms("2d", NOW_MS) == NOW_MS + 48 * HOUR_MS
    assert read_due_ms("2026-12-05T18:30:15Z", NOW_MS) == ms("2026-12-05T18:30:15", ZoneInfo("UTC"))
    here = datetime.fromtimestamp(NOW_MS / 1000).astimezone().tzinfo
    assert read_due_ms("friday", NOW_MS) == read_moment_ms("friday", NOW_MS, here)


def test_an_offset_holds_for_its_time_only() -> None:
    east = timezone(timedelta(hours=14))
    assert read_moment_ms("2026-12-05 0:00+14", NOW_MS, BERLIN) == read_moment_ms(
        "2026-12-05 0:00", NOW_MS, east
    )
