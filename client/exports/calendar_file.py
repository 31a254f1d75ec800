"""Deadlines as an iCalendar file (RFC 5545), which calendars subscribe to or take in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from commonweal.client.exports.deadlines import Deadline, DeadlineList
from commonweal.client.language.visible_text import visible

if TYPE_CHECKING:
    from icalendar import Event

TIME_MS_MAX = 32_503_680_000_000
"""To 2999; programs read no year of five digits."""


def calendar_bytes(listed: DeadlineList) -> bytes:
    """Return the deadlines as a calendar, the first due; the same ones have the same UID again."""
    from icalendar import Calendar, vText

    calendar = Calendar()
    calendar.add("prodid", "-//Commonweal//weal export ical//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", vText(visible(listed.community_name)))
    for deadline in listed.deadlines:
        if 0 <= deadline.at_ms < TIME_MS_MAX:
            calendar.add_component(_event(deadline, listed))
    data: bytes = calendar.to_ical()
    return data


def _event(deadline: Deadline, listed: DeadlineList) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{deadline.name}@{listed.community.hex()}")
    event.add("dtstamp", _utc(listed.as_of_ms))
    event.add("dtstart", _utc(deadline.at_ms))
    event.add("summary", visible(deadline.title))
    event.add("categories", [deadline.kind])
    event.add("transp", "TRANSPARENT")
    if deadline.command:
        event.add("description", visible(deadline.command))
    return event


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
