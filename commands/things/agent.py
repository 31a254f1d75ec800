"""`weal agent` and `weal referral`: who gives and receives from outside, who brought somebody."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.promotion.promotions import Promotions
from commonweal.client.language.days import shown_until
from commonweal.client.language.plain import plain_rows
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.things.outside_agents import OutsideAgents
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.ledger.exchange.promotion.promotions import PART_OF_CODE
from commonweal.storage.home.home import Home


class ReferringMember(OutsideAgents, Promotions):
    """A member who says who brought them, or brought a buyer, here."""


@click.group("agent")
def agent() -> None:
    """Name who gives and receives from outside, list them, claim what you gave as one of them."""


@agent.command("list")
@home_option
@form_option()
def agents_(home: Home, form: Form) -> None:
    """List the agents outside the community, with what they gave and who claimed it."""
    with part_of(OutsideAgents, home) as me:
        rows = plain_rows(me.outside_agents())
    columns = [
        Column("agent", _("id")),
        Column("name", _("name")),
        Column("events", _("contributions"), is_number=True),
        Column("member_name", _("claimed by")),
        Column("note", _("one of them")),
    ]
    fields = ("agent", "name", "events", "member", "member_name", "note")
    return table(form, "agents", rows, fields, columns)


@agent.command("claim")
@click.argument("agent")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(agent: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say that you are the agent outside who has this name, or whose id begins so.

    Once another member attests it, what that agent gave is yours.
    """
    with part_of(OutsideAgents, home, passphrase_file) as me:
        made = me.claim_agent(agent)
    words = _("Claimed, as {id}. Another member attests it with: weal attest {id}")
    return confirm(form, made, words)


@agent.command("new")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Name somebody outside, so that records can say what they give and receive.

    The name can be erased: weal erase ID.
    """
    with part_of(OutsideAgents, home, passphrase_file) as me:
        made = me.new_agent(name)
    words = _("{name} is the agent {agent}, by {id}.")
    return confirm(form, made, _filled(words, name, made.agent))


@agent.command("name")
@click.argument("agent")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def rename(agent: str, name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Name an agent outside who has no name yet, or one that you gave."""
    with part_of(OutsideAgents, home, passphrase_file) as me:
        made = me.name_agent(agent, name)
    words = _("{name} is the agent {agent}, by {id}.")
    return confirm(form, made, _filled(words, name, made.agent))


@click.command("referral")
@click.argument("named", metavar="CODE")
@click.option("--by", metavar="MEMBER", help="Who brought you, where CODE does not say it.")
@click.option("--buyer", metavar="AGENT", help="Somebody outside who was brought; as their seller.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def referral(
    named: str,
    by: str | None,
    buyer: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Say who brought you to an offer, by their CODE/MEMBER; or which MEMBER brought you here.

    To an offer the first referral stands, until its time is over: see weal promote list. Who
    brought you here is said once; where the rules have a commission, they get it on your shares.
    """
    with part_of(ReferringMember, home, passphrase_file) as me:
        if by is None and buyer is None and PART_OF_CODE not in named:
            here = me.refer(named)
            name = me.view.name(here.referrer)
            words = _("{name} brought you here, says {id}; it cannot be changed.")
            return confirm(form, here, words.replace("{name}", name))
        made = me.refer_by(named, by=by, buyer=buyer)
    words = _("{name} brought {buyer} by {code}, says {id}: income counts until {until}.")
    if made.waits:
        words = _("{name} brought {buyer} by {code}, says {id}. It counts once others attest it.")
    filled = words.replace("{name}", visible(made.promoter_name))
    filled = filled.replace("{buyer}", visible(made.buyer_name)).replace("{code}", made.code)
    return confirm(form, made, filled.replace("{until}", shown_until(made.until_ms)))


def _filled(words: str, name: str, agent: bytes) -> str:
    return words.replace("{name}", name).replace("{agent}", agent.hex()[:ID_DIGITS])
