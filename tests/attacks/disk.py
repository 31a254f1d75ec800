"""A disk in memory that loses power, fills up and fails, beneath the real code of storage.

What is real: every statement, pragma, transaction and their order, as `Database`, `Store` and
`Index` issue them. What is not: SQLite itself comes from APSW, since only there can a file
system be written in Python; and one connection at a time has the file, so that the write-ahead
log needs no shared memory. Neither changes what is written and when it is synced.

After a power cut each 512-byte sector that was not synced is there or not, each cut of a file
likewise, whatever the order; a new file may be gone and a removed one back. Names are durable
when the folder is synced, which SQLite's own file system does with the first sync of a new
journal or write-ahead log, and which is done here at the same moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR_BYTES = 512
Row = tuple[Any, ...]


class File:
    """One file: what programs see, and what is on the disk for certain."""

    def __init__(self, durable: bytes = b"") -> None:
        self.seen = bytearray(durable)
        self.durable = bytes(durable)
        self._pending: list[tuple[int, bytes | None]] = []

    def write(self, offset: int, data: bytes) -> None:
        """Change what programs see."""
        if len(self.seen) < offset:
            self.seen.extend(bytes(offset - len(self.seen)))
        self.seen[offset : offset + len(data)] = data
        self._pending.append((offset, data))

    def truncate(self, size: int) -> None:
        """Cut what programs see."""
        del self.seen[size:]
        self._pending.append((size, None))

    def sync(self) -> None:
        """Bring everything to the disk."""
        self.durable = bytes(self.seen)
        self._pending.clear()

    def crash(self, chance: Random) -> None:
        """Keep of what was not synced some sectors and not others."""
        left = bytearray(self.durable)
        for offset, data in self._pending:
            if data is None:
                if chance.random() < 0.5:
                    del left[offset:]
                continue
            for at in range(0, len(data), SECTOR_BYTES):
                if chance.random() < 0.5:
                    part = data[at : at + SECTOR_BYTES]
                    if len(left) < offset + at:
                        left.extend(bytes(offset + at - len(left)))
                    left[offset + at : offset + at + len(part)] = part
        self.__init__(bytes(left))  # type: ignore[misc]


class Disk:
    """Files by name, a count of changes to them, and what goes wrong at which.

    cut_at: the change at which the power goes. fails_at: the change that is refused with
    `refusal`; `stays`: and all after it, until `heal`. `gone`: the device answers nothing.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = {name: File(data) for name, data in (files or {}).items()}
        self.changes = 0
        self.cut_at: int | None = None
        self.fails_at: int | None = None
        self.refusal: type[apsw.Error] = apsw.IOError
        self.stays = False
        self.is_dead = False
        self.gone = False
        self.failed = 0
        self._made: dict[str, None] = {}
        self._removed: dict[str, File] = {}

    def open(self, name: str) -> File:
        """Return a file, made when it is missing."""
        if name not in self.files:
            self.files[name] = File()
            self._made[name] = None
        return self.files[name]

    def is_new(self, name: str) -> bool:
        """Say whether the name of a file could be lost."""
        return name in self._made

    def sync_names(self) -> None:
        """Make durable which files there are."""
        self._made.clear()
        self._removed.clear()

    def look(self) -> None:
        """Be read, or refuse it."""
        if self.gone:
            raise _refused(apsw.IOError)

    def touch(self) -> None:
        """Count one change, or refuse it."""
        self.look()
        self.changes += 1
        if self.is_dead or self.changes == self.cut_at:
            self.is_dead = True
            raise _refused(apsw.IOError)
        if self.fails_at is not None and (
            self.changes == self.fails_at or (self.stays and self.changes > self.fails_at)
        ):
            self.failed += 1
            raise _refused(self.refusal)

    def heal(self) -> None:
        """Refuse nothing more."""
        self.fails_at = None

    def remove(self, name: str, *, durably: bool) -> None:
        """Remove a file."""
        file = self.files.pop(name, None)
        if file is not None and name not in self._made:
            self._removed[name] = file
        self._made.pop(name, None)
        if durably:
            self.sync_names()

    def crash(self, chance: Random) -> None:
        """Lose the power and get it back."""
        for name, file in self._removed.items():
            if name not in self.files and chance.random() < 0.5:
                self.files[name] = file
        for name in self._made:
            if chance.random() < 0.5:
                del self.files[name]
        self.sync_names()
        for file in self.files.values():
            file.crash(chance)
        self.is_dead, self.cut_at = False, None

    def image(self) -> dict[str, bytes]:
        """Return everything that programs see."""
        return {name: bytes(file.seen) for name, file in self.files.items()}


