"""Calendar files read back by a library of others, as calendar programs read them."""

from __future__ import annotations

from typing import Any

from icalendar import Calendar


def events_of(data: bytes | str) -> list[Any]:
    """Return the events of a calendar file, in its order."""
    return list(Calendar.from_ical(data).walk("VEVENT"))


def kinds_of(data: bytes | str) -> list[str]:
    """Return the first category of each event."""
    return [str(event["categories"].cats[0]) for event in events_of(data)]
