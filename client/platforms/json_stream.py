"""Reading a large JSON file entry by entry: the first list of objects in it, or one on each line.

No more than one entry is in memory, and nothing that a file says makes it take more: neither its
length, nor depth, nor endless numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnreadableFile

ENTRY_CHARS_MAX = 1024 * 1024
READ_CHARS = 64 * 1024
ENTRIES_MAX = 1_000_000
DEPTH_MAX = 32
NUMBER_CHARS_MAX = 64
SPACES = " \t\r\n"

Entry = tuple[int, dict[str, Any]]
"""The number of an entry, or its line, from 1 on; and what it says."""


def entries(path: Path, words: Words = ENGLISH) -> Iterator[Entry]:
    """Yield the objects of the first list of objects in a file. Raises UnreadableFile."""
    with _opened(path, words) as file:
        reader = _ListReader(file, path, words)
        reader.find_list()
        for number in range(1, ENTRIES_MAX + 2):
            if reader.is_at_end():
                return
            _check_count(number, path, words)
            yield number, reader.read(number)


def lines(path: Path, words: Words = ENGLISH) -> Iterator[Entry]:
    """Yield the objects of a file that has one on each line. Raises UnreadableFile."""
    with _opened(path, words) as file:
        number = 0
        while line := _read(file, ENTRY_CHARS_MAX + 1, path, words, is_line=True):
            number += 1
            _check_count(number, path, words)
            if len(line) > ENTRY_CHARS_MAX:
                raise _bad(path, number, words)
            if line.strip():
                yield number, _object(line, number, path, words)


class _ListReader:
    """The text of a file from one place on; it grows until the next entry is whole."""

    def __init__(self, file: IO[str], path: Path, words: Words) -> None:
        self._file, self._path, self._words = file, path, words
        self._text, self._place = "", 0

    def find_list(self) -> None:
        """Go behind the bracket of the first list whose first element is an object, or of `[]`."""
        while (sign := self._next()) != "":
            self._place += 1
            if sign == '"':
                self._pass_string()
            elif sign == "[" and self._next() in ("{", "]"):
                return
        raise UnreadableFile(
            self._words("{path}: it has no list of objects").format(path=self._path)
        )

    def is_at_end(self) -> bool:
        """Whether the list ends here; go to its next element otherwise."""
        if self._next() == ",":
            self._place += 1
        return self._next() == "]"

    def read(self, number: int) -> dict[str, Any]:
        """Return the element that begins here."""
        while True:
            self._text, self._place = self._text[self._place :], 0
            try:
                value, self._place = _DECODER.raw_decode(self._text)
            except json.JSONDecodeError:
                if len(self._text) > ENTRY_CHARS_MAX or not self._grow():
                    raise _bad(self._path, number, self._words) from None
            except (ValueError, RecursionError):
                raise _bad(self._path, number, self._words) from None
            else:
                return _checked(value, number, self._path, self._words)

    def _next(self) -> str:
        """Return the next sign that is no space; empty at the end of the file."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in SPACES:
                self._place += 1
            if self._place < len(self._text):
                return self._text[self._place]
            self._text, self._place = "", 0
            if not self._grow():
                return ""

    def _pass_string(self) -> None:
        while (sign := self._next()) not in ("", '"'):
            self._place += 1
            if sign == "\\" and self._next():
                self._place += 1
        self._place += 1

    def _grow(self) -> bool:
        more = _read(self._file, READ_CHARS, self._path, self._words)
        self._text += more
        return bool(more)


def _opened(path: Path, words: Words) -> IO[str]:
    try:
        return path.open(encoding="utf-8-sig", newline="\n")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error


def _read(file: IO[str], chars: int, path: Path, words: Words, *, is_line: bool = False) -> str:
    try:
        return file.readline(chars) if is_line else file.read(chars)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UnreadableFile(words("{path}: not UTF-8").format(path=path)) from None


def _object(text: str, number: int, path: Path, words: Words) -> dict[str, Any]:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise _bad(path, number, words) from None
    return _checked(value, number, path, words)


def _checked(value: Any, number: int, path: Path, words: Words) -> dict[str, Any]:
    if type(value) is not dict or _is_deeper(value, DEPTH_MAX):
        raise _bad(path, number, words)
    return value


def _is_deeper(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if type(outer) in (dict, list)
            for inner in (outer.values() if type(outer) is dict else outer)
        ]
    return bool(level)


def _check_count(number: int, path: Path, words: Words) -> None:
    if number > ENTRIES_MAX:
        raise UnreadableFile(
            words("{path}: more than {most} entries").format(path=path, most=f"{ENTRIES_MAX:,}")
        )


def _bad(path: Path, number: int, words: Words) -> UnreadableFile:
    text = words("{path}, entry {number}: no JSON object, or one that is too long or too deep")
    return UnreadableFile(text.format(path=path, number=number))


def _number(text: str) -> Decimal:
    if len(text) > NUMBER_CHARS_MAX:
        raise ValueError("a number without end")
    try:
        return Decimal(text)
    except ArithmeticError as error:  # an exponent that no decimal has
        raise ValueError(text) from error


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_constant)
