"""Positions of keys in the text of a TOML document: line and column, both from 1.

The parser of the standard library reports no positions. This module finds those of tables and
keys in a text that is known to be valid; a value inside a key has the key's position.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from commonweal.protocol.rules.expression.position import Position

Path: TypeAlias = tuple["str | int", ...]
"""Names of tables and keys from the top; an int is an index into a list of tables, from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL
)


def places(text: str) -> dict[Path, Position]:
    """Return the position of every table and key in `text`, which is valid TOML."""
    return _Walk(text).places


def nearest(known: dict[Path, Position], path: Path) -> Position:
    """Return the position of `path`, or of the closest enclosing table with a position."""
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return known[path[:length]]
    return Position(1, 1)


class _Walk:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self.places: dict[Path, Position] = {}
        self._text, self._offset = text, 0
        self._counts: dict[Path, int] = {}
        self._line, self._line_start = 1, 0
        table: Path = ()
        while True:
            self._blank()
            if self._offset >= len(text):
                return
            at = self._position()
            if text.startswith("[", self._offset):
                table = self._header(at)
            else:
                self._note(table, self._key(), at)
                self._value()

    def _header(self, at: Position) -> Path:
        brackets = 2 if self._text.startswith("[[", self._offset) else 1
        self._offset += brackets
        path = self._key()
        self._offset += brackets
        table = self._resolved(path)
        if brackets == 2:
            number = self._counts[table] = self._counts.get(table, -1) + 1
            self.places.setdefault(table, at)
            table = (*table, number)
        for length in range(1, len(table)):
            self.places.setdefault(table[:length], at)
        self.places[table] = at
        return table

    def _resolved(self, parts: Path) -> Path:
        """Return the path of a table name with list indexes: [[a]] then [a.b] is (a, 0, b)."""
        path: Path = ()
        for place, part in enumerate(parts):
            path = (*path, part)
            if path in self._counts and place < len(parts) - 1:
                path = (*path, self._counts[path])
        return path

    def _note(self, table: Path, parts: Path, at: Position) -> None:
        for length in range(1, len(parts) + 1):
            self.places.setdefault((*table, *parts[:length]), at)

    def _key(self) -> Path:
        """Read a key, dotted or not, up to = or ]."""
        parts: list[str] = []
        while True:
            self._blank()
            if self._text.startswith(".", self._offset):
                self._offset += 1
                continue
            part = _PART.match(self._text, self._offset)
            if part is None:
                return tuple(parts)
            self._move(part.end())
            parts.append(part[0][1:-1] if part[0][0] in "\"'" else part[0])

    def _value(self) -> None:
        """Skip = and a value."""
        self._offset += 1
        depth = 0
        while self._offset < len(self._text):
            character = self._text[self._offset]
            string = _TEXT.match(self._text, self._offset) if character in "\"'" else None
            if string is not None:
                self._move(string.end())
                continue
            if character == "#":
                end = self._text.find("\n", self._offset)
                self._move(len(self._text) if end < 0 else end)
                continue
            if character == "\n" and depth == 0:
                return
            depth += (character in "[{") - (character in "]}")
            self._move(self._offset + 1)

    def _blank(self) -> None:
        blank = _BLANK.match(self._text, self._offset)
        if blank is not None:
            self._move(blank.end())

    def _move(self, offset: int) -> None:
        lines = self._text.count("\n", self._offset, offset)
        if lines:
            self._line += lines
            self._line_start = self._text.rfind("\n", 0, offset) + 1
        self._offset = offset

    def _position(self) -> Position:
        return Position(self._line, self._offset - self._line_start + 1)