class _Open:
    """An open file, in the words of SQLite's interface for file systems."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk, self._name = disk, name
        self._file = disk.open(name)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.look()
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.touch()
        self._file.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.touch()
        self._file.truncate(size)

    def xSync(self, _flags: int) -> None:
        self._disk.touch()
        self._file.sync()
        if self._disk.is_new(self._name) and self._name.endswith(("-wal", "-journal")):
            self._disk.sync_names()

    def xFileSize(self) -> int:
        return len(self._file.seen)

    def xLock(self, _level: int) -> None:
        return

    def xUnlock(self, _level: int) -> None:
        return

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _what: int, _pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None:
        return


class FileSystem(apsw.VFS):
    """What SQLite takes for the file system; `disk` may be exchanged between connections."""

    disk: Disk

    def __init__(self, name: str) -> None:
        self.vfs_name = name
        super().__init__(name, base="")

    def xOpen(self, name: Any, _flags: list[int]) -> Any:
        path = name.filename() if hasattr(name, "filename") else name
        if self.disk.gone:
            raise _refused(apsw.CantOpenError)
        return _Open(self.disk, Path(path).name if path else "temporary")

    def xAccess(self, path: str, _flags: int) -> bool:
        return Path(path).name in self.disk.files

    def xDelete(self, path: str, sync: bool) -> None:
        self.disk.touch()
        self.disk.remove(Path(path).name, durably=sync)

    def xFullPathname(self, name: str) -> str:
        return "/" + Path(name).name


class Cursor:
    """What `sqlite3` returns for a statement, as far as storage reads it."""

    def __init__(self, inner: Any, rowcount: int, lastrowid: int) -> None:
        self._inner, self.rowcount, self.lastrowid = inner, rowcount, lastrowid

    def fetchone(self) -> Row | None:
        """Return the next row."""
        with _named():
            return next(self._inner, None)

    def fetchall(self) -> list[Row]:
        """Return all rows."""
        with _named():
            return list(self._inner)

    def __iter__(self) -> Iterator[Row]:
        with _named():
            yield from self._inner


class Connection:
    """What `sqlite3.connect` returns, as far as storage uses it, on APSW.

    synchronous: put in place of the mode that storage asks for, to see what that mode is for.
    """

    def __init__(self, path: str, files: FileSystem, synchronous: str | None = None) -> None:
        self._synchronous = synchronous
        with _named():
            self._inner = apsw.Connection(path, vfs=files.vfs_name)
            self._inner.execute("PRAGMA locking_mode = EXCLUSIVE")

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._inner.in_transaction)

    @property
    def total_changes(self) -> int:
        """How many rows were changed since it was opened."""
        return int(self._inner.total_changes())

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Run one statement."""
        if self._synchronous and statement == "PRAGMA synchronous = FULL":
            statement = f"PRAGMA synchronous = {self._synchronous}"
        with _named():
            found = self._inner.execute(statement, values)
        return Cursor(found, self._inner.changes(), self._inner.last_insert_rowid())

    def executemany(self, statement: str, values: Iterable[Row]) -> Cursor:
        """Run one statement for each of `values`."""
        with _named():
            found = self._inner.executemany(statement, values)
        return Cursor(found, self._inner.changes(), self._inner.last_insert_rowid())

    def backup(self, target: Connection, *, pages: int = -1, sleep: float = 0) -> None:
        """Copy this database into `target`."""
        assert sleep == 0
        with _named():
            copying = target._inner.backup("main", self._inner, "main")
            try:
                while not copying.done:
                    copying.step(pages)
            finally:
                copying.close(True)

    def close(self) -> None:
        """Close it; what the disk says to that nobody hears, as with the real one."""
        with suppress(apsw.Error):
            self._inner.close(True)


class Sqlite:
    """What the modules of storage know as `sqlite3`, with connections to emulated disks."""

    def __init__(self, files: FileSystem, synchronous: str | None = None) -> None:
        self._files, self._synchronous = files, synchronous

    def connect(self, path: str | Path, **_settings: Any) -> Connection:
        """Open a file of the emulated disk."""
        return Connection(str(path), self._files, self._synchronous)

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)


class _named:  # noqa: N801  read as a word
    """Turns errors of APSW into those of sqlite3, with their codes."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, apsw.Error):
            known = sqlite3.OperationalError(str(error) or type(error).__name__)
            code = getattr(error, "extendedresult", 0) or getattr(error, "result", 1)
            known.sqlite_errorcode = code
            raise known from error


_CODES: dict[type[apsw.Error], int] = {
    apsw.FullError: apsw.SQLITE_FULL,
    apsw.CantOpenError: apsw.SQLITE_CANTOPEN,
    apsw.IOError: apsw.SQLITE_IOERR,
}


def _refused(kind: type[apsw.Error]) -> apsw.Error:
    error: Any = kind("the emulated disk refuses")
    error.result = error.extendedresult = _CODES[kind]
    refusal: apsw.Error = error
    return refusal
