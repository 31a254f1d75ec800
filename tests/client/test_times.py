"""When contributions were given: read, kept and shown without the zone of the machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from commonweal.client.language.local_time import tokens
from commonweal.client.language.times import iso, read_bound, read_when, shown_when, stated
from commonweal.protocol.errors import FutureTime, UnreadableTime
from commonweal.storage.ledger.contributions.points_in_time import (
    DAY_MS,
    TIME_MS_MAX,
    TimeBound,
    instant,
    read_point_in_time,
)

NOW_MS = 1_795_433_400_000
"""2026-11-23T11:30:00Z"""
FIFTH_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z"""
HOUR_MS = 3_600_000
ZONES = ("UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati")


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine in one of several zones."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("2026-01-05", "2026-01-05", "2026-01-05"),
        ("2026/1/5", "2026-01-05", "2026-01-05"),
        ("２０２６年１月５日", "2026-01-05", "2026-01-05"),
        ("2026.01.05", "2026-01-05", "2026-01-05"),
        ("2026-01-05 9:30", "2026-01-05T09:30:00", "2026-01-05 09:30"),
        ("2026-01-05T18:30:15", "2026-01-05T18:30:15", "2026-01-05 18:30"),
        ("2026年1月5日 18:30", "2026-01-05T18:30:00", "2026-01-05 18:30"),
        ("0001-01-01", "0001-01-01", "0001-01-01"),
    ],
)
def test_a_date_is_the_same_in_every_zone(zone: str, typed: str, kept: str, shown: str) -> None:
    when = read_when(typed, NOW_MS)
    assert (stated(when), shown_when(when)) == (kept, shown)
    assert read_point_in_time(stated(when)) == when


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("2026-01-05T00:00Z", FIFTH_MS),
        ("2026-01-05T00:00:00.123Z", FIFTH_MS + 123),
        ("2026-01-05 08:00 +08:00", FIFTH_MS),
        ("2026-01-04 16:00-0800", FIFTH_MS),
        ("3h", NOW_MS - 3 * HOUR_MS),
        ("30分钟", NOW_MS - HOUR_MS // 2),
    ],
)
def test_a_time_with_its_zone_is_an_instant(zone: str, typed: str, at_ms: int) -> None:
    when = read_when(typed, NOW_MS)
    assert when == instant(at_ms)
    assert stated(when) == at_ms
    assert read_point_in_time(at_ms) == when


def test_an_instant_is_shown_in_the_zone_of_the_machine(zone: str) -> None:
    hours = {"UTC": "01-05 00", "Asia/Shanghai": "01-05 08", "Pacific/Kiritimati": "01-05 14"}
    expected = hours.get(zone, "01-04 16")
    assert shown_when(instant(FIFTH_MS)) == f"2026-{expected}:00"


def test_today_is_the_day_of_the_machine(zone: str) -> None:
    today = {"Pacific/Kiritimati": 24}.get(zone, 23)
    assert stated(read_when("today", NOW_MS)) == f"2026-11-{today}"
    assert stated(read_when("昨天", NOW_MS)) == f"2026-11-{today - 1}"
    assert stated(read_when("2w", NOW_MS)) == f"2026-11-{today - 14:02}"


@pytest.mark.parametrize(
    ("typed", "day"), [("friday", 20), ("Fri", 20), ("周五", 20), ("星期日", 22), ("monday", 23)]
)
def test_a_day_of_the_week_is_the_last_one(zone: str, typed: str, day: int) -> None:
    assert stated(read_when(typed, NOW_MS)) == f"2026-11-{day}"


def test_a_date_loads_nothing_that_reads_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, tokens.__name__, None)
    assert stated(read_when("2026-01-05", NOW_MS)) == "2026-01-05"
    with pytest.raises(ImportError):
        read_when("friday", NOW_MS)


@pytest.mark.parametrize("typed", ["tomorrow", "明天", "后天"])
def test_what_is_counted_ahead_is_no_date_yet(zone: str, typed: str) -> None:
    with pytest.raises(FutureTime):
        read_when(typed, NOW_MS)


