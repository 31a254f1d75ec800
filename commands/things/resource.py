"""`weal resource`: what there is, whose it is, and who has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.things.custody import Custody
from commonweal.client.things.resources import Resources
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "name", "unit", "accounting", "onhand", "accountable", "accountable_name"),
    *("custodian", "custodian_name", "stage", "state", "location"),
)


@click.group("resource")
def resource() -> None:
    """List what the community and its members have, add to it, or show one thing."""


@resource.command("list")
@click.argument("name", required=False)
@click.option("--member", metavar="AGENT", help="Of this member or agent, in place of all.")
@home_option
@form_option()
def list_(name: str | None, member: str | None, home: Home, form: Form) -> None:
    """List what there is, or what has this NAME: whose it is, and who has it."""
    with part_of(Resources, home) as me:
        rows, standing = plain_rows(me.resources(name=name, member=member)), me.standing()
    return table(form, "resources", rows, FIELDS, _columns(), standing)


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
    with part_of(Resources, home) as me:
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
    with part_of(Resources, home, passphrase_file) as me:
        made = me.add_resource(name, quantity, unit, factor=factor, common=common, note=note)
    words = _("In the books, as {id}.")
    if common:
        words = _("In the books once another member attests it: weal attest {id}")
    return confirm(form, made, words)


@resource.command("lend")
@click.argument("resource", metavar="RESOURCE")
@click.argument("receiver", metavar="AGENT")
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def lend(
    resource: str,
    receiver: str,
    quantity: str | None,
    unit: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Hand a thing over without giving it away: weal resource lend saw Bo.

    RESOURCE is an id, or a name that only one thing with you has. Without QUANTITY and UNIT it is
    all of it.
    """
    with part_of(Custody, home, passphrase_file) as me:
        made = me.lend(resource, receiver, _amount(quantity, unit), note=note)
        receiver_name = me.view.name(made.receiver)
    words = _("With {name} now, as {id}; it is still its owner's.")
    if made.waits:
        words = _("With {name}, as {id}, once another member attests it: weal attest {id}")
    return confirm(form, made, words.replace("{name}", receiver_name))


@resource.command("return")
@click.argument("resource", metavar="RESOURCE")
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def give_back(
    resource: str,
    quantity: str | None,
    unit: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Hand a thing that was lent back to who lent it: weal resource return saw.

    Who borrowed it says so, or whose it is. Without QUANTITY and UNIT it is all of it.
    """
    with part_of(Custody, home, passphrase_file) as me:
        made = me.give_back(resource, _amount(quantity, unit), note=note)
        receiver_name = me.view.name(made.receiver)
    words = _("Back with {name}, by {id}.")
    if made.waits:
        words = _("Back with {name}, by {id}, once another member attests it: weal attest {id}")
    return confirm(form, made, words.replace("{name}", receiver_name))


def _amount(quantity: str | None, unit: str | None) -> tuple[str, str] | None:
    if quantity is None:
        return None
    if unit is None:
        raise UsageError(_("{number}: of which unit?").format(number=quantity))
    return quantity, unit
