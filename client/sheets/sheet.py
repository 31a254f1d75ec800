"""Reading a sheet (CSV): a private copy of its bytes, its form, and its rows one after another.

The copy stays the same whatever happens to the file, so that what was looked at is what is
written. No more than one row of it is held at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self, cast

from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.sheets.charset import Charset, fault_of, find_charset
from commonweal.client.sheets.columns import Mapping
from commonweal.protocol.errors import UnreadableFile
from commonweal.protocol.vocabulary.identifiers import normal_name

FILE_BYTES_MAX = 1024 * 1024 * 1024
MEMORY_BYTES_MAX = 4 * 1024 * 1024
"""A larger copy lies on the disk."""
ROW_CHARS_MAX = 1024 * 1024
CELLS_MAX = 1_000
"""Cells in one row, on however many lines it stands."""
DELIMITERS = ",;\t，；"
DIGEST_BYTES = 32
_READ_BYTES = 1024 * 1024


class Row(NamedTuple):
    """What a line of the sheet says, by field; empty cells are left out."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class SheetForm:
    """How the bytes of a sheet are to be read.

    decimal: the mark before a fraction. dates: the order of year, month and day, such as dmy.
    opened_on: the day of opening balances, as an event states it; None for a sheet of others.
    heading_line: that of the headings, from 1; what stands above it is left out.
    """

    charset: Charset
    delimiter: str
    headings: tuple[str, ...]
    mapping: Mapping
    decimal: str
    dates: str
    opened_on: str | None = None
    heading_line: int = 1


class Sheet:
    """A copy of a sheet. Close it, or use `with`."""

    def __init__(self, path: Path, folder: Path, words: Words = ENGLISH) -> None:
        """Copy the file, to the disk of `folder` where it is large. Raises UnreadableFile."""
        self.path, self._words = path, words
        spooled = SpooledTemporaryFile(max_size=MEMORY_BYTES_MAX, dir=str(folder))  # noqa: SIM115
        self._file = cast(BinaryIO, spooled)
        try:
            self.digest = self._copied()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copy."""
        self._file.close()

    def charset(self, named: Charset | None = None) -> Charset:
        """Return its encoding: the one that is named, else one that its bytes have.

        Raises UnreadableFile, with the first line that cannot be read.
        """
        if named is None:
            return find_charset(self._file, self.path, self._words)
        line = fault_of(self._file, named.codec)
        if line is not None:
            why = self._words("not {encoding}").format(encoding=named.label)
            raise UnreadableFile(at(self.path, line, why, self._words))
        return named

    def heading(self, charset: Charset, line: int = 1) -> tuple[str, tuple[str, ...]]:
        """Return the mark between cells, and the headings of columns. Raises UnreadableFile.

        line: that of the headings.
        """
        with _Text(self._file, charset) as text:
            _skip(text, line - 1)
            delimiter = max(DELIMITERS, key=text.readline(ROW_CHARS_MAX).count)
        with _Text(self._file, charset) as text:
            cells = next(self._cells(text, delimiter, line), (0, []))[1]
        return delimiter, tuple(name.strip() for name in cells)

    def rows(self, form: SheetForm) -> Iterator[Row]:
        """Yield the rows below the heading. Raises UnreadableFile, with the line."""
        headings, values = form.headings, form.mapping.values
        places = self._places(headings, form.mapping, form.heading_line)
        last = max(places.values(), default=-1)
        with _Text(self._file, form.charset) as text:
            cells_of_rows = self._cells(text, form.delimiter, form.heading_line)
            next(cells_of_rows, None)
            for line, cells in cells_of_rows:
                if not any(map(str.strip, cells)):
                    continue
                if len(cells) <= last:
                    raise self._fault(line, self._words("it has too few cells"))
                if any(map(str.strip, cells[len(headings) :])):
                    raise self._fault(line, self._words("it has more cells than the heading"))
                texts = {field: cells[place].strip() for field, place in places.items()}
                filled = {field: text for field, text in texts.items() if text}
                yield Row(line, values | filled)

    def _copied(self) -> bytes:
        """Copy the file; return the hash of what was copied."""
        digest, size = blake2b(digest_size=DIGEST_BYTES), 0
        try:
            with self.path.open("rb") as file:
                while data := file.read(_READ_BYTES):
                    size += len(data)
                    if size > FILE_BYTES_MAX:
                        most = self._words("{path}: more than {most} bytes")
                        raise UnreadableFile(most.format(path=self.path, most=FILE_BYTES_MAX))
                    digest.update(data)
                    self._file.write(data)
        except OSError as error:
            raise UnreadableFile(f"{self.path}: {error.strerror}") from error
        return digest.digest()

    def _cells(
        self, text: io.TextIOWrapper, delimiter: str, first: int
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each row from the line `first`, with the number of its last line."""
        _skip(text, first - 1)
        lines = _Lines(text, delimiter, self, first - 1)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                yield lines.number, cells
                lines.begin_row()
        except csv.Error as error:
            raise self._fault(lines.number, str(error)) from error

    def _places(self, headings: tuple[str, ...], mapping: Mapping, line: int) -> dict[str, int]:
        """Return where each field stands in a row."""
        words, places = self._words, {}
        named = [normal_name(heading) for heading in headings]
        for field, column in mapping.columns.items():
            count = named.count(normal_name(column))
            if count != 1:
                why = words("twice") if count else words("not there")
                wrong = words("the column {column} is {why}; there are: {listed}")
                listed = ", ".join(headings)
                raise self._fault(line, wrong.format(column=column, why=why, listed=listed))
            places[field] = named.index(normal_name(column))
        return places

    def _fault(self, line: int, what: str) -> UnreadableFile:
        return UnreadableFile(at(self.path, line, what, self._words))

    def too_wide(self, line: int) -> UnreadableFile:
        """Return what is raised where a row has too many cells."""
        why = self._words("more than {most} cells in one row").format(most=CELLS_MAX)
        return self._fault(line, why)

    def too_long(self, line: int) -> UnreadableFile:
        """Return what is raised where a row has too many characters."""
        why = self._words("more than {most} characters in one row").format(most=ROW_CHARS_MAX)
        return self._fault(line, why)


