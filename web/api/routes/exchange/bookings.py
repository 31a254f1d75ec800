"""Things that are lent: their terms, and who has them when."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field

from commonweal.client.exports.calendars.calendar import CalendarItem, asked_bounds_ms
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.spans import read_span
from commonweal.client.language.times import read_due_ms
from commonweal.client.member import Member
from commonweal.protocol.ledger.exchange.lending.calendar_slots import LENGTH_MS_MAX
from commonweal.protocol.ledger.exchange.lending.quotas import MINUTE_MS, PERIOD_DAYS_MAX
from commonweal.protocol.ledger.exchange.lending.terms import (
    AHEAD_MS_MAX,
    CAPACITY_MAX,
    ROLES_MAX,
)
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import NAME_CHARS_MAX, Filter, Id, NameText, NoteText, NumberText

router = SubjectRouter(tags=["bookings"])

LENGTH_MINUTES_MAX = LENGTH_MS_MAX // MINUTE_MS


class FeeTerms(Body):
    """What each started per_minutes cost."""

    quantity: NumberText
    unit: NameText
    per_minutes: Annotated[int, Field(ge=1, le=LENGTH_MINUTES_MAX)]

    def said(self) -> tuple[str, str, int]:
        """Return it as the client takes it."""
        return self.quantity, self.unit, self.per_minutes * MINUTE_MS


class LendingTerms(Body):
    """Terms of a thing; what is null stays as it is. accepts: roles that need no second yes.

    resource: its id, or the name of what is with this member. per: week, month or a number of days.
    without: what goes.
    """

    resource: NameText
    accepts: Annotated[list[NameText], Field(max_length=ROLES_MAX)] | None = None
    capacity: Annotated[int, Field(ge=1, le=CAPACITY_MAX)] | None = None
    min_minutes: Annotated[int, Field(ge=1, le=LENGTH_MINUTES_MAX)] | None = None
    max_minutes: Annotated[int, Field(ge=1, le=LENGTH_MINUTES_MAX)] | None = None
    buffer_minutes: Annotated[int, Field(ge=0, le=LENGTH_MINUTES_MAX)] | None = None
    ahead_minutes: Annotated[int, Field(ge=0, le=AHEAD_MS_MAX // MINUTE_MS)] | None = None
    fee: FeeTerms | None = None
    late_fee: FeeTerms | None = None
    days_max: Annotated[int, Field(ge=1, le=PERIOD_DAYS_MAX)] | None = None
    per: Literal["week", "month"] | Annotated[int, Field(ge=1, le=PERIOD_DAYS_MAX)] = "week"
    without: Annotated[list[Literal["fee", "late_fee", "days"]], Field(max_length=3)] = []


class ThingBlockBody(Body):
    """A time for which a thing is out of use. when: as it is typed; open: from then on."""

    resource: NameText
    when: NameText
    open: bool = False
    hint: bool = False
    note: NoteText | None = None


class BookingRequest(Body):
    """A thing, and when: sat 9:00-17:00, or a series. use: it is used where it is."""

    resource: NameText
    when: NameText
    places: Annotated[int, Field(ge=1, le=16)] = 1
    use: bool = False
    note: NoteText | None = None


class HandoverNote(Body):
    """A few words; they can be erased later."""

    note: NoteText | None = None


@router.reads("/lent-things", rows_of("things", Member.lent_things))
def lent_things(me: Reader, page: Page) -> Any:
    """The things that can be booked, and their terms, as `weal thing list`."""
    rows, rest = page.part(me.lent_things(), lambda row: row.id)
    return {"things": rows, "next": rest}


@router.reads("/lent-things/{id}", result_of(Member.lent_thing))
def lent_thing(me: Reader, id: Id) -> Any:
    """The terms of a thing, as `weal thing terms`."""
    return me.lent_thing(id)


@router.writes("/lent-things", result_of(Member.set_terms))
def set_terms(write: Writes, body: LendingTerms) -> Response:
    """Say on which terms a thing is lent, as `weal thing terms`."""
    minutes = {name: getattr(body, f"{name}_minutes") for name in ("min", "max", "buffer", "ahead")}
    said: dict[str, Any] = {
        f"{name}_ms": None if length is None else length * MINUTE_MS
        for name, length in minutes.items()
    }
    said |= {"accepts": body.accepts, "capacity": body.capacity, "without": body.without}
    said |= {
        "fee": body.fee and body.fee.said(),
        "late_fee": body.late_fee and body.late_fee.said(),
    }
    said["days"] = None if body.days_max is None else (body.days_max, body.per)
    return write(lambda me: me.set_terms(body.resource, **said), body)


@router.writes("/blocks", result_of(Member.block_thing))
def block(write: Writes, body: ThingBlockBody) -> Response:
    """Say when a thing is out of use, as `weal thing block`."""

    def blocked(me: Member) -> Any:
        now = now_ms()
        span = (read_due_ms(body.when, now), None) if body.open else read_span(body.when, now)
        return me.block_thing(body.resource, *span, hint=body.hint, note=body.note)

    return write(blocked, body)


@router.writes("/blocks/{id}/lifting", result_of(Member.lift_block))
def lift(write: Writes, id: Id) -> Response:
    """Take a block back, as `weal thing lift`."""
    return write(lambda me: me.lift_block(id))


@router.reads("/bookings", rows_of("bookings", Member.bookings))
def bookings(
    me: Reader, page: Page, resource: Filter = None, everyone: bool = False, past: bool = False
) -> Any:
    """Bookings, as `weal book list`: of this member, of a thing, or of all."""
    since = 0 if past else None
    listed = me.bookings(resource, everyone=everyone, since_ms=since)
    rows, rest = page.part(listed, lambda row: row.clause)
    return {"bookings": rows, "next": rest}


@router.reads("/bookings/{id}", result_of(Member.booking))
def booking(me: Reader, id: Id) -> Any:
    """A booking, as `weal book show`."""
    return me.booking(id)


@router.reads("/calendar", page_of("items", model_of(CalendarItem)))
def calendar(
    me: Reader,
    page: Page,
    begin: Annotated[str | None, Query(alias="from", max_length=NAME_CHARS_MAX)] = None,
    end: Annotated[str | None, Query(alias="to", max_length=NAME_CHARS_MAX)] = None,
    mine: bool = False,
) -> Any:
    """What is booked, out of use and due, as `weal calendar`; from and to are days as typed."""
    begin_ms, end_ms = asked_bounds_ms(begin, end, now_ms())
    listed = me.calendar(begin_ms=begin_ms, end_ms=end_ms, mine=mine)
    rows, rest = page.part(listed.items, lambda row: row.name)
    return {"items": rows, "next": rest}


@router.writes("/bookings", result_of(Member.book))
def book(write: Writes, body: BookingRequest) -> Response:
    """Book a thing, as `weal book`."""
    more: dict[str, Any] = {"places": body.places, "use": body.use, "note": body.note}
    return write(lambda me: me.book(body.resource, body.when, **more), body)


@router.writes("/bookings/{id}/acceptance", result_of(Member.accept_booking))
def accept(write: Writes, id: Id) -> Response:
    """Accept a booking, or take it over with the thing, as `weal book accept`."""
    return write(lambda me: me.accept_booking(id))


@router.writes("/bookings/{id}/refusal", result_of(Member.decline_booking))
def decline(write: Writes, id: Id) -> Response:
    """Decline a booking, as `weal book decline`."""
    return write(lambda me: me.decline_booking(id))


@router.writes("/bookings/{id}/cancellation", result_of(Member.cancel_booking))
def cancel(write: Writes, id: Id) -> Response:
    """Cancel a booking, as `weal book cancel`."""
    return write(lambda me: me.cancel_booking(id))


@router.writes("/bookings/{id}/handover", result_of(Member.hand_out))
def hand_out(write: Writes, id: Id, body: HandoverNote) -> Response:
    """Hand a thing out for a booking, as `weal lend`."""
    return write(lambda me: me.hand_out(id, note=body.note), body)


@router.writes("/bookings/{id}/return", result_of(Member.take_back))
def take_back(write: Writes, id: Id, body: HandoverNote) -> Response:
    """Say that a thing is back, as `weal return`."""
    return write(lambda me: me.take_back(id, note=body.note), body)
