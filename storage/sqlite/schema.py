"""The schema of the ledger file: is it ours, which version, and the migrations to this one.

The steps are migrations/NNNN_name.sql; each runs in one transaction with the version number that it
leads to. An existing database is copied beside itself before its first step. A file of another
program, or of a newer version, is never changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from commonweal.protocol.errors import (
    FormerHome,
    MissingDatabase,
    NewerHome,
    NotOurs,
    OlderHome,
)
from commonweal.storage.files import sync

APPLICATION_ID = int.from_bytes(b"CWL1", "big")
"""Application id in the header of our databases, for SQLite and `file`."""

LATEST = 10
"""The number of the last step; a file of this schema is opened without reading any step."""

PROVEN = 4
"""The first schema of this record format; records in an older one count for nothing."""


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """Return (number, SQL) of every step, in order."""
    from importlib import resources  # loaded by a new database and by an older one

    folder = resources.files("commonweal.storage.sqlite") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    steps = [(int(name[:4]), (folder / name).read_text(encoding="utf-8")) for name in names]
    assert [number for number, _ in steps] == list(range(1, LATEST + 1))
    return tuple(steps)


def guard(connection: sqlite3.Connection, path: str, *, readonly: bool = False) -> None:
    """Check that `connection` has a database of ours, and migrate it to this version.

    Raises NotOurs, NewerHome, FormerHome and what SQLite raises; with `readonly`, which never
    migrates, also OlderHome and MissingDatabase.
    """
    try:
        application_id = _number(connection, "application_id")
        version = _number(connection, "user_version")
        empty = not _number(connection, "schema_version")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
            raise NotOurs(path) from error
        raise
    if application_id != APPLICATION_ID and not (empty and application_id == version == 0):
        raise NotOurs(path)
    if version > LATEST:
        raise NewerHome(f"{path} has schema {version}; this version knows {LATEST}")
    if version == LATEST:
        return
    if 0 < version < PROVEN and connection.execute("SELECT 1 FROM log LIMIT 1").fetchone():
        raise FormerHome(path)
    if readonly and empty:
        raise MissingDatabase(path)
    if readonly:
        raise OlderHome(f"{path} has schema {version}; this version needs {LATEST}")
    if version and path != ":memory:":
        copy(connection, Path(f"{path}.schema{version}.backup"))
    connection.execute("PRAGMA journal_mode = WAL")
    for number, script in migrations()[version:]:
        _migrate(connection, number, script)


def copy(connection: sqlite3.Connection, path: Path, step_pages: int = -1) -> None:
    """Copy the committed state of `connection` to `path`: complete and durable, or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        target = sqlite3.connect(part, isolation_level=None)
        try:
            connection.backup(target, pages=step_pages, sleep=0)
        finally:
            target.close()
        sync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def _migrate(connection: sqlite3.Connection, number: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _number(connection, "user_version") < number:  # another process may have been quicker
            for statement in statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(script: str) -> Iterator[str]:
    """Yield the SQL statements of a script, one by one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a script ends with a statement"


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    assert isinstance(value, int)
    return value
