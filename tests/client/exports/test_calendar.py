"""The calendar with bookings, blocks and deadlines; and when a thing is free."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.exchange.lending.availability import WINDOW_MS_MAX
from commonweal.client.exports.calendars import calendar
from commonweal.client.exports.calendars.calendar import TIME_MS_MAX
from commonweal.client.exports.calendars.calendar_file import calendar_bytes
from commonweal.client.language.days import on_day_ms
from commonweal.client.language.local_time.spans import Span
from commonweal.client.language.local_time.zones import day_begin_ms, hour_ms
from tests.builders.calendar_files import events_of
from tests.builders.lenders import DAY_MS, HOUR_MS, Lenders
from tests.builders.weal import good

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def lenders(tmp_path_factory: pytest.TempPathFactory) -> Lenders:
    """Bo has the bike from 9 to 17 on day 1 and asked for the room; day 3 is for repairs."""
    folder: Path = tmp_path_factory.mktemp("calendar")
    lent = Lenders(folder / "lenders")
    lent.accept(lent.booked(lent.bike, f"{lent.day(1)} 9:00-17:00"))
    lent.booked(lent.room, f"{lent.day(1)} 10:00-12:00")
    with Member(lent.mei) as mei:
        begin_ms, end_ms = (day_begin_ms(lent.day(number)) for number in (3, 4))
        mei.block_thing(lent.bike, begin_ms, end_ms, note="new tyres")
        mei.block_thing(lent.room, begin_ms, hint=True)
    lent.meet()
    return lent


def shown(home: object, **asked: object) -> list[tuple[str, str, str, bool]]:
    with Member(home) as me:  # type: ignore[arg-type]
        items = me.calendar(**asked).items  # type: ignore[arg-type]
    return [
        (item.title, item.who, item.state, item.is_mine)
        for item in items
        if item.kind in ("booking", "block")
    ]


def test_bookings_and_blocks_are_in_the_calendar_of_all(lenders: Lenders) -> None:
    assert shown(lenders.ana) == [
        ("cargo bike", "Bo", "accepted", False),
        ("room", "Bo", "asked", False),
        ("cargo bike · new tyres", "", "repair", False),
        ("room", "", "hint", False),
    ]
    assert [row[3] for row in shown(lenders.bo)] == [True, True, False, False]
    assert [row[3] for row in shown(lenders.mei)] == [True] * 4
    assert len(shown(lenders.bo, mine=True)) == 2


def test_what_is_wanted_by_a_day_is_in_the_calendar_on_that_day(lenders: Lenders) -> None:
    day = lenders.day(2)
    wanted = ("need", "sewing", "2", "hours", "--by", str(day))
    good(*wanted, "--home", lenders.ana.path)
    begin_ms, end_ms = day_begin_ms(day), day_begin_ms(lenders.day(3))
    with Member(lenders.ana) as ana:
        (deadline,) = (due for due in ana.deadlines().deadlines if "sewing" in due.title)
        (item,) = (item for item in ana.calendar().items if "sewing" in item.title)
    assert deadline.at_ms == end_ms
    assert begin_ms <= item.begin_ms < end_ms
    assert on_day_ms(begin_ms + HOUR_MS) == begin_ms + HOUR_MS
    assert on_day_ms(2**62) == 2**62, "no calendar has it"


def test_a_calendar_has_what_touches_its_days(lenders: Lenders) -> None:
    first, nine, noon, five = (hour_ms(lenders.day(1), hour) for hour in (0, 9, 12, 17))
    assert len(shown(lenders.bo, begin_ms=first, end_ms=nine)) == 0
    assert len(shown(lenders.bo, begin_ms=first, end_ms=nine + 1)) == 1
    assert len(shown(lenders.bo, begin_ms=noon, end_ms=five)) == 1
    assert len(shown(lenders.bo, begin_ms=five, end_ms=five + HOUR_MS)) == 0
    later = (day_begin_ms(lenders.day(number)) for number in (40, 41))
    assert shown(lenders.bo, begin_ms=next(later), end_ms=next(later)) == [
        ("room", "", "hint", False)
    ], "nobody knows until when"


def test_a_calendar_of_one_thing(lenders: Lenders) -> None:
    with Member(lenders.bo) as bo:
        thing_id = bytes(bo.lent_thing(lenders.bike).id)
        items = bo.calendar(thing_id=thing_id).items
    assert [item.state for item in items] == ["accepted", "repair"]
    assert {item.thing_id for item in items} == {thing_id}


def test_a_booking_is_in_the_file_and_busy_for_who_has_it(lenders: Lenders) -> None:
    with Member(lenders.bo) as bo:
        listed = bo.calendar()
    full, busy = events_of(calendar_bytes(listed)), events_of(calendar_bytes(listed, busy="busy"))
    by_title = {str(event["summary"]): event for event in full}
    booked = by_title["cargo bike · Bo"]
    assert (booked["status"], booked["transp"]) == ("CONFIRMED", "OPAQUE")
    assert by_title["room · Bo"]["status"] == "TENTATIVE"
    assert [event["uid"] for event in busy] == [booked["uid"]]
    assert max(item.end_ms for item in listed.items) == TIME_MS_MAX


def test_a_thing_is_free_where_a_booking_has_a_place(lenders: Lenders) -> None:
    """The bike: taken from 9 to 17, 30 minutes between two; day 3 is for repairs."""
    begin_ms, end_ms = (day_begin_ms(lenders.day(number)) for number in (1, 5))
    nine, five = (hour_ms(lenders.day(1), hour) for hour in (9, 17))
    repair = tuple(day_begin_ms(lenders.day(number)) for number in (3, 4))
    half = 30 * MINUTE_MS
    with Member(lenders.ana) as ana:
        free = ana.free_times(lenders.bike, begin_ms, end_ms)
        assert free == [
            Span(begin_ms, nine - half),
            Span(five + half, repair[0] - half),
            Span(repair[1] + half, end_ms),
        ]
        for span in free:
            (told,) = ana.booking_outlook(lenders.bike, [span])
            assert (told.state, told.why) == ("asked", "")
            for wider in (
                Span(span.begin_ms - MINUTE_MS, span.end_ms),
                Span(span.begin_ms, span.end_ms + MINUTE_MS),
            ):
                (told,) = ana.booking_outlook(lenders.bike, [wider])
                is_edge = wider.begin_ms < begin_ms or wider.end_ms > end_ms
                assert bool(told.why) is not is_edge
        assert ana.free_times(lenders.bike, nine, five) == []
        assert ana.bookings() == [], "nothing is written"


def test_free_times_are_told_for_a_bounded_time(lenders: Lenders) -> None:
    begin_ms = day_begin_ms(lenders.day(1))
    with Member(lenders.ana) as ana:
        assert ana.free_times(lenders.bike, begin_ms, begin_ms + WINDOW_MS_MAX)
        with pytest.raises(ValueError):
            ana.free_times(lenders.bike, begin_ms, begin_ms + WINDOW_MS_MAX + 1)


def test_an_outlook_says_each_time_apart(lenders: Lenders) -> None:
    day = lenders.day(1)
    with Member(lenders.ana) as ana:
        first, taken, long = ana.booking_outlook(
            lenders.bike,
            [
                Span(hour_ms(day, 6), hour_ms(day, 8)),
                Span(hour_ms(day, 16), hour_ms(day, 18)),
                Span(hour_ms(lenders.day(5), 0), hour_ms(lenders.day(5), 0) + 4 * DAY_MS),
            ],
        )
    assert (first.state, first.why) == ("asked", "")
    assert taken.state == "" and "Bo has it" in taken.why
    assert long.state == "" and long.why


def test_only_the_first_entries_are_in_it(
    lenders: Lenders, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(lenders.bo) as bo:
        every = bo.calendar().items
        monkeypatch.setattr(calendar, "CALENDAR_ITEMS_MAX", len(every) - 1)
        assert bo.calendar().items == every[:-1]
