"""`weal erase`: ask that all forget a text of yours."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.contributions.records import Records
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.storage.home.home import Home


@click.command("erase")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def erase(id: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Ask all members to erase the text or file of your record whose id begins with ID.

    The record itself stays, and counts as before. It cannot be taken back, and whoever kept a
    copy, or a backup, keeps it.
    """
    with part_of(Records, home, passphrase_file) as me:
        record = me.erasable(id)
        question = _("Erase the text of {id} for ever?").format(id=record.hex()[:ID_DIGITS])
        make_sure(question, yes=yes)
        erasure = me.erase(record)
    words = _("It stays: another member names the same text in one of their records.")
    if erasure.erased:
        words = _(
            "Erased here, and asked of all members, as {id}."
            " Whoever kept a copy keeps it; a backup made before still has it."
        )
    return confirm(form, erasure, words)
