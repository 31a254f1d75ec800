"""Calendar files: any text and time is one, each entry once, and a busy one tells nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.exports.calendars.calendar import (
    BUSY_STATES,
    CALENDAR_STATES,
    CalendarItem,
    CommunityCalendar,
)
from commonweal.client.exports.calendars.calendar_file import calendar_bytes
from tests.builders.calendar_files import events_of

LINE_BYTES_MAX = 75
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON_MS = 1_795_953_600_000
HOUR_MS = 3_600_000


def item(
    state: str, *, title: str = "bike", who: str = "Mei", mine: bool = True, hours: int = 2
) -> CalendarItem:
    end_ms = NOON_MS + hours * HOUR_MS
    name = f"booking-{state}-{title}"
    return CalendarItem(
        name, "booking", NOON_MS, end_ms, title, who, state, None, None, mine, "weal book"
    )


def events(*items: CalendarItem, busy: str = "") -> list[Any]:
    listed = CommunityCalendar(bytes(32), "garden", 0, items)
    return events_of(calendar_bytes(listed, busy=busy))


def test_a_booking_is_an_event_from_its_begin_to_its_end() -> None:
    (event,) = events(item("accepted"))
    assert event["dtstart"].dt == EPOCH + timedelta(milliseconds=NOON_MS)
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(hours=2)
    assert (event["summary"], event["status"]) == ("bike · Mei", "CONFIRMED")
    assert event["transp"] == "OPAQUE"
    assert event["uid"] == f"booking-accepted-bike@{'00' * 32}"


def test_what_is_not_sure_or_not_mine_takes_no_time() -> None:
    asked, other, due = events(
        item("asked"), item("accepted", mine=False), item("due", who="", hours=0)
    )
    assert (asked["status"], asked["transp"]) == ("TENTATIVE", "TRANSPARENT")
    assert (other["status"], other["transp"]) == ("CONFIRMED", "TRANSPARENT")
    assert "dtend" not in due and "status" not in due
    assert due["summary"] == "bike"


def test_a_busy_calendar_tells_when_and_nothing_else() -> None:
    items = [item(state) for state in sorted({*BUSY_STATES, *CALENDAR_STATES})]
    items.append(item("accepted", title="secret", mine=False))
    shown = events(*items, busy="busy")
    assert len(shown) == len(BUSY_STATES)
    assert {event["summary"] for event in shown} == {"busy"}
    keys = {key for event in shown for key in event}
    assert keys == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "TRANSP"}
    listed = CommunityCalendar(bytes(32), "garden", 0, tuple(items))
    data = calendar_bytes(listed, busy="busy")
    told = (b"garden", b"Mei", b"secret", b"weal book")
    assert not [word for word in told if word in data]


ITEMS = st.lists(
    st.tuples(st.text(max_size=90), st.integers(0, 32_503_679_999_999), st.integers(0, 10**10)),
    max_size=4,
)


@given(ITEMS)
def test_any_text_and_time_is_a_calendar(rows: list[tuple[str, int, int]]) -> None:
    items = tuple(
        CalendarItem(f"n-{number}", "booking", begin_ms, begin_ms + length_ms, text, text,
                     "accepted", None, None, is_mine=True, command=text)
        for number, (text, begin_ms, length_ms) in enumerate(rows)
    )  # fmt: skip
    listed = CommunityCalendar(bytes(32), "".join(row[0] for row in rows), 0, items)
    data = calendar_bytes(listed)
    assert [event["dtstart"].dt for event in events_of(data)] == [
        EPOCH + timedelta(seconds=begin_ms // 1000) for _, begin_ms, _ in rows
    ]
    assert all(len(line) <= LINE_BYTES_MAX for line in data.split(b"\r\n"))
