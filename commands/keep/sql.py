"""`weal sql`: questions about the ledger, over views that docs/sql.md describes. They only read."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.keep.queries import Queries
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    warn,
    write_csv,
    write_json,
    write_table,
)
from commonweal.storage.home.home import Home

TEXT_ROWS = 200


@click.command("sql")
@click.argument("question")
@click.option("--limit", type=click.IntRange(1, 1_000_000), metavar="N", help="So many rows.")
@home_option
@form_option()
def sql(question: str, limit: int | None, home: Home, form: Form) -> None:
    """Answer QUESTION, a SELECT over the views of the ledger.

    The views are members, events, attests, rules, votes, seals, claims and payouts.
    """
    from commonweal.storage.sqlite.readonly_sql import USUAL

    most = limit or (TEXT_ROWS if form is Form.TEXT else USUAL.rows)
    with part_of(Queries, home) as me:
        answer = me.sql(question, rows_max=most)
    # Columns may have one name twice; for a script the later ones get a number.
    names = [
        name if name not in answer.columns[:place] else f"{name}_{place + 1}"
        for place, name in enumerate(answer.columns)
    ]
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows]
    if form is Form.JSON:
        return write_json({"columns": names, "rows": rows, "more": answer.is_cut})
    if form is Form.CSV:
        write_csv(names, rows)
    elif rows:
        write_table([Column(name, name, _is_number(rows, name)) for name in names], rows)
    else:
        say(_("Nothing is here that fits."))
    if answer.is_cut:
        warn(_("there are more than {n} rows; --limit says how many are shown").format(n=most))
    return None


def _plain(value: Any) -> Any:
    """Return a value as json and sheets take it; numbers with a fraction as text."""
    if isinstance(value, bytes):
        return value.hex()
    return repr(value) if isinstance(value, float) else value


def _is_number(rows: list[dict[str, Any]], name: str) -> bool:
    return all(row[name] is None or isinstance(row[name], int) for row in rows)
