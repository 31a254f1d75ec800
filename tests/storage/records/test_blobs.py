"""Bodies, settings and addresses in the store."""

from __future__ import annotations

import pytest

from commonweal.protocol import keys
from commonweal.protocol.errors import InvalidRecord, MissingBody
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records import record
from commonweal.protocol.records.record import BodyRef, Record
from commonweal.storage.records import address_book
from commonweal.storage.records.address_book import Address
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_store import ANN, BEN, FOUND, FOUND_TIP, chain, key


@pytest.fixture
def store() -> Store:
    store = Store()
    store.append(key(ANN), [FOUND])
    return store


# Bodies


def with_body(ref: BodyRef) -> list[Record]:
    kind = "rules.propose" if ref.permanent else "event"
    return chain(ANN, FOUND_TIP, [{}], kind=kind, body=ref)


def test_a_permanent_body_comes_with_its_record_or_before(store: Store) -> None:
    ref, data = record.permanent_body(b"the rules"), b"the rules"
    run = with_body(ref)
    with pytest.raises(MissingBody):
        store.append(key(ANN), run)
    assert store.log(key(ANN)).length == 1
    store.append(key(ANN), run, {ref.hash: data})
    assert store.body(ref.hash) == data
    before = Store()
    before.append(key(ANN), [FOUND])
    before.put_body(ref, data)
    before.append(key(ANN), run)
    assert before.body(ref.hash) == data
    assert before.counts().bodies == 1


def test_an_erasable_body_is_wanted_until_it_comes(store: Store) -> None:
    data, ref = record.erasable_body(bytes(16), "text/plain", b"a note")
    store.append(key(ANN), with_body(ref))
    assert store.wanted_bodies(9) == [ref.hash]
    assert store.wanted_bodies(9, after=ref.hash) == []
    assert store.wanted_bodies(0) == []
    assert store.wanted_body(ref.hash) == ref
    store.put_body(ref, data)
    assert store.wanted_bodies(9) == []
    assert store.wanted_body(ref.hash) is None
    assert store.body(ref.hash) == data


def test_bytes_that_are_not_the_body_are_refused(store: Store) -> None:
    ref = record.permanent_body(b"the rules")
    with pytest.raises(InvalidRecord):
        store.put_body(ref, b"other rules")
    with pytest.raises(InvalidRecord):
        store.append(key(ANN), with_body(ref), {ref.hash: b"other rules"})
    assert store.body(ref.hash) is None
    assert store.log(key(ANN)).length == 1


def test_an_erased_body_stays_erased(store: Store) -> None:
    data, ref = record.erasable_body(bytes(16), "text/plain", b"a note")
    store.append(key(ANN), with_body(ref), {ref.hash: data})
    assert store.erase_body(ref.hash)
    assert store.body(ref.hash) is None
    store.put_body(ref, data)
    assert store.body(ref.hash) is None
    assert store.wanted_bodies(9) == []
    assert store.counts().bodies == 0


def test_a_body_erased_before_it_came_is_never_fetched(store: Store) -> None:
    _, ref = record.erasable_body(bytes(16), "text/plain", b"a note")
    assert store.erase_body(ref.hash)
    store.append(key(ANN), with_body(ref))
    assert store.wanted_bodies(9) == []


def test_a_permanent_body_is_never_erased(store: Store) -> None:
    ref = record.permanent_body(b"the rules")
    store.put_body(ref, b"the rules")
    assert not store.erase_body(ref.hash)
    assert store.body(ref.hash) == b"the rules"


def test_bytes_that_become_a_document_stay(store: Store) -> None:
    """One may name the same bytes once as erasable and once as permanent."""
    data, ref = record.erasable_body(bytes(16), "text/plain", b"a note")
    store.put_body(ref, data)
    store.put_body(record.permanent_body(data), data)
    assert not store.erase_body(ref.hash)
    assert store.body(ref.hash) == data


# Settings and addresses


def test_settings_are_put_replaced_and_removed(store: Store) -> None:
    assert store.setting("name") is None
    for value in (b"Ann", b"", None):
        store.put_setting("name", value)
        assert store.setting("name") == value


def address(n: int, last_ok_ms: int = 0) -> Address:
    peer = PeerKey(keys.hash32(keys.RECORD, bytes([n])))
    return Address(peer, None, ("/ip4/10.0.0.1/tcp/1",), b"", last_ok_ms, "invite")


def test_the_address_book_keeps_the_last_word_of_each_peer(store: Store) -> None:
    one, two = address(1, last_ok_ms=5), address(2, last_ok_ms=7)
    store.put_address(one)
    store.put_address(two)
    assert store.addresses() == [two, one]
    better = one._replace(device=key(BEN), addresses=("/a", "/b"), signed=b"s", last_ok_ms=9)
    store.put_address(better)
    assert store.addresses() == [better, two]


def test_the_address_book_is_bounded_and_keeps_those_that_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_book, "PEERS_KEPT_MAX", 3)
    for n in range(5):
        store.put_address(address(n, last_ok_ms=10 - n))
    assert [one.last_ok_ms for one in store.addresses()] == [10, 9, 6]
