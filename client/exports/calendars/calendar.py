"""The calendar: what is booked, what is out of use, what is due, in one list.

Times are absolute; who shows them puts them into local days.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.exchange.lending.bookings import Bookings
from commonweal.client.exchange.lending.rows import (
    ACCEPTED,
    ASKED,
    BACK,
    BOOKING_STATES,
    HOLDING_STATES,
    LATE,
    MOVED,
    OUT,
    OVER,
    LentThing,
    ListedBooking,
    ThingBlock,
)
from commonweal.client.exchange.lending.rows import BLOCKED as BOOKING_BLOCKED
from commonweal.client.exchange.lending.states import voices
from commonweal.client.exchange.lending.terms import ThingTerms
from commonweal.client.exports.calendars.deadlines import (
    BACKUP,
    INVITE,
    PROMISE,
    ROUND,
    VOTE,
    Deadline,
    Deadlines,
)
from commonweal.client.inbox_source import COMMAND_ID_DIGITS
from commonweal.client.language.days import on_day_ms, read_from_ms, read_until_ms
from commonweal.client.language.words import N_

DAYS_SHOWN = 31
"""Days that are shown where no end is said."""

CALENDAR_ITEMS_MAX = 10_000
"""How many are returned, the first by their begin."""

BOOKING, BLOCK = "booking", "block"
DUE, REPAIR, HINT = "due", "repair", "hint"
CALENDAR_STATES = BOOKING_STATES | {DUE: N_("due"), REPAIR: N_("out of use"), HINT: N_("hint")}
"""How an entry stands, and the words for it."""
BUSY_STATES = (ACCEPTED, BOOKING_BLOCKED, MOVED, OUT, LATE)
"""States in which a time is taken."""
_SHOWN_STATES = (ASKED, *HOLDING_STATES, BACK, OVER)
_MINE = (VOTE, ROUND, INVITE, BACKUP)

TIME_MS_MAX = 32_503_680_000_000
"""To 2999; programs read no year of five digits. What begins later is left out."""


@dataclass(frozen=True, slots=True)
class CalendarItem:
    """What is in [begin_ms, end_ms), or at a moment, when both are one.

    name: the same whenever it is asked for. kind: a key of `deadlines.KINDS`, booking or block.
    title: in the language of the member. who: whose it is, "" for all. state: a key of
    CALENDAR_STATES. about: the deal of a booking, or the block; None for deadlines. thing_id: what
    it is of.
    is_mine: whether it is this member's, or waits for them. command: what is typed for it, "" for
    nothing.
    """

    name: str
    kind: str
    begin_ms: int
    end_ms: int
    title: str
    who: str
    state: str
    about: bytes | None
    thing_id: bytes | None
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


class Calendars(Deadlines, Bookings, ThingTerms):
    """What is booked and due, when."""

    def calendar(
        self,
        *,
        begin_ms: int = 0,
        end_ms: int | None = None,
        mine: bool = False,
        thing_id: bytes | None = None,
    ) -> CommunityCalendar:
        """Return what touches [begin_ms, end_ms), by its begin, CALENDAR_ITEMS_MAX at most.

        begin_ms, end_ms: ms since 1970; end_ms None: all. mine: only what is this member's.
        thing_id: only what is of this thing.
        """
        end_ms = TIME_MS_MAX if end_ms is None else min(end_ms, TIME_MS_MAX)
        listed = self.deadlines()
        items = [_due(deadline) for deadline in listed.deadlines]
        items += self._booked(max(0, begin_ms), end_ms)
        items += [_block(lent, block) for lent in self.lent_things() for block in lent.blocks]
        chosen = [
            item
            for item in items
            if 0 <= item.begin_ms < end_ms
            and (item.end_ms > begin_ms or item.begin_ms >= begin_ms)
            and (item.is_mine or not mine)
            and thing_id in (None, item.thing_id)
        ]
        chosen.sort(key=lambda item: (item.begin_ms, item.end_ms, item.name))
        return CommunityCalendar(
            community=listed.community,
            community_name=listed.community_name,
            as_of_ms=listed.as_of_ms,
            items=tuple(chosen[:CALENDAR_ITEMS_MAX]),
        )

    def _booked(self, begin_ms: int, end_ms: int) -> list[CalendarItem]:
        """Return the bookings that stand, and those that are over, in [begin_ms, end_ms)."""
        own = {bytes(voice) for voice in voices(self.view)}
        rows = self.bookings(everyone=True, since_ms=begin_ms, until_ms=end_ms)
        return [_booking(row, own) for row in rows if row.state in _SHOWN_STATES]


def asked_bounds_ms(begin: str | None, end: str | None, now_ms: int) -> tuple[int, int]:
    """Return where a time begins and ends that is asked for in words, in ms since 1970.

    begin: a day or a time, else today. end: until its end, else DAYS_SHOWN days on. Raises
    UnreadableTime, MissingHour, RepeatedHour.
    """
    from_ms = read_from_ms(begin or "today", now_ms)
    if end:
        return from_ms, read_until_ms(end, now_ms)
    return from_ms, read_until_ms(f"in {DAYS_SHOWN} days", from_ms)


def _booking(row: ListedBooking, own: set[bytes]) -> CalendarItem:
    is_mine = bool(own & {bytes(row.lender), bytes(row.borrower)})
    digits = row.id.hex()[:COMMAND_ID_DIGITS]
    verbs = {"accept": "book accept", "return": "return", "lend": "lend", "cancel": "book cancel"}
    act = next((verb for name, verb in verbs.items() if name in row.acts), "")
    return CalendarItem(
        name=f"{BOOKING}-{row.clause.hex()}",
        kind=BOOKING,
        begin_ms=row.begin_ms,
        end_ms=row.end_ms,
        title=row.name,
        who=row.borrower_name,
        state=row.state,
        about=bytes(row.id),
        thing_id=bytes(row.thing_id),
        is_mine=is_mine,
        command=f"weal {act} {digits}" if act else "",
    )


def _block(lent: LentThing, block: ThingBlock) -> CalendarItem:
    end_ms = TIME_MS_MAX if block.end_ms is None else min(block.end_ms, TIME_MS_MAX)
    return CalendarItem(
        name=f"{BLOCK}-{block.id.hex()}",
        kind=BLOCK,
        begin_ms=block.begin_ms,
        end_ms=end_ms,
        title=" · ".join(filter(None, (lent.name, block.note))),
        who="",
        state=block.sort,
        about=bytes(block.id),
        thing_id=bytes(lent.id),
        is_mine=lent.yours,
        command="",
    )


def _due(deadline: Deadline) -> CalendarItem:
    at_ms = on_day_ms(deadline.at_ms)  # by Friday is no entry of Saturday
    return CalendarItem(
        name=deadline.name,
        kind=deadline.kind,
        begin_ms=at_ms,
        end_ms=at_ms,
        title=deadline.title,
        who="",
        state=DUE,
        about=None,
        thing_id=None,
        is_mine=deadline.kind in _MINE or (deadline.kind == PROMISE and bool(deadline.command)),
        command=deadline.command,
    )
