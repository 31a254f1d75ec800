"""The file of the store: whose it is, what survives, what the disk refuses, who else reads."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.errors import (
    DamagedDatabase,
    DatabaseBusy,
    DiskFailed,
    DiskFull,
    ReadOnlyDatabase,
)
from commonweal.protocol.records import record
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite import database
from tests.storage.records.logs.test_log_store import ANN, FOUND, FOUND_TIP, key, notes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@contextmanager
def opened(path: Path, *, readonly: bool = False) -> Iterator[Store]:
    store = Store(path, readonly=readonly)
    try:
        yield store
    finally:
        store.close()


def filled(path: Path, count: int = 3) -> Path:
    with opened(path) as store:
        store.append(key(ANN), [FOUND, *notes(ANN, FOUND_TIP, count - 1)])
        store.commit()
    return path


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def crashed(path: Path) -> Path:
    """Return a copy of the files as a power cut would leave them."""
    copy = path.with_name("crashed.db")
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    return copy


def length(store: Store) -> int:
    return store.log(key(ANN)).length


# What survives


def test_only_what_was_committed_survives_a_crash(path: Path) -> None:
    run = notes(ANN, FOUND_TIP, 4)
    with opened(path) as store:
        store.append(key(ANN), [FOUND])
        for one in run[:3]:
            store.append(key(ANN), [one])
        store.commit()
        store.append(key(ANN), run[3:])
        with opened(crashed(path)) as after:
            assert length(after) == 4
            assert after.record(run[2].id) == run[2]
            assert after.record(run[3].id) is None
    with opened(path) as again:
        assert length(again) == 4


def test_a_commit_waits_for_the_disk(path: Path) -> None:
    with opened(path) as store:
        assert store.row("PRAGMA synchronous") == (2,)  # FULL
        assert store.row("PRAGMA journal_mode") == ("wal",)


def test_a_batch_is_taken_back_as_a_whole(path: Path) -> None:
    with opened(path) as store:
        store.append(key(ANN), [FOUND])
        store.commit()
        store.append(key(ANN), notes(ANN, FOUND_TIP, 2))
        store.put_setting("name", b"Ann")
        store.rollback()
        store.rollback()  # nothing left to take back
        assert length(store) == 1
        assert store.setting("name") is None
        store.commit()


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    filled(path)
    with opened(path) as store:
        store.put_setting("name", b"Ann")
        store.commit()
        for one in path.parent.iterdir():
            assert stat.S_IMODE(one.stat().st_mode) == 0o600, one


def test_an_erased_body_leaves_no_trace_in_the_file(path: Path) -> None:
    for size in (40, 9_000):  # within a page, and on pages of its own
        text = b"a word best forgotten " * (size // 20)
        data, ref = record.erasable_body(bytes(16), "text/plain", text)
        with opened(path) as store:
            store.put_body(ref, data)
            store.commit()
            store.checkpoint()
            assert b"best forgotten" in path.read_bytes()
            store.erase_body(ref.hash)
            store.commit()
        assert b"best forgotten" not in path.read_bytes()


# Whose file


def test_a_folder_that_is_missing_is_named(path: Path) -> None:
    with pytest.raises(ReadOnlyDatabase, match="No such file"):
        Store(path / "deeper.db")


def test_a_damaged_database_says_so(path: Path) -> None:
    filled(path, count=400)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(DamagedDatabase), opened(path) as store:
        store.logs()


# Migrations


# Backups


def test_a_backup_is_the_last_committed_state(path: Path) -> None:
    copy = path.with_name("copy.db")
    copy.write_bytes(b"an older copy")
    with opened(filled(path)) as node, opened(path, readonly=True) as command:
        node.append(key(ANN), notes(ANN, node.log(key(ANN)).tip, 2))
        command.backup(copy)
        node.commit()
    with opened(copy) as store:
        assert length(store) == 3
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(one.name for one in path.parent.iterdir()) == ["copy.db", "records.db"]


def test_a_backup_that_cannot_be_written_is_named(path: Path) -> None:
    with opened(filled(path)) as store:
        with pytest.raises(ReadOnlyDatabase):
            store.backup(path / "nowhere" / "copy.db")
        assert length(store) == 3


# Two processes


def test_a_reader_sees_one_state_while_the_node_writes(path: Path) -> None:
    filled(path, count=1)
    run = notes(ANN, FOUND_TIP, 3)
    with opened(path) as node, opened(path, readonly=True) as command:
        with command.snapshot():
            assert length(command) == 1
            node.append(key(ANN), run[:2])
            node.commit()
            assert length(command) == 1
            assert command.record(run[0].id) is None
            node.checkpoint()  # does not wait for the reader
            node.append(key(ANN), run[2:])
            node.commit()
            assert length(command) == 1
        assert length(command) == 4
        assert command.record(run[2].id) == run[2]


def test_a_snapshot_ends_also_when_reading_fails(path: Path) -> None:
    with opened(filled(path)) as store:
        with pytest.raises(ZeroDivisionError), store.snapshot():
            raise ZeroDivisionError
        store.append(key(ANN), notes(ANN, store.log(key(ANN)).tip, 1))
        with store.snapshot():  # within a transaction it is part of it
            assert length(store) == 4
        store.rollback()
        assert length(store) == 3


def test_a_reader_writes_nothing(path: Path) -> None:
    with opened(filled(path), readonly=True) as command:
        with pytest.raises(ReadOnlyDatabase):
            command.put_setting("name", b"Ann")
        with pytest.raises(ReadOnlyDatabase):
            command.rows("DELETE FROM log")
        assert length(command) == 3


def test_two_writers_take_turns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS_MAX", 1)
    with opened(filled(path)) as one, opened(path) as two:
        one.put_setting("name", b"Ann")
        with pytest.raises(DatabaseBusy):
            two.put_setting("name", b"Ben")
        one.commit()
        two.put_setting("name", b"Ben")
        two.commit()
        assert one.setting("name") == b"Ben"


# The disk


def test_a_full_disk_loses_the_batch_and_nothing_else(path: Path) -> None:
    with opened(filled(path)) as store:
        row = store.row("PRAGMA page_count")
        assert row
        store.rows(f"PRAGMA max_page_count = {row[0]}")
        tip = store.log(key(ANN)).tip
        run = notes(ANN, tip, 2_000)
        store.append(key(ANN), run[:1])
        with pytest.raises(DiskFull):
            store.append(key(ANN), run[1:])
        assert store.log(key(ANN)).tip == tip
        assert store.clock_of(run[0].id) is None
        assert store.wires(key(ANN), 0, 1, 0) == [FOUND.wire]
        for again in (store.commit, lambda: store.put_setting("name", b"Ann")):
            with pytest.raises(DiskFull, match="the batch is lost"):
                again()
        store.rollback()
        store.rows("PRAGMA max_page_count = 1000000")
        store.append(key(ANN), run)
        store.commit()
        assert length(store) == 2_003


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Let the system refuse every write beyond `size`, which SQLite takes for a failed disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_after_a_failed_disk_nothing_goes_on_before_the_file_is_opened_again(path: Path) -> None:
    with opened(filled(path)) as store:
        run = notes(ANN, store.log(key(ANN)).tip, 300)
        store.append(key(ANN), run)
        with files_no_longer_than(20_000), pytest.raises(DiskFailed):
            store.commit()
        for again in (store.logs, lambda: store.put_setting("name", b"Ann"), store.checkpoint):
            with pytest.raises(DiskFailed):
                again()
        store.reopen()
        assert length(store) == 3
        store.append(key(ANN), run)
        store.commit()
    with opened(path) as store:
        assert length(store) == 303


def test_a_commit_that_fails_is_not_made_good_by_another(path: Path) -> None:
    with opened(filled(path)) as store:
        store.append(key(ANN), notes(ANN, store.log(key(ANN)).tip, 300))
        with files_no_longer_than(20_000), pytest.raises(DiskFailed):
            store.commit()
        with pytest.raises(DiskFailed):
            store.commit()


def test_a_fault_of_ours_keeps_its_own_name() -> None:
    store = Store()
    with pytest.raises(sqlite3.OperationalError):
        store.rows("SELECT nothing FROM nowhere")


def test_a_folder_in_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ReadOnlyDatabase):
        Store(path)


# The write-ahead log


def test_an_idle_checkpoint_empties_the_log_into_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = Path(f"{path}-wal")
    with opened(path) as store:
        store.checkpoint()  # the first one cuts it
        store.append(key(ANN), [FOUND, *notes(ANN, FOUND_TIP, 300)])
        store.commit()
        store.checkpoint()
        short = wal.stat().st_size
        assert short > 0  # kept, since the next commits write over it
        assert FOUND.wire in path.read_bytes()
        monkeypatch.setattr(database, "WAL_IDLE_BYTES_MAX", short - 1)
        store.checkpoint()
        assert wal.stat().st_size == 0


def test_what_holds_a_snapshot_can_let_go_of_it_and_reads_a_newer_one_then(path: Path) -> None:
    with opened(path) as store, closing(Store(path, readonly=True)) as reader:
        store.append(key(ANN), [FOUND])
        store.commit()
        with reader.snapshot():
            assert reader.row("SELECT length FROM log") == (1,)
            store.append(key(ANN), notes(ANN, FOUND_TIP, 300))
            store.commit()
            assert reader.row("SELECT length FROM log") == (1,)
            store.row("PRAGMA busy_timeout = 0")
            busy = store.row("PRAGMA wal_checkpoint(TRUNCATE)")
            assert busy is not None
            assert busy[0] == 1
            with reader.released():
                busy = store.row("PRAGMA wal_checkpoint(TRUNCATE)")
                assert busy is not None
                assert busy[0] == 0
            assert reader.row("SELECT length FROM log") == (301,)


def test_the_log_is_bounded_without_idle_times(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAL_PAGES_MAX", 30)
    with opened(path) as store:
        run = [FOUND, *notes(ANN, FOUND_TIP, 200)]
        for one in run:
            store.append(key(ANN), [one])
            store.commit()
        assert Path(f"{path}-wal").stat().st_size < 80 * 4200  # making the file takes 65 pages
        assert path.stat().st_size > 8 * 4096


def test_any_number_of_pairs_is_inserted_by_few_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statements: dict[str, None] = {}
    change = Store.change

    def noted(self: Store, statement: str, values: Iterable[Any] = ()) -> int:
        if "VALUES" in statement:
            statements[statement] = None
        return change(self, statement, values)

    monkeypatch.setattr(Store, "change", noted)
    with closing(Store()) as store:
        for count in range(2 * database.ROWS_PER_INSERT + 2):
            pairs = [(number, -number) for number in range(count)]
            store.insert_pairs("record_id", pairs)
            assert store.rows("SELECT prefix, key FROM record_id ORDER BY prefix") == pairs
            store.change("DELETE FROM record_id")
    assert len(statements) == database.ROWS_PER_INSERT.bit_length() == 7
