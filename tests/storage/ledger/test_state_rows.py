"""The state in its table is the pairs that were put there, however they are written down."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.checkpoint.roots import leaf
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EVENT, UNVALUED, EventRow
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, OLDER, LayeredState, StateDb
from commonweal.storage.ledger.state.state_rows import NUMBERED

Pairs = dict[bytes, Any]

ALIKE = [b"alike-" + bytes([number]) * 26 for number in (0, 1, 2, 254, 255)]
"""Ids of which the index has the same bytes."""

AGENTS = [b"a" * 32, b"b" * 32, b"o" * 16]

IDS = st.sampled_from([*ALIKE, bytes(32), b"\xff" * 32, b"\xff" * 6 + bytes(26)])
RESTS = st.sampled_from([b"", b"\0", b"\xff", b"\xff\xff", b"m" * 32, bytes(8) + b"m" * 32])
PLAIN = st.sampled_from([b"K", b"Kd", b"c", b"cx", b"9t\xff", b"f", b"fx", b"x" * 40, b"\0x"])
KEYS = st.builds(lambda table, id, rest: table + id + rest, st.sampled_from(NUMBERED), IDS, RESTS)
VALUES = st.none() | st.integers(0, 3) | st.just([b"x" * 32, None, "text"]) | st.just(True)


def row(
    member: bytes, provider: bytes, receiver: bytes | None, clock: int, odd: dict[str, Any]
) -> list[Any]:
    nothing: list[Any] = [None] * 10
    written = EventRow(MemberId(member), clock, "work", provider, receiver, [1, 0, "h"], *nothing)
    return written._replace(**odd).to_value()


ODD = st.fixed_dictionaries(
    {},
    optional={
        "quantity": st.none(),
        "scope": st.sampled_from(["", "beds"]),
        "source": st.just(b"r" * 32),
        "corrections": st.integers(0, 2),
        "no": st.booleans(),
        "corrected_by": st.just(b"c" * 32),
        "height": st.integers(0, 2),
        "time_ms": st.just(1 << 41),
        "earned_by": st.just(b"e" * 32),
        "pending": st.sampled_from([None, True, False, 0, 1]),
    },
)
"""Fields as they seldom are, of types that compare equal too."""


ROWS = st.none() | st.builds(
    row,
    st.sampled_from(AGENTS),
    st.sampled_from(AGENTS),
    st.sampled_from([None, *AGENTS]),
    st.integers(0, 2),
    ODD,
)
EVENTS = st.dictionaries(IDS.map(lambda id: EVENT + id), ROWS, max_size=4)
CHANGES = st.builds(
    lambda others, events: others | events,
    st.dictionaries(PLAIN | KEYS.filter(lambda key: not key.startswith(EVENT)), VALUES, max_size=8),
    EVENTS,
)
STEPS = st.lists(
    st.tuples(st.sampled_from([FINAL, OLDER, NEWEST]), st.none() | CHANGES), max_size=8
)


def layered(kept: list[Pairs], top: int) -> Pairs:
    """Return the pairs of the layers up to `top`."""
    every: Pairs = {}
    for pairs in kept[: top + 1]:
        every |= pairs
    return {key: value for key, value in sorted(every.items()) if value is not None}


@settings(max_examples=60)
@given(STEPS)
def test_what_is_read_is_what_was_put(steps: list[tuple[int, Pairs | None]]) -> None:
    layers = StateDb()
    kept: list[Pairs] = [{}, {}, {}]
    asked = {b"absent", EVENT + ALIKE[0], EVENT + ALIKE[3]}
    for layer, changes in steps:
        if changes is None:
            cleared = layers.clear(layer)
            assert sorted(cleared) == sorted(kept[layer])
            kept[layer] = {}
            continue
        layers.put(layer, changes.items())
        kept[layer] |= changes
        if layer == FINAL:
            kept[FINAL] = {key: v for key, v in kept[FINAL].items() if v is not None}
        asked |= set(changes)
    prefixes = {key[:end] for key in asked for end in (1, 2, 3, 7, 8, 33, 34, 41)}
    for top in (FINAL, OLDER, NEWEST):
        expected = layered(kept, top)
        for key in asked:
            assert layers.get(key, top) == expected.get(key)
        for prefix in prefixes:
            found = list(LayeredState(layers, top).items(prefix))
            assert found == [pair for pair in expected.items() if pair[0].startswith(prefix)]
    _final(layers, kept[FINAL])
    layers.close()


def _final(layers: StateDb, expected: Pairs) -> None:
    encoded = {key: leaf(value) for key, value in expected.items()}
    in_tree = {key: data for key, data in encoded.items() if key[:1] != LOCAL}
    assert dict(layers.each_final()) == in_tree
    for prefix in (b"K", UNVALUED, EVENT, b"\0", Table.SAID.prefix):
        some = {key: data for key, data in encoded.items() if key.startswith(prefix)}
        assert dict(layers.each_final(prefix)) == some
    for table in (EVENT, UNVALUED, Table.SAID.prefix, b"K", b"c"):
        ids = [*ALIKE, bytes(32), b"\xff" * 32, b"d", b"x"]
        held = {id for id in ids if any(key.startswith(table + id) for key in expected)}
        if table in NUMBERED:
            held = {id for id in held if len(id) == 32}
        assert layers.ids_held(table, ids) == held
    size = sum(len(key) + len(data) for key, data in encoded.items())
    assert abs(layers.final_bytes() - size) <= 80 * len(encoded)
    keys: list[bytes] = []
    while some_keys := layers.final_keys(keys[-1] if keys else b"", 2):
        keys += some_keys
    assert sorted(keys) == sorted(expected)
    other = StateDb()
    other.put_encoded(encoded.items())
    assert {**dict(other.each_final()), **dict(other.each_final(LOCAL))} == encoded
    other.close()


def test_a_row_of_an_event_is_found_by_number_and_names_agents_by_number() -> None:
    layers = StateDb()
    member = b"m" * 32
    events = {EVENT + bytes([n]) * 32: row(member, member, None, n, {}) for n in range(9, 0, -1)}
    layers.put(FINAL, events.items())
    rows = layers.rows("SELECT start, number, rest, length(value), member FROM state")
    assert rows == [(EVENT, number, b"", rows[0][3], 1) for number in range(1, 10)]
    assert rows[0][3] < len(leaf(row(member, member, None, 1, {}))) - 80
    assert dict(layers.pairs(EVENT)) == events


@pytest.mark.parametrize("prefix", [EVENT + b"i" * 32, Table.SAID.prefix + b"i" * 32 + b"m", b"K"])
def test_pairs_below_a_key_are_found_by_index(prefix: bytes) -> None:
    from commonweal.storage.ledger.state.state_rows import GET, key_parts, pairs_query

    layers = StateDb()
    query, values = pairs_query(prefix, NEWEST)
    plan = [step for *_, step in layers.rows(f"EXPLAIN QUERY PLAN {query}", values)]
    assert any(step.startswith("SEARCH state USING PRIMARY KEY (start") for step in plan)
    start, id, rest = key_parts(prefix)
    plan = [
        step for *_, step in layers.rows(f"EXPLAIN QUERY PLAN {GET}", (id, start, rest, NEWEST))
    ]
    assert plan[0] == (
        "SEARCH state USING PRIMARY KEY (start=? AND number=? AND rest=? AND layer<?)"
    )
    assert not any("SCAN" in step for step in plan)
