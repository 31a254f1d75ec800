"""`weal book`: ask for a thing for a time, and answer, cancel and list bookings."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.lending import rows
from commonweal.client.exchange.lending.bookings import Bookings
from commonweal.client.exchange.lending.rows import BookingAct, ListedBooking
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.groups import OPTIONS_FIRST, GroupWithDefault
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "clause", "thing_id", "name", "lender", "lender_name", "borrower", "borrower_name"),
    *("use", "begin", "end", "state", "until", "asked", "lapses", "out", "back"),
    *("returned", "lost_to", "lost_words", "late_fee", "late_fee_open", "late_fee_unit"),
    *("final_at",),
)


@click.group("book", cls=GroupWithDefault, context_settings=OPTIONS_FIRST)
def book() -> None:
    """Book a thing for a time; accept, decline, cancel and list bookings."""


@book.command("new")
@click.argument("resource", metavar="THING")
@click.argument("when", nargs=-1, required=True)
@click.option("--places", type=int, default=1, metavar="N", help="So many of it at once.")
@click.option("--use", is_flag=True, help="You use it where it is; nobody hands it out.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    resource: str,
    when: tuple[str, ...],
    places: int,
    use: bool,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Book THING for a time: weal book bike sat 9:00-17:00.

    A series is several bookings: weal book hall every tue 18:00-20:00, 6 times. It is yours once
    who lends it says yes, or at once where the terms say so; certain once it is final. `weal book`
    alone means this command.
    """
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.book(resource, " ".join(when), places=places, use=use, note=note)
    if form is Form.JSON:
        return write_json(plain(made))
    for booking in made.bookings:
        if booking.state == rows.ACCEPTED:
            text = _("Booked, as {id}: {words}. It is certain once it is final.")
        else:
            text = _("Asked, as {id}: {words}. It can be accepted until {time}.")
        time = shown(booking.lapses_ms)
        say(text.format(id=_id(booking.id), words=visible(booking.words), time=time))
    return None


@book.command("list")
@click.argument("resource", metavar="[THING]", required=False)
@click.option("--all", "everyone", is_flag=True, help="Of all members, not only yours.")
@click.option("--past", is_flag=True, help="Those that are over too.")
@home_option
@form_option()
def list_(resource: str | None, everyone: bool, past: bool, home: Home, form: Form) -> None:
    """List bookings: yours, or those of THING."""
    with part_of(Bookings, home) as me:
        listed = me.bookings(resource, everyone=everyone, since_ms=0 if past else None)
        standing = me.standing()
    listed_rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, booking in zip(listed_rows, listed, strict=True):
            row |= {"when": _when(booking), "stands": _stands(booking)}
    columns = [
        Column("id", _("id")),
        Column("name", _("thing")),
        Column("when", _("when")),
        Column("lender_name", _("lent by")),
        Column("borrower_name", _("booked by")),
        Column("stands", _("state")),
    ]
    when_empty = _("Nothing is booked. Book something: weal book THING sat 9:00-17:00")
    return table(form, "bookings", listed_rows, FIELDS, columns, standing, when_empty)


@book.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the booking whose id begins with ID: how it stands, and whether that is final."""
    with part_of(Bookings, home) as me:
        booking = me.booking(id)
    if form is Form.JSON:
        return write_json(plain(booking))
    for line in _lines(booking):
        say(line)
    return None


@book.command("accept")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def accept(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Accept the booking whose id begins with ID, or take it over with the thing."""
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.accept_booking(id)
    return told(form, made, _("Accepted, by {id}: {words}. It is certain once it is final."))


@book.command("decline")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def decline(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Decline the booking whose id begins with ID, for good."""
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.decline_booking(id)
    return told(form, made, _("Declined, by {id}: {words}."))


@book.command("cancel")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def cancel(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Cancel the booking whose id begins with ID; once it has begun, both have to."""
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.cancel_booking(id)
    text = _("Cancelled, by {id}: {words}.")
    if made.state not in (rows.CANCELLED, rows.WITHDRAWN):
        text = _(
            "Said, by {id}: {words}. It has begun: the other one cancels it too, or it stands."
        )
    return told(form, made, text)


def told(form: Form, made: BookingAct, words: str) -> None:
    """Say what was written about a booking. words: with {words} and {id}."""
    if form is Form.JSON:
        return write_json(plain(made))
    return say(words.format(words=visible(made.words), id=_id(made.id)))


def _when(booking: ListedBooking) -> str:
    return shown_span(Span(booking.begin_ms, booking.end_ms), spoken())


def _stands(booking: ListedBooking) -> str:
    """Return how a booking stands, and at which height that is final."""
    state = _(rows.BOOKING_STATES[booking.state])
    if booking.final_at is None:
        return _("{state}, provisional").format(state=state)
    return _("{state}, final at #{height}").format(state=state, height=booking.final_at)


def _lines(booking: ListedBooking) -> list[str]:
    lender, borrower = visible(booking.lender_name), visible(booking.borrower_name)
    lines = [f"{booking.name}, {_when(booking)}", _stands(booking)]
    lines.append(_("from {lender} to {borrower}").format(lender=lender, borrower=borrower))
    if booking.lost_words:
        lines.append(visible(booking.lost_words))
    if booking.state == rows.ASKED:
        lines.append(_("it can be accepted until {time}").format(time=shown(booking.lapses_ms)))
    if booking.returned_ms is not None:
        lines.append(_("back at {time}").format(time=shown(booking.returned_ms)))
    if booking.late_fee is not None:
        text = _("late: {amount} {unit}, of which {left} is open")
        amounts = {"amount": f"{booking.late_fee:f}", "left": f"{booking.late_fee_open:f}"}
        lines.append(text.format(unit=booking.late_fee_unit, **amounts))
    return lines


def _id(id: bytes) -> str:
    return id.hex()[:ID_DIGITS]
