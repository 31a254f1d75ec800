"""What of bookings waits for a member: handing out, returns, repairs, and things that moved.

What is asked, and what came of it, is told with all other deals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.lending import rows
from commonweal.client.exchange.lending.rows import ListedBooking
from commonweal.client.exchange.lending.states import bookings_of, listed_booking, voices
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.words import N_
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.lending.terms import TERMS, custodian_of

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

LEND, RETURN, LATE = "booking_lend", "booking_return", "booking_late"
BLOCKED, MOVED = "booking_blocked", "booking_moved"
SOON_MS = 24 * 3_600_000
"""How long before it is due a handing out or a return is told."""
_TEXTS = {
    LEND: N_("hand out {name} to {borrower}: {when}"),
    RETURN: N_("bring back {name}: {when}"),
    LATE: N_("{name} is not back from {borrower}: {when}"),
    BLOCKED: N_("{name} is out of use, and {borrower} has it booked: {when}"),
    MOVED: N_("{name} is with you now, and {borrower} has it booked: {when}"),
}
_ACTS = {
    LEND: "lend",
    RETURN: "return",
    LATE: "return",
    BLOCKED: "book cancel",
    MOVED: "book accept",
}


def _waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield what this member has to do about agreed bookings: within a day, or now."""
    now = now_ms()
    for clause in _looked_at(view, now):
        booking = listed_booking(view, clause, now)
        kind = _kind(view, booking, now)
        if kind is not None:
            is_of_lender = kind in (LEND, LATE, MOVED) or booking.borrower != view.me
            other = booking.borrower if is_of_lender else booking.lender
            until = booking.end_ms if kind in (RETURN, LATE) else booking.begin_ms
            member = MemberId(other) if len(other) == len(view.me) else None
            yield Waiting(kind, booking.clause, member, view.clock(booking.id), until)


def _looked_at(view: LedgerView, now: int) -> list[bytes]:
    """Return the clauses of open bookings of this member, and of things that they lend now."""
    mine = voices(view)
    clauses = bookings_of(view, people=mine, since_ms=now)
    for key, _ in view.state.items(TERMS):
        thing_id = key[len(TERMS) :]
        if custodian_of(view.state, thing_id) in mine:
            clauses += bookings_of(view, thing_id=thing_id, since_ms=now)
    return [*dict.fromkeys(clauses)]


def _kind(view: LedgerView, booking: ListedBooking, now: int) -> str | None:
    """Return what waits about a booking, a key of the source; None when nothing does."""
    lends, borrows = booking.lender in voices(view), booking.borrower == view.me
    match booking.state:
        case rows.MOVED if "accept" in booking.acts:
            return MOVED
        case rows.BLOCKED if lends or borrows:
            return BLOCKED
        case rows.ACCEPTED if lends and not booking.use and booking.begin_ms - now < SOON_MS:
            return LEND
        case rows.OUT if borrows and booking.end_ms - now < SOON_MS:
            return RETURN
        case rows.LATE if lends:
            return LATE
        case rows.LATE if borrows:
            return RETURN
    return None


def _words(view: LedgerView, entry: Waiting) -> str:
    booking = listed_booking(view, entry.id, now_ms())
    when = shown_span(Span(booking.begin_ms, booking.end_ms), view.words)
    text = view.words(_TEXTS[entry.kind])
    return text.format(name=booking.name, borrower=booking.borrower_name, when=when)


def _command(view: LedgerView, entry: Waiting) -> str:
    return f"{_ACTS[entry.kind]} {entry.id.hex()[:COMMAND_ID_DIGITS]}"


def _path(entry: Waiting) -> str:
    return f"/calendar/bookings/{entry.id.hex()}"


SOURCE = WaitingSource(
    {
        LEND: N_("to hand out"),
        RETURN: N_("to bring back"),
        LATE: N_("not back in time"),
        BLOCKED: N_("booked, but out of use"),
        MOVED: N_("booking that came along"),
    },
    _waiting,
    _words,
    _command,
    _path,
)
