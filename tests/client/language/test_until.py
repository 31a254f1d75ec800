"""Ends and beginnings as members type and read them, in the zone of their reader."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from commonweal.client.language.days import (
    day_bounds_ms,
    read_from_ms,
    read_until_ms,
    shown_from,
    shown_until,
)
from commonweal.protocol.errors import UnreadableTime

NOON_MS = 1_796_040_000_000
"""2026-11-30T12:00:00Z, a Monday."""
HOUR_MS = 3_600_000
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def test_a_day_begins_and_ends_at_midnight_where_its_reader_is() -> None:
    assert read_from_ms("31.12.", NOON_MS, SHANGHAI) == _ms(2026, 12, 30, 16)
    assert read_until_ms("31.12.", NOON_MS, SHANGHAI) == _ms(2026, 12, 31, 16)
    late = NOON_MS + 6 * HOUR_MS  # 18:00 in Greenwich, and the next day in Shanghai
    assert read_until_ms("today", late, SHANGHAI) == _ms(2026, 12, 1, 16)
    assert read_until_ms("today", late, UTC) == _ms(2026, 12, 1)


def test_a_day_has_23_or_25_hours_where_clocks_are_changed() -> None:
    begin, end = day_bounds_ms(date(2027, 3, 28), BERLIN)
    assert end - begin == 23 * HOUR_MS
    begin, end = day_bounds_ms(date(2027, 10, 31), BERLIN)
    assert end - begin == 25 * HOUR_MS
    havana = ZoneInfo("America/Havana")  # clocks go from 23:59 to 01:00: the day has no midnight
    assert day_bounds_ms(date(2027, 3, 14), havana) == (_ms(2027, 3, 14, 5), _ms(2027, 3, 15, 4))


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("2026-12-31 18:30", 1_798_741_800_000),
        ("2026-12-31 18:30 +08:00", 1_798_713_000_000),
        ("in 3 hours", NOON_MS + 3 * HOUR_MS),
        ("2小时后", NOON_MS + 2 * HOUR_MS),
        ("friday 14:00", 1_796_392_800_000),
    ],
)
def test_a_time_stays_a_time(typed: str, at_ms: int) -> None:
    assert read_from_ms(typed, NOON_MS, UTC) == read_until_ms(typed, NOON_MS, UTC) == at_ms


@pytest.mark.parametrize("typed", ["", "soon", "12/31", "25:00", "31.12.9999", "32.12."])
def test_what_names_no_end_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableTime):
        read_until_ms(typed, NOON_MS, UTC)


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
