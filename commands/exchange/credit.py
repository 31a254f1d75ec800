"""`weal pay`: what a member pays another from their balance."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.exchange.balance import balance_words
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import member_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.storage.home.home import Home


@click.command("pay")
@click.argument("member")
@click.argument("quantity")
@click.argument("unit")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def pay(
    member: str,
    quantity: str,
    unit: str,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Pay MEMBER from your balance: weal pay Bo 2 hours.

    The rules say in which units members have balances, and how low one may go. A payment beyond
    that is refused, with the reason. It is provisional until it is sealed.
    """
    with member_of(home, passphrase_file) as me:
        made = me.pay(member, quantity, unit, note=note)
    if form is Form.JSON:
        return write_json(plain(made))
    text = _("You paid {member} {amount} {unit}. It is on this node, as {id}.")
    about = {"member": visible(made.member_name), "amount": f"{made.amount:f}"}
    say(text.format(**about, unit=shown_unit(made.unit, spoken()), id=made.id.hex()[:ID_DIGITS]))
    if made.balance is not None:
        say(balance_words(made.balance))
    return None
