"""Week and month: spans at their hours and days, side by side where they overlap, none lost."""

from __future__ import annotations

import re
from datetime import date
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.language.local_time.spans import read_span
from commonweal.client.language.local_time.zones import at, hour_ms
from commonweal.client.language.words import ENGLISH, words_in
from commonweal.web.pictures import CalendarEntry, Picture, month_grid, week_grid
from commonweal.web.pictures.calendar import month_grid as month
from commonweal.web.pictures.calendar import week_grid as week
from commonweal.web.pictures.calendar.entries import lanes
from commonweal.web.pictures.picture import ROWS_MAX
from tests.web.pictures.drawings import boxes, drawings, texts

BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = 1_796_065_200_000
MONDAY, NOVEMBER = date(2026, 11, 16), date(2026, 11, 1)
SPRING, AUTUMN = date(2026, 3, 23), date(2026, 10, 19)
"""The Mondays of the weeks in which the clocks change."""


def entry(when: str, title: str = "bike", look: str = "agreed", who: str = "ana") -> CalendarEntry:
    span = read_span(when, NOW_MS, BERLIN)
    return CalendarEntry(*span, title, who, look, look, "/deals/1")


def due(when: str) -> CalendarEntry:
    begin_ms, _ = read_span(when, NOW_MS, BERLIN)
    return CalendarEntry(begin_ms, begin_ms, "vote ends", "", "due", "due")


def of_week(*entries: CalendarEntry, monday: date = MONDAY) -> Picture:
    return week_grid("Week", monday, entries, ENGLISH, zone=BERLIN, today=date(2026, 11, 18))


def of_month(*entries: CalendarEntry) -> Picture:
    return month_grid("Month", NOVEMBER, entries, ENGLISH, zone=BERLIN, today=date(2026, 11, 18))


def bars(root: Element, look: str = "agreed") -> list[tuple[float, float, float]]:
    """Return the left, the top and the width of each bar of a look."""
    drawn = [path for path in root.iter("path") if path.get("class") == f"span-{look}"]
    found = [re.fullmatch(r"M([\d.]+) ([\d.]+)h([\d.]+)v.*", path.attrib["d"]) for path in drawn]
    return [(float(m[1]), float(m[2]), float(m[3])) for m in found if m is not None]


def hour_labels(root: Element) -> list[tuple[str, float, float]]:
    """Return the hours that are written, each with its place."""
    return [
        (element.text or "", float(element.attrib["x"]), float(element.attrib["y"]))
        for element in root.iter("text")
        if element.get("text-anchor") == "middle"
    ]


def test_a_span_lies_under_its_hours() -> None:
    for root in drawings(of_week(entry("2026-11-17 8:00-16:00"))):
        ((left, _, width),) = bars(root)
        places = {text: x for text, x, _ in hour_labels(root)}
        assert left == pytest.approx(places["8"], abs=0.02)
        assert left + width == pytest.approx(places["16"], abs=0.02)


def test_spans_that_touch_share_a_lane_and_those_that_overlap_do_not() -> None:
    entries = [
        entry("2026-11-17 9:00-11:00"),
        entry("2026-11-17 10:00-12:00"),
        entry("2026-11-17 11:00-13:00"),
    ]
    for root in drawings(of_week(*entries)):
        first, second, third = bars(root)
        assert first[1] == third[1] < second[1]
        assert first[0] + first[2] == pytest.approx(third[0], abs=0.02)


def test_a_span_over_several_days_is_on_each_and_ends_before_its_end() -> None:
    whole = entry("2026-11-17 - 2026-11-18")
    over = entry("2026-11-19 18:00 - 2026-11-21 9:00")
    for root in drawings(of_week(whole, over)):
        assert len(bars(root)) == 2 + 3
        assert len({top for _, top, _ in bars(root)}) == 5


def test_hours_grow_to_what_is_shown() -> None:
    def shown(*entries: CalendarEntry) -> tuple[str, str]:
        hours = hour_labels(list(drawings(of_week(*entries)))[1])
        return hours[0][0], hours[-1][0]

    assert shown() == ("7", "21")
    assert shown(entry("2026-11-17 5:30-6:00")) == ("5", "21")
    assert shown(entry("2026-11-17 20:00-23:30")) == ("7", "24")
    assert shown(entry("2026-11-17 22:00 - 2026-11-18 3:00")) == ("2", "23")
    assert shown(entry("2026-11-17")) == ("7", "21")
    assert shown(entry("2026-11-17 0:00-8:00")) == ("0", "21")
    assert shown(entry("2026-11-17 18:00-24:00")) == ("7", "24")
    assert shown(entry("2026-11-17 - 2026-11-18")) == ("7", "21")
    assert shown(entry("2026-11-30 3:00-4:00")) == ("7", "21")


