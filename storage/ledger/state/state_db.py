"""The layered state database: the file of the folded state, read key by key.

It follows from the records of the ledger and is discarded when it has another version or another
community, or is damaged; nothing is lost by that. It holds no secret, and no erasable text except
the names of members. It never folds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import msgpack

from commonweal.protocol.errors import MissingDatabase, ReadOnlyDatabase
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.rejections import Reason, refused
from commonweal.protocol.records.record import RecordId
from commonweal.storage.files import create_private
from commonweal.storage.sqlite import schema
from commonweal.storage.sqlite.database import named

VERSION = 19
"""Version of the tables in views.sql and of their content."""

FINAL, OLDER, NEWEST = 0, 1, 2
"""The layers: final at the last cut; the older records above it; the newest records."""

BUSY_MS_MAX = 30_000
"""Maximum time that a command waits for another process that folds."""

CACHE_KIB_MAX = 8 * 1024

CLEARED_KEYS_MAX = 20_000
"""Keys of a cleared layer that are in memory at once."""

VALUES_CACHED_MAX = 50_000
"""Values of a layer that are cached during one fold."""


class StateDb:
    """A connection to the file; other connections see writes after `commit`."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        """Open the file; discard it and create an empty one when it cannot be used."""
        self.path = str(path)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if self.path == ":memory:" or _is_busy(error):
                raise named(error) from error
            self.discard()

    def remove(self) -> None:
        """Close the connection and delete the file."""
        with suppress(AttributeError, sqlite3.Error):
            self._connection.close()
        try:
            for end in ("", "-wal", "-shm"):
                Path(self.path + end).unlink(missing_ok=True)
        except OSError as error:
            raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error

    def discard(self) -> None:
        """Delete the file and create an empty one."""
        self.remove()
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            raise named(error) from error

    def close(self) -> None:
        """Close the file; uncommitted writes are lost."""
        self._connection.close()

    def shrink(self) -> None:
        """Free the cached pages; the system caches them too."""
        self._do("PRAGMA shrink_memory")

    def begin(self) -> None:
        """Begin a transaction as the only writer, until `commit` or `rollback`."""
        self._do("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the writes since `begin` visible to others."""
        self._do("COMMIT")

    def rollback(self) -> None:
        """Drop the writes since `begin`."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def pin(self) -> None:
        """Read one state until `rollback`, whatever another process commits; write nothing."""
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
        """Execute a write."""
        self._do(statement, values)

    def change_many(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Execute a write once for each row of `values`."""
        try:
            self._connection.executemany(statement, values)
        except sqlite3.Error as error:
            raise named(error) from error

    def mark(self, name: str) -> Any:
        """Return the value stored under `name`, or None."""
        rows = self.rows("SELECT value FROM mark WHERE name = ?", (name,))
        return _unpacked(rows[0][0]) if rows else None

    def put_mark(self, name: str, value: Any) -> None:
        """Store `value` under `name`."""
        self.change("INSERT OR REPLACE INTO mark VALUES (?, ?)", (name, _packed(value)))

    def get(self, key: bytes, layer_max: int = NEWEST) -> Any:
        """Return the value of `key` in the highest layer up to `layer_max` that has it."""
        row = self._do(
            "SELECT value FROM state WHERE key = ? AND layer <= ? ORDER BY layer DESC LIMIT 1",
            (key, layer_max),
        ).fetchone()
        return None if row is None or row[0] is None else _unpacked(row[0])

    def verdict(self, record: bytes) -> Verdict:
        """Return why a record counts for nothing; None when it was not refused."""
        rows = self.rows("SELECT reason FROM refused WHERE id = ?", (record,))
        return Reason(rows[0][0]) if rows else None

    def put_refused(self, pairs: Iterable[tuple[bytes, Any]]) -> None:
        """Write the reasons of the records that rows of the final state refuse."""
        rows = [(id, FINAL, reason.value) for id, reason in refused(pairs)]
        self.change_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", rows)

    def refused_by(self, reasons: Sequence[Reason]) -> tuple[RecordId, ...]:
        """Return the sealed records that were refused for one of `reasons`, by id."""
        places = ", ".join("?" * len(reasons))
        asked = f"SELECT id FROM refused WHERE layer = ? AND reason IN ({places}) ORDER BY id"  # noqa: S608
        return tuple(
            RecordId(id)
            for (id,) in self.rows(asked, (FINAL, *(reason.value for reason in reasons)))
        )

    def ids_held(self, table: bytes, ids: Iterable[bytes]) -> set[bytes]:
        """Return those of `ids` with which, after `table`, a key of the layer FINAL begins."""
        self.change("CREATE TEMP TABLE IF NOT EXISTS asked (start BLOB PRIMARY KEY, stop BLOB)")
        self.change("DELETE FROM asked")
        starts = (table + id for id in ids)
        rows = ((start, _after(start)) for start in starts)
        self.change_many("INSERT INTO asked VALUES (?, ?)", rows)
        held = self.rows(
            "SELECT start FROM asked WHERE EXISTS (SELECT 1 FROM state"
            " WHERE key >= start AND key < stop AND layer = ?)",
            (FINAL,),
        )
        return {start[len(table) :] for (start,) in held}

    def keys_above(self, prefix: bytes) -> list[bytes]:
        """Return the keys with this prefix that records above the last cut wrote, ascending."""
        asked = "SELECT DISTINCT key FROM state WHERE key >= ? AND key < ? AND layer > ? ORDER BY 1"
        return [key for (key,) in self.rows(asked, (prefix, _after(prefix), FINAL))]

    def is_empty(self) -> bool:
        """Whether all layers are empty."""
        return not self.rows("SELECT 1 FROM state LIMIT 1")

    def put(self, layer: int, changes: Iterable[tuple[bytes, Any]]) -> None:
        """Write changes to a layer; None removes a key."""
        rows = [(key, layer, None if value is None else _packed(value)) for key, value in changes]
        gone = [row[:2] for row in rows if row[2] is None] if layer == FINAL else []
        if gone:
            rows = [row for row in rows if row[2] is not None]
            self.change_many("DELETE FROM state WHERE key = ? AND layer = ?", gone)
        self.change_many("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", rows)

    def clear(self, layer: int) -> list[bytes]:
        """Empty a layer; return the keys that it had."""
        keys = [key for (key,) in self.rows("SELECT key FROM state WHERE layer = ?", (layer,))]
        self.change("DELETE FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM refused WHERE layer = ?", (layer,))
        self.change("DELETE FROM touched WHERE layer = ?", (layer,))
        return keys

    def clear_large(self, layer: int) -> Iterator[list[bytes]]:
        """Empty a layer that may have more keys than fit memory; return them in portions.

        They wait in a temporary table, so that all are gone before the first is read.
        """
        self.change("CREATE TEMP TABLE IF NOT EXISTS cleared (key BLOB NOT NULL)")
        self.change("DELETE FROM cleared")
        self.change("INSERT INTO cleared SELECT key FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM state WHERE layer = ?", (layer,))
        self.change("DELETE FROM refused WHERE layer = ?", (layer,))
        self.change("DELETE FROM touched WHERE layer = ?", (layer,))
        return self._cleared()

    def _cleared(self) -> Iterator[list[bytes]]:
        after = 0
        while True:
            asked = "SELECT rowid, key FROM cleared WHERE rowid > ? ORDER BY rowid LIMIT ?"
            rows = self.rows(asked, (after, CLEARED_KEYS_MAX))
            if not rows:
                break
            after = rows[-1][0]
            yield [key for _, key in rows]
        self.change("DELETE FROM cleared")

    def touched(self, subject: bytes, layer_max: int) -> tuple[int, int]:
        """Return the clocks at which a subject was last read and written up to a layer; 0: never.

        Noted of the records above the last cut only.
        """
        asked = "SELECT max(read), max(written) FROM touched WHERE subject = ? AND layer <= ?"
        ((read, written),) = self.rows(asked, (subject, layer_max))
        return read or 0, written or 0

    def put_touched(
        self, layer: int, read: Mapping[bytes, int], written: Mapping[bytes, int]
    ) -> None:
        """Note the clocks at which the records of a layer last read and wrote subjects."""
        rows = [
            (subject, layer, read.get(subject, 0), written.get(subject, 0))
            for subject in {**read, **written}
        ]
        self.change_many(
            "INSERT INTO touched VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " read = max(read, excluded.read), written = max(written, excluded.written)",
            rows,
        )

    def page(self, tree: int, place: bytes) -> bytes | None:
        """Return the page of a Merkle tree at a place, or None."""
        row = self._do(
            "SELECT page FROM tree WHERE tree = ? AND place = ?", (tree, place)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def put_pages(self, tree: int, pages: Mapping[bytes, bytes | None]) -> None:
        """Write pages of a Merkle tree by place; None removes a page."""
        put = [(tree, place, page) for place, page in sorted(pages.items()) if page is not None]
        gone = [(tree, place) for place, page in pages.items() if page is None]
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
                create_private(Path(self.path))
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
        version = _version(connection)  # another process may have been quicker
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"version {version}")
        if not version:
            script = resources.files("commonweal.storage.ledger") / "views.sql"
            for statement in schema.statements(script.read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


class LayeredState:
    """The state of the layers up to one of them; the base of a `State`."""

    __slots__ = ("_cache", "_layers", "_top")

    def __init__(self, layers: StateDb, top: int, *, cached: bool = False) -> None:
        """Read up to the layer `top`. cached: these layers do not change during its use."""
        self._layers, self._top = layers, top
        self._cache: dict[bytes, Any] | None = {} if cached else None

    def get(self, key: bytes) -> Any:
        """Return the value of `key`, or None."""
        cache = self._cache
        if cache is None:
            return self._layers.get(key, self._top)
        value = cache.get(key, cache)
        if value is cache:
            if len(cache) >= VALUES_CACHED_MAX:
                cache.clear()
            value = cache[key] = self._layers.get(key, self._top)
        return value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs (key, value) with a key that starts with `prefix`, by key."""
        rows = self._layers.rows(
            "SELECT key, value, max(layer) FROM state"
            " WHERE key >= ? AND key < ? AND layer <= ? GROUP BY key ORDER BY key",
            (prefix, _after(prefix), self._top),
        )
        for key, value, _ in rows:
            if value is not None:
                yield key, _unpacked(value)


class TreePages:
    """Pages of one Merkle tree over the final state, by place."""

    __slots__ = ("_layers", "_tree")

    def __init__(self, layers: StateDb, tree: int) -> None:
        """tree: index in `roots.Trees`."""
        self._layers, self._tree = layers, tree

    def get(self, place: bytes) -> bytes | None:
        """Return the page at `place`, or None."""
        return self._layers.page(self._tree, place)


def _after(prefix: bytes) -> bytes:
    """Return the first key greater than every key with this prefix."""
    bare = prefix.rstrip(b"\xff")
    assert bare, "the tables of a state are letters"
    return bare[:-1] + bytes([bare[-1] + 1])


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


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
