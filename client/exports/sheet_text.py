"""Rows as a sheet (CSV) that spreadsheets show as it is: no cell of it is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from decimal import Decimal

BOM = "\ufeff"
"""By this a spreadsheet knows that what follows is UTF-8."""

_FORMULA = tuple("=+-@|%\uff1d\uff0b\uff0d\uff20")
_END = re.compile("\r\n|[;\t\n\r\v\f]")
_BEFORE_FORMULA = re.compile(
    f"(?:;|(?<![\\s\"';])(?=[\\s\"']))[\\s\"']*+(?=[{re.escape(''.join(_FORMULA))}])"
)
"""A whole run of what may end a cell, from its first sign on: so each sign is read once."""


def sheet_lines(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> Generator[str, None, None]:
    """Yield the lines of a sheet: the names of `columns`, then the values of each row."""
    yield BOM + _line(columns)
    for row in rows:
        yield _line([row.get(column) for column in columns])


def safe_cell(value: object) -> object:
    """Return what a spreadsheet shows as it is: text that would be a formula gets a ' before it.

    A number is no text, also below 0. A list becomes its values, with commas. Where a comma is part
    of a number, spreadsheets take a ; or a line break for the end of a cell, also between quotes
    that begin no cell of theirs.
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, bool | int):
        return "" if value is None else value
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = _BEFORE_FORMULA.sub(lambda run: _END.sub(r"\g<0>'", run[0]), str(value))
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(safe_cell, cells))
    return text.getvalue()
