"""The power goes at any change of the disk: what was acknowledged is there, and nothing is torn.

The real `Store` runs on an emulated disk; see `disk`. After each cut the store is opened again
and must contain exactly what it contained after some step, not before the last acknowledged.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest

from commonweal.protocol.errors import CommonwealError, NotOurs
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite import database, schema
from tests.attacks import history
from tests.attacks.disk import Disk, FileSystem, Sqlite

CUTS = int(os.environ.get("COMMONWEAL_RUNS", "2000"))
LIVES = 10
STEPS = 24
FILES = FileSystem("emulated")

# A refusal that SQLite passes over, as when it closes, APSW reports to nobody in particular.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CHECKPOINT_ONE_IN = 5
"""After so many commits the node idles and the log is moved into the database."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path on the emulated disk, whose write-ahead log is moved often."""
    monkeypatch.setattr(database, "WAL_PAGES_MAX", 24)
    emulated(monkeypatch)
    return tmp_path / "home.db"


def emulated(monkeypatch: pytest.MonkeyPatch, synchronous: str | None = None) -> None:
    """Let storage write to the emulated disk; synchronous: in place of FULL."""
    for module in (database, schema):
        monkeypatch.setattr(module, "sqlite3", Sqlite(FILES, synchronous))


@cache
def life(number: int) -> tuple[list[history.Step], list[bytes]]:
    """The steps of a life, and what the store contains after each."""
    return history.steps(number, STEPS), history.lives(number, STEPS)


@cache
def born(at: Path) -> dict[str, bytes]:
    """The files of a home in which nothing is written; cuts before that have their own test."""
    FILES.disk = Disk()
    Store(at).close()
    return FILES.disk.image()


@cache
def changes_of(number: int, at: Path) -> int:
    """How many changes of the disk a whole life makes."""
    FILES.disk = Disk(born(at))
    run(number, at)
    return FILES.disk.changes


def run(number: int, path: Path) -> int:
    """Live until the power goes; the number of the last step acknowledged, -1 for none."""
    acknowledged = -1
    store = None
    try:
        store = Store(path)
        for at, step in enumerate(life(number)[0]):
            step(store)
            store.commit()
            acknowledged = at
            if at % CHECKPOINT_ONE_IN == CHECKPOINT_ONE_IN - 1:
                store.checkpoint()
    except CommonwealError:
        pass
    if store is not None:
        store.close()
    return acknowledged


def judge(number: int, path: Path, acknowledged: int) -> str:
    """Open the store after a cut: "whole", "lost" or "corrupt"."""
    try:
        store = Store(path)
    except (CommonwealError, sqlite3.Error):
        return "corrupt"
    try:
        if store.rows("PRAGMA integrity_check") != [("ok",)]:
            return "corrupt"
        step = history.step_of(store)
        known = life(number)[1]
        if step >= 0 and history.contents(store) != known[step]:
            return "corrupt"
        if step < acknowledged:
            return "lost"
        assert step <= acknowledged + 1
    except (CommonwealError, sqlite3.Error):
        return "corrupt"
    else:
        return "whole"
    finally:
        store.close()


def cut(seed: int, path: Path) -> str:
    """Live, lose the power at a chosen change, and look at what is left."""
    chance = Random(seed)
    number = seed % LIVES
    last = changes_of(number, path)
    FILES.disk = Disk(born(path))
    FILES.disk.cut_at = 1 + chance.randrange(last)
    acknowledged = run(number, path)
    FILES.disk.crash(chance)
    return judge(number, path, acknowledged)


def tally(path: Path, cuts: int) -> dict[str, int]:
    """How many cuts ended how."""
    ends = {"whole": 0, "lost": 0, "corrupt": 0}
    for seed in range(cuts):
        ends[cut(seed, path)] += 1
    return ends


