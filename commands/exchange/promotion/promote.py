"""`weal promote`: promise a commission on an offer, list what is promoted and what it earned."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.promotion.promotions import Promotions
from commonweal.client.exchange.promotion.rows import COMMISSION_STATES, REFERRAL_STATES, STATES
from commonweal.client.language.days import shown_until
from commonweal.client.language.plain import plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.groups import OPTIONS_FIRST, GroupWithDefault
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "code", "offer", "title", "seller", "seller_name", "rate", "hours", "who", "state"),
    *("link", "why_not", "referrals", "commissions", "is_mine"),
)
REFERRAL_FIELDS = (
    *("id", "promotion", "code", "promoter", "promoter_name", "buyer", "buyer_name", "since"),
    *("until", "state"),
)
EARNED_FIELDS = (
    *("id", "code", "promotion", "seller", "seller_name", "promoter", "promoter_name", "buyer"),
    *("buyer_name", "rate", "income", "amount", "open", "unit", "state"),
)


@click.group("promote", cls=GroupWithDefault, context_settings=OPTIONS_FIRST)
def promote() -> None:
    """Promise a commission to those who bring buyers to your offer; list, end and pay."""


@promote.command("new")
@click.argument("offer")
@click.option("--rate", required=True, metavar="PERCENT", help="The part of the income: 5%.")
@click.option("--code", metavar="WORD", help="Its name, one word.")
@click.option("--hours", type=click.IntRange(1), metavar="N", help="How long it counts.")
@click.option("--who", metavar="ROLE", default="", help="A role of those who may promote it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    offer: str,
    rate: str,
    code: str | None,
    hours: int | None,
    who: str,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Promote the offer whose id begins with OFFER: weal promote OFFER --rate 5% --code honey.

    Who brings a buyer is owed that part of what the buyer pays you, once others attest the payment.
    There is one step: nobody is paid for bringing who promotes. `weal promote` alone means this.
    """
    with part_of(Promotions, home, passphrase_file) as me:
        made = me.promote(offer, rate=rate, code=code, hours=hours, who=who)
    words = _("Promoted by the code {code}, as {id}: {rate}% for {hours} hours after a referral.")
    filled = words.replace("{code}", visible(made.code)).replace("{rate}", f"{made.rate:f}")
    return confirm(form, made, filled.replace("{hours}", f"{made.hours:,}"))


@promote.command("end")
@click.argument("code")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def end(code: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Let the promotion with this code, or id, take no more referrals. Those that count stand."""
    with part_of(Promotions, home, passphrase_file) as me:
        made = me.end_promotion(code)
    return confirm(form, made, _("The promotion is ended, by {id}. Referrals that count stand."))


@promote.command("pay")
@click.argument("income")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def pay(income: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Write down that you paid what is open of a commission: that on INCOME, by its id."""
    with part_of(Promotions, home, passphrase_file) as me:
        made = me.pay_commission(income)
    words = _("Paid {amount} {unit} to {name}, as {id}.")
    filled = words.replace("{amount}", f"{made.amount:f}").replace("{name}", visible(made.name))
    return confirm(form, made, filled.replace("{unit}", shown_unit(made.unit, spoken())))


@promote.command("list")
@click.option("--mine", is_flag=True, help="Only what you promote as the seller.")
@click.option("--offer", metavar="ID", help="Only promotions of this offer.")
@home_option
@form_option()
def list_(mine: bool, offer: str | None, home: Home, form: Form) -> None:
    """List what is promoted, and the code that you pass on where you may promote it."""
    with part_of(Promotions, home) as me:
        listed = me.promotions(mine=mine, offer=offer)
        standing = me.standing()
    rows = plain_rows(listed.promotions)
    if form is Form.TEXT:
        for row, of in zip(rows, listed.promotions, strict=True):
            row |= {"state": _(STATES[of.state]), "rate": f"{of.rate:f}%", "link": of.link or ""}
    columns = [
        Column("code", _("code")),
        Column("title", _("what")),
        Column("seller_name", _("seller")),
        Column("rate", _("commission"), is_number=True),
        Column("hours", _("hours"), is_number=True),
        Column("state", _("state")),
        Column("referrals", _("referrals"), is_number=True),
        Column("commissions", _("incomes"), is_number=True),
        Column("link", _("your code")),
    ]
    empty = _("Nothing is promoted. To begin: weal promote OFFER --rate 5% --code WORD")
    return table(form, "promotions", rows, FIELDS, columns, standing, empty, height=listed.height)


@promote.command("referrals")
@click.option("--mine", is_flag=True, help="Only those of you and those that name you.")
@home_option
@form_option()
def referrals(mine: bool, home: Home, form: Form) -> None:
    """List who brought which buyer, and until when income of theirs counts."""
    with part_of(Promotions, home) as me:
        listed = me.offer_referrals(mine=mine)
        standing = me.standing()
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, of in zip(rows, listed, strict=True):
            row |= {"state": _(REFERRAL_STATES[of.state]), "until": shown_until(of.until_ms)}
    columns = [
        Column("id", _("id")),
        Column("buyer_name", _("buyer")),
        Column("promoter_name", _("brought by")),
        Column("code", _("code")),
        Column("until", _("until")),
        Column("state", _("state")),
    ]
    empty = _("Nobody was brought to an offer yet. A buyer says it: weal referral CODE/MEMBER")
    return table(form, "referrals", rows, REFERRAL_FIELDS, columns, standing, empty)


@promote.command("earned")
@click.option("--mine", is_flag=True, help="Only what you are owed, and owe.")
@home_option
@form_option()
def earned(mine: bool, home: Home, form: Form) -> None:
    """List the commissions: on which income who owes what to which member."""
    with part_of(Promotions, home) as me:
        listed = me.commissions(mine=mine)
        standing = me.standing()
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, of in zip(rows, listed, strict=True):
            row |= {"state": _(COMMISSION_STATES[of.state]), "unit": shown_unit(of.unit, spoken())}
            row |= {"rate": f"{of.rate:f}%"}
    columns = [
        Column("id", _("income")),
        Column("code", _("code")),
        Column("seller_name", _("seller")),
        Column("promoter_name", _("brought by")),
        Column("income", _("income"), is_number=True),
        Column("rate", _("commission"), is_number=True),
        Column("amount", _("owed"), is_number=True),
        Column("open", _("open"), is_number=True),
        Column("unit", _("unit")),
        Column("state", _("state")),
    ]
    empty = _("No income of a promoted offer has come yet.")
    return table(form, "commissions", rows, EARNED_FIELDS, columns, standing, empty)
