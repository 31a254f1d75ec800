"""What a sheet would come to, as members read it before they say yes."""

from __future__ import annotations

from typing import Any

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.times import shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.sheets.preview import FirstRow, SheetPreview
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.options import make_sure
from commonweal.commands.terminal.output import Column, say, write_table
from commonweal.protocol.errors import UsageError
from commonweal.storage.ledger.contributions.points_in_time import read_point_in_time

_MARKS = {"\t": "Tab"}


def preview_fields(preview: SheetPreview) -> dict[str, Any]:
    """Return a preview as scripts read it."""
    fields: dict[str, Any] = plain(preview)
    return {"rows": fields.pop("total"), **fields}


def show_preview(preview: SheetPreview) -> None:
    """Show how a sheet is read, its first rows with what each would be worth, and what is new."""
    for line in _form_lines(preview):
        say(line)
    if preview.first:
        say()
        write_table(_columns(), [_row(row) for row in preview.first])
    say()
    for line in _count_lines(preview):
        say(line)


def confirm_preview(preview: SheetPreview, *, yes: bool) -> None:
    """Go on only when the member says that what was shown is right.

    Raises UsageError where nobody can be asked: `yes` is no answer to a guess of the encoding.
    """
    if preview.is_guess and yes:
        text = _(
            "{label} is a guess: read the rows above, and say --encoding {name} if it is right"
        )
        raise UsageError(text.format(label=_label(preview), name=_label(preview).lower()))
    question = ngettext("Take in {n} row?", "Take in {n} rows?", preview.new)
    make_sure(question.format(n=preview.new), yes=yes)


def _form_lines(preview: SheetPreview) -> list[str]:
    """Return how a sheet is read, in words."""
    read = _(
        'Read as {label}; "{mark}" ends a cell, "{decimal}" begins a fraction, dates: {dates}.'
    )
    if preview.is_guess:
        read = _(
            'Read as {label}, which is a guess; "{mark}" ends a cell, "{decimal}" begins a'
            " fraction, dates: {dates}."
        )
    form = {
        "label": _label(preview),
        "mark": _MARKS.get(preview.delimiter, preview.delimiter),
        "decimal": preview.decimal,
        "dates": _order(preview.dates),
    }
    columns = [f"{field}={column}" for field, column in preview.columns.items()]
    said = ", ".join([*columns, *(f"{field}=={text}" for field, text in preview.values.items())])
    mapped = _("From the headings: {said}.") if preview.is_mapping_guessed else _("Given: {said}.")
    return [read.format(**form), mapped.format(said=visible(said))]


def _count_lines(preview: SheetPreview) -> list[str]:
    """Return what is new, here, and neither."""
    new = ngettext("{n} row is new", "{n} rows are new", preview.new).format(n=preview.new)
    counts = _("{new}; {here} of {total} were here already.")
    lines = [counts.format(new=new, here=preview.here, total=preview.total)]
    if preview.left_out:
        out = ngettext(
            "{n} row says that money went out, and is left out.",
            "{n} rows say that money went out, and are left out.",
            preview.left_out,
        )
        lines.append(out.format(n=preview.left_out))
    for reason, rows in preview.reasons.items():
        void = ngettext(
            "{n} row would count for nothing: {reason}.",
            "{n} rows would count for nothing: {reason}.",
            rows,
        )
        lines.append(void.format(n=rows, reason=reason.rstrip(".。")))
    if preview.days > 1:
        waits = _(
            "That is about {days} days of what the rules keep of one member. What goes beyond"
            " waits for a seal: type the same again then."
        )
        lines.append(waits.format(days=preview.days))
    return lines


def _columns() -> list[Column]:
    return [
        Column("line", "#", is_number=True),
        Column("when", _("when")),
        Column("member", _("member")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("scope", _("scope")),
        Column("worth", _("worth")),
        Column("note", _("note")),
    ]


def _row(row: FirstRow) -> dict[str, Any]:
    words = spoken()
    when = None if row.when is None else read_point_in_time(row.when)
    return {
        "line": row.line,
        "when": None if when is None else shown_when(when),
        "member": row.provider_name,
        "action": shown_action(row.action, words),
        "quantity": format(row.quantity, "f"),
        "unit": shown_unit(row.unit, words),
        "scope": row.scope,
        "worth": _worth(row),
        "note": row.note,
    }


def _worth(row: FirstRow) -> str:
    """Return what the rules in force make of a row, once others attest it."""
    return worth(row.worth) if row.is_new else _("here already")


def worth(made: Forecast | None) -> str:
    """Return a forecast of what would be written; None where it would count for nothing."""
    if made is None:
        return _("nothing")
    if made.pool is not None:
        return _("into the pool {pool}").format(pool=made.pool)
    if made.points is None:
        return _("no rule for it")
    return _("{points} points").format(points=f"{made.points:,}")


def _label(preview: SheetPreview) -> str:
    return preview.form.charset.label


def _order(dates: str) -> str:
    orders = {
        "ymd": _("year, month, day"),
        "dmy": _("day, month, year"),
        "mdy": _("month, day, year"),
    }
    return orders[dates]
