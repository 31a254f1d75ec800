"""`weal init` and `weal found`: a home, a member, a community."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.homes import LANGUAGES, checked_name, found_community, make_home
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.options import (
    ask_passphrase,
    form_option,
    given_passphrase,
    home_option,
    is_typed,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol.errors import PassphraseNeeded
from commonweal.protocol.identity.phrase import WORDS
from commonweal.storage.home.home import Home

WORDS_PER_LINE = 4


@click.command("init")
@click.option("--name", required=True, help="The name by which the others know you.")
@passphrase_option
@click.option("--no-passphrase", is_flag=True, help="Protect the keystore by its mode alone.")
@click.option("--language", type=click.Choice([*LANGUAGES]), help="The language of the 24 words.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def init(
    name: str,
    passphrase_file: Path | None,
    no_passphrase: bool,
    language: str | None,
    home: Home,
    form: Form,
) -> None:
    """Make a home, with a new member and a device.

    Prints the member's 24 words, once: whoever has them is the member.
    """
    passphrase = None if no_passphrase else chosen_passphrase(passphrase_file)
    settings, words = make_home(home, name, passphrase, language or spoken().language, spoken())
    warn_if_open(home)
    if form is Form.JSON:
        write_json(
            {
                "home": str(home),
                "member": settings.member.hex(),
                "device": settings.device.hex(),
                "words": words,
            }
        )
        return
    show_words(words)
    say()
    say(_("Next: `weal found NAME` founds a community; `weal join LINK` asks to join one."))


@click.command("found")
@click.argument("name")
@click.option(
    "--rules",
    metavar="RULES",
    help="The rules to begin with: a template of `weal rules template`, a file, or none.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def found(
    name: str, rules: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Found a community called NAME, and be its first member."""
    settings = found_community(home, name, unlocking(passphrase_file), rules, spoken())
    if form is Form.JSON:
        write_json({"community": settings.here.hex(), "name": checked_name(name)})
        return
    say(_("Founded {name}.").format(name=visible(checked_name(name))))
    say(_("Next: `weal up` starts your node, `weal invite create` makes a link for others."))


def warn_if_open(home: Home) -> None:
    """Say so when other users could take a home away."""
    if (folder := home.open_to_others()) is not None:
        warn(_("Other users can write in {path}, and so take this home away.").format(path=folder))
        warn(_("Take that right from them (chmod go-w), or choose another home."))


def chosen_passphrase(passphrase_file: Path | None) -> str:
    """Return the passphrase for a new keystore, asking twice where nothing gives it."""
    given = given_passphrase(passphrase_file)
    if given is not None:
        return given
    if not is_typed():
        raise PassphraseNeeded(_("or say --no-passphrase"))
    return ask_passphrase(twice=True)


def show_words(words: str, *, is_guided: bool = False) -> None:
    """Show the 24 words with their numbers.

    is_guided: `weal start` shows them again until the member says that they are on paper.
    """
    listed = words.split()
    say(_("Your {count} words. Write them down on paper, now:").format(count=WORDS))
    say()
    widest = max(map(len, listed))
    for start in range(0, len(listed), WORDS_PER_LINE):
        numbered = enumerate(listed[start : start + WORDS_PER_LINE], start + 1)
        cells = (f"{number:2} {word:<{widest}}" for number, word in numbered)
        say(f"  {'  '.join(cells)}".rstrip())
    say()
    if is_guided:
        say(_("Once they are on paper, they are not shown again."))
    else:
        say(_("They are not shown again."))
    say(_("Whoever has them is you; without them a lost device is lost."))
