"""`weal pay`, `ask` and `settle`: what members pay, ask each other to pay, and set off."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.credit.net_settlement import NetCycle, NetSettlements
from commonweal.client.exchange.credit.payments import CreditPayments
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.exchange.payments.balance import balance_words
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.storage.home.home import Home


@click.command("pay")
@click.argument("member")
@click.argument("quantity")
@click.argument("unit")
@click.option("--for", "fulfills", metavar="ID", help="The promise or the deal that it is for.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def pay(
    member: str,
    quantity: str,
    unit: str,
    fulfills: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Pay MEMBER from your balance: weal pay Bo 2 hours.

    The rules say in which units members have balances, and how low one may go. A payment beyond
    that is refused, with the reason. It is provisional until it is sealed. With --for it keeps
    a promise; one that is only asked of you, you agree to by it.
    """
    with part_of(CreditPayments, home, passphrase_file) as me:
        made = me.pay(member, quantity, unit, fulfills=fulfills, note=note)
    if form is Form.JSON:
        return write_json(plain(made))
    text = _("You paid {member} {amount} {unit}. It is on this node, as {id}.")
    about = {"member": visible(made.member_name), "amount": f"{made.amount:f}"}
    say(text.format(**about, unit=shown_unit(made.unit, spoken()), id=made.id.hex()[:ID_DIGITS]))
    if made.balance is not None:
        say(balance_words(made.balance))
    return None


@click.command("ask")
@click.argument("member")
@click.argument("quantity")
@click.argument("unit")
@click.option("--by", "due", metavar="DATE", help="Until when: friday, 31.12., in 2 weeks.")
@click.option("--note", metavar="TEXT", help="What for; it can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def ask(
    member: str,
    quantity: str,
    unit: str,
    due: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Ask MEMBER to pay you: weal ask Bo 2 hours.

    They pay it by `weal pay --for`, or agree first by `weal deal accept`: then it is promised.
    """
    with part_of(CreditPayments, home, passphrase_file) as me:
        made = me.ask(member, quantity, unit, due=due, note=note)
    if form is Form.JSON:
        return write_json(plain(made))
    text = _("You asked {member} for {amount} {unit}, as {id}. It is promised once they agree.")
    about = {"member": visible(made.member_name), "amount": f"{made.amount:f}"}
    id = made.id.hex()[:ID_DIGITS]
    return say(text.format(**about, unit=shown_unit(made.unit, spoken()), id=id))


@click.command("settle")
@click.option("--net", is_flag=True, required=True, help="Set off debts that go round.")
@click.option("--dry-run", is_flag=True, help="Only show what could be set off.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def settle(net: bool, dry_run: bool, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Set off what members owe each other in a ring, each by the smallest of these debts.

    A debt is a promise to pay that is open. Nobody's net changes. Each ring that you are in is
    proposed as a deal of all in it, and is set off once all of them accept: weal deal accept ID.
    """
    assert net, "it is required"
    with part_of(NetSettlements, home, passphrase_file) as me:
        settled = me.set_off(dry_run=dry_run)
    if form is Form.JSON:
        return write_json(plain(settled))
    if not settled.cycles:
        return say(_("No debts between members go round: there is nothing to set off."))
    for cycle in settled.cycles:
        say(_cycle_words(cycle))
    for unit, owed in settled.owed.items():
        text = _("All debts in {unit}: {owed}, and {left} once all of this is set off.")
        shown = {"owed": f"{owed:f}", "left": f"{settled.left[unit]:f}"}
        say(text.format(unit=shown_unit(unit, spoken()), **shown))
    for id in settled.written:
        words = _("Proposed as {id}: it holds once everybody in it accepts.")
        say(words.format(id=id.hex()[:ID_DIGITS]))
    return None


def _cycle_words(cycle: NetCycle) -> str:
    """Return a ring of debts as one line, with what is missing for it."""
    unit = shown_unit(cycle.unit, spoken())
    debts = ", ".join(
        _("{debtor} → {creditor} {owed} - {set_off}").format(
            debtor=visible(part.debtor_name),
            creditor=visible(part.creditor_name),
            owed=f"{part.owed:f}",
            set_off=f"{part.set_off:f}",
        )
        for part in cycle.debts
    )
    words = [f"{debts} {unit}"]
    if cycle.proposed is not None:
        words.append(_("proposed as {id}").format(id=cycle.proposed.hex()[:ID_DIGITS]))
    elif cycle.too_long:
        words.append(_("too many promises for one deal"))
    elif not cycle.mine:
        words.append(_("for those in it to propose"))
    return " · ".join(words)
