"""The schema of the database: whose file it is, of which version, and how it gets to ours.

The steps are migrations/NNNN_name.sql, each applied in one transaction with the number
that it leads to. An existing database is copied beside itself before its first step. A
file of something else, or of a newer version, is never changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from commonweal.protocol.errors import (
    FormerHome,
    MissingDatabase,
    NewerHome,
    NotOurs,
    OlderHome,
)

APPLICATION_ID = int.from_bytes(b"CWL1", "big")
"""What SQLite and `file` see in the header of our databases."""

PROVEN = 4
"""The first schema of this form: records that older ones hold count for nothing any more."""


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """Return number and SQL of every step, in order."""
    folder = resources.files("commonweal.storage.sqlite") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    steps = [(int(name[:4]), (folder / name).read_text(encoding="utf-8")) for name in names]
    assert [number for number, _ in steps] == list(range(1, len(steps) + 1))
    return tuple(steps)


def guard(connection: sqlite3.Connection, path: str, *, readonly: bool = False) -> None:
    """Make sure that `connection` holds a database of ours, of this version; migrate an older one.

    Raises NotOurs, NewerHome, FormerHome, what SQLite raises, and when `readonly` OlderHome or
    MissingDatabase.
    """
    steps = migrations()
    try:
        found = _number(connection, "application_id")
        version = _number(connection, "user_version")
        empty = not _number(connection, "schema_version")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
            raise NotOurs(path) from error
        raise
    if found != APPLICATION_ID and not (empty and found == version == 0):
        raise NotOurs(path)
    if version > len(steps):
        raise NewerHome(f"{path} has schema {version}; this version knows {len(steps)}")
    if version == len(steps):
        return
    if 0 < version < PROVEN and connection.execute("SELECT 1 FROM log LIMIT 1").fetchone():
        raise FormerHome(path)
    if readonly and empty:
        raise MissingDatabase(path)
    if readonly:
        raise OlderHome(f"{path} has schema {version}; this version needs {len(steps)}")
    if version and path != ":memory:":
        copy(connection, Path(f"{path}.schema{version}.backup"))
    connection.execute("PRAGMA journal_mode = WAL")
    for number, script in steps[version:]:
        _migrate(connection, number, script)


def copy(connection: sqlite3.Connection, path: Path, step_pages: int = -1) -> None:
    """Write the committed state of `connection` to `path`: whole and durable, or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        target = sqlite3.connect(part, isolation_level=None)
        try:
            connection.backup(target, pages=step_pages, sleep=0)
        finally:
            target.close()
        _sync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync(path.parent)


def _migrate(connection: sqlite3.Connection, number: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _number(connection, "user_version") < number:  # another process may have been quicker
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a migration ends with a statement"


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    assert isinstance(value, int)
    return value


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
