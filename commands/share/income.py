"""`weal income`: what came in from outside."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.quantity import read_quantity, shown_number, shown_unit
from commonweal.client.things.resources import Resources
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.storage.home.home import Home


@click.command("income")
@click.argument("quantity")
@click.argument("unit")
@click.option("--payer", metavar="AGENT", help="Who paid it, by name or id: weal agent list.")
@click.option("--earned-by", metavar="ID", help="The thing or contribution that earned it.")
@click.option("--scope", metavar="NAME", help="The project that it came for.")
@click.option("--offer", metavar="ID", help="What was sold: an offer; then it is its seller's.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def income(
    quantity: str,
    unit: str,
    payer: str | None,
    earned_by: str | None,
    scope: str | None,
    offer: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Write down what came in for the community from outside: weal income 1200 EUR.

    Another member attests it. The rules say into which pool it goes, and who gets a share of it.
    """
    amount = read_quantity(quantity, unit, spoken())
    with part_of(Resources, home, passphrase_file) as me:
        more = {"earned_by": earned_by, "scope": scope, "offer": offer, "note": note}
        made = me.income(quantity, unit, payer=payer, **more)
    number = shown_number(int(str(amount["n"])), int(str(amount["scale"])))
    what = f"{number} {shown_unit(str(amount['unit']), spoken())}"
    words = _(
        "Income of {what}, as {id}. It counts once another member attests it and it is sealed."
    )
    if offer is not None:
        words = _("Income of {what} for an offer, as {id}. It counts once others attest it.")
    elif made.forecast.pool is None:
        words = _("Income of {what}, as {id}. No pool of the rules takes it: nobody has a share.")
    return confirm(form, made, words.replace("{what}", what))
