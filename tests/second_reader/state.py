"""The state: pairs of bytes and values, with the tables that docs/protocol/state.md lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.second_reader.values import pack, root

PAGE = Path(__file__).parents[2] / "docs" / "protocol" / "state.md"
ROW = re.compile(r"^\| (\w+) \| `(.{1,2})` \| (?:`[^`]*`)? \| `([^`]*)` \|", re.MULTILINE)


def _names(value: str) -> list[str]:
    """Return the names of the fields of a row; none when the value is no row."""
    if not value.startswith("[") or ": " not in value.split("[", 2)[1]:
        return []
    flat = value[1:-1]
    while "[" in flat:
        flat = re.sub(r"\[[^\[\]]*\]", "list", flat)
    return [field.split(":")[0].rstrip("?") for field in flat.split(", ")]


_LISTED = ROW.findall(PAGE.read_text("utf-8"))
PREFIX = {name: prefix.encode() for name, prefix, _ in _LISTED}
FIELDS = {name: _names(value) for name, _, value in _LISTED}

Row = dict[str, Any]


class State:
    """Pairs by key, and a journal by which a void record is taken back."""

    def __init__(self) -> None:
        self.pairs: dict[bytes, Any] = {}
        self.journal: list[tuple[bytes, Any]] = []

    def get(self, table: str, *key: bytes) -> Any:
        """Return a value, or None."""
        return self.pairs.get(PREFIX[table] + b"".join(key))

    def put(self, value: Any, table: str, *key: bytes) -> None:
        """Write a value."""
        assert value is not None
        self._write(PREFIX[table] + b"".join(key), value)

    def drop(self, table: str, *key: bytes) -> None:
        """Delete a pair, if it is there."""
        self._write(PREFIX[table] + b"".join(key), None)

    def row(self, table: str, *key: bytes) -> Row | None:
        """Return a row as a map of its fields; a last field that is missing is left out."""
        value = self.get(table, *key)
        return None if value is None else dict(zip(FIELDS[table], value, strict=False))

    def known(self, table: str, *key: bytes) -> Row:
        """Return a row that is there."""
        row = self.row(table, *key)
        assert row is not None
        return row

    def put_row(self, row: Row, table: str, *key: bytes) -> None:
        """Write a row."""
        names = [name for name in FIELDS[table] if name in row]
        assert len(names) == len(row)
        self.put([row[name] for name in names], table, *key)

    def change(self, table: str, *key: bytes, **fields: Any) -> None:
        """Change some fields of a row that is there."""
        self.put_row({**self.known(table, *key), **fields}, table, *key)

    def all(self, table: str, begin: bytes = b"") -> list[tuple[bytes, Any]]:
        """Return (key without prefix, value) of a table, by key."""
        prefix = PREFIX[table]
        size = len(prefix)
        found = [
            (key[size:], value)
            for key, value in self.pairs.items()
            if key.startswith(prefix + begin)
        ]
        return sorted(found)

    def rows(self, table: str, begin: bytes = b"") -> list[tuple[bytes, Row]]:
        """Return (key without prefix, row) of a table, by key."""
        names = FIELDS[table]
        return [
            (key, dict(zip(names, value, strict=False))) for key, value in self.all(table, begin)
        ]

    def mark(self) -> int:
        """Return the place to which `rollback` goes back."""
        return len(self.journal)

    def rollback(self, mark: int) -> None:
        """Take back what was written since."""
        while len(self.journal) > mark:
            key, value = self.journal.pop()
            self._set(key, value)

    def encoded(self) -> dict[bytes, bytes]:
        """Return every pair with its value as bytes."""
        return {key: pack(value) for key, value in self.pairs.items()}

    def root(self, *prefixes: bytes) -> bytes:
        """Return the root over the pairs whose key begins with one of these, or over all."""
        return root(
            (key, value)
            for key, value in self.encoded().items()
            if not prefixes or key.startswith(prefixes)
        )

    def _write(self, key: bytes, value: Any) -> None:
        self.journal.append((key, self.pairs.get(key)))
        self._set(key, value)

    def _set(self, key: bytes, value: Any) -> None:
        if value is None:
            self.pairs.pop(key, None)
        else:
            self.pairs[key] = value
