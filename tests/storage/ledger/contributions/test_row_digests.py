"""The index of events by the digest of the row that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from commonweal.protocol.codec import Value
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import Record
from commonweal.storage.ledger.contributions import row_digests
from commonweal.storage.ledger.contributions.row_digests import RowDigests
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_store import ANN, COMMUNITY, FOUND, FOUND_TIP, chain, key

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))


def rows(tip: Tip, digests: Sequence[Value], kind: str = "event") -> list[Record]:
    return chain(ANN, tip, [{"row": digest} for digest in digests], kind)


def tip_of(run: Sequence[Record]) -> Tip:
    return Tip(run[-1].seq + 1, run[-1].id, run[-1].clock)


@pytest.fixture
def store() -> Store:
    store = Store()
    store.append(key(ANN), [FOUND])
    return store


@pytest.fixture
def index(store: Store) -> RowDigests:
    return RowDigests(StateDb(), store)


def found(index: RowDigests, digest: bytes) -> list[int]:
    """Return the numbers in the log of the events that are found, brought up to date."""
    index.refresh()
    return [record.seq for record in index.events(digest)]


def test_events_are_found_by_the_digest_of_their_row(store: Store, index: RowDigests) -> None:
    store.append(key(ANN), rows(FOUND_TIP, [ONE, TWO, ONE]))
    assert (found(index, ONE), found(index, TWO), found(index, THREE)) == ([1, 3], [2], [])


def test_what_came_since_is_indexed_and_nothing_else_is_read(
    store: Store, index: RowDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = rows(FOUND_TIP, [ONE, TWO])
    store.append(key(ANN), run)
    assert found(index, TWO) == [2]
    store.append(key(ANN), rows(tip_of(run), [TWO]))
    read: list[int] = []
    wires = store.wires

    def counted(author: bytes, start: int, stop: int, bytes_max: int) -> list[bytes]:
        read.extend(range(start, stop))
        return wires(key(ANN), start, stop, bytes_max)

    monkeypatch.setattr(store, "wires", counted)
    index.refresh()
    assert sorted(set(read)) == [2, 3], "the new one, and the head of what was indexed"
    assert [record.seq for record in index.events(TWO)] == [2, 3]


def test_a_long_log_is_indexed_in_portions(
    store: Store, index: RowDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_digests, "PORTION_BYTES_MAX", 1)
    store.append(key(ANN), rows(FOUND_TIP, [ONE, TWO, THREE, ONE]))
    assert (found(index, ONE), found(index, THREE)) == ([1, 4], [3])


@pytest.mark.parametrize("kind", ["attest", "note.of.later"])
def test_only_events_stand_for_rows(store: Store, index: RowDigests, kind: str) -> None:
    store.append(key(ANN), rows(FOUND_TIP, [ONE], kind))
    assert found(index, ONE) == []


@pytest.mark.parametrize("data", [{"row": ONE[:31]}, {"row": [ONE]}, {"line": ONE}, {}])
def test_other_data_stands_for_no_row(
    store: Store, index: RowDigests, data: dict[str, Value]
) -> None:
    store.append(key(ANN), chain(ANN, FOUND_TIP, [data]))
    assert found(index, ONE) == []


def test_what_a_fork_made_void_stands_for_no_row(store: Store, index: RowDigests) -> None:
    run = rows(FOUND_TIP, [ONE, TWO, THREE])
    store.append(key(ANN), run)
    assert found(index, THREE) == [3]
    other = rows(tip_of(run[:1]), [THREE])
    proof = fork_proof.check(run[1], other[0], COMMUNITY)
    assert store.freeze(proof)
    assert (found(index, ONE), found(index, TWO), found(index, THREE)) == ([1], [], [])


def test_a_row_that_took_the_place_of_another_is_found(store: Store, index: RowDigests) -> None:
    store.append(key(ANN), rows(FOUND_TIP, [ONE, TWO]))
    store.commit()
    assert found(index, TWO) == [2]
    again = Store()
    again.append(key(ANN), [FOUND])
    again.append(key(ANN), rows(FOUND_TIP, [THREE, ONE]))
    other = RowDigests(index._layers, again)
    assert (found(other, ONE), found(other, TWO), found(other, THREE)) == ([2], [], [1])


def test_nobody_can_choose_digests_that_are_looked_up_together(
    store: Store, index: RowDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = [ONE[:20] + bytes([n]) * 12 for n in range(50)]
    store.append(key(ANN), rows(FOUND_TIP, alike))
    index.refresh()
    looked_at: list[int] = []
    wires: Callable[..., list[bytes]] = store.wires

    def counted(author: bytes, start: int, stop: int, bytes_max: int) -> list[bytes]:
        looked_at.append(start)
        return wires(author, start, stop, bytes_max)

    monkeypatch.setattr(store, "wires", counted)
    assert [record.seq for record in index.events(alike[7])] == [8]
    assert looked_at == [8]


def test_the_index_lasts_in_the_file_beside_a_pinned_reader(tmp_path: Path, store: Store) -> None:
    layers = StateDb(tmp_path / "state.db")
    store.append(key(ANN), rows(FOUND_TIP, [ONE]))
    layers.pin()
    with row_digests.row_digests(layers, store) as index:
        assert [record.seq for record in index.events(ONE)] == [1]
    layers.rollback()
    ((count,),) = layers.rows("SELECT count(*) FROM row_digest")
    layers.close()
    assert count == 1


def test_a_state_in_memory_stays_pinned(store: Store) -> None:
    layers = StateDb()
    store.append(key(ANN), rows(FOUND_TIP, [ONE]))
    layers.pin()
    with row_digests.row_digests(layers, store) as index:
        assert [record.seq for record in index.events(ONE)] == [1]
    layers.rollback()
