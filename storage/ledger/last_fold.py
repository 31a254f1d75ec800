"""What the last fold left, read at once: names and ids, which may lag behind.

Nothing is folded, locked or written, and the number of rows that are read has a limit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.state.state import DEPTH_MAX
from commonweal.storage.ledger.state.local_ids import START_BYTES

ROWS_MAX = 2_000
"""The most rows of a table that are looked at."""
ID_BYTES_MAX = 32
BUSY_S_MAX = 0.05


class LastFold:
    """The file of the folded state, as it is; empty where it is missing or cannot be read."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self._uri = f"file:{quote(str(path.absolute()))}?mode=ro"

    def member_names(self) -> list[str]:
        """Return the names of the active members."""
        rows = self._rows("SELECT name FROM member_row WHERE status = 'active' AND name > ''")
        return [name for (name,) in rows]

    def names(self) -> dict[bytes, str | None]:
        """Return the names of members by their ids; None where it is not here."""
        return dict(self._rows("SELECT id, name FROM member_row"))

    def event_ids(self, digits: str) -> list[bytes]:
        """Return the ids of events that begin with these hex digits."""
        low, high = _bounds(digits)
        rows = self._rows(
            f"SELECT id FROM local_id WHERE substr(id, 1, {START_BYTES}) BETWEEN ? AND ?"  # noqa: S608
            " AND id BETWEEN ? AND ? AND number IN (SELECT number FROM event_entry)",
            *(low[:START_BYTES], high[:START_BYTES], low, high),
        )
        return [id for (id,) in rows]

    def table(self, prefix: bytes, digits: str = "") -> Iterator[tuple[bytes, Any]]:
        """Yield the keys of a table that begin with hex digits, without its prefix, and values.

        prefix: of a table that names no event in its keys.
        """
        low, high = _bounds(digits)
        rows = self._rows(
            "SELECT start, value FROM state WHERE start BETWEEN ? AND ? ORDER BY start, layer",
            *(prefix + low, prefix + high),
        )
        newest = dict(rows)  # of several layers the last one counts
        for key, value in newest.items():
            if value is None:
                continue
            try:
                yield key[len(prefix) :], codec.decode(value, DEPTH_MAX)
            except CommonwealError:
                continue

    def _rows(self, query: str, *values: bytes) -> list[Any]:
        try:
            with closing(sqlite3.connect(self._uri, uri=True, timeout=BUSY_S_MAX)) as connection:
                connection.execute("PRAGMA query_only = ON")
                return connection.execute(f"{query} LIMIT {ROWS_MAX}", values).fetchall()
        except sqlite3.Error:
            return []


def _bounds(digits: str) -> tuple[bytes, bytes]:
    """Return the least and the largest bytes whose hex begins with `digits`."""
    low = bytes.fromhex(digits + "0" * (len(digits) % 2))
    high = bytes.fromhex(digits + "f" * (len(digits) % 2))
    return low, high + b"\xff" * (ID_BYTES_MAX + 1 - len(high))
