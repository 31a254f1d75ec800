"""What goes out to the terminal, a script or a spreadsheet; nobody else prints.

Text from records never reaches a terminal with control, escape or direction characters in
it: they are made visible. JSON has sorted keys and carries text as it is, such characters
escaped. A CSV carries text as it is into a file; no cell of it begins a formula.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TextIO

from commonweal.client.language.visible_text import UNSEEN, visible
from commonweal.protocol.errors import OutputRefused

CELL_COLUMNS_MIN = 8
"""The last column is not cut below this, however narrow the terminal."""
FOLDED_INDENT = 4
"""Where the columns of a row begin that do not fit on its first line."""

CHARACTERS_KNOWN_MAX = 4_096
"""Characters of which the width is kept: a page repeats few."""


class Form(StrEnum):
    """The readers that a command writes for: people, scripts, spreadsheets."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class Column(NamedTuple):
    """A column of a table: the key in a row, the heading, and whether numbers stand in it."""

    key: str
    heading: str
    is_number: bool = False


@contextmanager
def _writing() -> Iterator[None]:
    """Let what the output does not take be told by name."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more, which is no fault
    except OSError as error:
        raise OutputRefused(error.strerror or "") from error


@_writing()
def say(words: str = "") -> None:
    """Write lines for people; the words are ours, and made `visible` where they are not."""
    columns = terminal_columns()
    for line in words.split("\n"):
        print(line if columns is None else folded_line(line, columns))


def warn(words: str) -> None:
    """Write a line beside the output, after what was written before it."""
    flush()
    columns = _columns_of(sys.stderr)
    print(words if columns is None else folded_line(words, columns), file=sys.stderr)


@_writing()
def write_text(text: str, end: str = "\n") -> None:
    """Write text that is to be copied: no line of it is folded."""
    print(text, end=end)


@_writing()
def flush() -> None:
    """Let what was written so far go out. Raises OutputRefused."""
    sys.stdout.flush()


def folded_line(line: str, columns_max: int) -> str:
    """Return a line as several, broken between words, where it does not fit.

    A word that is wider is left whole, so that a link can be copied; so is a line with wide
    characters, which a terminal may break anywhere.
    """
    if len(line) <= columns_max or width(line) != len(line):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    lines = [indent]
    for word in line.split():
        if lines[-1] != indent and len(lines[-1]) + 1 + len(word) > columns_max:
            lines.append(indent)
        lines[-1] += word if lines[-1] == indent else f" {word}"
    return "\n".join(lines)


def write_json(value: Any) -> None:
    """Write `value` as JSON."""
    write_text(as_json(value))


def as_json(value: Any) -> str:
    """Return indented JSON with sorted keys, in which no terminal finds a command."""
    import json

    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)
    return re.sub(UNSEEN, _json_escape, text)


@_writing()
def write_csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write the rows' values under the names of `columns`; on a terminal, made visible."""
    import csv

    from commonweal.client.exports.sheet_text import safe_cell

    shown = _shown_cell if sys.stdout.isatty() else safe_cell
    sheet = csv.writer(sys.stdout, lineterminator="\n")
    sheet.writerow(map(shown, columns))
    for row in rows:
        sheet.writerow([shown(row.get(column)) for column in columns])


def _shown_cell(value: object) -> object:
    from commonweal.client.exports.sheet_text import safe_cell

    cell = safe_cell(value)
    return visible(cell) if isinstance(cell, str) else cell


def write_table(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows under headings, each column as wide as its widest cell on a terminal."""
    for line in table(columns, rows, terminal_columns()):
        write_text(line)


def table(
    columns: Sequence[Column], rows: Sequence[dict[str, Any]], columns_max: int | None = None
) -> list[str]:
    """Return the lines of a table, none wider than `columns_max` while its cells allow.

    Columns that do not fit stand on lines of their own, and the last one is cut.
    """
    cells = [[visible(_text(row.get(column.key))) for column in columns] for row in rows]
    heading = [visible(column.heading) for column in columns]
    lines = [heading, *cells] if any(heading) else cells
    widths = [max(width(line[n]) for line in lines) for n in range(len(columns))]
    parts = _parts(widths, columns_max)
    return [
        " " * indent
        + "  ".join(_padded(line[n], widths[n], columns[n].is_number) for n in part).rstrip()
        for line in lines
        for indent, part in parts
        if not indent or any(line[n] for n in part)
    ]


def _parts(widths: list[int], columns_max: int | None) -> list[tuple[int, list[int]]]:
    """Return which columns stand together on a line, and how far it is indented.

    widths: the last is made smaller where it does not fit.
    """
    parts: list[tuple[int, list[int]]] = [(0, [])]
    used = 0
    last = len(widths) - 1
    for n, size in enumerate(widths):
        least = min(size, CELL_COLUMNS_MIN) if n == last else size
        if columns_max is not None and parts[-1][1] and used + least > columns_max:
            parts.append((FOLDED_INDENT, []))
            used = FOLDED_INDENT
        if columns_max is not None and n == last:
            widths[n] = min(size, max(columns_max - used, least))
        parts[-1][1].append(n)
        used += widths[n] + 2
    return parts


def terminal_columns() -> int | None:
    """Return how wide the terminal is that shows the output, None where none does."""
    return _columns_of(sys.stdout)


def _columns_of(stream: TextIO) -> int | None:
    if not stream.isatty():
        return None
    from shutil import get_terminal_size  # loads three ways to compress

    return get_terminal_size().columns


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def clipped(text: str, columns_max: int) -> str:
    """Return as much of `text` as fits, with an ellipsis where something is left out."""
    if width(text) <= columns_max:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns_max:
            break
        kept.append(character)
    return "".join(kept) + "…"


@lru_cache(maxsize=CHARACTERS_KNOWN_MAX)
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(cell: str, size: int, is_number: bool) -> str:
    used = width(cell)
    if used > size:
        cell = clipped(cell, size)
        used = width(cell)
    space = " " * (size - used)
    return space + cell if is_number else cell + space


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _json_escape(match: re.Match[str]) -> str:
    if match[0] == "\n":
        return "\n"  # between the fields; inside a text json has escaped it
    data = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[n : n + 2].hex()}" for n in range(0, len(data), 2))
