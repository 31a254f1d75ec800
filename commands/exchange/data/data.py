"""`weal data`: data that stays with its owner: add it, use that of others, open what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.exchange.data.consents import Consents
from commonweal.client.exchange.data.contents import DataContents
from commonweal.client.exchange.data.readings import (
    ASKED,
    COMING,
    ERASED,
    HERE,
    WAITING,
    DataReading,
)
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

DATA_FIELDS = (
    *("id", "name", "size", "owner", "owner_name", "yours", "kept", "erased", "hash", "event"),
)
USE_FIELDS = (
    *("id", "resource", "name", "purpose", "user", "user_name", "owner", "owner_name"),
    *("state", "released", "of", "opens_here", "owner_keeps", "size"),
)

STATE_WORDS = {
    ASKED: N_("waits for a seal"),
    WAITING: N_("waits for the owner's node"),
    COMING: N_("is on its way here"),
    HERE: N_("here"),
    ERASED: N_("erased"),
}
"""What came of a use, in a word or two."""


@click.group("data")
def data() -> None:
    """Add data that stays with you, list what there is, and open what you may use.

    A consent says who may use it and for what: weal consent.
    """


@data.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, metavar="NAME", help="What the data is called.")
@click.option("--note", metavar="TEXT", help="What others read of it; it can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def add(
    file: Path, name: str, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Bring the content of FILE into the books; the content itself stays in this home.

    All members see its name, its size and a hash that tells nothing. A copy of it is kept in this
    home, and is in its backups; FILE is left as it is.
    """
    with part_of(DataContents, home, passphrase_file) as me:
        made = me.add_data(file, name, note=note)
    words = _("In the books, as {id}; its {size} bytes stay in this home.")
    return confirm(form, made, words.replace("{size}", f"{made.size:,}"))


@data.command("list")
@click.option("--uses", is_flag=True, help="What you used and what others used of yours.")
@home_option
@form_option()
def list_(uses: bool, home: Home, form: Form) -> None:
    """List the data in the books: whose it is, and whether its content is here.

    With --uses: each use by you, or of your data, and whether its content came.
    """
    with part_of(DataContents, home) as me:
        standing = me.standing()
        if uses:
            rows = (
                [_said(row) for row in me.readings()]
                if form is Form.TEXT
                else plain_rows(me.readings())
            )
            return table(form, "uses", rows, USE_FIELDS, _use_columns(), standing)
        rows = plain_rows(me.data())
    none = _("Nobody has brought data into the books: weal data add FILE --as NAME")
    return table(form, "data", rows, DATA_FIELDS, _columns(), standing, none)


@data.command("use")
@click.argument("named", metavar="NAME")
@click.option("--for", "purpose", required=True, metavar="PURPOSE", help="What you use it for.")
@click.option("--consent", metavar="ID", help="Under this consent, not the cheapest one.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def use(
    named: str,
    purpose: str,
    consent: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Use data of another under a consent: weal data use yields --for research.

    By that you owe its owner what the consent asks for each use. Once a seal covers the use, the
    owner's node hands the content over: weal data open.
    """
    with part_of(Consents, home, passphrase_file) as me:
        made = me.use_data(named, purpose, consent=consent, note=note)
    words = _(
        "Used, as {id}. Its content comes once a seal covers it: weal data open {id} --out FILE"
    )
    if made.per_use is not None and made.unit is not None:
        words = _(
            "Used, as {id}: you owe {name} {amount}."
            " Its content comes once a seal covers it: weal data open {id} --out FILE"
        )
        amount = f"{made.per_use:f} {shown_unit(made.unit, spoken())}"
        words = words.replace("{amount}", amount)
    return confirm(form, made, words.replace("{name}", "{shown}"), visible(made.owner_name))


@data.command("open")
@click.argument("data", metavar="NAME|USE")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="Where the content is written, for you alone.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def open_(data: str, out: Path, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Open the content that its owner handed over for a use of yours, and write it to a file.

    Before, only sealed parts of it are on this machine. It is compared with what the owner's
    record names. With NAME it is the last use that can be opened.
    """
    with part_of(DataContents, home, passphrase_file) as me:
        opened = me.open_data(data, out)
    if form is Form.JSON:
        return write_json({**plain(opened), "file": str(opened.file)})
    words = _("{path} has the {size} bytes of {name}, as its owner's record names them.")
    return say(
        words.format(
            path=visible(str(opened.file)), size=f"{opened.size:,}", name=visible(opened.name)
        )
    )


@data.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def remove(name: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Erase the content of your data here, for good; nobody gets it any more.

    What was handed over before stays where it is, and so do backups: weal data forget asks all
    to forget what was handed over. What others owe you for uses stays owed.
    """
    with part_of(DataContents, home, passphrase_file) as me:
        row = me.find_data(name)
        question = _("Erase the content of {name} in this home for ever?")
        make_sure(question.format(name=visible(row.name)), yes=yes)
        removed = me.remove_data(row.id)
    words = _("Erased, as {id}: no new consent or use of it counts.")
    return confirm(form, removed, words)


@data.command("forget")
@click.argument("use")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def forget(use: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Ask all members to erase what you handed over for a use of your data.

    Who opened it before has read it: what was read cannot be unread.
    """
    with part_of(DataContents, home, passphrase_file) as me:
        row = me.find_reading(use)
        question = _("Ask all members to erase what {name} was handed over?")
        make_sure(question.format(name=visible(row.user_name)), yes=yes)
        erased = me.forget_release(row.id)
    if form is Form.JSON:
        return write_json({"use": row.id.hex(), "erased": [plain(request) for request in erased]})
    words = ngettext(
        "Erased here, and asked of all members: {n} part of {id}.",
        "Erased here, and asked of all members: {n} parts of {id}.",
        len(erased),
    )
    return say(words.format(n=len(erased), id=row.id.hex()[:ID_DIGITS]))


def _columns() -> list[Column]:
    return [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("size", _("bytes"), is_number=True),
        Column("owner_name", _("whose")),
        Column("kept", _("content here")),
        Column("erased", _("erased")),
    ]


def _use_columns() -> list[Column]:
    return [
        Column("id", _("use")),
        Column("name", _("name")),
        Column("purpose", _("for what")),
        Column("user_name", _("by")),
        Column("owner_name", _("whose")),
        Column("said", _("content")),
    ]


def _said(row: DataReading) -> dict[str, Any]:
    """Return a use as people read it."""
    said = _(STATE_WORDS[row.state])
    if row.state == WAITING and row.released:
        said = _("{said}: {released} of {of} parts").format(
            said=said, released=row.released, of=row.of
        )
    return {**plain(row), "said": said}
