"""`weal export`: the ledger for a spreadsheet or a program, one line after another."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import click

from commonweal.client.exports.beancount import beancount_lines
from commonweal.client.exports.books import BookExports, Books
from commonweal.client.exports.calendars.calendar import Calendars
from commonweal.client.exports.contribution_export import ContributionExport, ContributionExports
from commonweal.client.exports.hledger import hledger_lines
from commonweal.client.exports.sheet_text import BOM
from commonweal.client.exports.valueflows import ValueflowsExports
from commonweal.client.language.plain import plain
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import home_option
from commonweal.commands.terminal.output import as_json, write_csv, write_text
from commonweal.commands.terminal.progress import progress
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "device", "seq", "member", "member_name", "action", "quantity", "unit"),
    *("effort", "effort_unit", "receiver", "receiver_name", "scope", "note", "when"),
    *("claimed_at", "why", "corrected_to"),
)


@click.group("export")
def export() -> None:
    """Write the ledger out, for a spreadsheet, a program for accounts, or a calendar."""


@export.command("csv")
@home_option
def csv(home: Home) -> None:
    """Write them as a sheet (CSV, UTF-8); no cell is a formula."""
    _speak_utf8()
    with part_of(ContributionExports, home) as me:
        exported = me.export()
        write_text(BOM, end="")
        with closing(_plain_rows(exported)) as rows:  # also when the reader goes away
            write_csv(FIELDS, rows)


@export.command("json")
@home_option
def json(home: Home) -> None:
    """Write them as JSON: {"community", "records": [...]}, one record on a line."""
    with part_of(ContributionExports, home) as me:
        exported = me.export()
        head = f'{{"community": "{exported.community.hex()}", "records": ['
        _write_lines_of(head, _plain_rows(exported))


@export.command("valueflows")
@home_option
def valueflows(home: Home) -> None:
    """Write the final ledger as JSON-LD in the words of Valueflows, one node on a line."""
    with part_of(ValueflowsExports, home) as me:
        exported = me.valueflows()
        head = f'{{"@context": {_on_one_line(exported.context)}, "@graph": ['
        _write_lines_of(head, exported.nodes)


@export.command("ical")
@home_option
def ical(home: Home) -> None:
    """Write a calendar: what is booked, votes, plans, promises, your next backup."""
    from commonweal.client.exports.calendars.calendar_file import calendar_bytes

    with part_of(Calendars, home) as me:
        data = calendar_bytes(me.calendar())
    _speak_utf8()
    write_text(data.decode(), end="")


def _write_lines_of(head: str, rows: Generator[dict[str, Any], None, None]) -> None:
    """Write JSON that begins with `head`, up to the opening of a list, and has a row on a line."""
    _speak_utf8()
    write_text(head)
    last = ""
    with closing(rows):
        for row in rows:
            if last:
                write_text(f"{last},")
            last = _on_one_line(row)
    write_text(last)
    write_text("]}")


def _on_one_line(value: Any) -> str:
    return " ".join(line.strip() for line in as_json(value).split("\n"))


@export.command("hledger")
@home_option
def hledger(home: Home) -> None:
    """Write the final ledger as a journal of hledger: pools, members, claims."""
    _write_books(home, hledger_lines)


@export.command("beancount")
@home_option
def beancount(home: Home) -> None:
    """Write the final ledger as a file of beancount: pools, members, claims."""
    _write_books(home, beancount_lines)


def _write_books(home: Home, lines_of: Callable[[Books], Generator[str, None, None]]) -> None:
    _speak_utf8()
    with part_of(BookExports, home) as me, closing(lines_of(me.books())) as lines:
        for line in lines:
            write_text(line)


def _plain_rows(exported: ContributionExport) -> Generator[dict[str, Any], None, None]:
    """Yield every contribution as a map of FIELDS; quantities are decimal strings."""
    with progress(_("writing"), exported.total) as advance, closing(exported.rows) as rows:
        for row in rows:
            yield plain(row)
            advance(1)


def _speak_utf8() -> None:
    """Write UTF-8 whatever the terminal's language: the reader is a program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
