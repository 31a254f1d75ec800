"""`weal swap`: what one would give for other things of its kind."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.matching.swaps import Swaps
from commonweal.client.language.plain import plain
from commonweal.commands.exchange.deals.deal_pages import ID_DIGITS
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.storage.home.home import Home


@click.command("swap")
@click.argument("named", metavar="THING")
@click.argument("wanted", nargs=-1, required=True)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def swap(
    named: str, wanted: tuple[str, ...], passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Say that you would give THING for any of the things WANTED, the best first.

    All are of one kind: rooms, slots, shifts. weal match --swaps says who could swap with you.
    """
    with part_of(Swaps, home, passphrase_file) as me:
        made = me.wish_swap(named, wanted)
    if form is Form.JSON:
        return write_json(plain(made))
    ids = ", ".join(id.hex()[:ID_DIGITS] for id in made.offers)
    return say(_("Published, as {ids}. To see who could swap: weal match --swaps").format(ids=ids))
