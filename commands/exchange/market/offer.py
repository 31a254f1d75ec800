"""`weal offer`: what a member offers: published, renewed, paused and withdrawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.exchange.offers import Offers
from commonweal.commands.exchange.market import offer_options
from commonweal.commands.exchange.market.offer_options import (
    OfferingCommand,
    changing_options,
    confirm_new,
    offering_options,
    terms_of,
)
from commonweal.commands.terminal.groups import OPTIONS_FIRST, GroupWithDefault
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.output import Form
from commonweal.storage.home.home import Home


@click.group("offer", cls=GroupWithDefault, context_settings=OPTIONS_FIRST)
def offer() -> None:
    """Offer something to the community; renew, pause or withdraw what you offer."""


@offer.command("new", cls=OfferingCommand)
@click.argument("what")
@click.argument("quantity")
@click.argument("unit")
@offering_options
def new(
    what: str,
    quantity: str,
    unit: str,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
    **typed: Any,
) -> None:
    """Offer something: weal offer "bike repair" 2 hours --for 10 EUR --tag bike --until 31.12.

    All members can read it, for as long as the ledger is kept; title and note can be erased. It
    binds nobody: who wants it proposes a deal. `weal offer` alone means this command.
    """
    with part_of(Offers, home, passphrase_file) as me:
        made = me.offer(what, quantity, unit, **terms_of(typed))
    return confirm_new(form, made, _("Offered, as {id}: {what}. All members can read it."))


@offer.command("renew", cls=OfferingCommand)
@click.option("--until", metavar="DAY", help="Until when it stands; a month from now if not said.")
@changing_options
def renew(id: str, until: str | None, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Let what is left of the offer whose id begins with ID stand longer."""
    return offer_options.renew(form, home, passphrase_file, id, until)


@offer.command("pause")
@changing_options
def pause(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Let nobody take of the offer whose id begins with ID, until you resume it."""
    return offer_options.pause(form, home, passphrase_file, id, paused=True)


@offer.command("resume")
@changing_options
def resume(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Open the offer whose id begins with ID again."""
    return offer_options.pause(form, home, passphrase_file, id, paused=False)


@offer.command("withdraw")
@changing_options
def withdraw(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take the offer whose id begins with ID back, for good. What was promised of it stands."""
    return offer_options.withdraw(form, home, passphrase_file, id)
