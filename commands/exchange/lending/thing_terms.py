"""`weal thing`: on which terms a thing is lent, and when it is out of use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.exchange.lending.rows import LentThing
from commonweal.client.exchange.lending.terms import ThingTerms
from commonweal.client.home.submit import now_ms
from commonweal.client.language.digits import whole_number
from commonweal.client.language.local_time.spans import Span, read_span, shown_span
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import read_due_ms, read_duration_ms, shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.exchange.lending.terms import ASK
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "name", "resource", "lender", "lender_name", "accepts", "capacity", "min_minutes"),
    *("max_minutes", "buffer_minutes", "ahead_minutes", "days_max", "per", "yours"),
)


@click.group("thing")
def thing() -> None:
    """Say on which terms a thing is lent, and when it is out of use."""


@thing.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the things that can be booked, and who lends them."""
    with part_of(ThingTerms, home) as me:
        rows, standing = plain_rows(me.lent_things()), me.standing()
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("lender_name", _("lent by")),
        Column("capacity", _("at once"), is_number=True),
        Column("terms_words", _("terms")),
    ]
    if form is Form.TEXT:
        rows = [row | {"terms_words": " ".join(row["words"])} for row in rows]
    when_empty = _("Nothing is lent yet. Lend something: weal thing terms NAME --max 3d")
    return table(form, "things", rows, FIELDS, columns, standing, when_empty)


@thing.command("terms")
@click.argument("named", metavar="THING")
@click.option("--accept", multiple=True, metavar="ROLE", help="Books without asking; or: ask.")
@click.option("--places", type=int, metavar="N", help="So many are lent at once.")
@click.option("--min", "shortest", metavar="TIME", help="Not for less: 1h, 2d.")
@click.option("--max", "longest", metavar="TIME", help="Not for longer: 8h, 3d, 2w.")
@click.option("--buffer", metavar="TIME", help="So much time between two bookings.")
@click.option("--ahead", metavar="TIME", help="Not further ahead: 90d.")
@click.option("--fee", nargs=3, metavar="QUANTITY UNIT TIME", help="Its price: 5 EUR 1d.")
@click.option("--late-fee", nargs=3, metavar="QUANTITY UNIT TIME", help="Late: 2 EUR 1h.")
@click.option("--days", nargs=2, metavar="N PERIOD", help="Of a member: 2 week, 2 30.")
@click.option(
    "--without", multiple=True, type=click.Choice(["fee", "late-fee", "days"]), help="No such."
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def terms(named: str, passphrase_file: Path | None, home: Home, form: Form, **typed: Any) -> None:
    """Show the terms of THING; with options, set them: weal thing terms bike --max 3d --places 2.

    What is not said stays as it is. Without terms a thing is not booked: the first option begins
    it. THING is an id, or the name of what is with you. Bookings that were accepted stand.
    """
    with part_of(ThingTerms, home, passphrase_file) as me:
        if not any(value not in (None, ()) for value in typed.values()):
            return _show(form, me.lent_thing(named))
        made = me.set_terms(named, **_terms_of(typed))
        lent = me.lent_thing(made.thing_id)
    if form is Form.JSON:
        return write_json({**plain(made), "terms": plain(lent)})
    say(_("{name} is lent on these terms, as {id}.").format(name=lent.name, id=_id(made.id)))
    for sentence in lent.words:
        say(f"  {sentence}")
    return None


@thing.command("block")
@click.argument("named", metavar="THING")
@click.argument("when")
@click.option("--hint", is_flag=True, help="It is only shown, and still lent.")
@click.option("--open", "open_end", is_flag=True, help="From WHEN on; nobody knows until when.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def block(
    named: str,
    when: str,
    hint: bool,
    open_end: bool,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Say when THING is out of use: weal thing block bike "sat - sun" --note "new tyres".

    Nothing is lent then. Members who booked it are told, and keep the booking.
    """
    now = now_ms()
    begin, end = (read_due_ms(when, now), None) if open_end else read_span(when, now)
    with part_of(ThingTerms, home, passphrase_file) as me:
        made = me.block_thing(named, begin, end, hint=hint, note=note)
    text = (
        _("A hint is shown for {name}, as {id}.") if hint else _("Not lent then: {name}, as {id}.")
    )
    return confirm(form, made, text.replace("{name}", "{shown}"), visible(made.name))


@thing.command("lift")
@click.argument("block_id", metavar="BLOCK")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def lift(block_id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take back the block whose id begins with BLOCK: the thing is lent again."""
    with part_of(ThingTerms, home, passphrase_file) as me:
        made = me.lift_block(block_id)
    return confirm(
        form, made, _("Lent again: {name}, by {id}.").replace("{name}", visible(made.name))
    )


def _show(form: Form, lent: LentThing) -> None:
    if form is Form.JSON:
        return write_json(plain(lent))
    say(_("{name} is lent by {lender}.").format(name=lent.name, lender=visible(lent.lender_name)))
    for sentence in lent.words:
        say(f"  {sentence}")
    for known in lent.blocks:
        when = (
            _("from {time} on").format(time=shown(known.begin_ms))
            if known.end_ms is None
            else shown_span(Span(known.begin_ms, known.end_ms), spoken())
        )
        text = _("Hint, {when}") if known.sort == "hint" else _("Not lent, {when}")
        note = f": {visible(known.note)}" if known.note else ""
        say(f"  {text.format(when=when)}{note} ({_id(known.id)})")
    return None


def _terms_of(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed as `set_terms` takes it."""
    said: dict[str, Any] = {"capacity": typed["places"]}
    lengths = {"min_ms": "shortest", "max_ms": "longest"}
    lengths |= {"buffer_ms": "buffer", "ahead_ms": "ahead"}
    for key, name in lengths.items():
        text = typed[name]
        said[key] = 0 if text == "0" else text and read_duration_ms(text)
    if typed["accept"]:
        said["accepts"] = [role for role in typed["accept"] if role != ASK]
    for name in ("fee", "late_fee"):
        if typed[name]:
            quantity, unit, per = typed[name]
            said[name] = (quantity, unit, read_duration_ms(per))
    if typed["days"]:
        said["days"] = _days(*typed["days"])
    said["without"] = [name.replace("-", "_") for name in typed["without"]]
    return said


def _days(most: str, period: str) -> tuple[int, str | int]:
    days, length = whole_number(most), whole_number(period)
    if days is None:
        raise UsageError(_("{text} is no number of days").format(text=visible(most)))
    if length is None and period not in ("week", "month"):
        raise UsageError(_("a period is week, month or a number of days"))
    return days, period if length is None else length


def _id(id: bytes) -> str:
    return id.hex()[:ID_DIGITS]
