"""Quotas: on how many days a member may book a thing, in a week, a month or any n days.

A day counts once, however often the thing is booked on it. Days are those of the offset from UTC
that the terms name: the fold knows no time zone. Weeks begin on Monday, months are those of the
calendar, and n days are any n in a row. Of a booking that was cancelled or came back early, the
days until then count. State: 9Q days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, DAYS_MAX
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

BOOKED_DAY = Table.BOOKED_DAY.prefix

MINUTE_MS = 60_000
PERIOD_DAYS_MAX = 92
"""Longest period of a quota: so many days on either side of a booking are looked up."""
WEEK, MONTH = "week", "month"
WEEK_DAYS = 7
MONDAY = 3
"""1970-01-01 was a Thursday: day 0 is the fourth day of its week."""

Period: TypeAlias = "str | int"
"""Of a quota: "week", "month", or a number of days."""


def local_days(begin: int, end: int, offset_minutes: int) -> range:
    """Return the numbers of the days since 1970 that [begin, end) touches, at this UTC offset."""
    shift = offset_minutes * MINUTE_MS
    return range(max(0, (begin + shift) // DAY_MS), max(0, -(-(end + shift) // DAY_MS)))


def exceeds(
    state: State, thing_id: bytes, member: bytes, more: range, most: int, period: Period
) -> bool:
    """Return whether the days `more` would be too many, with those that the member has booked.

    most: days in each period. At most 2 PERIOD_DAYS_MAX days, and those of a booking, are read.
    """
    if not more:
        return False  # it is before the first day that there is
    first, last = _around(more, period)
    last = min(last, DAYS_MAX - 1)
    booked = [
        day in more or state.get(_key(thing_id, member, day)) is not None
        for day in range(first, last + 1)
    ]
    if period not in (WEEK, MONTH):
        assert type(period) is int, "a period is a week, a month or a number of days"
        return any(sum(booked[at : at + period]) > most for at in range(len(booked)))
    counts: dict[tuple[int, int], int] = {}
    for day, is_booked in enumerate(booked, first):
        of = (monday(day), 0) if period == WEEK else month(day)
        counts[of] = counts.get(of, 0) + is_booked
    return any(count > most for count in counts.values())


def count(state: State, thing_id: bytes, member: bytes, more: range) -> None:
    """Count one booking more on each of these days."""
    for day in more:
        key = _key(thing_id, member, day)
        state.put(key, (state.get(key) or 0) + 1)


def uncount(state: State, thing_id: bytes, borrowers: Sequence[bytes], fewer: range) -> None:
    """Count one booking fewer on each of these days, for the first borrower that has one there.

    borrowers: who they are now, and who they were as the days were counted: an agent outside may
    have been claimed by a member since, or no longer be. Where neither has one, nothing changes.
    """
    for day in fewer:
        for borrower in borrowers:
            key = _key(thing_id, borrower, day)
            counted = state.get(key)
            if counted is None:
                continue
            if counted > 1:
                state.put(key, counted - 1)
            else:
                state.delete(key)
            break


def monday(day: int) -> int:
    """Return the number of the Monday of a day's week."""
    return day - (day + MONDAY) % WEEK_DAYS


def month(day: int) -> tuple[int, int]:
    """Return the year and the month (1..12) of a day since 1970-01-01 of the Gregorian calendar.

    Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    """
    shifted = day + 719_468
    era, of_era = divmod(shifted, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    number = (5 * of_year + 2) // 153
    return year + era * 400 + (number >= 10), number + 3 if number < 10 else number - 9


def _around(more: range, period: Period) -> tuple[int, int]:
    """Return the first and the last day that count beside the days of a booking."""
    first, last = more[0], more[-1]
    if period == WEEK:
        return max(0, monday(first)), monday(last) + WEEK_DAYS - 1
    if period == MONTH:
        low, high = first, last
        while low and month(low - 1) == month(first):
            low -= 1
        while month(high + 1) == month(last):
            high += 1
        return low, high
    assert type(period) is int, "a period is a week, a month or a number of days"
    return max(0, first - period + 1), last + period - 1


def _key(thing_id: bytes, member: bytes, day: int) -> bytes:
    return BOOKED_DAY + thing_id + member + day.to_bytes(4, "big")
