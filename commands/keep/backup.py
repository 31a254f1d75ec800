"""`weal backup`: one file from which this home can be made again."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.keep.backups import Backups
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.storage.home.home import Home


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@home_option
@form_option(Form.TEXT, Form.JSON)
def backup(file: Path, home: Home, form: Form) -> None:
    """Write all of this home to FILE: the ledger, your keys, your settings.

    Your passphrase protects the keys in it as it does here.
    """
    with part_of(Backups, home) as me:
        written = me.backup(file)
    if written.unremembered is not None:
        words = _("The backup is good, but `weal inbox` will not know of it: {why}")
        warn(words.format(why=written.unremembered))
    if not written.is_protected:
        warn(_("No passphrase protects the keys in it: whoever reads the file is you."))
    if form is Form.JSON:
        return write_json(
            {"file": str(written.file), "bytes": written.size, "records": written.records}
        )
    return say(
        _("{records} records and your keys are in {path}.").format(
            records=f"{written.records:,}", path=visible(str(written.file))
        )
    )
