"""`weal backup`: one file from which this home can be made again.

It may be taken while the node runs: the ledger in it is the state of one moment. The
keystore goes in as it is, under its passphrase.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from commonweal.client.home.files import place_for
from commonweal.client.home.reminders import remember_backup
from commonweal.client.home.submit import now_ms
from commonweal.client.language.visible_text import visible
from commonweal.commands.keep.archive import CONFIG, KEYSTORE, LEDGER, pack
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol.errors import FileRefused
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@home_option
@form_option(Form.TEXT, Form.JSON)
def backup(file: Path, home: Home, form: Form) -> None:
    """Write all of this home to FILE: the ledger, your keys, your settings.

    Your passphrase protects the keys in it as it does here.
    """
    file = place_for(file, home)
    open_to_all = not keystore.needs_passphrase(home.keystore)
    began_ms = now_ms()
    size, records = write_backup(home, file)
    _remember(home, began_ms)
    if open_to_all:
        warn(_("No passphrase protects the keys in it: whoever reads the file is you."))
    if form is Form.JSON:
        return write_json({"file": str(file), "bytes": size, "records": records})
    return say(
        _("{records} records and your keys are in {path}.").format(
            records=f"{records:,}", path=visible(str(file))
        )
    )


def _remember(home: Home, at_ms: int) -> None:
    """Let the home know of its backup, which is good even where this cannot be written."""
    try:
        remember_backup(home, at_ms)
    except FileRefused as error:
        warn(_("The backup is good, but `weal inbox` will not know of it: {why}").format(why=error))


def write_backup(home: Home, file: Path) -> tuple[int, int]:
    """Write `file`, whole or not at all; return its size in bytes and the number of records.

    Raises MissingDatabase, KeystoreMissing, or a StorageError when there is no room.
    """
    with home.store(readonly=True) as store:
        Settings.read(store)
        records = store.counts().records
        try:
            with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
                ledger = Path(folder) / LEDGER
                store.backup(ledger)
                files = {KEYSTORE: home.keystore, LEDGER: ledger}
                if home.config.exists():
                    files[CONFIG] = home.config
                return pack(files, file), records
        except OSError as error:
            raise FileRefused(f"{file}: {error.strerror}") from error
