"""What `weal offer` and `weal need` take alike, and how they answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from commonweal.client.exchange.offer_changes import ChangedOffer, OfferChanges, RenewedOffer
from commonweal.client.exchange.offer_terms import OfferTerms
from commonweal.client.exchange.offers import NewOffer
from commonweal.client.language.days import shown_until
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

Command = TypeVar("Command", bound=Callable[..., Any])

_PER = ("a", "an", "per", "each")
_DAYS = ("day", "days", "week", "weeks", "month", "months", "hour", "hours")
_PART_WORDS = 3


class OfferingCommand(click.Command):
    """A command that takes prices and days without quotes: --for 10 EUR --by in 2 weeks."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, joined(args))


def joined(args: list[str]) -> list[str]:
    """Return typed words, with those of one price or day as one."""
    words: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        words.append(word)
        if word == "--":
            return words + rest
        taken = 0
        if word == "--for":
            taken = _price_words(rest)
        elif word in ("--until", "--by", "--from"):
            taken = _day_words(rest)
        if taken:
            words.append(" ".join(rest[:taken]))
            del rest[:taken]
    return words


def _price_words(words: list[str]) -> int:
    """Return how many words, from the first on, are one price."""
    if len(words) < 2 or not words[0].replace(".", "").isdecimal():
        return min(len(words), 1)
    if words[2:3] and words[2] in _PER:
        return 3 if words[2] == "each" else min(len(words), 4)
    return 2


def _day_words(words: list[str]) -> int:
    """Return how many words, from the first on, are one day."""
    if words[:1] == ["on"]:
        return min(len(words), 2)
    if words[:1] == ["in"]:
        return min(len(words), 3)
    return 2 if words[:1] and words[0].isdecimal() and words[1:2] and words[1] in _DAYS else 1


def offering_options(command: Command) -> Command:
    """Give a command the options of an offer or a need, as keywords."""
    for option in reversed(
        (
            click.option(
                "--for",
                "price",
                metavar="PRICE",
                multiple=True,
                help="What is asked or given in return: 10 EUR, 30 EUR an hour. Else it is free.",
            ),
            click.option(
                "--tag", "tags", metavar="TAG", multiple=True, help="A word to find it by."
            ),
            click.option("--until", metavar="DAY", help="Until when it stands: 31.12., friday."),
            click.option("--from", "since", metavar="DAY", help="From when on it stands."),
            click.option("--by", "due", metavar="DAY", help="By when it is to be done."),
            click.option("--minimum", metavar="QUANTITY", help="The least to be taken at once."),
            click.option(
                "--to", metavar="NAME", multiple=True, help="A member or role it is meant for."
            ),
            click.option("--place", metavar="TEXT", help="Where."),
            click.option("--spec", metavar="NAME", help="The kind of thing."),
            click.option("--resource", metavar="NAME", help="The one thing."),
            click.option("--scope", metavar="TEXT", help="For which project or place."),
            click.option("--action", help="What is done: work, use, transfer, deliverService."),
            click.option(
                "--also",
                metavar='"TITLE QUANTITY UNIT"',
                multiple=True,
                help="One thing more in the same offer.",
            ),
            click.option("--note", metavar="TEXT", help="More words; they can be erased later."),
            click.option(
                "--community", is_flag=True, help="It is the community's, for which you speak."
            ),
            passphrase_option,
            home_option,
            form_option(Form.TEXT, Form.JSON),
        )
    ):
        command = option(command)
    return command


def changing_options(command: Command) -> Command:
    """Give a command the id of an offer, and what every command that writes takes."""
    for option in reversed(
        (click.argument("id"), passphrase_option, home_option, form_option(Form.TEXT, Form.JSON))
    ):
        command = option(command)
    return command


def terms_of(typed: dict[str, Any]) -> OfferTerms:
    """Return the terms of an offer from the options of a command. Raises UsageError."""
    terms: OfferTerms = {
        "note": typed["note"],
        "action": typed["action"],
        "price": typed["price"],
        "tags": typed["tags"],
        "spec": typed["spec"],
        "resource": typed["resource"],
        "scope": typed["scope"],
        "since": typed["since"],
        "until": typed["until"],
        "due": typed["due"],
        "minimum": typed["minimum"],
        "to": typed["to"],
        "place": typed["place"],
        "common": typed["community"],
        "more": [_more(text) for text in typed["also"]],
    }
    return terms


def _more(text: str) -> tuple[str, str, str]:
    words = text.rsplit(maxsplit=_PART_WORDS - 1)
    if len(words) < _PART_WORDS:
        raise UsageError(_('{text}: write it like --also "pears 3 kg"').format(text=text))
    title, quantity, unit = words
    return title, quantity, unit


def confirm_new(form: Form, made: NewOffer, words: str) -> None:
    """Say what was published. words: with {id}, {what}."""
    quantity = f"{made.quantity:f} {shown_unit(made.unit, spoken())}"
    shown = f"{visible(made.title)} {quantity}"
    words = words.replace("{what}", "{shown}")
    if made.end_ms is not None:
        words = spoken().sentences(words, _("It stands until {day}.").format(day=_day(made.end_ms)))
    return confirm(form, made, words, shown)


def renew(form: Form, home: Home, passphrase_file: Path | None, id: str, until: str | None) -> None:
    """Renew an offer or a need, and say until when."""
    with part_of(OfferChanges, home, passphrase_file) as me:
        renewed: RenewedOffer = me.renew_offer(id, until=until)
    day = _day(renewed.end_ms)
    return confirm(form, renewed, _("It stands until {day}, as {id}.").replace("{day}", day))


def pause(form: Form, home: Home, passphrase_file: Path | None, id: str, *, paused: bool) -> None:
    """Pause an offer or a need, or open it again."""
    with part_of(OfferChanges, home, passphrase_file) as me:
        changed: ChangedOffer = me.pause_offer(id, paused=paused)
    done = _("It is paused: nobody takes of it.") if paused else _("It is open again.")
    return confirm(form, changed, done)


def withdraw(form: Form, home: Home, passphrase_file: Path | None, id: str) -> None:
    """Withdraw an offer or a need."""
    with part_of(OfferChanges, home, passphrase_file) as me:
        changed: ChangedOffer = me.withdraw_offer(id)
    return confirm(form, changed, _("It is withdrawn. What was promised of it stands."))


def _day(at_ms: int) -> str:
    return shown_until(at_ms)
