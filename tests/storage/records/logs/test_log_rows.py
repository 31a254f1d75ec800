"""Rows of logs are read once after each write, by whomever it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import Record
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite.database import Row
from tests.storage.records.logs.test_log_store import ANN, COMMUNITY, FOUND, FOUND_TIP, key, notes


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


def fork_of(run: Sequence[Record]) -> fork_proof.ForkProof:
    """Return the proof that the last record of a run has a twin."""
    last, before = run[-1], run[-2]
    (twin,) = notes(ANN, Tip(last.seq, before.id, before.clock), 1, "twin")
    return fork_proof.check(last, twin, COMMUNITY)