@pytest.mark.parametrize(
    ("monday", "sunday", "hours"), [(SPRING, "2026-03-29", 3), (AUTUMN, "2026-10-25", 5)]
)
def test_on_a_day_of_23_or_25_hours_a_span_is_as_long_as_it_is(
    monday: date, sunday: str, hours: int
) -> None:
    changed, usual = entry(f"{sunday} 0:00-4:00"), entry(f"{monday} 0:00-4:00", look="asked")
    for root in drawings(of_week(changed, usual, monday=monday)):
        ((_, top, width),) = bars(root)
        ((_, _, usual_width),) = bars(root, "asked")
        assert width / usual_width == pytest.approx(hours / 4, rel=0.01)
        own = [(text, x) for text, x, y in hour_labels(root) if 0 < top - y < 20]
        drawn = [text for text, _ in own]
        assert drawn.count("2") == (2 if hours == 5 else 0)
        assert dict(own)["4"] == pytest.approx(50 + width, abs=0.05)


def test_only_the_day_that_differs_has_hours_of_its_own() -> None:
    root = next(drawings(of_week(entry("2026-10-25 0:00-4:00"), monday=AUTUMN)))
    assert len({y for _, _, y in hour_labels(root)}) == 2
    root = next(drawings(of_week(entry("2026-10-25 9:00-16:00"), monday=AUTUMN)))
    assert len({y for _, _, y in hour_labels(root)}) == 1


def test_what_does_not_touch_the_week_is_not_in_it() -> None:
    before, after = entry("2026-11-15 9:00-24:00"), entry("2026-11-23 0:00-9:00")
    assert of_week(before, after).rows == ()
    touching = entry("2026-11-15 9:00 - 2026-11-16 0:01")
    assert len(of_week(before, touching, after).rows) == 1


def test_today_is_marked_once() -> None:
    for picture in (of_week(), of_month()):
        for root in drawings(picture):
            assert len(boxes(root, "today")) == 1
    root = next(drawings(week_grid("Week", MONDAY, [], ENGLISH, zone=BERLIN)))
    assert not boxes(root, "today")


def test_the_table_has_the_same_in_words() -> None:
    picture = of_week(entry("2026-11-17 9:00-17:00", "Cargo bike", "asked", "bo"))
    assert picture.columns == ("when", "what", "who", "state")
    assert [[cell.text for cell in row] for row in picture.rows] == [
        ["Tue 2026-11-17 09:00–17:00", "Cargo bike", "bo", "asked"]
    ]
    assert picture.rows[0][1].link == "/deals/1"
    for root in drawings(picture):
        assert root.findtext("desc") == "Tue 2026-11-17 09:00–17:00 Cargo bike bo asked"
        (bar,) = [path for path in root.iter("path") if path.get("class") == "span-asked"]
        assert bar.findtext("title") == "Tue 2026-11-17 09:00–17:00 ? Cargo bike · bo (asked)"


def test_a_moment_is_a_thin_bar_with_its_text_beside_it() -> None:
    for root in drawings(of_week(due("2026-11-17 9:00-17:00"))):
        ((left, _, width),) = bars(root, "due")
        assert width == 3
        (text,) = [e for e in root.iter("text") if (e.text or "").startswith("◆ vote")]
        assert float(text.attrib["x"]) > left + width
    ((moment, *_),) = of_week(due("2026-11-17 9:00-17:00")).rows
    assert moment.text == "Tue 2026-11-17 09:00"


def test_a_text_stays_before_the_next_span_of_its_lane() -> None:
    entries = [entry("2026-11-17 9:00-9:30", "x" * 60), entry("2026-11-17 12:00-13:00", "y")]
    for root in drawings(of_week(*entries)):
        (text,) = [e for e in root.iter("text") if "x" in (e.text or "")]
        (left, _, width), (next_left, _, _) = bars(root)
        assert float(text.attrib["x"]) >= left + width
        assert float(text.attrib["x"]) + 12 * 0.5 * len(text.text or "") < next_left + 12
        assert (text.text or "").endswith("…")


def test_a_bar_without_room_for_its_text_has_its_sign() -> None:
    late = entry("2026-11-17 22:30-23:00", "bike", "late")
    for root in drawings(of_week(late)):
        assert [text for text in texts(root) if text.startswith("!")] == ["!", "! overdue"]


