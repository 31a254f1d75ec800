"""`weal refound`: a community goes on from its last final state, without those who are gone."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.keep.refounding import RefoundedHome, Refounding
from commonweal.client.language.plain import plain
from commonweal.client.language.visible_text import visible
from commonweal.commands.begin.init_found import warn_if_open
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    opened,
    passphrase_option,
    typed_link,
)
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol.keys import short
from commonweal.storage.home.home import Home


@click.command("refound")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where your home in the new community is made.",
)
@click.option(
    "--follow",
    metavar="LINK",
    help="Follow a member who continued it, by their link; `-` reads it from the keyboard.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def refound(
    into: Path, follow: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Go on in a new community from the last final state, when witnesses are gone for ever.

    Members, rules, balances, claims and what was contributed go on as they were final. What
    was not sealed stays behind, and so do devices, invites and open votes. The contents of your
    data come along. You become the first witness; the others follow you by your link. This home
    stays as it is.
    """
    with part_of(Refounding, home) as me:
        me.check_refounding()
    secrets, passphrase = opened(home.keystore, passphrase_file)
    with part_of(Refounding, home, unlock=lambda _home: secrets) as me:
        if follow is None:
            made = me.refound(into, passphrase=passphrase)
        else:
            link = typed_link() if follow == "-" else follow
            made = me.follow_refounding(into, link, passphrase=passphrase)
    warn_if_open(Home(into))
    if form is Form.JSON:
        return write_json(plain(made))
    return _show(made, follows=follow is not None)


def _show(made: RefoundedHome, *, follows: bool) -> None:
    folder = visible(str(made.home))
    if made.contents:
        text = ngettext(
            "{n} content of your data came along.",
            "{n} contents of your data came along.",
            made.contents,
        )
        say(text.format(n=made.contents))
    if made.damaged:
        text = ngettext(
            "{n} content is damaged here, and stayed: weal doctor names it.",
            "{n} contents are damaged here, and stayed: weal doctor names them.",
            made.damaged,
        )
        say(text.format(n=made.damaged))
    if follows or made.height is None:
        say(_("Your home there is {folder}; this one stays as it is.").format(folder=folder))
        return say(
            _(
                "Next: `weal --home {folder} up`. Then `weal --home {folder} status` says from "
                "which seal it goes on: compare it with `weal seals` here."
            ).format(folder=folder)
        )
    say(
        _("The community goes on from height {height} as {id}.").format(
            height=made.height, id=short(made.community)
        )
    )
    say(_("Your home there is {folder}; this one stays as it is.").format(folder=folder))
    say(_("Next: `weal --home {folder} up`.").format(folder=folder))
    return say(
        _(
            "The others follow with `weal refound --follow LINK --into FOLDER`, where LINK is what "
            "`weal --home {folder} device add` shows."
        ).format(folder=folder)
    )
