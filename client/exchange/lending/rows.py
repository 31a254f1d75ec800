"""Things that are lent, as members read them: the results of `Lending`, and words for states."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.words import N_
from commonweal.protocol.records.record import RecordId

ASKED, ACCEPTED, OUT, BACK, LATE = "asked", "accepted", "out", "back", "late"
OVER, BLOCKED, MOVED = "over", "blocked", "moved"
LAPSED, LOST, DECLINED, CANCELLED = "lapsed", "lost", "declined", "cancelled"
WITHDRAWN, VOID = "withdrawn", "void"
BOOKING_STATES = {
    ASKED: N_("asked"),
    ACCEPTED: N_("accepted"),
    BLOCKED: N_("accepted, but out of use"),
    MOVED: N_("accepted, now with another custodian"),
    OUT: N_("out"),
    LATE: N_("not back in time"),
    BACK: N_("back"),
    OVER: N_("over"),
    LAPSED: N_("lapsed"),
    LOST: N_("lost to another"),
    DECLINED: N_("declined"),
    WITHDRAWN: N_("taken back"),
    CANCELLED: N_("cancelled"),
    VOID: N_("void"),
}
"""How a booking stands, and the words for it."""
OPEN_STATES = (ASKED, ACCEPTED, BLOCKED, MOVED, OUT, LATE)
"""How a booking stands that somebody still has to do with."""
HOLDING_STATES = (ACCEPTED, BLOCKED, MOVED, OUT, LATE)
"""How a booking stands that takes its time."""


@dataclass(frozen=True, slots=True)
class ListedBooking:
    """A booking. id: its deal; clause: the commitment. Times are ms since 1970, [begin, end).

    thing_id: the thing; resource: as the clause names it. state: a key of BOOKING_STATES. until_ms:
    the end of the time that it takes; None while it takes none. lapses_ms: until when it can be
    accepted. returned_ms: when it came back. lost_to: the deal or the block that has the time;
    lost_words: who has it, and when. late_fee, late_fee_unit: what its late return costs;
    late_fee_open: what of it is not paid. final_at: the height that makes the state final; None
    while it is provisional. acts: what this member can do: accept, decline, cancel, lend, return.
    """

    id: RecordId
    clause: RecordId
    thing_id: RecordId
    resource: RecordId
    name: str
    lender: bytes
    lender_name: str
    borrower: bytes
    borrower_name: str
    use: bool
    begin_ms: int
    end_ms: int
    state: str
    until_ms: int | None
    asked_ms: int
    lapses_ms: int
    out: RecordId | None
    back: RecordId | None
    returned_ms: int | None
    lost_to: RecordId | None
    lost_words: str
    late_fee: Decimal | None
    late_fee_open: Decimal | None
    late_fee_unit: str | None
    final_at: int | None
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThingBlock:
    """A time for which a thing is out of use, or of which a hint is shown. sort: repair or hint.

    end_ms: None while nobody knows. note: what its author says; None where there is nothing.
    """

    id: RecordId
    sort: str
    begin_ms: int
    end_ms: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class ThingFee:
    """What each started `per_minutes` cost."""

    quantity: Decimal
    unit: str
    per_minutes: int


@dataclass(frozen=True, slots=True)
class LentThing:
    """A thing that can be booked, and its terms. id: the thing; resource: where it is now.

    lender: who has it when nobody borrows it. accepts: roles that need no second yes; empty where
    each booking is asked. days_max, per: how many days in a week, month or number of days. words:
    the terms as sentences. yours: this member may change them.
    """

    id: RecordId
    resource: RecordId
    name: str
    lender: bytes
    lender_name: str
    terms: RecordId
    accepts: tuple[str, ...]
    capacity: int
    min_minutes: int
    max_minutes: int
    buffer_minutes: int
    ahead_minutes: int
    fee: ThingFee | None
    late_fee: ThingFee | None
    days_max: int | None
    per: str | int | None
    utc_offset_minutes: int
    blocks: tuple[ThingBlock, ...]
    words: tuple[str, ...]
    yours: bool


@dataclass(frozen=True, slots=True)
class NewBooking:
    """A booking that was written. id: its deal. state: accepted or asked; lapses_ms: until when.

    words: who has what when.
    """

    id: RecordId
    seq: int
    state: str
    lapses_ms: int
    words: str


@dataclass(frozen=True, slots=True)
class NewBookings:
    """Bookings that were written at once. id, seq: of the deal of the first."""

    id: RecordId
    seq: int
    bookings: tuple[NewBooking, ...]


@dataclass(frozen=True, slots=True)
class BookingAct:
    """What was written about a booking. id: the record; deal: the booking. state: how it stands."""

    id: RecordId
    seq: int
    deal: RecordId
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class NewTerms:
    """Terms or a block that were written. id: the record; thing_id: what they are of."""

    id: RecordId
    seq: int
    thing_id: RecordId
    name: str
