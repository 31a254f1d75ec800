"""Rows of logs are read once after each write by anybody, and only those that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.keys import Signer
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import NO_ID, Record
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.sqlite.database import Row
from tests.storage.records.logs.test_log_store import ANN, COMMUNITY, FOUND, FOUND_TIP, key, notes

NOWHERE = Tip(0, NO_ID, 0)


def test_rows_of_logs_are_read_again_after_a_write_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "ledger.db", notes(ANN, FOUND_TIP, 3)
    with closing(Store(path)) as store, closing(Store(path)) as other:
        store.append(key(ANN), [FOUND])
        store.commit()
        assert [row.length for row in other.logs()] == [1]
        asked: list[str] = []
        rows = Store.rows

        def counted(self: Store, statement: str, values: Iterable[Any] = ()) -> list[Row]:
            asked.append(statement)
            return rows(self, statement, values)

        monkeypatch.setattr(Store, "rows", counted)
        assert other.logs() is other.logs()
        assert not asked
        store.append(key(ANN), run[:1])
        assert [row.length for row in store.logs()] == [2]
        assert [row.length for row in other.logs()] == [1], "it is not committed yet"
        store.rollback()
        assert [row.length for row in store.logs()] == [1]
        store.append(key(ANN), run)
        store.commit()
        assert [row.length for row in other.logs()] == [4]
        with other.snapshot():
            assert [row.length for row in other.logs()] == [4]
            store.freeze(fork_of(run))
            store.commit()
            assert [row.frozen for row in other.logs()] == [None]
        assert [row.frozen for row in other.logs()] == [3]


def test_only_the_rows_of_logs_that_were_written_since_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "ledger.db", notes(ANN, FOUND_TIP, 4)
    others = [Signer(bytes([number]) * 32) for number in range(60, 90)]
    with closing(Store(path)) as store, closing(Store(path)) as reader:
        store.append(key(ANN), [FOUND])
        for other in others[1:]:
            store.append(key(other), notes(other, NOWHERE, 1))
        store.commit()
        assert reader.logs() == store.logs()
        counts: list[int] = []
        rows = Store.rows

        def counted(self: Store, statement: str, values: Iterable[Any] = ()) -> list[Row]:
            read = rows(self, statement, values)
            counts.append(len(read))
            return read

        def changed(change: Callable[[], object]) -> list[int]:
            """Return how many rows a reader reads after a change; it then has all of them."""
            change()
            store.commit()
            counts.clear()
            with monkeypatch.context() as patch:
                patch.setattr(Store, "rows", counted)
                read = reader.logs()
            with closing(Store(path, readonly=True)) as fresh:
                assert read == fresh.logs()
            return counts[:]

        assert changed(lambda: store.append(key(ANN), run[:3])) == [1]
        assert changed(lambda: store.append(key(others[0]), notes(others[0], NOWHERE, 1))) == [1]
        assert changed(lambda: store.mark_checked(key(ANN), 2)) == [1]
        assert changed(lambda: store.raise_base(key(ANN), 1)) == [1]
        assert changed(lambda: store.freeze(fork_of(run[:3]))) == [1]
        assert changed(lambda: store.put_setting("a", b"b")) == [0]
        for name in LogRow._fields[1:]:
            touch = f"UPDATE log SET {name} = {name} WHERE author = ?"
            assert changed(partial(store.change, touch, (key(ANN),))) == [1], name


def test_logs_of_a_home_from_before_their_order_was_kept_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(Store(path)) as store:
        store.append(key(ANN), [FOUND])
        store.change("UPDATE log SET written = 0")
        store.commit()
        assert [row.length for row in store.logs()] == [1]
        store.append(key(ANN), notes(ANN, FOUND_TIP, 1))
        assert [row.length for row in store.logs()] == [2]


def fork_of(run: Sequence[Record]) -> fork_proof.ForkProof:
    """Return the proof that the last record of a run has a twin."""
    last, before = run[-1], run[-2]
    (twin,) = notes(ANN, Tip(last.seq, before.id, before.clock), 1, "twin")
    return fork_proof.check(last, twin, COMMUNITY)
