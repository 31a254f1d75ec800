"""Periods of reports: a month, a year, or all the time, by the calendar of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from commonweal.protocol.errors import UnreadableTime

_PERIOD = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2]))?")
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its name: "2026-11", "2026", or "" for all the time."""

    name: str

    def has(self, month: str | None) -> bool:
        """Whether a month is in it; a time that is not known is in all the time only."""
        return month.startswith(self.name) if month else not self.name

    @property
    def since(self) -> str | None:
        """Its first day, as `contributions` reads it; None for all the time."""
        year, _, month = self.name.partition("-")
        return f"{year}-{month or '01'}-01" if year else None

    @property
    def until(self) -> str | None:
        """The first day after it, as `contributions` reads it; None for all the time."""
        year, _, month = self.name.partition("-")
        if not year or self.name.startswith("9999"):
            return None
        last = int(month or 12)
        return f"{int(year) + last // 12:04}-{last % 12 + 1:02}-01"


def read_period(text: str) -> Period:
    """Return the period of a name. Raises UnreadableTime."""
    if text and (not _PERIOD.fullmatch(text) or text.startswith("0000")):
        raise UnreadableTime(text[:20])
    return Period(text)


def month_of(when_ms: int | None, *, is_local: bool) -> str | None:
    """Return the month of a time in ms since 1970; None where no calendar has it.

    is_local: the calendar that stated it shows it; else it is shown by that of this machine.
    """
    if when_ms is None:
        return None
    try:
        shown = _1970 + timedelta(milliseconds=when_ms)
        return f"{shown if is_local else shown.astimezone():%Y-%m}"
    except (ValueError, OverflowError, OSError):
        return None


def months_between(months: Iterable[str]) -> list[str]:
    """Return all months from the first to the last of some, those in between too."""
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in months]
    every = range(min(numbers), max(numbers) + 1) if numbers else range(0)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in every]
