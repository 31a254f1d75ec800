"""A calendar as an iCalendar file (RFC 5545), which calendars subscribe to or take in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from commonweal.client.exchange.lending.rows import ASKED
from commonweal.client.exports.calendars.calendar import (
    BUSY_STATES,
    CalendarItem,
    CommunityCalendar,
)
from commonweal.client.language.visible_text import visible

if TYPE_CHECKING:
    from icalendar import Event

_STATUS = {ASKED: "TENTATIVE"} | dict.fromkeys(BUSY_STATES, "CONFIRMED")


def calendar_bytes(calendar: CommunityCalendar, *, busy: str = "") -> bytes:
    """Return a calendar as a file; what is the same has the same UID again.

    busy: what is written for each time that its member has no time; with it nothing else is told.
    """
    from icalendar import Calendar, vText

    file = Calendar()
    file.add("prodid", "-//Commonweal//weal calendar//EN")
    file.add("version", "2.0")
    file.add("x-wr-calname", vText(visible(busy or calendar.community_name)))
    for item in calendar.items:
        if not busy:
            file.add_component(_event(item, calendar))
        elif item.is_mine and item.state in BUSY_STATES:
            file.add_component(_times(item, calendar, busy))
    data: bytes = file.to_ical()
    return data


def _event(item: CalendarItem, calendar: CommunityCalendar) -> Event:
    event = _times(item, calendar, " · ".join(filter(None, (item.title, item.who))))
    event.add("categories", [item.kind])
    if item.state in _STATUS:
        event.add("status", _STATUS[item.state])
    if item.command:
        event.add("description", visible(item.command))
    return event


def _times(item: CalendarItem, calendar: CommunityCalendar, summary: str) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{item.name}@{calendar.community.hex()}")
    event.add("dtstamp", _utc(calendar.as_of_ms))
    event.add("dtstart", _utc(item.begin_ms))
    if not item.is_moment:
        event.add("dtend", _utc(item.end_ms))
    event.add("summary", visible(summary))
    is_busy = item.is_mine and item.state in BUSY_STATES
    event.add("transp", "OPAQUE" if is_busy else "TRANSPARENT")
    return event


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
