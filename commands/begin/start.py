"""`weal start`: the member's way in, one question at a time.

It asks nothing that `init`, `found`, `join` and `up` do not do: whoever prefers those
types those. Answers may come from a pipe, a line each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from commonweal.client.community import join_codes
from commonweal.client.community.homes import (
    checked_name,
    confirm_words,
    found_community,
    is_made,
    make_home,
    unconfirmed_words,
)
from commonweal.client.community.invites import Invites
from commonweal.client.community.join_requests import ask_to_join, places
from commonweal.client.community.node import NodeOfHome
from commonweal.client.community.standing import LETS_IN, WAITING
from commonweal.client.home.node_client import ask_if_running
from commonweal.client.home.submit import Unlock
from commonweal.client.language.digits import whole_number
from commonweal.client.language.visible_text import visible
from commonweal.commands.begin.init_found import show_words, warn_if_open
from commonweal.commands.begin.join import tell_places
from commonweal.commands.node.page import PAGE_VARIABLE, open_page
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.links import show_invite
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    given_passphrase,
    home_option,
    is_typed,
    passphrase_option,
    unlocked_once,
    unlocking,
)
from commonweal.commands.terminal.output import say
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.light_home import (
    HEIGHTS_KEPT,
    HEIGHTS_KEPT_MAX,
    HEIGHTS_KEPT_MIN,
)

ADMISSION_SECONDS_MAX = 8.0
PAUSE_SECONDS = 0.2


@click.command("start")
@click.argument("link", required=False)
@click.option(
    "--rules",
    metavar="RULES",
    help="The rules of a community you found: a template's name, a file, or none; asked if absent.",
)
@click.option(
    "--light",
    is_flag=True,
    help="Keep the state, your own records and those of the last heights; fetch others to look.",
)
@click.option(
    "--heights",
    type=click.IntRange(HEIGHTS_KEPT_MIN, HEIGHTS_KEPT_MAX),
    help="With --light: of how many heights all records stay; 100 if absent.",
)
@click.option("--full", is_flag=True, help="Keep the whole ledger again, after --light.")
@click.option("--no-mdns", is_flag=True, help="Do not look for nodes on the local network.")
@click.option("--no-port-mapping", is_flag=True, help="Do not ask the router to forward the port.")
@click.option("--no-relay", is_flag=True, help="Do not relay links between other members.")
@click.option("--no-page", is_flag=True, help="Do not open your page in the browser.")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Listen here, as /ip4/127.0.0.1/tcp/0; else everywhere, at the home's own port.",
)
@click.option(
    "--announce",
    multiple=True,
    metavar="ADDRESS",
    help="Others reach this node here: a name or number, with or without :PORT, or a multiaddr.",
)
@passphrase_option
@home_option
def start(
    link: str | None,
    rules: str | None,
    light: bool,
    heights: int | None,
    full: bool,
    no_mdns: bool,
    no_port_mapping: bool,
    no_relay: bool,
    no_page: bool,
    listen: tuple[str, ...],
    announce: tuple[str, ...],
    passphrase_file: Path | None,
    home: Home,
) -> None:
    """Make a home, found a community or join the one of LINK, and run your node.

    It can be ended at any question: typed again, it goes on with what is still open. A home that
    stands already is only started.
    """
    from commonweal.client.governance.rule_templates import document_of_rules
    from commonweal.commands.node import up

    if light and full:
        raise click.UsageError(_("a home is light or full, not both"))
    if heights is not None and not light:
        raise click.UsageError(_("--heights is for --light"))
    # What cannot be read is told before a home is made for it.
    if link is not None:
        join_codes.check(link)
    if rules is not None:
        if link is not None:
            raise click.UsageError(_("--rules is for who founds a community, and LINK joins one"))
        document_of_rules(rules)
    with _resumable(home):
        unlock = unlocking(passphrase_file)
        if not is_made(home):
            unlock = _make(home, passphrase_file)
        if home.holder() is None:
            _confirm_words(home, unlock)
        _enter(home, link, rules, unlock)
        _keep(home, (heights or HEIGHTS_KEPT) if light else None, full=full)
        if home.holder() is None:
            refused = {"mdns": no_mdns, "port_mapping": no_port_mapping, "relay": no_relay}
            flags = {name: not flag for name, flag in refused.items()}
            up.start(home, unlock(home), listen=listen, announce=announce, **flags)
        say(_("Your node runs in the background; `weal down` ends it."))
        if not no_page and os.environ.get(PAGE_VARIABLE) != "no":
            open_page(home.path)
        with part_of(Invites, home, unlock=unlock) as me:
            if me.has_invited_nobody():
                say(_("A link for the first member that you invite:"))
                return show_invite(me.invite())
        return _tell_standing(home)


@contextmanager
def _resumable(home: Home) -> Iterator[None]:
    """Say what is kept when a member breaks off."""
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        say()
        if is_made(home):
            say(_("What you answered is kept. `weal start` goes on from here."))
        else:
            say(_("Nothing is written yet. `weal start` begins again."))
        raise


def _make(home: Home, passphrase_file: Path | None) -> Unlock:
    """Make a home; return what opens its keystore by the passphrase that was just chosen."""
    say(_("Welcome. This makes a home for you in {home}.").format(home=visible(str(home))))
    name = _ask_name(_("What is your name, as the others shall read it?"))
    passphrase = given_passphrase(passphrase_file) or _ask_passphrase() or None
    make_home(home, name, passphrase, spoken().language, spoken(), is_guided=True)
    warn_if_open(home)
    return unlocked_once(lambda made: keystore.unlock(made.keystore, passphrase))


def _confirm_words(home: Home, unlock: Unlock) -> None:
    """Show the 24 words until the member says that they are on paper."""
    words = unconfirmed_words(home, unlock)
    if words is not None:
        show_words(words, is_guided=True)
        _ask(_("Press Enter when they are on paper"), "")
        confirm_words(home)


def _enter(home: Home, link: str | None, rules: str | None, unlock: Unlock) -> None:
    """Found a community or ask to join one, unless that was done before."""
    with home.store(readonly=True) as store:
        community = Settings.read(store).community
    link = link or (_ask_link() if community is None else "")
    if link:
        target = places(join_codes.link_of(link, spoken()), words=spoken())
        if ask_to_join(home, target, unlock, spoken()) != WAITING:
            tell_places(target)
    elif community is None:
        name = _ask_name(_("What is your community called?"))
        found_community(home, name, unlock, _ask_rules() if rules is None else rules, spoken())


def _keep(home: Home, heights: int | None, *, full: bool) -> None:
    """Make the home light, or full, where that was asked for."""
    if heights is None and not full:
        return
    with part_of(NodeOfHome, home) as me:
        if heights is None:
            me.make_full()
            say(_("This home keeps the whole ledger; what it lacks is fetched from others."))
        else:
            me.make_light(heights)
            say(_("This home is light: others keep the old records, and give them when you look."))


def _ask_name(question: str) -> str:
    while True:
        try:
            return checked_name(_ask(question), spoken())
        except CommonwealError as error:
            say(str(error))


def _ask_passphrase() -> str:
    """Ask for a passphrase, hidden and twice where somebody types; nothing means none."""
    question = _("A passphrase for this device (nothing for none)")
    hidden = is_typed()
    answer = _ask(question, "", hidden=hidden)
    if answer and hidden and _ask(_("The same again"), "", hidden=True) != answer:
        say(_("They differ; once more."))
        return _ask_passphrase()
    return answer


def _ask_link() -> str:
    while True:
        question = _("Paste the link of an invite, or type its code (nothing to found a community)")
        answer = _ask(question, "").strip()
        if not answer:
            return ""
        try:
            join_codes.check(answer)
        except CommonwealError as error:
            say(_("This link cannot be read: {why}").format(why=error))
        else:
            return answer


def _ask_rules() -> str:
    """Ask for a template, by its number or name; return its name, or NO_RULES."""
    from commonweal.client.governance.rule_templates import NO_RULES, TEMPLATES

    say(_("By which rules shall it begin? The members can change them, by a vote."))
    later = _("it keeps the ledger, and shares nothing until rules are voted")
    offered = TEMPLATES | {NO_RULES: later}
    for number, (name, what) in enumerate(offered.items(), 1):
        say(f"  {number} {name}: {_(what)}")
    names = list(offered)
    while True:
        answer = _ask(_("Its number or name (nothing for none)"), NO_RULES).strip().lower()
        if 1 <= (place := whole_number(answer) or 0) <= len(names):
            return names[place - 1]
        if answer in names:
            return answer
        say(_("There are no such rules here."))


def _ask(question: str, default: str | None = None, *, hidden: bool = False) -> str:
    """Ask, and return the answer; `default` stands for nothing."""
    is_asked = question.endswith(("?", "？"))
    answer: str = click.prompt(
        question,
        default=default,
        show_default=False,
        hide_input=hidden,
        prompt_suffix=" " if is_asked else ": ",
    )
    return answer


def _tell_standing(home: Home) -> None:
    """Wait a moment for the admission of a newcomer, and say how they stand."""
    from commonweal.node.control.messages.node_status import Status

    deadline = time.monotonic() + ADMISSION_SECONDS_MAX
    state = WAITING
    while state == WAITING and time.monotonic() < deadline:
        answer = ask_if_running(home, Status())
        state = answer.state if answer is not None else WAITING
        if state == WAITING:
            time.sleep(PAUSE_SECONDS)
    if state == WAITING:
        say(_("Your request waits for a node of the community; `weal status` says how it stands."))
        say(_(LETS_IN))
    else:
        say(_("You are: {state}.").format(state=_(state)))
        say(_("Next: `weal record work 1 hour` writes down what you gave."))