@pytest.mark.parametrize(
    "typed",
    [
        *("", "2026", "2026-13-01", "2026-02-30", "05.01.2026", "5/1/26", "12:30"),
        *("2026-01-05 25:00", "2026-01-05T18", "2026-01-05Z", "1234567d", "9" * 101),
        *("2026-01-1²", "2026-01-0⑤", "1²d", "2026-01-05 1²:30"),
        *("2026-01-05 18:30 CET", "0000-01-01", "2026-01-05 18:60"),
    ],
)
def test_another_date_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableTime):
        read_when(typed, NOW_MS)


@pytest.mark.parametrize("typed", ["2026-11-25", "2026-11-24 01:31", "2026-11-23T11:30:01Z"])
def test_a_date_that_is_nowhere_yet_is_refused(zone: str, typed: str) -> None:
    with pytest.raises(FutureTime):
        read_when(typed, NOW_MS)


@pytest.mark.parametrize("typed", ["2026-11-24", "2026-11-24 01:30", "2026-11-23T11:30:00Z"])
def test_a_date_that_is_somewhere_already_is_taken(zone: str, typed: str) -> None:
    assert read_when(typed, NOW_MS).start_ms <= NOW_MS + 14 * HOUR_MS


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1.5, b"2026-01-05", "", "2026-1-5", "2026-02-30", "2026-02-00", "x" * 10),
        *("2026-01-05T24:00:00", "2026-01-05T18:60:00", "2026-01-05T18:30:60", "2026-13-01"),
        *("2026-01-05 18:30:00", "2026-01-05T18:30", "2026-01-05Z", "２026-01-05", "0000-01-01"),
        *(TIME_MS_MAX + 1, -TIME_MS_MAX - 1),
    ],
)
def test_what_is_no_point_in_time_is_none(value: object) -> None:
    assert read_point_in_time(value) is None


def test_a_bound_is_compared_with_a_date_by_the_calendar(zone: str) -> None:
    """A day is in each period that has a part of it, whatever the zone."""
    fourth, fifth = (read_when(f"2026-01-0{day}", NOW_MS) for day in (4, 5))
    bound = read_bound("2026-01-05", NOW_MS)
    assert bound.is_after(fourth)
    assert not bound.is_until(fourth)
    assert bound.is_until(fifth)
    assert not bound.is_after(fifth)
    noon = read_bound("2026-01-05 12:00", NOW_MS)
    assert not noon.is_after(fifth)
    assert not noon.is_until(fifth)
    offset_ms = bound.local_ms - bound.instant_ms
    assert bound.local_ms == FIFTH_MS
    assert bound.is_after(instant(FIFTH_MS - offset_ms - 1))
    assert bound.is_until(instant(FIFTH_MS - offset_ms))


def test_a_bound_back_from_now_is_a_moment(zone: str) -> None:
    bound = read_bound("1d", NOW_MS)
    assert bound.instant_ms == NOW_MS - DAY_MS
    offset_ms = {"Asia/Shanghai": 8, "America/Los_Angeles": -8, "Pacific/Kiritimati": 14}
    assert bound.local_ms - bound.instant_ms == offset_ms.get(zone, 0) * HOUR_MS
    assert not bound.is_after(read_when("1d", NOW_MS))


@pytest.mark.parametrize("typed", ["", "soon", "2026-13-01", "12:30"])
def test_another_bound_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableTime):
        read_bound(typed, NOW_MS)


@pytest.mark.parametrize("at_ms", [0, 1_795_392_000_123, 253_402_300_799_999 - 14 * HOUR_MS])
def test_a_time_that_was_written_is_read_again(at_ms: int) -> None:
    assert read_bound(iso(at_ms), 0) == TimeBound(at_ms, at_ms // 1000 * 1000)


def test_a_time_beyond_the_calendar_is_still_shown() -> None:
    assert iso(2**63 - 1) == f"{2**63 - 1} ms"