def test_signs_are_explained_where_they_are_used() -> None:
    look = [entry("2026-11-17 9:00-10:00", look=look) for look in ("asked", "late", "blocked")]
    for root in drawings(of_week(*look)):
        assert texts(root)[-3:] == ["? asked", "! overdue", "× blocked"]
    chinese = week_grid("周", MONDAY, look, words_in("zh"), zone=BERLIN)
    assert texts(next(drawings(chinese)))[-3:] == ["? 已请求", "! 逾期", "× 停用"]


def test_a_crowded_day_says_how_many_more_there_are() -> None:
    crowd = [entry("2026-11-17 9:00-10:00", f"n{n}") for n in range(week.LANES_MAX + 3)]
    for root in drawings(of_week(*crowd)):
        assert len(bars(root)) == week.LANES_MAX
        assert "3 others" in texts(root)
    for root in drawings(of_month(*crowd)):
        assert len(bars(root)) == month.LANES_MAX
        more = [text for text in texts(root) if text.startswith("+")]
        assert more == [f"+{week.LANES_MAX + 3 - month.LANES_MAX}"]
    many = [entry("2026-11-17 9:00-10:00", f"n{n:03}") for n in range(ROWS_MAX + 1)]
    assert len(of_week(*many).rows) == ROWS_MAX
    assert of_week(*many).rows[-1][1].text == "2 others"
    assert len(of_month(*many[:ROWS_MAX]).rows) == ROWS_MAX
    assert of_month(*many[:ROWS_MAX]).rows[-1][1].text == f"n{ROWS_MAX - 1}"


def test_a_month_has_its_weeks() -> None:
    assert month.weeks_of(date(2026, 11, 1))[0] == date(2026, 10, 26)
    assert month.weeks_of(date(2026, 11, 1))[-1] == date(2026, 11, 30)
    assert len(month.weeks_of(date(2027, 2, 1))) == 4
    assert month.weeks_of(date(2026, 12, 1))[-1] == date(2026, 12, 28)


def test_a_span_of_a_month_covers_its_days_and_goes_on_in_the_next_week() -> None:
    for root in drawings(of_month(entry("2026-11-14 12:00 - 2026-11-17 0:00"))):
        column = float(root.attrib["width"]) / 7
        saturday, monday = bars(root)
        assert saturday[0] == pytest.approx(5 * column + 1, abs=0.02)
        assert saturday[2] == pytest.approx(2 * column - 3, abs=0.02)
        assert monday[0] == 1 and monday[2] == pytest.approx(column - 3, abs=0.02)
        assert saturday[1] < monday[1]


def test_a_small_month_has_the_sign_alone() -> None:
    narrow, wide = drawings(of_month(entry("2026-11-17 9:00-10:00")))
    assert "✓" in texts(narrow) and "✓ bike · ana" in texts(wide)


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=30)


@given(SPANS)
def test_no_two_spans_of_a_lane_overlap(drawn: list[tuple[int, int]]) -> None:
    spans = sorted((begin, begin + length) for begin, length in drawn)
    by_lane: dict[int, int] = {}
    for (begin, end), lane in zip(spans, lanes(spans), strict=True):
        assert by_lane.get(lane, 0) <= begin
        by_lane[lane] = max(end, begin + 1)
    moments = [sum(b <= at_ < max(e, b + 1) for b, e in spans) for at_ in range(60)]
    assert len(by_lane) == max(moments)


@given(SPANS, st.sampled_from([MONDAY, SPRING, AUTUMN]))
def test_every_span_of_a_week_is_within_its_picture(
    drawn: list[tuple[int, int]], monday: date
) -> None:
    begin_ms = hour_ms(monday, 0, BERLIN)
    entries = [
        CalendarEntry(begin_ms + begin * 17_000_000, begin_ms + (begin + length) * 17_000_000,
                      "b", "", "agreed", "agreed")
        for begin, length in drawn
    ]  # fmt: skip
    picture = of_week(*entries, monday=monday)
    days = {monday.toordinal() + n for n in range(7)}
    touching = [
        e for e in entries
        if {at(ms, BERLIN).date().toordinal() for ms in (e.begin_ms, e.last_ms)} & days
    ]  # fmt: skip
    assert len(picture.rows) == len(touching)
    for root in drawings(picture):
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for left, top, length in bars(root):
            assert left >= 0 and left + length <= width
            assert top >= 0 and top + 17 <= height
