"""Clocks of records that are asked for again and again are not read again."""

from __future__ import annotations

import pytest

from commonweal.storage.records.logs import record_lookup
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_store import ANN, FOUND, FOUND_TIP, key, notes


def test_a_clock_that_each_run_asks_for_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_lookup, "CLOCKS_CACHED_MAX", 3)
    store = Store()
    store.append(key(ANN), [FOUND])
    monkeypatch.setattr(store, "wire", lambda _: pytest.fail("its clock was read again"))
    for one in notes(ANN, FOUND_TIP, 9):
        store.append(key(ANN), [one])
        assert store.clock_of(FOUND.id) == 1
    assert len(store._clocks) == 3
