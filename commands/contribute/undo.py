"""`weal undo`: a contribution of yours withdrawn, as long as nobody spoke of it."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.contributions.withdrawals import Withdrawals
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.storage.home.home import Home


@click.command("undo")
@click.argument("id", required=False)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def undo(id: str | None, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Withdraw your latest record, or the contribution of yours whose id begins with ID.

    It works while nobody attested, denied or disputed it, and takes back what it did to
    resources, plans and payments. The record stays, is marked as withdrawn, and counts for
    nothing. What is no contribution, and what others spoke of, stays; you are told what to do.
    """
    with part_of(Withdrawals, home, passphrase_file) as me:
        withdrawal = me.undo(id)
        names = ", ".join(me.view.name(member) for member in withdrawal.waits_for)
    if names:
        words = _("Withdrawn once {names} say yes: {what}. They type: weal attest {id}")
    else:
        words = _("Withdrawn: {what}. It counts for nothing.")
    words = words.replace("{what}", visible(withdrawal.words)).replace("{names}", visible(names))
    return confirm(form, withdrawal, words)