@pytest.mark.timeout(0)
def test_no_power_cut_loses_an_acknowledged_record_or_tears_the_database(path: Path) -> None:
    for seed in range(CUTS):
        end = cut(seed, path)
        assert end == "whole", f"{end}: replay with cut({seed}, path)"


def test_the_same_cuts_without_full_syncing_lose_acknowledged_records(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulated(monkeypatch, "NORMAL")
    ends = tally(path, 100)
    assert ends["lost"] > 30, ends
    assert ends["corrupt"] == 0, ends
    emulated(monkeypatch, "OFF")
    assert tally(path, 100)["corrupt"] > 10


def test_the_emulated_disk_changes_nothing_that_the_store_contains(path: Path) -> None:
    for number in range(LIVES):
        FILES.disk = Disk(born(path))
        assert run(number, path) == STEPS - 1
        assert judge(number, path, STEPS - 1) == "whole"


# Migrations.


def old_home(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of a home of an older schema with records in it.

    Today's store writes columns that an older schema has not, so the rows are copied from a
    store of today, by the columns that there were.
    """
    FILES.disk = Disk()
    steps = schema.migrations()
    today = Store()
    history.steps(1, 8)[0](today)
    today.put_setting("kept", b"yes")
    today.commit()
    with monkeypatch.context() as past:
        past.setattr(schema, "migrations", lambda: steps[:version])
        past.setattr(schema, "LATEST", version)
        store = Store(path)
        for (table,) in store.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            there = [column for _, column, *_ in today.rows(f"PRAGMA table_info({table})")]
            columns_then = store.rows(f"PRAGMA table_info({table})")
            named = [column for _, column, *_ in columns_then if column in there]
            if not named:
                continue  # a table of that time alone
            columns, values = ", ".join(named), ", ".join("?" * len(named))
            found = today.rows(f"SELECT {columns} FROM {table}")
            store.change_many(f"INSERT INTO {table} ({columns}) VALUES ({values})", found)
        store.commit()
        store.checkpoint()
        store.close()
    today.close()
    return FILES.disk.image()


@pytest.fixture
def old(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A home of the first schema, with a record as those of a later form have."""
    monkeypatch.setattr(schema, "PROVEN", 1)
    yield old_home(path, 1, monkeypatch)


def test_a_migration_cut_at_any_change_leaves_the_old_schema_or_the_new(
    path: Path, old: dict[str, bytes]
) -> None:
    FILES.disk = Disk(old)
    Store(path).close()
    last = FILES.disk.changes
    seen = set()
    for at in range(1, last + 1):
        for seed in range(3):
            FILES.disk = Disk(old)
            FILES.disk.cut_at = at
            with pytest.raises(CommonwealError):
                Store(path)
                raise NotOurs("cut while it closed")
            FILES.disk.crash(Random(at * 3 + seed))
            seen.add(version(path))
            store = Store(path)
            assert store.setting("kept") == b"yes"
            assert store.rows("PRAGMA integrity_check") == [("ok",)]
            assert store.counts().records == 1
            store.close()
    assert seen == set(range(1, len(schema.migrations()) + 1))


def version(path: Path) -> int:
    """The schema that the file is of, which must have the tables of that one and no other's."""
    connection = Sqlite(FILES).connect(path)
    row = connection.execute("PRAGMA user_version").fetchone()
    names = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'event'").fetchall()
    connection.close()
    assert row is not None
    assert bool(names) == (2 <= row[0] < 6)
    return int(row[0])


def test_a_first_opening_cut_at_any_change_leaves_nothing_or_an_empty_home(path: Path) -> None:
    FILES.disk = Disk()
    Store(path).close()
    last = FILES.disk.changes
    for at in range(1, last + 1):
        FILES.disk = Disk()
        FILES.disk.cut_at = at
        with pytest.raises(CommonwealError):
            Store(path).close()
            raise NotOurs("cut while it closed")
        FILES.disk.crash(Random(at))
        store = Store(path)
        assert store.counts().records == 0
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        store.close()
