"""`weal export`: the contributions, for a spreadsheet or a program, one after another.

However many there are, a few are in memory at a time. What an erased text said is not in
it. The order is that of `weal ledger`, the newest first.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Generator
from contextlib import closing
from typing import Any

import click

from commonweal.client.language.quantity import shown_number
from commonweal.client.language.times import iso
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.ledger.texts import text_in
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import home_option
from commonweal.commands.terminal.output import as_json, write_csv, write_text
from commonweal.commands.terminal.progress import progress
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions import ContributionRow, contributions, count

BOM = "\ufeff"
"""By this a spreadsheet knows that what follows is UTF-8."""

FIELDS = (
    *("id", "device", "seq", "member", "member_name", "action", "quantity", "unit"),
    *("effort", "effort_unit", "receiver", "receiver_name", "scope", "note", "claimed_at"),
    "why",
)


@click.group("export")
def export() -> None:
    """Write all contributions out, for a spreadsheet or a program."""


@export.command("csv")
@home_option
def csv(home: Home) -> None:
    """Write them as a sheet (CSV, UTF-8); no cell is a formula."""
    _speak_utf8()
    with folded(home) as view:
        write_text(BOM, end="")
        with closing(rows(view)) as listed:  # also when the reader goes away
            write_csv(FIELDS, listed)


@export.command("json")
@home_option
def json(home: Home) -> None:
    """Write them as JSON: {"community", "records": [...]}, one record on a line."""
    _speak_utf8()
    with folded(home) as view:
        write_text(f'{{"community": "{view.community.hex()}", "records": [')
        last = ""
        with closing(rows(view)) as listed:
            for row in listed:
                if last:
                    write_text(f"{last},")
                last = " ".join(line.strip() for line in as_json(row).split("\n"))
        write_text(last)
        write_text("]}")


def rows(view: LedgerView) -> Generator[dict[str, Any], None, None]:
    """Yield every event as a map of FIELDS; quantities are decimal strings."""
    with progress(_("writing"), count(view.kept)) as advance:
        for event in contributions(view.kept):
            yield _row(event, view)
            advance(1)


def _row(event: ContributionRow, view: LedgerView) -> dict[str, Any]:
    return {
        "id": event.id.hex(),
        "device": event.author and event.author.hex(),
        "seq": event.seq,
        "member": event.provider.hex(),
        "member_name": view.name(event.provider),
        "action": event.action,
        "quantity": _number(event.resource),
        "unit": event.resource and event.resource.unit,
        "effort": _number(event.effort),
        "effort_unit": event.effort and event.effort.unit,
        "receiver": event.receiver and event.receiver.hex(),
        "receiver_name": event.receiver and view.name(event.receiver),
        "scope": event.scope,
        "note": text_in(view.store, event.body),
        "claimed_at": None if event.claimed_at_ms is None else iso(event.claimed_at_ms),
        "why": event.reason and event.reason.value,
    }


def _number(quantity: Quantity | None) -> str | None:
    return None if quantity is None else shown_number(quantity.n, quantity.scale)


def _speak_utf8() -> None:
    """Write UTF-8 whatever the terminal's language: the reader is a program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
