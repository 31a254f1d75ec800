"""Whose file a database is, its version, and the migrations to this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.protocol.errors import (
    CommonwealError,
    MissingDatabase,
    NewerHome,
    NotOurs,
    OlderHome,
)
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite import schema
from tests.storage.sqlite.test_database import filled, length, opened, sql


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def garbage(path: Path) -> None:
    path.write_bytes(b"these are the notes of our last meeting" * 100)


def foreign(path: Path) -> None:
    sql(path, "CREATE TABLE note (text)", "PRAGMA application_id = 7")


def unmarked(path: Path) -> None:
    sql(path, "CREATE TABLE note (text)")


def newer(path: Path) -> None:
    filled(path)
    sql(path, "PRAGMA user_version = 999")


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize(
    ("make", "error"),
    [(garbage, NotOurs), (foreign, NotOurs), (unmarked, NotOurs), (newer, NewerHome)],
)
def test_a_file_that_is_not_for_us_is_refused_and_left_alone(
    path: Path, make: Callable[[Path], None], error: type[CommonwealError], readonly: bool
) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(error):
        Store(path, readonly=readonly)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_reading_makes_no_database(path: Path) -> None:
    with pytest.raises(MissingDatabase):
        Store(path, readonly=True)
    assert not path.exists()
    path.touch()
    with pytest.raises(MissingDatabase):
        Store(path, readonly=True)
    assert path.stat().st_size == 0


@pytest.fixture
def a_version_later(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the program have one migration more; return its number."""
    steps = schema.migrations()
    number = len(steps) + 1
    script = "CREATE TABLE later (a);\nINSERT INTO later\nVALUES (1);"
    monkeypatch.setattr(schema, "migrations", lambda: (*steps, (number, script)))
    monkeypatch.setattr(schema, "LATEST", number)
    return number


def test_an_older_home_is_copied_and_then_brought_up_to_date(
    path: Path, request: pytest.FixtureRequest
) -> None:
    filled(path)
    number = request.getfixturevalue("a_version_later")
    with opened(path) as store:
        assert length(store) == 3
        assert store.row("PRAGMA user_version") == (number,)
        assert store.rows("SELECT a FROM later") == [(1,)]
    backup = Path(f"{path}.schema{number - 1}.backup")
    request.getfixturevalue("monkeypatch").undo()
    with opened(backup) as old:
        assert length(old) == 3
        assert old.row("PRAGMA user_version") == (number - 1,)
    with pytest.raises(NewerHome):
        Store(path)


def test_a_new_home_needs_no_copy(path: Path, a_version_later: int) -> None:
    filled(path)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_reading_does_not_migrate(path: Path, request: pytest.FixtureRequest) -> None:
    filled(path)
    request.getfixturevalue("a_version_later")
    before = path.read_bytes()
    with pytest.raises(OlderHome):
        Store(path, readonly=True)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_home_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    steps = schema.migrations()
    bad = (len(steps) + 1, "CREATE TABLE later (a);\nINSERT INTO nowhere VALUES (1);")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: (*steps, bad))
        patch.setattr(schema, "LATEST", len(steps) + 1)
        with pytest.raises(sqlite3.OperationalError):
            Store(path)
    with opened(path) as store:
        assert length(store) == 3
        assert store.rows("SELECT name FROM sqlite_master WHERE name = 'later'") == []


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [number for number, _ in schema.migrations()]
    assert numbers == list(range(1, schema.LATEST + 1))
    assert len(numbers) >= 3
