"""`weal seal` and `weal seals`: what is final, and making what waits final now."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.sharing.seals import SEAL_SECONDS_MAX, SEALS_LISTED, Sealing
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, warn, write_json
from commonweal.commands.terminal.progress import watching
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

FIELDS = ("height", "time", "records", "signed", "witnesses", "round", "seal")


@click.command("seal")
@click.option(
    "--wait",
    type=click.IntRange(1, 24 * 3600),
    default=SEAL_SECONDS_MAX,
    metavar="SECONDS",
    help="How long to wait for the other witnesses, for each seal.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def seal(wait: int, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Make final now all that waits: votes are counted, rules come into force, shares are paid.

    It happens by itself too, a while after something was written. The witnesses must agree,
    so your node must run (`weal up`), unless yours is the only device that witnesses. Much that
    waits takes several seals; Ctrl-C ends it after any of them.
    """
    reached = 0, 0

    def told(sealed: int, of: int) -> None:
        nonlocal reached
        reached = sealed, of

    try:
        with part_of(Sealing, home, passphrase_file) as me:
            bar = partial(watching, _("sealing"))
            sealed = me.seal(wait_s=wait, waits=warn, watching=bar, told=told)
    except KeyboardInterrupt:
        done, of = reached
        warn(_("{n} of {all} records are sealed; `weal seal` goes on.").format(n=done, all=of))
        raise
    if form is Form.JSON:
        return write_json(plain(sealed))
    if not sealed.is_new:
        say(_("Nothing is new since height {height}.").format(height=sealed.height))
    else:
        many = ngettext("{n} record is final", "{n} records are final", sealed.records)
        line = _("Height {height}: {many}.")
        say(line.format(height=sealed.height, many=many.format(n=sealed.records)))
    if sealed.waiting:
        say(
            ngettext(
                "{n} record waits for a later seal: its author is no member, or wrote more than a "
                "day allows.",
                "{n} records wait for a later seal: their authors are no members, or wrote more "
                "than a day allows.",
                sealed.waiting,
            ).format(n=sealed.waiting)
        )
    return None


@click.command("seals")
@click.option(
    "--last",
    type=click.IntRange(1),
    default=SEALS_LISTED,
    metavar="N",
    help="How many of the last ones.",
)
@home_option
@form_option()
def seals(last: int, home: Home, form: Form) -> None:
    """List the seals: when each was made, what it made final, and who signed it."""
    with part_of(Sealing, home) as me:
        listed, standing = me.seals(last), me.standing()
    rows = plain_rows(listed)
    for row, sealed in zip(rows, listed, strict=True):
        if form is Form.TEXT:
            row["time"] = shown(sealed.time_ms)
        if form is Form.CSV:
            row["signed"] = " ".join(row["devices"])
    columns = [
        Column("height", _("height"), is_number=True),
        Column("time", _("time")),
        Column("records", _("records"), is_number=True),
        Column("signed", _("signed by")),
    ]
    return table(form, "seals", rows, FIELDS, columns, standing)
