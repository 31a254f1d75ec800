"""`weal lend` and `weal return`: a thing is handed out for a booking, and comes back."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.lending.bookings import Bookings
from commonweal.commands.exchange.lending.book import told
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form
from commonweal.storage.home.home import Home


@click.command("lend")
@click.argument("id")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def lend(id: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Hand a thing out for the accepted booking whose id begins with ID.

    Without a booking: weal resource lend THING MEMBER.
    """
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.hand_out(id, note=note)
    return told(form, made, _("Handed out, by {id}: {words}."))


@click.command("return")
@click.argument("id")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def give_back(
    id: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Say that a thing is back that was out for the booking whose id begins with ID.

    Whoever has it says so, or who lends it. When it is late is judged by the seal, unless the
    lender says it: then by the time that they say it. weal resource return does the same.
    """
    with part_of(Bookings, home, passphrase_file) as me:
        made = me.take_back(id, note=note)
    return told(form, made, _("Back, by {id}: {words}."))
