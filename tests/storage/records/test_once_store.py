"""Keys of requests: kept with their records, forgotten late, and bounded."""

from __future__ import annotations

import pytest

from commonweal.protocol.errors import KeyTaken, TooManyKeys
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records import once_store
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.once_store import KEPT_MS, KeyedRequest

KEY, REQUEST = b"k" * 32, b"r" * 32
MADE = KeyedRequest(KEY, REQUEST, 7, (RecordId(b"1" * 32), RecordId(b"2" * 32)))
NOW_MS = 1_700_000_000_000


def test_a_request_is_found_by_its_key() -> None:
    store = Store()
    assert store.keyed_request(KEY, REQUEST) is None
    store.put_keyed_request(MADE, NOW_MS)
    assert store.keyed_request(KEY, REQUEST) == MADE
    with pytest.raises(KeyTaken):
        store.keyed_request(KEY, b"s" * 32)


def test_what_is_not_committed_is_not_kept() -> None:
    store = Store()
    store.put_keyed_request(MADE, NOW_MS)
    store.rollback()
    assert store.keyed_request(KEY, REQUEST) is None


def test_a_key_is_kept_for_two_days() -> None:
    store = Store()
    store.put_keyed_request(MADE, NOW_MS)
    store.make_room_for_key(NOW_MS + KEPT_MS)
    assert store.keyed_request(KEY, REQUEST) == MADE
    store.make_room_for_key(NOW_MS + KEPT_MS + 1)
    assert store.keyed_request(KEY, REQUEST) is None


def test_no_key_is_forgotten_early_to_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_store, "KEYS_MAX", 2)
    store = Store()
    store.make_room_for_key(NOW_MS)
    store.put_keyed_request(MADE, NOW_MS)
    store.make_room_for_key(NOW_MS)
    store.put_keyed_request(MADE._replace(key=b"l" * 32), NOW_MS)
    with pytest.raises(TooManyKeys):
        store.make_room_for_key(NOW_MS)
    assert store.keyed_request(KEY, REQUEST) == MADE
    store.make_room_for_key(NOW_MS + KEPT_MS + 1)
