"""Rows of the ledger as tables, and what was written, in the form that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commonweal.client.language.plain import plain
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)


def confirm(form: Form, written: Any, words: str, shown: str = "", **more: Any) -> None:
    """Say what was written: all of it for scripts, a sentence for people.

    written: a result with an id, or the records that were written, of which the first counts.
    words: {id} stands for how the id begins, and {shown} for what a member wrote, braces and all.
    """
    result = written[0] if isinstance(written, list) else written
    if form is Form.JSON:
        return write_json({**plain(result), **more})
    words = words.replace("{id}", result.id.hex()[:ID_DIGITS])
    return say(words.replace("{shown}", shown))


def table(
    form: Form,
    name: str,
    rows: Sequence[dict[str, Any]],
    fields: Sequence[str],
    columns: Sequence[Column],
    footer: str = "",
    when_empty: str = "",
    /,
    **more: Any,
) -> None:
    """Write rows: as `{name: rows}` with `more`, as a sheet of `fields`, or for people.

    when_empty: what people read where there are no rows.
    """
    if form is Form.JSON:
        return write_json({name: [dict(row) for row in rows], **more})
    if form is Form.CSV:
        return write_csv(fields, rows)
    if rows:
        write_table(columns, [_brief(row) for row in rows])
    else:
        say(when_empty or _("Nothing is here that fits."))
    if footer:
        say()
        say(footer)
    return None


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as people read it: ids short, lists with commas, yes and no in words."""
    brief: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, bool):
            value = _("yes") if value else ""
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        elif isinstance(value, str) and len(value) in (32, 64) and _is_hex(value):
            value = value[:ID_DIGITS]
        brief[key] = value
    return brief


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")
