"""`weal erase`: ask that all forget a text of yours."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.ledger_view import ID_DIGITS, submit
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    is_typed,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.contributions.erasure import ERASE
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
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        named = found.held(id)
        wish = Wish(ERASE, {"record": bytes(named.id)}, (named.id,))
        found.check(wish)
        if not yes:
            if not is_typed():
                raise UsageError(_("say --yes when you mean it"))
            words = _("Erase the text of {id} for ever?").format(id=named.id.hex()[:ID_DIGITS])
            click.confirm(words, abort=True, err=True)
        written = submit(found, [wish], unlocking(passphrase_file))
    home.names.unlink(missing_ok=True)  # it may have been a name
    assert named.body is not None, "else it would not count"
    with home.store(readonly=True) as store:
        erased = store.is_erased(named.body.hash)
    if erased:
        words = _(
            "Erased here, and asked of all members, as {id}."
            " Whoever kept a copy keeps it; a backup made before still has it."
        )
    else:
        words = _("It stays: another member names the same text in a record of his.")
    return confirm(form, written, words, record=named.id.hex(), erased=erased)
