"""Calendar: what is booked and due in a week or a month, what waits, and private addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.lending.rows import ListedBooking
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.calendar_addresses import CalendarAddresses, NewCalendarAddress
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.words import N_
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UnknownId, UsageError
from commonweal.web.pages.exchange.lending.calendar_view import CalendarView
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

BOOKINGS_SHOWN = 50
"""Bookings of the member in one list, the earliest ones."""

ACTS: dict[str, tuple[str, Callable[[Member, str], Any]]] = {
    "accept": (N_("It is accepted."), lambda me, id: me.accept_booking(id)),
    "decline": (N_("It is declined."), lambda me, id: me.decline_booking(id)),
    "cancel": (N_("It is taken back."), lambda me, id: me.cancel_booking(id)),
    "lend": (N_("It is handed over."), lambda me, id: me.hand_out(id)),
    "return": (N_("It is back."), lambda me, id: me.take_back(id)),
}
"""By the name of an act: what is said when it is done, and what does it."""


@router.get("/calendar")
def calendar(page: Page) -> Response:
    """Show what is booked and due, and what waits for the member."""
    return _calendar(page)


@router.get("/calendar/bookings/{id}")
def booking(page: Page, id: str) -> Response:
    """Show one booking: who has the thing when, how it stands, and what one can do."""
    return _booking(page, id)


@router.post("/calendar/bookings/{id}/{act}")
def act(page: Page, id: str, act: str) -> Response:
    """Accept, decline, cancel, hand over or take back."""
    if act not in ACTS:
        raise UnknownId(act)
    done, do = ACTS[act]
    try:
        page.act(lambda me: do(me, id))
    except UnknownId:
        raise
    except CommonwealError as error:
        return _booking(page, id, page.sentence(error))
    return page.go(f"/calendar/bookings/{id}", page.words(done), at="acts")


@router.post("/calendar/addresses")
def new_address(page: Page) -> Response:
    """Make a private address; it is shown in this answer alone."""
    try:
        with CalendarAddresses(page.home, language=page.words.language) as addresses:
            made = addresses.create_calendar_address(page.field("shows"), name=page.field("name"))
    except CommonwealError as error:
        return _calendar(page, error=page.sentence(error))
    return _calendar(page, made=made)


@router.post("/calendar/addresses/{id}/revoke")
def revoke_address(page: Page, id: str) -> Response:
    """End a private address."""
    with CalendarAddresses(page.home, language=page.words.language) as addresses:
        addresses.revoke_calendar_address(id)
    done = page.words("The address is good for nothing now.")
    return page.go("/calendar", done, at="addresses")


def _calendar(
    page: PageRequest, *, error: str = "", made: NewCalendarAddress | None = None
) -> Response:
    view = CalendarView.of(page.query("view"), page.query("day"), now_ms())
    begin_ms, end_ms = view.bounds_ms
    mine = bool(page.query("mine"))
    with page.member() as member, CalendarAddresses(page.home) as addresses:
        lent = _lent(member, page.query("thing"))
        listed = member.calendar(
            begin_ms=begin_ms,
            end_ms=end_ms,
            mine=mine,
            thing_id=None if lent is None else bytes(lent.id),
        )
        own = [row for row in member.bookings() if row.acts]
        host = page.request.headers["host"]
        return page.show(
            "exchange/calendar.html",
            422 if error else 200,
            view=view,
            picture=view.picture(listed.items, page.words),
            is_empty=not listed.items,
            mine=mine,
            thing=lent,
            own=[(row, _when(row, page)) for row in own[:BOOKINGS_SHOWN]],
            can_book=bool(member.lent_things()),
            addresses=addresses.calendar_addresses(),
            made=f"http://{host}{made.path}" if made else "",
            typed={name: page.field(name) for name in ("name", "shows")},
            error=error,
        )


def _lent(member: Member, id: str) -> Any:
    """Return the thing of which alone the calendar is; None for all."""
    if not id:
        return None
    try:
        return member.lent_thing(id)
    except (UsageError, UnknownId):
        return None


def _booking(page: PageRequest, id: str, error: str = "") -> Response:
    with page.member() as member:
        row = member.booking(id)
        return page.show(
            "exchange/booking.html",
            422 if error else 200,
            row=row,
            when=_when(row, page),
            pays_for=_late_payment(row) if row.borrower == member.view.me else {},
            error=error,
        )


def _late_payment(row: ListedBooking) -> dict[str, str]:
    """Return how the form of a payment is filled in for what is open of a late fee."""
    if row.back is None or row.late_fee_unit is None or not row.late_fee_open:
        return {}
    fields = {"for": row.back.hex(), "member": row.lender.hex(), "unit": row.late_fee_unit}
    return fields | {"quantity": f"{row.late_fee_open:f}"}


def _when(row: ListedBooking, page: PageRequest) -> str:
    return shown_span(Span(row.begin_ms, row.end_ms), page.words)
