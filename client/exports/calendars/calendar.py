"""The calendar: what is booked, what is to come back, what is due, in one list.

Times are absolute; who shows them puts them into local days.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.exports.calendars.deadlines import (
    BACKUP,
    INVITE,
    PROMISE,
    ROUND,
    VOTE,
    Deadline,
    Deadlines,
)
from commonweal.client.language.words import N_

CALENDAR_ITEMS_MAX = 10_000
"""How many are returned, the first by their begin."""

DUE = "due"
"""State of what ends or is due; of others their own."""
ASKED, ACCEPTED, OUT, LATE = "asked", "accepted", "out", "late"
CALENDAR_STATES = {DUE: N_("due")}
"""How an entry stands, and the words for it."""
BUSY_STATES = (ACCEPTED, OUT, LATE)
"""States in which a time is taken."""
_MINE = (VOTE, ROUND, INVITE, BACKUP)

TIME_MS_MAX = 32_503_680_000_000
"""To 2999; programs read no year of five digits. What begins later is left out."""


@dataclass(frozen=True, slots=True)
class CalendarItem:
    """What is in [begin_ms, end_ms), or at a moment, when both are one.

    name: the same whenever it is asked for. kind: a key of `deadlines.KINDS`. title: in the
    language of the member. who: whose it is, "" for all. is_mine: whether it is this member's, or
    waits for them. command: what is typed for it, "" for nothing.
    """

    name: str
    kind: str
    begin_ms: int
    end_ms: int
    title: str
    who: str
    state: str
    is_mine: bool
    command: str

    @property
    def is_moment(self) -> bool:
        """Whether it has no length."""
        return self.begin_ms == self.end_ms


@dataclass(frozen=True, slots=True)
class CommunityCalendar:
    """What is in a calendar. community_name: whose; as_of_ms: the time of the last seal."""

    community: bytes
    community_name: str
    as_of_ms: int
    items: tuple[CalendarItem, ...]


class Calendars(Deadlines):
    """What is booked and due, when."""

    def calendar(
        self, *, begin_ms: int = 0, end_ms: int | None = None, mine: bool = False
    ) -> CommunityCalendar:
        """Return what touches [begin_ms, end_ms), by its begin, CALENDAR_ITEMS_MAX at most.

        begin_ms, end_ms: ms since 1970; end_ms None: all. mine: only what is this member's.
        """
        listed = self.deadlines()
        items = [_due(deadline) for deadline in listed.deadlines]
        chosen = [
            item
            for item in items
            if 0 <= item.begin_ms < (TIME_MS_MAX if end_ms is None else min(end_ms, TIME_MS_MAX))
            and (item.end_ms > begin_ms or item.begin_ms >= begin_ms)
            and (item.is_mine or not mine)
        ]
        chosen.sort(key=lambda item: (item.begin_ms, item.end_ms, item.name))
        return CommunityCalendar(
            community=listed.community,
            community_name=listed.community_name,
            as_of_ms=listed.as_of_ms,
            items=tuple(chosen[:CALENDAR_ITEMS_MAX]),
        )


def _due(deadline: Deadline) -> CalendarItem:
    return CalendarItem(
        name=deadline.name,
        kind=deadline.kind,
        begin_ms=deadline.at_ms,
        end_ms=deadline.at_ms,
        title=deadline.title,
        who="",
        state=DUE,
        is_mine=deadline.kind in _MINE or (deadline.kind == PROMISE and bool(deadline.command)),
        command=deadline.command,
    )
