"""`weal resource`, `unit`, `income` and `agent`: what there is, and who gave it from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.contributions.resources import Resources
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import read_quantity, shown_number, shown_unit
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import member_of, part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "name", "unit", "accounting", "onhand", "accountable", "accountable_name"),
    *("custodian", "custodian_name", "stage", "state", "location"),
)


@click.group("resource")
def resource() -> None:
    """List what the community and its members have, add to it, or show one thing."""


@resource.command("list")
@click.option("--member", metavar="MEMBER", help="Of this member, in place of all.")
@home_option
@form_option()
def list_(member: str | None, home: Home, form: Form) -> None:
    """List what there is: whose it is, and who has it."""
    with part_of(Resources, home) as me:
        rows = plain_rows(me.resources(member=member))
    return table(form, "resources", rows, FIELDS, _columns(), _("provisional: not sealed yet"))


def _columns() -> list[Column]:
    return [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("accounting", _("in the books"), is_number=True),
        Column("onhand", _("on hand"), is_number=True),
        Column("unit", _("unit")),
        Column("accountable_name", _("whose")),
        Column("custodian_name", _("held by")),
    ]


@resource.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the thing whose id begins with ID, and every event that changed it."""
    with member_of(home) as me:
        history = me.resource(id)
        lines = [f"{event.hex()[:8]}  {me.event_words(event)}" for event in history.events]
    row = plain(history)
    if form is Form.JSON:
        return write_json(row)
    write_table([Column("what", ""), Column("value", "")], _pairs(row))
    say()
    for line in lines:
        say(line)
    return None


def _pairs(row: dict[str, Any]) -> list[dict[str, Any]]:
    words = {column.key: column.heading for column in _columns()}
    named = {**words, "stage": _("stage"), "state": _("state"), "location": _("place")}
    return [{"what": named[key], "value": row[key]} for key in named if row[key] is not None]


@resource.command("new")
@click.argument("name")
@click.argument("quantity")
@click.argument("unit")
@click.option("--factor", metavar="FACTOR", help="Which factor of production it is.")
@click.option("--common", is_flag=True, help="It is the community's, not yours.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    name: str,
    quantity: str,
    unit: str,
    factor: str | None,
    common: bool,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Bring a thing into the books: weal resource new flour 40 kg."""
    with member_of(home, passphrase_file) as me:
        made = me.add_resource(name, quantity, unit, factor=factor, common=common, note=note)
    words = _("In the books, as {id}.")
    if common:
        words = _("In the books once another member attests it: weal attest {id}")
    return confirm(form, made, words)


@click.group("unit")
def unit() -> None:
    """List the units in which things are counted here, or add one."""


@unit.command("new")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new_unit(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Add a unit in which things are counted here."""
    with member_of(home, passphrase_file) as me:
        made = me.add_unit(name)
    return confirm(form, made, _("Things are counted in {unit} now.").format(unit=made.unit))


@unit.command("list")
@home_option
@form_option()
def units_(home: Home, form: Form) -> None:
    """List the units in which things are counted here."""
    with member_of(home) as me:
        rows = plain_rows(me.units())
    columns = [Column("unit", _("unit")), Column("member_name", _("added by"))]
    return table(form, "units", rows, ("unit", "member", "member_name"), columns)


@click.command("income")
@click.argument("quantity")
@click.argument("unit")
@click.option("--payer", metavar="AGENT", help="Whose id you have from `weal agent list`.")
@click.option("--earned-by", metavar="ID", help="The thing or contribution that earned it.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def income(
    quantity: str,
    unit: str,
    payer: str | None,
    earned_by: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Write down what came in for the community from outside: weal income 1200 EUR.

    Another member attests it. The rules say into which pool it goes, and who gets a share of it.
    """
    amount = read_quantity(quantity, unit, spoken())
    with member_of(home, passphrase_file) as me:
        made = me.income(quantity, unit, payer=payer, earned_by=earned_by, note=note)
    number = shown_number(int(str(amount["n"])), int(str(amount["scale"])))
    what = f"{number} {shown_unit(str(amount['unit']), spoken())}"
    words = _(
        "Income of {what}, as {id}. It counts once another member attests it and it is sealed."
    )
    if made.forecast.pool is None:
        words = _("Income of {what}, as {id}. No pool of the rules takes it: nobody has a share.")
    return confirm(form, made, words.replace("{what}", what))


@click.group("agent")
def agent() -> None:
    """List who gave from outside, and claim what you gave before you were a member."""


@agent.command("list")
@home_option
@form_option()
def agents_(home: Home, form: Form) -> None:
    """List the agents outside the community, with what they gave and who claimed it."""
    with member_of(home) as me:
        rows = plain_rows(me.outside_agents())
    columns = [
        Column("agent", _("id")),
        Column("events", _("contributions"), is_number=True),
        Column("member_name", _("claimed by")),
        Column("note", _("one of them")),
    ]
    fields = ("agent", "events", "member", "member_name", "note")
    return table(form, "agents", rows, fields, columns)


@agent.command("claim")
@click.argument("agent")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(agent: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say that you are the agent outside whose id begins with AGENT.

    Once another member attests it, what that agent gave is yours.
    """
    with member_of(home, passphrase_file) as me:
        made = me.claim_agent(agent)
    words = _("Claimed, as {id}. Another member attests it with: weal attest {id}")
    return confirm(form, made, words)
