"""The file of what was folded: layers of state over each other, read key by key.

It follows from the records of the ledger and is thrown away when it is of another version,
of another community, or damaged; nobody loses anything by that. It holds no secret, and no
text that can be erased but the names of members.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import msgpack

from commonweal.protocol.errors import MissingDatabase, ReadOnlyDatabase
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.storage.sqlite.database import named

VERSION = 6
"""Of the tables in views.sql, and of what is kept in them."""

FINAL, OLDER, NEWEST = 0, 1, 2
"""The layers: what the last cut made final; above it the older records; the newest ones."""

BUSY_MS_MAX = 30_000
"""How long a command waits for another one that folds."""

CACHE_KIB_MAX = 8 * 1024

VALUES_CACHED_MAX = 50_000
"""So many values of a layer are remembered during one fold."""


class StateDb:
    """A connection to the file. `commit` makes what was written visible to others."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        """Open the file, or make it anew when it cannot be used."""
        self.path = str(path)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if self.path == ":memory:" or _is_busy(error):
                raise named(error) from error
            self.discard()

    def remove(self) -> None:
        """Throw the file away."""
        with suppress(AttributeError, sqlite3.Error):
            self._connection.close()
        try:
            for end in ("", "-wal", "-shm"):
                Path(self.path + end).unlink(missing_ok=True)
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error

    def discard(self) -> None:
        """Throw the file away and begin an empty one."""
        self.remove()
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            raise named(error) from error

    def close(self) -> None:
        """Close the file; what was not committed is gone."""
        self._connection.close()

    def shrink(self) -> None:
        """Let go of the pages that are cached; the system has them too."""
        self._do("PRAGMA shrink_memory")

    def begin(self) -> None:
        """Be the only one who writes, until `commit` or `rollback`."""
        self._do("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Let others see what was written."""
        self._do("COMMIT")

    def rollback(self) -> None:
        """Forget what was written since `begin`."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def pin(self) -> None:
        """Go on reading what is there now, whatever another process commits; write no more."""
        self._do("BEGIN")
        self.rows("SELECT 1 FROM mark LIMIT 1")

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query of ours. Raises a StorageError, as all that follow do."""
        return self._do(statement, values).fetchall()

    def each(self, statement: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query of ours as they are read; write nothing before the end."""
        try:
            yield from self._connection.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise named(error) from error

    def change(self, statement: str, values: Iterable[Any] = ()) -> None:
        """Write."""
        self._do(statement, values)

    def change_many(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Write once for each row of `values`."""
        try:
            self._connection.executemany(statement, values)
        except sqlite3.Error as error:
            raise named(error) from error

    def mark(self, name: str) -> Any:
        """Return what was put under `name`, or None."""
        found = self.rows("SELECT value FROM mark WHERE name = ?", (name,))
        return _unpacked(found[0][0]) if found else None

    def put_mark(self, name: str, value: Any) -> None:
        """Keep `value` under `name`."""
        self.change("INSERT OR REPLACE INTO mark VALUES (?, ?)", (name, _packed(value)))

    def get(self, key: bytes, layer_max: int = NEWEST) -> Any:
        """Return the value of `key` in the highest layer, up to `layer_max`, that has it."""
        row = self._do(
            "SELECT value FROM state WHERE key = ? AND layer <= ? ORDER BY layer DESC LIMIT 1",
            (key, layer_max),
        ).fetchone()
        return None if row is None or row[0] is None else _unpacked(row[0])

    def verdict(self, record: bytes) -> Verdict:
        """Return why a record counts for nothing; None for every other."""
        found = self.rows("SELECT reason FROM refused WHERE id = ?", (record,))
        return Reason(found[0][0]) if found else None

    def refused_by(self, reasons: Sequence[Reason]) -> tuple[RecordId, ...]:
        """Return the records that the last cut covers and one of `reasons` makes void, by id."""
        places = ", ".join("?" * len(reasons))
        asked = f"SELECT id FROM refused WHERE layer = ? AND reason IN ({places}) ORDER BY id"  # noqa: S608
        return tuple(
            RecordId(id) for (id,) in self.rows(asked, (FINAL, *(one.value for one in reasons)))
        )

    def keys_above(self, prefix: bytes) -> list[bytes]:
        """Return the keys with this prefix that records above the last cut wrote, ascending."""
        asked = "SELECT DISTINCT key FROM state WHERE key >= ? AND key < ? AND layer > ? ORDER BY 1"
        return [key for (key,) in self.rows(asked, (prefix, _after(prefix), FINAL))]

    def is_empty(self) -> bool:
        """Whether no layer has anything."""
        return not self.rows("SELECT 1 FROM state LIMIT 1")

    def put(self, layer: int, changes: Iterable[tuple[bytes, Any]]) -> None:
        """Write changes to a layer; None: the key is gone."""
        rows = [(key, layer, None if value is None else _packed(value)) for key, value in changes]
        self.change_many("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", rows)
        if layer == FINAL:
            self.change("DELETE FROM state WHERE layer = 0 AND value IS NULL")

    def clear(self, layer: int) -> list[bytes]:
        """Empty a layer; return the keys that it had."""
        keys = [key for (key,) in self.rows("SELECT key FROM state WHERE layer = ?", (layer,))]
        self.change("DELETE FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM refused WHERE layer = ?", (layer,))
        return keys

    def node(self, tree: int, place: bytes) -> bytes | None:
        """Return the node of a tree at a place."""
        row = self._do(
            "SELECT node FROM tree WHERE tree = ? AND place = ?", (tree, place)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def put_nodes(self, tree: int, nodes: Mapping[bytes, bytes | None]) -> None:
        """Write nodes of a tree by place; None: there is none any more."""
        put = [(tree, place, node) for place, node in nodes.items() if node is not None]
        gone = [(tree, place) for place, node in nodes.items() if node is None]
        self.change_many("INSERT OR REPLACE INTO tree VALUES (?, ?, ?)", put)
        self.change_many("DELETE FROM tree WHERE tree = ? AND place = ?", gone)

    def _do(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise named(error) from error

    def _open(self) -> sqlite3.Connection:
        if self.path != ":memory:":
            if not Path(self.path).parent.is_dir():
                raise MissingDatabase(self.path)
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            except OSError as error:
                raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time, though not always the same one
            timeout=BUSY_MS_MAX / 1000,
            cached_statements=256,
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB_MAX}")
            connection.execute("PRAGMA secure_delete = ON")
            self._make(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        found = _version(connection)  # another process may have been quicker
        if found not in (0, VERSION):
            raise sqlite3.DatabaseError(f"version {found}")
        if not found:
            script = resources.files("commonweal.storage.ledger") / "views.sql"
            for statement in _statements(script.read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


class LayeredState:
    """The state as the layers up to one of them have it: what a `State` lies over."""

    __slots__ = ("_found", "_layers", "_top")

    def __init__(self, layers: StateDb, top: int, *, cached: bool = False) -> None:
        """Read up to the layer `top`. cached: nothing changes there while this is used."""
        self._layers, self._top = layers, top
        self._found: dict[bytes, Any] | None = {} if cached else None

    def get(self, key: bytes) -> Any:
        """Return the value of `key`, or None."""
        found = self._found
        if found is None:
            return self._layers.get(key, self._top)
        value = found.get(key, found)
        if value is found:
            if len(found) >= VALUES_CACHED_MAX:
                found.clear()
            value = found[key] = self._layers.get(key, self._top)
        return value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs whose key starts with `prefix`, ascending by key."""
        found = self._layers.rows(
            "SELECT key, value, max(layer) FROM state"
            " WHERE key >= ? AND key < ? AND layer <= ? GROUP BY key ORDER BY key",
            (prefix, _after(prefix), self._top),
        )
        for key, value, _ in found:
            if value is not None:
                yield key, _unpacked(value)


class TreeNodes:
    """The nodes of one of the trees over what is final, by place."""

    __slots__ = ("_layers", "_tree")

    def __init__(self, layers: StateDb, tree: int) -> None:
        """tree: which of `roots.Trees`, by its place there."""
        self._layers, self._tree = layers, tree

    def get(self, place: bytes) -> bytes | None:
        """Return the node at `place`, or None."""
        return self._layers.node(self._tree, place)


def _after(prefix: bytes) -> bytes:
    """Return the first key that is greater than every one with this prefix."""
    bare = prefix.rstrip(b"\xff")
    assert bare, "the tables of a state are letters"
    return bare[:-1] + bytes([bare[-1] + 1])


def _version(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
    )


def _packed(value: Any) -> bytes:
    data: bytes = msgpack.packb(value, use_bin_type=True)
    return data


def _unpacked(data: bytes) -> Any:
    return msgpack.unpackb(data, raw=False, strict_map_key=False)
