"""`weal join`: asking to be admitted, with the link that a member gave."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.dialled_addresses import place_words
from commonweal.client.community.join_codes import link_of
from commonweal.client.community.join_requests import JOIN_SECONDS_MAX, ask_to_join, knocked, places
from commonweal.client.community.standing import LETS_IN, WAITING
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    typed_link,
    unlocking,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol.identity.invite import CommunityLink
from commonweal.storage.home.home import Home


@click.command("join")
@click.argument("link")
@click.option("--names", is_flag=True, help="Look up the names of hosts that LINK has.")
@click.option("--seconds", type=click.FloatRange(0), default=JOIN_SECONDS_MAX, hidden=True)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def join(
    link: str, names: bool, seconds: float, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Ask to join the community of LINK, or of a short code; `-` reads it from the keyboard.

    A code stands for a link while the node of its inviter runs.
    The request is kept: when no node answers now, `weal up` goes on trying. A home that is
    in that community already looks for its nodes where LINK says that they are now.
    """
    words, unlock = spoken(), unlocking(passphrase_file)
    typed = link_of(typed_link() if link == "-" else link, words)
    community = places(typed, names=names, words=words)
    tried = [address for contact in community.contacts for address in contact.addresses]
    state = ask_to_join(home, community, unlock, words)
    is_in = state != WAITING
    if is_in and form is Form.TEXT:
        tell_places(community)
    elif form is Form.TEXT:
        say(_("Your request is written and kept here. Trying these, until a node answers:"))
        for address in tried:
            say(f"  {place_words(address, words)}")
    try:
        if not is_in:
            if home.holder() is not None:
                warn(_("Your node is running and goes on trying."))
            state = knocked(home, community, unlock, seconds, words)
    finally:
        if form is Form.JSON:
            write_json({"community": community.community.hex(), "state": state, "tried": tried})
    if form is Form.TEXT and home.holder() is None:
        if not is_in:
            say(_("A node answered; now: {state}.").format(state=_(state)))
            if state == WAITING:
                say(_(LETS_IN))
        say(_("Next: `weal up` starts your node."))


def tell_places(link: CommunityLink) -> None:
    """Say where a home that is in the community of the link now looks for its nodes."""
    say(_("This home is in that community already; its nodes are looked for here too:"))
    for contact in link.contacts:
        for address in contact.addresses:
            say(f"  {place_words(address, spoken())}")
