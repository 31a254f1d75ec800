"""The file of the folded state: its connection, its transactions, its version, and small marks.

It is discarded when it has another version, or is damaged. It knows nothing of what is in it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self, TypeVar

from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
    MissingDatabase,
    ReadOnlyDatabase,
)
from commonweal.storage.files import create_private
from commonweal.storage.ledger.state.state_rows import packed, unpacked
from commonweal.storage.sqlite import schema
from commonweal.storage.sqlite.database import named
from commonweal.storage.sqlite.placeholders import in_list, of_rows

VERSION = 31
"""Version of the tables in views.sql and of their content."""

BUSY_MS_MAX = 30_000
"""Maximum time that a command waits for another process that folds."""

CACHE_KIB_MAX = 8 * 1024

VALUES_AT_ONCE = 64
"""Values that one query looks for; a power of two. A statement for 512 would take 114 KiB."""

VALUES_PER_INSERT = 128
"""Values of the rows that one statement inserts; it takes 30 KiB while it is cached."""

INSERTS_MAX = 64
"""Inserts of one row of which that of many is kept: an event may lack any of many columns."""

CONDEMNED = -1
"""Version of a file that is discarded when it is opened next."""

UNREADABLE = (ValueError, TypeError, LookupError)
"""What reading a value raises in which the disk changed a bit."""

T = TypeVar("T")


class StateFile:
    """A connection to the file; other connections see writes after `commit`."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        """Open the file; discard it and create an empty one when it cannot be used."""
        self.path = str(path)
        self.is_damaged = False
        """Whether a value was read that the disk changed."""
        self._beside: dict[str, Self] = {}
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            if self.path == ":memory:" or _is_busy(error):
                raise named(error) from error
            self.discard()

    def beside(self, name: str) -> Self:
        """Return the file `name` beside this one: an empty one when there is none.

        It is closed with this one. In memory it lasts as long as this one.
        """
        if name not in self._beside:
            path = self.path if self.path == ":memory:" else f"{self.path}.{name}"
            self._beside[name] = type(self)(path)
        return self._beside[name]

    def has_beside(self, name: str) -> bool:
        """Whether there is a file `name` beside this one."""
        return name in self._beside or Path(f"{self.path}.{name}").exists()

    def remove_beside(self, name: str) -> None:
        """Delete the file `name` beside this one, if there is one."""
        held = self._beside.pop(name, None)
        if held is not None:
            held.remove()
        elif self.path != ":memory:":
            _delete(f"{self.path}.{name}")

    def replace_by(self, other: StateFile) -> None:
        """Have the content of `other` instead of ours, whole or not at all.

        Other connections see it once it is whole. Copies pages, so that memory is bounded.
        """
        try:
            other._connection.backup(self._connection)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise named(error) from error

    def remove(self) -> None:
        """Close the connection and delete the file."""
        with suppress(AttributeError, sqlite3.Error):
            self.close()
        _delete(self.path)

    def discard(self) -> None:
        """Delete the file and create an empty one."""
        self.remove()
        self.is_damaged = False
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            raise named(error) from error

    def condemn(self) -> None:
        """Let the file be discarded when it is opened next, here or by another process."""
        with suppress(sqlite3.Error):  # a disk that takes nothing now may do so later
            self.rollback()
            self._connection.execute(f"PRAGMA user_version = {CONDEMNED}")

    @property
    def is_condemned(self) -> bool:
        """Whether it was condemned, here or by another process."""
        ((version,),) = self.rows("PRAGMA user_version")
        return bool(version == CONDEMNED)

    def close(self) -> None:
        """Close the file, and those beside it; uncommitted writes are lost.

        What is damaged is condemned.
        """
        for other in self._beside.values():
            other.close()
        self._beside.clear()
        if self.is_damaged:
            self.condemn()
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

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction, whose writes are dropped where it fails."""
        self.begin()
        try:
            yield
            self.commit()
        finally:
            self.rollback()

    def pin(self) -> None:
        """Read one state until `rollback`, whatever another process commits; write nothing."""
        self._do("BEGIN")
        self.rows("SELECT 1 FROM mark LIMIT 1")

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query of ours. Raises a StorageError, as all that follow do."""
        try:
            return self._connection.execute(statement, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._named(error) from error

    def each(self, statement: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query of ours as they are read; write nothing before the end."""
        try:
            yield from self._connection.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise self._named(error) from error

    def among(self, statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query of ours that looks for many values, some at a time.

        statement: with {} where the places of the values come.
        """
        for at in range(0, len(values), VALUES_AT_ONCE):
            places, part = in_list(values[at : at + VALUES_AT_ONCE])
            yield from self.rows(statement.format(places), part)

    def change(self, statement: str, values: Iterable[Any] = ()) -> None:
        """Execute a write."""
        self._do(statement, values)

    def change_many(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        """Execute a write once for each row of `values`."""
        try:
            self._connection.executemany(statement, values)
        except sqlite3.Error as error:
            raise self._named(error) from error

    def drop_indexes(self, table: str) -> None:
        """Drop the indexes of a table that is filled at once; `make_indexes` makes them again."""
        asked = (
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql NOTNULL"
        )
        for (name,) in self.rows(asked, (table,)):
            self.change(f"DROP INDEX {name}")

    def make_indexes(self, table: str) -> None:
        """Make the indexes that a table lacks, each in one pass over the table, which it sorts."""
        for statement in _statements():
            if _INDEX in statement and re.search(rf"\bON {table}\b", statement):
                self.change(statement.replace(_INDEX, f"{_INDEX} IF NOT EXISTS", 1))

    def insert_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows. statement: of one row; it ends with the places of its values.

        Many rows to a statement: each lets go of the interpreter's lock once, and to begin it costs
        as much as to write a row.
        """
        of_many, count = _of_many(statement)
        rest = iter(rows)
        try:
            while len(some := list(islice(rest, count))) == count:
                self._connection.execute(of_many, [*chain.from_iterable(some)])
            self._connection.executemany(statement, some)
        except sqlite3.Error as error:
            raise self._named(error) from error

    def mark(self, name: str) -> Any:
        """Return the value stored under `name`, or None."""
        rows = self.rows("SELECT value FROM mark WHERE name = ?", (name,))
        return self.decoded(unpacked, rows[0][0]) if rows else None

    def put_mark(self, name: str, value: Any) -> None:
        """Store `value` under `name`."""
        self.change("INSERT OR REPLACE INTO mark VALUES (?, ?)", (name, packed(value)))

    def decoded(self, decode: Callable[[Any], T], stored: Any) -> T:
        """Return what `decode` makes of something stored; DamagedDatabase where it cannot."""
        try:
            return decode(stored)
        except UNREADABLE as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> CommonwealError:
        self.is_damaged = True
        name = Path(self.path).name
        return DamagedDatabase(f"{name} ({type(error).__name__}); it is folded again")

    def _named(self, error: sqlite3.Error) -> CommonwealError | sqlite3.Error:
        """Return our error for an error of SQLite."""
        known = named(error)
        return self._damaged(error) if isinstance(known, DamagedDatabase) else known

    def _do(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise self._named(error) from error

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
        if self.path == ":memory:":
            connection.deserialize(_empty())
        if _version(connection) == VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        version = _version(connection)  # another process may have been quicker
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"version {version}")
        if not version:
            _create(connection)
        connection.execute("COMMIT")


@lru_cache(INSERTS_MAX)
def _of_many(statement: str) -> tuple[str, int]:
    """Return the insert of many rows for that of one, and how many."""
    count = max(1, VALUES_PER_INSERT // statement.count("?"))
    return of_rows(statement, count), count


@cache
def _empty() -> bytes:
    """Return the pages of an empty file: to read them takes a quarter of making the tables."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _create(connection)
        return connection.serialize()


def _create(connection: sqlite3.Connection) -> None:
    for statement in _statements():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


_INDEX = "CREATE INDEX"


def _statements() -> Iterator[str]:
    from importlib import resources  # loaded where a file is made or filled, which is seldom

    script = resources.files("commonweal.storage.ledger.views") / "views.sql"
    yield from schema.statements(script.read_text("utf-8"))


def _delete(path: str) -> None:
    try:
        for end in ("", "-wal", "-shm"):
            Path(path + end).unlink(missing_ok=True)
    except OSError as error:
        raise ReadOnlyDatabase(f"{path}: {error.strerror}") from error


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
