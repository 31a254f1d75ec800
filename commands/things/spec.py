"""`weal spec`: the kinds of things and of processes."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.plain import plain_rows
from commonweal.client.language.quantity import shown_unit
from commonweal.client.things.specifications import Specifications
from commonweal.commands.terminal.language import N_, _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

SORTS = {"resource": N_("a thing"), "process": N_("a process")}
FIELDS = ("id", "sort", "name", "unit", "effort_unit", "factor", "member", "member_name")


@click.group("spec")
def spec() -> None:
    """List the kinds of things and of processes that have a name here, or define one."""


@spec.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the kinds of things and of processes."""
    with part_of(Specifications, home) as me:
        rows = plain_rows(me.specifications())
    if form is Form.TEXT:
        for row in rows:
            sort = SORTS[row["sort"]]
            row["sort"] = _(sort)
            row["unit"] = shown_unit(row["unit"] or "", spoken())
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("sort", _("kind")),
        Column("unit", _("unit")),
        Column("factor", _("factor")),
        Column("member_name", _("added by")),
    ]
    return table(form, "specifications", rows, FIELDS, columns)


@spec.command("resource")
@click.argument("name")
@click.option("--unit", metavar="UNIT", help="The only unit in which it is counted.")
@click.option("--effort-unit", metavar="UNIT", help="The only unit in which its use is counted.")
@click.option("--factor", metavar="FACTOR", help="Which factor of production it is.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def resource(
    name: str,
    unit: str | None,
    effort_unit: str | None,
    factor: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Define a kind of thing: weal spec resource flour --unit kg."""
    with part_of(Specifications, home, passphrase_file) as me:
        made = me.specify_resource(name, unit=unit, effort_unit=effort_unit, factor=factor)
    return confirm(form, made, _("Defined, as {id}."))


@spec.command("process")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def process(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Define a kind of process: weal spec process milling.

    What comes out of such a process is at the stage of that name.
    """
    with part_of(Specifications, home, passphrase_file) as me:
        made = me.specify_process(name)
    return confirm(form, made, _("Defined, as {id}."))
