"""Finding records by id in a store that only reads, while another one writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.client.home.submit import WrittenRecord
from commonweal.node.service.events import Wish
from commonweal.protocol.records.record import NO_ID, RecordId
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs import id_index
from commonweal.storage.records.logs.id_index import SEARCHES_MAX
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite.database import Database
from tests.builders.unasked import write
from tests.builders.weal import founder
from tests.protocol.authors import BO, chain

WORK = Wish("event", {"action": "work", "provider": bytes(16)})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(founder(tmp_path / "home"))


def wrote(home: Home, count: int = 1) -> list[WrittenRecord]:
    return write(home, [WORK] * count)


def test_a_reader_finds_what_was_written_since_it_last_looked(home: Home) -> None:
    (first,) = wrote(home)
    with home.store(readonly=True) as reader:
        assert reader.record(first.id) is not None
        (second,) = wrote(home)
        assert reader.record(second.id) is not None
        with reader.snapshot():
            assert reader.record(first.id) is not None
            (third,) = wrote(home)
            assert reader.record(third.id) is None
        assert reader.record(third.id) is not None


def test_a_reader_gathers_the_newest_ids_once_for_many_records(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = wrote(home, 50)
    gathered = []
    rows = Database.rows

    def counted(self: Database, statement: str, values: Any = ()) -> Any:
        if statement.endswith("FROM fresh_id"):
            gathered.append(statement)
        return rows(self, statement, values)

    monkeypatch.setattr(Database, "rows", counted)
    with home.store(readonly=True) as reader:
        for one in written:
            assert reader.record(one.id) is not None
    assert len(gathered) == 1


@pytest.mark.parametrize("size", [SEARCHES_MAX, SEARCHES_MAX + 1])
def test_ids_are_unpacked_only_after_as_many_searches_as_that_costs(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = []
    unpack = id_index._unpack

    def counted(into: dict[bytes, tuple[int, ...]], key: int, prefixes: bytes) -> None:
        unpacked.append(key)
        unpack(into, key, prefixes)

    monkeypatch.setattr(id_index, "_unpack", counted)
    log = chain(BO, size)
    store = Store()
    store.append(BO.device, log)
    assert [store.wire(record.id) for record in log] == [record.wire for record in log]
    assert len(unpacked) == size - SEARCHES_MAX
    store.close()


def test_a_writer_finds_what_it_appended_after_it_had_looked() -> None:
    log = chain(BO, 6)
    store = Store()
    for start in range(0, 6, 2):
        store.append(BO.device, log[start : start + 2])
        assert [store.wire(one.id) for one in log[: start + 2]] == [
            one.wire for one in log[: start + 2]
        ]
        assert store.wire(log[-1].id) == (log[-1].wire if start == 4 else None)
    store.close()


@pytest.mark.parametrize("size", range(32))
def test_an_id_that_is_too_short_is_of_no_record(size: int) -> None:
    log = chain(BO, 3)
    store = Store()
    store.append(BO.device, log)
    short = RecordId(log[-1].id[:size])
    assert [store.wire(id) for id in (NO_ID, short)] == [None, None]
    assert store.record(short) is None
    assert store.clock_of(short) is None
    store.close()
