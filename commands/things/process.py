"""`weal process`: what takes inputs and gives outputs."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.plain import plain_rows
from commonweal.client.things.processes import Processes
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

FIELDS = ("id", "name", "scope", "member", "member_name", "inputs", "outputs", "ended", "note")


@click.group("process")
def process() -> None:
    """Begin, list and end what takes inputs and gives outputs: baking, a repair, a festival."""


@process.command("new")
@click.argument("name")
@click.option("--scope", metavar="TEXT", help="What it is for: a project, a place.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    name: str,
    scope: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Begin a process of the kind NAME: weal process new baking.

    Contributions go into it or come out of it: weal record ... --input-of, --output-of.
    """
    with part_of(Processes, home, passphrase_file) as me:
        made = me.begin_process(name, scope=scope, note=note)
    return confirm(form, made, _("Begun, as {id}."))


@process.command("list")
@click.option("--all", "ended", is_flag=True, help="Those too that have ended.")
@home_option
@form_option()
def list_(ended: bool, home: Home, form: Form) -> None:
    """List the processes that go on, with how many contributions they have."""
    with part_of(Processes, home) as me:
        rows = plain_rows(me.processes(ended=ended))
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("scope", _("scope")),
        Column("inputs", _("inputs"), is_number=True),
        Column("outputs", _("outputs"), is_number=True),
        Column("member_name", _("begun by")),
        Column("note", _("note")),
    ]
    if ended:
        columns.insert(5, Column("ended", _("ended")))
    return table(form, "processes", rows, FIELDS, columns)


@process.command("end")
@click.argument("process")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def end(process: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """End a process that you began: nothing goes into it or comes out of it any more.

    PROCESS is an id, or a name or scope that only one has.
    """
    with part_of(Processes, home, passphrase_file) as me:
        made = me.end_process(process)
    return confirm(form, made, _("Ended, by {id}."))
