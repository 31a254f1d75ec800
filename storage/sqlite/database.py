"""One SQLite file: safe opening, transactions, and errors by name.

A write opens a transaction; nothing of it is durable, or may be acknowledged, before `commit`
returns. When the disk refuses, the whole transaction is lost and the database is as after the last
commit. If that happens before `commit`, every write raises until `rollback` shows that the caller
knows what was lost. After an I/O error of the device nothing works before `reopen`, since the
system's cache may differ from the disk. Knows no table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
    DatabaseBusy,
    DiskFailed,
    DiskFull,
    MissingDatabase,
    ReadOnlyDatabase,
    StorageError,
)
from commonweal.storage.files import create_private
from commonweal.storage.sqlite import schema
from commonweal.storage.sqlite.placeholders import of_rows

BUSY_MS_MAX = 5_000
"""Maximum time that a writer waits for another writer."""

CACHE_KIB_MAX = 8 * 1024
"""Page cache of one connection."""

WAL_PAGES_MAX = 32 * 1024
"""From this many pages on (128 MiB) a commit checkpoints the write-ahead log."""

WAL_IDLE_BYTES_MAX = 4 * 1024 * 1024
"""An idle checkpoint truncates the write-ahead log when its file is longer than this."""

BACKUP_STEP_PAGES = 1024

ROWS_PER_INSERT = 64
"""Pairs in one statement; a power of two, so that seven statements insert any number."""

Row = tuple[Any, ...]

_NAMED: dict[int, type[CommonwealError]] = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_IOERR: DiskFailed,
    sqlite3.SQLITE_CORRUPT: DamagedDatabase,
    sqlite3.SQLITE_NOTADB: DamagedDatabase,
    sqlite3.SQLITE_READONLY: ReadOnlyDatabase,
    sqlite3.SQLITE_PERM: ReadOnlyDatabase,
    sqlite3.SQLITE_CANTOPEN: ReadOnlyDatabase,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
}


def named(error: sqlite3.Error) -> CommonwealError | sqlite3.Error:
    """Return our error for an error of SQLite; the same error when only a bug can raise it."""
    kind = _NAMED.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return kind(str(error)) if kind else error


class Database:
    """A connection to one file, or to memory. Used by one thread at a time."""

    def __init__(self, path: str | Path = ":memory:", *, readonly: bool = False) -> None:
        """Open `path`, create it when it is new, and migrate it to this version's schema.

        readonly: takes no lock that a writer waits for, and needs an existing file of this
        version. Raises NotOurs, NewerHome, OlderHome, MissingDatabase or a StorageError.
        """
        self.path = str(path)
        self.readonly = readonly
        self._failed_with: DiskFailed | None = None
        self._lost_with: StorageError | None = None
        self._in_batch = False
        self._erased = True  # by an earlier process, perhaps
        """Whether the write-ahead log may still contain erased bytes; then it is truncated."""
        self.forget()
        self._connection = self._open()

    # Transactions

    @property
    def has_changes(self) -> bool:
        """Whether anything was written since the last commit."""
        return self._failed_with is None and self._connection.in_transaction

    def commit(self) -> None:
        """Make everything written since the last commit durable."""
        self._check_nothing_lost()
        if self._ready().in_transaction:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail(error, reported=True)
            self._in_batch = False

    def rollback(self) -> None:
        """Drop everything written since the last commit."""
        self.forget()
        self._lost_with = None
        self._in_batch = False
        if self._failed_with is None and self._connection.in_transaction:
            self._execute("ROLLBACK")

    def forget(self) -> None:
        """Drop values cached from an open transaction; overridden by classes that cache."""

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every write, of this connection and of others.

        What `rollback` takes back counts as written; drop in `forget` what was read before.
        """
        (others,) = self.row("PRAGMA data_version") or (0,)
        return others, self._connection.total_changes

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state inside, whatever another process commits meanwhile."""
        if self._ready().in_transaction:
            yield
            return
        self._execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    @contextmanager
    def released(self) -> Iterator[None]:
        """Hold no snapshot inside, and read a newer one afterwards, where one is held.

        While a snapshot is held, what is committed after it stays in the write-ahead log.
        """
        is_held = self._ready().in_transaction
        if is_held:
            self._execute("COMMIT")
        try:
            yield
        finally:
            if is_held:
                self._execute("BEGIN")

    # Statements

    def row(self, statement: str, values: Iterable[Any] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        try:
            row: Row | None = self._ready().execute(statement, tuple(values)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
        return row

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        try:
            return self._ready().execute(statement, tuple(values)).fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    def each(self, statement: str, values: Iterable[Any] = ()) -> Iterator[Row]:
        """Yield the rows of a query while they are read; write nothing before the end."""
        try:
            yield from self._ready().execute(statement, tuple(values))
        except sqlite3.Error as error:
            self._fail(error)

    def change(self, statement: str, values: Iterable[Any] = ()) -> int:
        """Execute a write, in a new transaction when none is open; return the rows changed."""
        try:
            return self._writing().execute(statement, tuple(values)).rowcount
        except sqlite3.Error as error:
            self._fail(error)

    def insert(self, statement: str, values: Iterable[Any] = ()) -> int:
        """Insert one row as `change` does; return its key."""
        try:
            key = self._writing().execute(statement, tuple(values)).lastrowid
        except sqlite3.Error as error:
            self._fail(error)
        assert key is not None
        return key

    def change_many(self, statement: str, values: Iterable[Row]) -> None:
        """Execute a write once for each row of `values`, as `change` does."""
        try:
            self._writing().executemany(statement, values)
        except sqlite3.Error as error:
            self._fail(error)

    def insert_pairs(self, table: str, rows: Sequence[tuple[Any, Any]]) -> None:
        """Insert pairs into a table of two columns, many in one statement.

        Each statement releases the interpreter lock once; with one statement a row, another thread
        could take it between any two rows. Each takes as many pairs as a power of two: SQLite keeps
        every statement that differs, 32 KiB for one of 64 pairs.
        """
        first = 0
        while first < len(rows):
            left = min(len(rows) - first, ROWS_PER_INSERT)
            some = rows[first : first + (1 << (left.bit_length() - 1))]
            insert = of_rows(f"INSERT INTO {table} VALUES (?, ?)", len(some))  # noqa: S608
            self.change(insert, chain.from_iterable(some))
            first += len(some)

    # The file

    def checkpoint(self) -> None:
        """Checkpoint the write-ahead log, as far as readers allow; for idle times.

        Erased bytes are then in neither file; while another process reads, at the next call.
        """
        assert not self._ready().in_transaction, "commit first"
        wal = Path(self.path + "-wal")
        big = wal.exists() and wal.stat().st_size > WAL_IDLE_BYTES_MAX
        mode = "TRUNCATE" if big or self._erased else "PASSIVE"
        self._execute("PRAGMA busy_timeout = 0")
        try:
            busy = self.row(f"PRAGMA wal_checkpoint({mode})")
            if mode == "TRUNCATE" and busy is not None and not busy[0]:
                self._erased = False
        except DatabaseBusy:
            pass  # a reader or another checkpoint; the next idle time tries again
        finally:
            self._execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        self.shrink()

    def shrink(self) -> None:
        """Free the cached pages that are not dirty; the system caches them too."""
        self._execute("PRAGMA shrink_memory")

    def backup(self, path: str | Path) -> None:
        """Copy the last committed state to `path`, completely or not at all."""
        assert not self._ready().in_transaction, "commit first"
        try:
            schema.copy(self._ready(), Path(path), BACKUP_STEP_PAGES)
        except sqlite3.Error as error:
            self._fail(error)
        except OSError as error:
            raise ReadOnlyDatabase(f"{path}: {error.strerror}") from error

    def reopen(self) -> None:
        """Close and open the file again, after an I/O error of the device.

        When that fails too, everything raises DiskFailed until it is called again.
        """
        assert self.path != ":memory:", "memory cannot be reopened"
        self.forget()
        with suppress(sqlite3.Error):
            self._connection.close()
        self._failed_with, self._lost_with = DiskFailed(f"{self.path} is not open"), None
        self._in_batch = False
        self._connection = self._open()
        self._failed_with = None

    def close(self) -> None:
        """Close the file; uncommitted writes are lost."""
        self.forget()
        with suppress(sqlite3.Error):
            self._connection.close()

    # Inside

    def _open(self) -> sqlite3.Connection:
        if self.path != ":memory:":
            if self.readonly and not Path(self.path).exists():
                raise MissingDatabase(self.path)
            if not self.readonly:
                try:
                    create_private(Path(self.path))
                except OSError as error:
                    raise ReadOnlyDatabase(f"{self.path}: {error.strerror}") from error
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                self.path,
                isolation_level=None,
                check_same_thread=False,
                timeout=BUSY_MS_MAX / 1000,
                cached_statements=256,
            )
            schema.guard(connection, self.path, readonly=self.readonly)
            for pragma in (
                "synchronous = FULL",
                f"wal_autocheckpoint = {WAL_PAGES_MAX}",
                f"cache_size = -{CACHE_KIB_MAX}",
                "secure_delete = ON",  # erased bytes are overwritten
                "trusted_schema = OFF",
                f"query_only = {int(self.readonly)}",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise named(error) from error
            raise
        return connection

    def _ready(self) -> sqlite3.Connection:
        if self._failed_with is not None:
            raise DiskFailed(str(self._failed_with))
        return self._connection

    def _writing(self) -> sqlite3.Connection:
        connection = self._ready()
        if not connection.in_transaction:
            self._check_nothing_lost()
            if self.readonly:
                raise ReadOnlyDatabase(f"{self.path} was opened for reading")
            connection.execute("BEGIN IMMEDIATE")
            self._in_batch = True
        return connection

    def _execute(self, statement: str) -> None:
        try:
            self._ready().execute(statement).fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    def _check_nothing_lost(self) -> None:
        if self._lost_with is not None:
            raise type(self._lost_with)(f"{self._lost_with}; the batch is lost")

    def _fail(self, error: sqlite3.Error, *, reported: bool = False) -> NoReturn:
        """Raise our error; the transaction is lost, unless the database was only busy.

        reported: the caller learns of the loss from the commit itself.
        """
        known = named(error)
        if isinstance(known, DiskFailed):
            self._failed_with = known
        if isinstance(known, StorageError) and not isinstance(known, DatabaseBusy):
            self.forget()
            if self._in_batch and not reported:
                self._lost_with = known
            self._in_batch = False
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        raise known from error
