"""The reader of a cut says what the table says, of old keys and of those that name new records."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from commonweal.storage.ledger.state import cut_reader, finalizer, pending_state
from commonweal.storage.ledger.state.cut_reader import CutReader
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, OLDER, LayeredState, StateDb
from tests.storage.consensus.test_proposals import MINUTE
from tests.storage.ledger.test_sealing_in_any_order import Scene


@pytest.fixture(autouse=True)
def _ask_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_reader, "NEW_FEW", 0)


OLD, NEW, LATER = (bytes([n]) * 32 for n in (1, 2, 255))


class ComparedReader(CutReader):
    """A reader that looks each key up in the table too."""

    absent = 0

    def __init__(self, layers: StateDb, top: int = FINAL) -> None:
        super().__init__(layers, top)
        self.plain = LayeredState(layers, top)

    def get(self, key: bytes) -> Any:
        value = super().get(key)
        assert value == self.plain.get(key), key
        ComparedReader.absent += self._is_absent(key)
        return value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        pairs = list(super().items(prefix))
        assert pairs == list(self.plain.items(prefix)), prefix
        return iter(pairs)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_sealed_it_reads_what_the_table_has(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finalizer, "CutReader", ComparedReader)
    monkeypatch.setattr(cut_reader, "VALUES_CACHED_MAX", 5)
    monkeypatch.setattr(cut_reader, "LISTS_CACHED_MAX", 2)
    monkeypatch.setattr(cut_reader, "LIST_KEYS_MAX", 1)
    scene, before = Scene(seed), ComparedReader.absent
    for height in range(1, 7):
        for _ in range(scene.rng.randrange(6)):
            scene.act()
        for node in scene.nodes:
            scene.spread(node)
        scene.seal(scene.shop.now_ms + height * MINUTE)
    assert ComparedReader.absent > before, "some keys were not looked up"


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_folded_above_the_cut_it_reads_what_the_layers_have(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_state, "CutReader", ComparedReader)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 9)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 3)
    monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", 5)
    scene = Scene(seed)
    node, before = scene.nodes[0], ComparedReader.absent
    for _ in range(30):
        scene.act()
        scene.spread(node)
        if scene.rng.random() < 0.3:
            node.kept.refresh()
    assert ComparedReader.absent > before, "some keys were not looked up"


@pytest.mark.parametrize("top", [FINAL, OLDER, NEWEST])
def test_it_reads_up_to_a_layer(top: int) -> None:
    layers = layers_with(b"e" + OLD)
    layers.put(OLDER, [(b"e" + NEW, [2]), (b"M" + NEW, [2])])
    layers.put(NEWEST, [(b"e" + LATER, [3]), (b"e" + OLD, None)])
    reader = CutReader(layers, top)
    reader.begin([NEW, LATER])
    plain = LayeredState(layers, top)
    for key in (b"e" + OLD, b"e" + NEW, b"M" + NEW, b"e" + LATER, b"M" + LATER):
        assert reader.get(key) == plain.get(key), key
        assert list(reader.items(key)) == list(plain.items(key)), key


def layers_with(*keys: bytes) -> StateDb:
    layers = StateDb()
    layers.put(FINAL, [(key, [1]) for key in keys])
    return layers


@pytest.mark.parametrize("table", [b"e", b"\0e", b"\xfe"])
@pytest.mark.parametrize("rest", [b"", b"\0", b"\xff" * 40])
def test_a_key_that_names_a_new_record_is_found_where_it_is(table: bytes, rest: bytes) -> None:
    layers = layers_with(table + NEW + rest, table + OLD)
    reader = CutReader(layers)
    reader.begin([NEW, LATER])
    assert reader.get(table + NEW + rest) == [1]
    assert reader.get(table + NEW + b"other") is None
    assert [key for key, _ in reader.items(table + NEW)] == [table + NEW + rest]
    assert reader.get(table + OLD) == [1], "it names no new record"
    assert reader.get(table + LATER) is None
    assert list(reader.items(table + LATER)) == []
    assert len(list(reader.items(table))) == 2


def test_what_is_above_the_cut_is_not_read() -> None:
    layers = layers_with(b"e" + OLD)
    layers.put(NEWEST, [(b"e" + OLD, [2]), (b"e" + NEW, [2])])
    reader = CutReader(layers)
    reader.begin([NEW])
    assert (reader.get(b"e" + OLD), reader.get(b"e" + NEW)) == ([1], None)
    assert list(reader.items(b"e" + NEW)) == []


def test_it_looks_for_new_records_once_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, asked = layers_with(b"e" + OLD), list[bytes]()
    ids_held, get = StateDb.ids_held, StateDb.get

    def held(self: StateDb, table: bytes, ids: Any, layer_max: int) -> set[bytes]:
        asked.append(table)
        return ids_held(self, table, ids, layer_max)

    def looked(self: StateDb, key: bytes, layer_max: int = NEWEST) -> Any:
        asked.append(key)
        return get(self, key, layer_max)

    monkeypatch.setattr(StateDb, "ids_held", held)
    monkeypatch.setattr(StateDb, "get", looked)
    reader, new = CutReader(layers), [Random(n).randbytes(32) for n in range(300)]
    reader.begin(new)
    assert [reader.get(b"e" + id) for id in new] == [None] * 300
    assert [reader.get(b"a" + id + bytes(40)) for id in new] == [None] * 300
    assert [reader.get(b"e" + OLD) for _ in range(9)] == [[1]] * 9
    assert asked == [b"e", b"a", b"e" + OLD]


def test_it_caches_so_many_values_and_lists() -> None:
    many = [b"e" + Random(n).randbytes(32) for n in range(cut_reader.VALUES_CACHED_MAX + 10)]
    reader = CutReader(layers_with(*many[:100]))
    for key in many:
        reader.get(key)
    assert len(reader._values) == 10
    for key in many[: cut_reader.LISTS_CACHED_MAX + 3]:
        list(reader.items(key))
    assert len(reader._lists) == 3


def test_few_records_are_looked_up_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_reader, "NEW_FEW", 1)
    monkeypatch.setattr(StateDb, "ids_held", None)
    reader = CutReader(layers_with(b"e" + NEW))
    reader.begin([NEW])
    assert (reader.get(b"e" + NEW), reader.get(b"a" + NEW)) == ([1], None)
