"""`weal balance`: what a member has a share of, has and gave, and their balance with others."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.exchange.credit.balances import (
    FLAGS,
    CreditBalance,
    CreditList,
    MemberBalances,
)
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

BALANCE_FIELDS = (
    *("member", "member_name", "unit", "balance", "final", "lowest", "highest", "can_pay"),
    *("can_receive", "waits", "certain", "flag", "active"),
)


@click.command("balance")
@click.argument("member", required=False)
@click.option("--all", "every", is_flag=True, help="The balances of all members with each other.")
@home_option
@form_option()
def balance(member: str | None, every: bool, home: Home, form: Form) -> None:
    """Show what MEMBER (else you) has a share of, has, and gave.

    Where the rules have balances between members, also that of MEMBER: what is final of it, and
    how much more can be paid.
    """
    if every:
        if member:
            text = _("{option} shows all members: leave out {other}")
            raise UsageError(text.format(option="--all", other="MEMBER"))
        return _table(form, home)
    with part_of(MemberBalances, home) as me:
        shown = me.account(member)
    value = plain(shown)
    if form is Form.JSON:
        return write_json(value)
    sections = {"paid": "paid", "open": "open", "resources": "has", "given": "gave"}
    rows = [{"what": what, **row} for key, what in sections.items() for row in value[key]]
    if form is Form.CSV:
        rows += [
            {"what": "credit", "amount": row.balance, "unit": row.unit} for row in shown.credit
        ]
        return write_csv(("what", "name", "amount", "unit"), rows)
    words = {"paid": _("share (final)"), "has": _("has"), "gave": _("gave")}
    words["open"] = _("of that not settled")
    listed = [
        {**row, "what": words[row["what"]], "unit": shown_unit(row["unit"], spoken())}
        for row in rows
    ]
    say(visible(shown.member_name))
    if listed:
        columns = [Column("what", ""), Column("name", ""), Column("amount", "", is_number=True)]
        write_table([*columns, Column("unit", "")], listed)
    for row in shown.credit:
        say(balance_words(row))
    say()
    return say(
        _("A share is final, and owed until settled; the rest is provisional: not sealed yet.")
    )


def balance_words(balance: CreditBalance) -> str:
    """Return a balance in one or two sentences, with what is not certain of it."""
    unit = shown_unit(balance.unit, spoken())
    text = _("Balance: {balance} {unit}, {final} of it final. {more} {unit} more can be paid.")
    if balance.balance == balance.final:
        text = _("Balance: {balance} {unit}, final. {more} {unit} more can be paid.")
    if balance.lowest is None:
        text = _("Balance: {balance} {unit}. The rules have no balances in {unit} any more.")
    amounts = {"balance": f"{balance.balance:f}", "final": f"{balance.final:f}"}
    parts = [text.format(**amounts, unit=unit, more=f"{balance.can_pay:f}")]
    if not balance.certain:
        parts.append(_("What was paid lately is certain at the next seal."))
    if balance.flag:
        parts.append(_("It is {flag}.").format(flag=_(FLAGS[balance.flag])))
    return (" " if spoken().language != "zh" else "").join(parts)


def _table(form: Form, home: Home) -> None:
    """Write the balances of all members, and what former members owe."""
    with part_of(MemberBalances, home) as me:
        listed, standing = me.balances(), me.view.standing()
    rows = plain_rows(listed.balances)
    if form is Form.TEXT:
        rows = [_shown(row, of) for row, of in zip(rows, listed.balances, strict=True)]
    if form is Form.CSV:  # a number below 0 is one, and no text
        rows = [
            {**row, "balance": of.balance, "final": of.final, "lowest": of.lowest}
            for row, of in zip(rows, listed.balances, strict=True)
        ]
    columns = [
        Column("member_name", _("member")),
        Column("balance", _("balance"), is_number=True),
        Column("final", _("of it final"), is_number=True),
        Column("can_pay", _("can pay"), is_number=True),
        Column("can_receive", _("can receive"), is_number=True),
        Column("unit", _("unit")),
        Column("words", ""),
    ]
    more = {"height": listed.height, "former": plain(listed.former)}
    footer = "\n".join([*_former(listed), standing])
    nothing = _("The rules have no balances between members, and nobody has one.")
    return table(form, "balances", rows, BALANCE_FIELDS, columns, footer, nothing, **more)


def _shown(row: dict[str, Any], balance: CreditBalance) -> dict[str, Any]:
    words = [_(FLAGS[balance.flag])] if balance.flag else []
    words += [] if balance.certain else [_("certain at the next seal")]
    words += [] if balance.active else [_("no member any more")]
    return {**row, "unit": shown_unit(balance.unit, spoken()), "words": ", ".join(words)}


def _former(listed: CreditList) -> list[str]:
    lines = []
    for unit, amount in listed.former.items():
        text = _("Former members left with {amount} {unit} in all: the others bear it together.")
        lines.append(text.format(amount=f"{amount:f}", unit=shown_unit(unit, spoken())))
    return lines
