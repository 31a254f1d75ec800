"""`weal token`: tokens by which other programs use this home through its HTTP API."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.keep.access_tokens import AccessTokens
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, warn, write_json
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home
from commonweal.storage.home.tokens import SCOPES

FIELDS = ("id", "name", "scope", "made", "expires", "state")


@click.group("token")
def token() -> None:
    """Let other programs read and write for you, list what may, and end it."""


@token.command("create")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="read",
    help="What it allows: to read; also to write; also what is grave.",
)
@click.option("--expires", default="30d", metavar="TIME", help="How long: 12h, 30d, 8w.")
@click.option("--name", default="", metavar="TEXT", help="What it is for, as it is listed.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def create(
    scope: str, expires: str, name: str, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Make a token. Whoever holds it acts as you until it expires.

    The scope grave is for what cannot be undone: to leave, other keys, devices, sponsors.
    """
    with part_of(AccessTokens, home, passphrase_file) as me:
        made = me.create_token(scope, expires=expires, name=name)
    if form is Form.JSON:
        return write_json(plain(made))
    say(made.token)
    until = shown(made.expires_ms)
    warn(_("It is shown once, and allows {scope} until {until}.").format(scope=scope, until=until))
    return warn(_("To end it: weal token revoke {id}").format(id=made.id))


@token.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the tokens: what each allows until when, and not the tokens themselves."""
    with part_of(AccessTokens, home) as me:
        listed = me.access_tokens()
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, kept in zip(rows, listed, strict=True):
            row |= {"made": shown(kept.made_ms), "expires": shown(kept.expires_ms)}
            row["state"] = _(kept.state)
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("scope", _("scope")),
        Column("expires", _("until")),
        Column("state", _("state")),
    ]
    return table(form, "tokens", rows, FIELDS, columns, "", _("There are no tokens."))


@token.command("revoke")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def revoke(id: str, home: Home, form: Form) -> None:
    """End the token ID at once."""
    with part_of(AccessTokens, home) as me:
        ended = me.revoke_token(id)
    if form is Form.JSON:
        return write_json(plain(ended))
    return say(_("The token {id} is good for nothing now.").format(id=ended.id))
