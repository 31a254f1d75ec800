"""Reading a sheet (CSV) that people keep: its bytes, its columns, which column says what.

It is read whole before anything is done with it; what is wrong is told with its line.
UTF-8, with or without a mark, and GB18030 are told apart by their bytes.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from commonweal.client.home.files import read_bytes, read_text
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnreadableFile, UsageError

FILE_BYTES_MAX = 16 * 1024 * 1024
MAPPING_BYTES_MAX = 64 * 1024
CELL_CHARS_MAX = 64 * 1024
ROWS_MAX = 100_000
CELLS_MAX = 1_000
"""Cells in one row, on however many lines it stands."""
DELIMITERS = ",;\t，；"
FIELDS = ("action", "quantity", "unit", "provider", "receiver", "scope", "note", "date")
REQUIRED = ("action", "quantity", "unit")


class Row(NamedTuple):
    """What a line of the sheet says, by field; empty cells are left out."""

    line: int
    cells: dict[str, str]


class Mapping(NamedTuple):
    """Which column says a field, and which fields say the same on every line."""

    columns: dict[str, str]
    values: dict[str, str]


def read_mapping(text: str, words: Words = ENGLISH) -> Mapping:
    """Return the mapping in a TOML file, or in `field=column,field==value,...`.

    Raises UsageError, or UnreadableFile for a file that is not as it must be.
    """
    if "=" not in text:
        return _mapping_file(Path(text), words)
    columns: dict[str, str] = {}
    values: dict[str, str] = {}
    for part in text.split(","):
        field, _equals, what = part.partition("=")
        table = values if what.startswith("=") else columns
        table[field.strip()] = what.removeprefix("=").strip()
    return _checked(Mapping(columns, values), words)


def read_rows(path: Path, mapping: Mapping, words: Words = ENGLISH) -> list[Row]:
    """Return the rows below the heading of the sheet. Raises UnreadableFile, with the line."""
    text = _text(path, words)
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    lines = _Lines(text, delimiter, path, words)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    previous = csv.field_size_limit(CELL_CHARS_MAX)
    try:
        heading = [name.strip() for name in next(reader, [])]
        places = _places(heading, mapping, path, words)
        return list(_rows(lines.rows(reader), places, len(heading), mapping, path, words))
    except csv.Error as error:
        raise UnreadableFile(at(path, reader.line_num, str(error), words)) from error
    finally:
        csv.field_size_limit(previous)


class _Lines:
    """The lines of a sheet, which end where one row has too many cells."""

    def __init__(self, text: str, delimiter: str, path: Path, words: Words) -> None:
        self._lines = io.StringIO(text, newline="")
        self._delimiter, self._path, self._words = delimiter, path, words
        self._number, self._room = 0, CELLS_MAX

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._number += 1
        self._room -= line.count(self._delimiter)
        if self._room <= 0:
            why = self._words("more than {most} cells in one row").format(most=CELLS_MAX)
            raise UnreadableFile(at(self._path, self._number, why, self._words))
        return line

    def rows(self, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        """Yield each row with the number of its last line."""
        self._room = CELLS_MAX
        for cells in reader:
            yield self._number, cells
            self._room = CELLS_MAX


def at(path: Path, line: int, what: str, words: Words = ENGLISH) -> str:
    """Return what is wrong with a line, with its place."""
    return words("{path}, line {line}: {what}").format(path=path, line=line, what=visible(what))


def _text(path: Path, words: Words) -> str:
    data = read_bytes(path, FILE_BYTES_MAX, words)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise UnreadableFile(at(path, line, words("neither UTF-8 nor GB18030"), words)) from None


def _places(heading: list[str], mapping: Mapping, path: Path, words: Words) -> dict[str, int]:
    """Return where each field stands in a row."""
    places = {}
    for field, column in mapping.columns.items():
        if heading.count(column) != 1:
            why = words("twice") if column in heading else words("not there")
            listed = ", ".join(heading)
            wrong = words("the column {column} is {why}; there are: {listed}").format(
                column=column, why=why, listed=listed
            )
            raise UnreadableFile(at(path, 1, wrong, words))
        places[field] = heading.index(column)
    return places


def _rows(
    rows: Iterator[tuple[int, list[str]]],
    places: dict[str, int],
    width: int,
    mapping: Mapping,
    path: Path,
    words: Words,
) -> Iterator[Row]:
    count = 0
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > ROWS_MAX:
            raise UnreadableFile(
                at(path, line, words("more than {most} rows").format(most=ROWS_MAX), words)
            )
        if len(cells) <= max(places.values(), default=-1):
            raise UnreadableFile(at(path, line, words("it has too few cells"), words))
        if any(cell.strip() for cell in cells[width:]):
            raise UnreadableFile(at(path, line, words("it has more cells than the heading"), words))
        texts = {field: cells[place].strip() for field, place in places.items()}
        yield Row(line, mapping.values | {field: text for field, text in texts.items() if text})


def _mapping_file(path: Path, words: Words) -> Mapping:
    try:
        document = tomllib.loads(read_text(path, MAPPING_BYTES_MAX, words))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    match document:
        case {"columns": dict(columns), **rest} if rest.keys() <= {"values"}:
            values = rest.get("values", {})
            texts = [*columns.values(), *values.values()] if isinstance(values, dict) else [None]
            if all(isinstance(text, str) for text in texts):
                return _checked(Mapping(columns, values), words)
    raise UnreadableFile(
        words("{path}: write a table [columns], and perhaps [values], of texts").format(path=path)
    )


def _checked(mapping: Mapping, words: Words) -> Mapping:
    named = [*mapping.columns, *mapping.values]
    for field in named:
        if field not in FIELDS or named.count(field) > 1:
            raise UsageError(
                words("the mapping has {field}; each of {fields} may stand there once").format(
                    field=visible(field), fields=", ".join(FIELDS)
                )
            )
    for field in REQUIRED:
        if field not in named:
            raise UsageError(
                words("the mapping lacks {field}; give it a column, or {field}==VALUE").format(
                    field=field
                )
            )
    return mapping
