"""Days as members type them, in the zone of their reader."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from commonweal.client.language.days import (
    day_bounds_ms,
    day_here,
    read_day,
    read_from_ms,
    read_until_ms,
    shown_from,
    shown_until,
)
from commonweal.protocol.errors import UnreadableDay

MONDAY = date(2026, 11, 30)
NOON_MS = 1_796_040_000_000
"""2026-11-30T12:00:00Z, a Monday."""
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("31.12.", "2026-12-31"),
        ("31.12", "2026-12-31"),
        ("30.11.", "2026-11-30"),
        ("29.11.", "2027-11-29"),
        ("1. 2. 2028", "2028-02-01"),
        ("29.2.", "2028-02-29"),
        ("１２月３１日", "2026-12-31"),
        ("12月31号", "2026-12-31"),
        ("31 december", "2026-12-31"),
        ("Dec 31, 2027", "2027-12-31"),
        ("2nd jan", "2027-01-02"),
        ("2026-12-31", "2026-12-31"),
        ("2026年12月31日", "2026-12-31"),
        ("2026/1/5", "2026-01-05"),
        ("monday", "2026-11-30"),
        ("Fri", "2026-12-04"),
        ("on friday", "2026-12-04"),
        ("this sunday", "2026-12-06"),
        ("next monday", "2026-12-07"),
        ("周五", "2026-12-04"),
        ("星期日", "2026-12-06"),
        ("这周五", "2026-12-04"),
        ("下周一", "2026-12-07"),
        ("下个星期天", "2026-12-13"),
        ("today", "2026-11-30"),
        ("Tomorrow", "2026-12-01"),
        ("明天", "2026-12-01"),
        ("后天", "2026-12-02"),
        ("in 2 weeks", "2026-12-14"),
        ("a week", "2026-12-07"),
        ("10 days", "2026-12-10"),
        ("3d", "2026-12-03"),
        ("2周后", "2026-12-14"),
        ("两周后", "2026-12-14"),
        ("3天后", "2026-12-03"),
        ("in 3 months", "2027-02-28"),
        ("1个月后", "2026-12-30"),
    ],
)
def test_a_day_is_read_as_members_type_it(typed: str, day: str) -> None:
    assert read_day(typed, MONDAY).isoformat() == day


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "soon", "ju", "31", "32.12.", "0.1.", "30.2.", "31.13.", "29.2.2027"),
        *("12/31", "12-31", "1,2,", "in many weeks", "in -1 days", "fri sat", "周八", "下下周五"),
        *("13月1日", "2026-13-01", "10000000 days", "31.12.9999999", "mon" * 40),
        *("2026-12-31 18:00", "tomorrow\u202e", "31.12.\x00"),
    ],
)
def test_what_names_no_day_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableDay):
        read_day(typed, MONDAY)


def test_the_day_of_a_week_is_today_on_that_day_and_next_is_of_the_week_after() -> None:
    sunday = date(2026, 12, 6)
    assert read_day("sunday", sunday) == sunday
    assert read_day("next sunday", sunday) == date(2026, 12, 13)
    assert read_day("next monday", sunday) == date(2026, 12, 7)
    assert read_day("this monday", sunday) == date(2026, 11, 30)


def test_a_day_begins_and_ends_at_midnight_where_its_reader_is() -> None:
    assert read_from_ms("31.12.", NOON_MS, SHANGHAI) == _ms(2026, 12, 30, 16)
    assert read_until_ms("31.12.", NOON_MS, SHANGHAI) == _ms(2026, 12, 31, 16)
    late = NOON_MS + 6 * HOUR_MS  # 18:00 in Greenwich, and the next day in Shanghai
    assert day_here(late, SHANGHAI) == date(2026, 12, 1)
    assert read_until_ms("today", late, SHANGHAI) == _ms(2026, 12, 1, 16)
    assert read_until_ms("today", late, UTC) == _ms(2026, 12, 1)


def test_a_day_has_23_or_25_hours_where_clocks_are_changed() -> None:
    begin, end = day_bounds_ms(date(2027, 3, 28), BERLIN)
    assert end - begin == 23 * HOUR_MS
    begin, end = day_bounds_ms(date(2027, 10, 31), BERLIN)
    assert end - begin == 25 * HOUR_MS
    havana = ZoneInfo("America/Havana")  # clocks go from 23:59 to 01:00: the day has no midnight
    begin, end = day_bounds_ms(date(2027, 3, 14), havana)
    assert (begin, end) == (_ms(2027, 3, 14, 5), _ms(2027, 3, 15, 4))


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("2026-12-31 18:30", 1_798_741_800_000),
        ("2026-12-31T18:30:00+08:00", 1_798_713_000_000),
        ("in 3 hours", NOON_MS + 3 * HOUR_MS),
        ("90m", NOON_MS + 90 * 60_000),
        ("2小时后", NOON_MS + 2 * HOUR_MS),
    ],
)
def test_a_time_stays_a_time(typed: str, at_ms: int) -> None:
    assert read_from_ms(typed, NOON_MS, UTC) == read_until_ms(typed, NOON_MS, UTC) == at_ms
    with pytest.raises(UnreadableDay):
        read_until_ms("25 o'clock", NOON_MS, UTC)


def test_a_day_at_the_end_of_the_calendar_is_refused() -> None:
    with pytest.raises(UnreadableDay):
        read_until_ms("31.12.9999", NOON_MS, UTC)


def test_an_end_at_midnight_is_shown_as_the_day_before() -> None:
    end = read_until_ms("31.12.", NOON_MS, BERLIN)
    assert shown_until(end, BERLIN) == "2026-12-31"
    assert shown_until(end, UTC) == "2026-12-31 23:00"
    assert shown_from(end, BERLIN) == "2027-01-01"
    assert shown_from(NOON_MS, BERLIN) == "2026-11-30 13:00"
    assert shown_until(None) == ""
    assert shown_until(1 << 62) == "?"


def _ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1000
