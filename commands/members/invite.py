"""`weal invite`: links for those who want to join."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.invites import INVITE_USES_MAX, Invites
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.links import show_invite, tell_reach
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.storage.home.home import Home

FIELDS = ("id", "author", "author_name", "uses", "used", "expires", "revoked", "state")


@click.group("invite")
def invite() -> None:
    """Make links by which others join, list them, and take them back."""


@invite.command("create")
@click.option("--uses", type=click.IntRange(1, INVITE_USES_MAX), default=1, help="How many join.")
@click.option("--expires", default="7d", metavar="TIME", help="How long: 30m, 12h, 7d, 2w.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def create(uses: int, expires: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Make a link. Whoever holds it joins by your word, so give it to them alone."""
    with part_of(Invites, home, passphrase_file) as me:
        made = me.invite(uses=uses, expires=expires)
    if form is Form.TEXT:
        return show_invite(made)
    if made.reach.works is False:
        tell_reach(made)
    return write_json(plain(made))


@invite.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the invites, used and revoked ones too."""
    with part_of(Invites, home) as me:
        invites = me.invites()
    rows = plain_rows(invites)
    if form is Form.JSON:
        return write_json({"invites": rows})
    if form is Form.CSV:
        return write_csv(FIELDS, rows)
    if not rows:
        return say(_("There are no invites."))
    for row, listed in zip(rows, invites, strict=True):
        until = "" if listed.expires_ms is None else shown(listed.expires_ms)
        row |= {"id": row["id"][:8], "state": _(row["state"]), "expires": until}
    return write_table(
        [
            Column("id", _("id")),
            Column("author_name", _("by")),
            Column("used", _("used"), is_number=True),
            Column("uses", _("uses"), is_number=True),
            Column("expires", _("until")),
            Column("state", _("state")),
        ],
        rows,
    )


@invite.command("revoke")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def revoke(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take back the invite whose id begins with ID; those who joined by it stay."""
    with part_of(Invites, home, passphrase_file) as me:
        revocation = me.revoke_invite(id)
    if form is Form.JSON:
        return write_json(plain(revocation))
    words = _("The invite {id} admits nobody more.")
    return say(words.format(id=revocation.invite.hex()[:8]))
