"""`weal start`: the member's way in, one question at a time.

It asks nothing that `init`, `found`, `join` and `up` do not do: whoever prefers those
types those. Answers may come from a pipe, a line each.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from commonweal.commands.begin import (
    checked_name,
    found_community,
    make_home,
    show_words,
)
from commonweal.commands.client import ask_if_running
from commonweal.commands.join import WAITING, ask_to_join
from commonweal.commands.language import _
from commonweal.commands.options import (
    given_passphrase,
    home_option,
    is_typed,
    passphrase_option,
    unlock,
)
from commonweal.commands.output import say, visible
from commonweal.protocol import invite as links
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home import Home, Settings

ADMISSION_SECONDS_MAX = 8.0
PAUSE_SECONDS = 0.2


@click.command("start")
@click.argument("link", required=False)
@click.option("--no-mdns", is_flag=True, help="Do not look for nodes on the local network.")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Listen here, as /ip4/127.0.0.1/tcp/0; else everywhere, at the home's own port.",
)
@passphrase_option
@home_option
def start(
    link: str | None,
    no_mdns: bool,
    listen: tuple[str, ...],
    passphrase_file: Path | None,
    home: Home,
) -> None:
    """Make a home, found a community or join the one of LINK, and run your node.

    A home that stands already is only started.
    """
    from commonweal.commands import up

    if link is not None:
        links.from_text(link)  # a bad link is told before a home is made for it
    if not home.exists():
        _make(home, passphrase_file)
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
    founded = False
    if settings.community is None:
        link = link or _ask_link()
        if link:
            ask_to_join(home, links.from_text(link), passphrase_file)
        else:
            name = _ask_name(_("What is your community called?"))
            found_community(home, name, passphrase_file)
            founded = True
    elif link is not None:
        ask_to_join(home, links.from_text(link), passphrase_file)
    if home.holder() is None:
        up.start(home, unlock(home, passphrase_file), listen=listen, mdns=not no_mdns)
    say(_("Your node runs in the background; `weal down` ends it."))
    if founded:
        _show_first_link(home, passphrase_file)
    else:
        _tell_standing(home)


def _make(home: Home, passphrase_file: Path | None) -> None:
    say(_("Welcome. This makes a home for you in {home}.").format(home=visible(str(home))))
    name = _ask_name(_("What is your name, as the others shall read it?"))
    passphrase = given_passphrase(passphrase_file) or _ask_passphrase()
    _settings, words = make_home(home, name, passphrase or None)
    show_words(words)
    click.prompt(_("Press Enter when they are on paper"), default="", show_default=False)


def _ask_name(question: str) -> str:
    while True:
        try:
            return checked_name(click.prompt(question))
        except CommonwealError as error:
            say(str(error))


def _ask_passphrase() -> str:
    """Ask for a passphrase, hidden and twice where somebody types; nothing means none."""
    question = _("A passphrase for this device (nothing for none)")
    hidden = is_typed()
    found: str = click.prompt(question, default="", show_default=False, hide_input=hidden)
    if found and hidden:
        again: str = click.prompt(_("The same again"), default="", hide_input=True)
        if again != found:
            say(_("They differ; once more."))
            return _ask_passphrase()
    return found


def _ask_link() -> str:
    while True:
        question = _("Paste the link of an invite (nothing to found a community)")
        found: str = click.prompt(question, default="", show_default=False).strip()
        if not found:
            return ""
        try:
            links.from_text(found)
        except CommonwealError as error:
            say(_("This link cannot be read: {why}").format(why=error))
        else:
            return found


def _show_first_link(home: Home, passphrase_file: Path | None) -> None:
    """Make an invite for the first friend, so that he can come at once."""
    from commonweal.commands.invite import create
    from commonweal.commands.output import Form

    assert create.callback is not None
    say(_("A link for the first whom you invite:"))
    create.callback(
        uses=1, expires="7d", passphrase_file=passphrase_file, home=home, form=Form.TEXT
    )


def _tell_standing(home: Home) -> None:
    """Wait a moment for the admission of a newcomer, and say how he stands."""
    deadline = time.monotonic() + ADMISSION_SECONDS_MAX
    state = WAITING
    while state == WAITING and time.monotonic() < deadline:
        answer = ask_if_running(home, "status") or {}
        state = str(answer.get("state", WAITING))
        if state == WAITING:
            time.sleep(PAUSE_SECONDS)
    if state == WAITING:
        say(_("Your request waits for a node of the community; `weal status` says how it stands."))
    else:
        say(_("You are: {state}.").format(state=_(state)))
        say(_("Next: `weal record work 1 hour` writes down what you gave."))