class _Text:
    """The text of a file that stays open, from its beginning."""

    def __init__(self, file: BinaryIO, charset: Charset) -> None:
        file.seek(0)
        self._text = io.TextIOWrapper(file, encoding=charset.codec, newline="")

    def __enter__(self) -> io.TextIOWrapper:
        return self._text

    def __exit__(self, *_raised: object) -> None:
        with suppress(ValueError):  # the file was closed while a generator held this
            self._text.detach()


class _Lines:
    """The lines of a sheet, which end where one row has too many cells or characters."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str, sheet: Sheet, number: int) -> None:
        self._text, self._delimiter, self._sheet = text, delimiter, sheet
        self.number = number
        """Of the last line that was read, from 1."""
        self.begin_row()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._chars_left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._chars_left -= len(line)
        self._cells_left -= line.count(self._delimiter)
        if self._chars_left < 0:
            raise self._sheet.too_long(self.number)
        if self._cells_left <= 0:
            raise self._sheet.too_wide(self.number)
        return line

    def begin_row(self) -> None:
        """Count cells and characters again."""
        self._chars_left, self._cells_left = ROW_CHARS_MAX, CELLS_MAX


def _skip(text: io.TextIOWrapper, lines: int) -> None:
    for _line in range(lines):
        if not text.readline(ROW_CHARS_MAX):
            return


def at(path: Path, line: int, what: str, words: Words = ENGLISH) -> str:
    """Return what is wrong with a line, with its place."""
    return words("{path}, line {line}: {what}").format(path=path, line=line, what=visible(what))
