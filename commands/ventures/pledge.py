"""`weal pledge`: what the member pays if a campaign is met."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.visible_text import visible
from commonweal.client.ventures.campaigns.campaigns import Campaigns
from commonweal.client.ventures.campaigns.rows import amount_words
from commonweal.commands.terminal.groups import OPTIONS_FIRST, GroupWithDefault
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form
from commonweal.commands.terminal.tables import confirm
from commonweal.storage.home.home import Home


@click.group("pledge", cls=GroupWithDefault, context_settings=OPTIONS_FIRST)
def pledge() -> None:
    """Pledge to a campaign, take it back before it closes, and pay what you pledged."""


@pledge.command("new")
@click.argument("id", metavar="CAMPAIGN")
@click.argument("amount")
@click.argument("unit", required=False)
@click.option("--part", is_flag=True, help="A part of it may count, where no more has room.")
@click.option("--matches", is_flag=True, help="It adds to what others pledge, up to AMOUNT.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    id: str,
    amount: str,
    unit: str | None,
    part: bool,
    matches: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Pledge AMOUNT to a campaign: weal pledge ID 100 EUR.

    It replaces what you pledged to it before. You owe it once a seal finds the campaign met, and
    nothing before. `weal pledge` alone means this command.
    """
    with part_of(Campaigns, home, passphrase_file) as me:
        made = me.pledge(id, amount, unit, part=part, matches=matches)
    shown = amount_words(made.amount, made.unit, spoken())
    words = _("You pledge {shown}.")
    if made.counts < made.amount:
        text = _(" Now {amount} of it would count.")
        words += text.format(amount=amount_words(made.counts, made.unit, spoken()))
    return confirm(form, made, words, shown)


@pledge.command("withdraw")
@click.argument("id", metavar="CAMPAIGN")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def withdraw(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take your pledge to a campaign back, before a seal closes it."""
    with part_of(Campaigns, home, passphrase_file) as me:
        done = me.withdraw_pledge(id)
    return confirm(form, done, _("You pledge nothing to {shown}."), visible(done.title))


@pledge.command("pay")
@click.argument("id", metavar="CAMPAIGN")
@click.argument("amount", required=False)
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def pay(
    id: str,
    amount: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Say that you paid AMOUNT, else all that is open, of your pledge to a campaign.

    It counts once others attest it.
    """
    with part_of(Campaigns, home, passphrase_file) as me:
        paid = me.pay_pledge(id, amount, note=note)
    words = _("You say that you paid {shown}. It counts once others attest it.")
    return confirm(form, paid, words, amount_words(paid.amount, paid.unit, spoken()))
