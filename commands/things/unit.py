"""`weal unit`: in which units things are counted."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.plain import plain_rows
from commonweal.client.things.resources import Resources
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home


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
    with part_of(Resources, home, passphrase_file) as me:
        made = me.add_unit(name)
    return confirm(form, made, _("Things are counted in {unit} now.").format(unit=made.unit))


@unit.command("list")
@home_option
@form_option()
def units_(home: Home, form: Form) -> None:
    """List the units in which things are counted here."""
    with part_of(Resources, home) as me:
        rows = plain_rows(me.units())
    columns = [Column("unit", _("unit")), Column("member_name", _("added by"))]
    return table(form, "units", rows, ("unit", "member", "member_name"), columns)
