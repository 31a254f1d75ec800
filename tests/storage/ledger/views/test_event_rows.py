"""Rows of events are what the state and the records say, and are found by index."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.protocol.ledger.sharing.valuation import WORTH
from commonweal.protocol.ledger.things.event_row import EVENT, UNVALUED, EventRow
from commonweal.protocol.ledger.things.units_and_specs import SPEC, SpecRow
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.contribution_filter import (
    ContributionFilter,
    conditions,
)
from commonweal.storage.ledger.contributions.event_times import time_of, time_row
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.local_ids import NUMBER, numbers_of, with_ids
from commonweal.storage.ledger.state.state_db import FINAL, StateDb
from commonweal.storage.ledger.views.event_views import write_all, write_new
from tests.protocol.ledger.scenes import Scene
from tests.protocol.ledger.workshop import busy
from tests.storage.ledger.test_ledger import Home, founding_documents, in_pieces, portions

__all__ = ["portions"]

COLUMNS = (
    "id, member, clock, action, provider, receiver, quantity_n, effort_n, unit, effort_unit,"
    " specification, resource, to_resource, input_of, output_of, scope, factor, fulfills,"
    ' satisfies, corrections, yes, "no", disputes, height, claimed_at, when_start, when_end,'
    " when_local, when_stated"
)


def row_of(kept: LedgerState, id: bytes, value: Any) -> tuple[Any, ...]:
    """Return the row of an event from the state and its record."""
    row, record = EventRow(*value), kept.store.record(RecordId(id))
    assert record is not None
    quantity, effort = row.quantity or [None] * 3, row.effort or [None] * 3
    spec = None if row.spec is None else kept.state.get(SPEC + row.spec)[0]
    return (
        *(id, row.member, row.clock, row.action, row.provider, row.receiver),
        *(quantity[0], effort[0], quantity[2], effort[2], spec),
        *(row.source, row.target, row.input_of, row.output_of, row.scope, row.factor),
        *(row.fulfills, row.satisfies, row.corrections, row.yes, row.no, row.disputes),
        *(row.height or None, *time_row(record)[1:]),
    )


def compare(kept: LedgerState) -> int:
    """Compare all rows with what they follow from; return how many there are."""
    events = {key[1:]: value for key, value in kept.state.items(EVENT)}
    rows = kept.layers.rows(f"SELECT {COLUMNS} FROM event_row ORDER BY id")
    assert rows == [row_of(kept, id, value) for id, value in sorted(events.items())]
    assert kept.layers.rows("SELECT count(*) FROM event_entry") == [(len(events),)]
    for id in events:
        record = kept.store.record(RecordId(id))
        assert record is not None
        when = time_of(kept.layers, id)
        assert when is not None
        assert (record.claimed_at, when.when.start_ms) == time_row(record)[1:3]
    noted = {id for (id,) in kept.layers.rows("SELECT id FROM said_at")}
    assert not noted & set(events), "the times of what counts are kept once"
    refused = kept.layers.rows("SELECT id FROM refused")
    late = {
        id for (id,) in refused if (one := kept.store.record(RecordId(id))) and one.kind == "event"
    }
    assert late <= noted
    return len(rows)


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("seed", range(6))
def test_rows_are_what_the_state_and_the_records_say(seed: int) -> None:
    scene = Scene(seed, 60)
    home = Home(scene.village.community, founding_documents(scene.village))
    home.hold(scene.village.records)
    assert [compare(kept) for kept in in_pieces(home, Random(seed))][-1] > 0


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("seed", range(3))
def test_rows_follow_the_seals(seed: int) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    assert [compare(kept) for kept in in_pieces(home, Random(seed))][-1] > 0


@pytest.mark.parametrize("provider", [None, b"p" * 32])
def test_the_newest_contributions_are_read_by_an_index(provider: bytes | None) -> None:
    where, values = conditions(ContributionFilter(provider=provider))
    plan = StateDb().rows(
        "EXPLAIN QUERY PLAN SELECT when_start, clock, id FROM event_row"
        f" WHERE TRUE {where} ORDER BY when_start DESC, clock DESC, id DESC",
        values,
    )
    steps = [step for *_, step in plan]
    index = "event_time" if provider is None else "event_provider (provider=?)"
    assert any("event_entry" in step and f"INDEX {index}" in step for step in steps)
    assert not any("FOR ORDER BY" in step for step in steps), "only ties are sorted"


def test_ids_that_begin_alike_have_numbers_of_their_own() -> None:
    layers = StateDb()
    ids = [b"alike-" + bytes([number]) * 26 for number in range(3)]
    assert numbers_of(layers, [ids[0], ids[0]]) == {ids[0]: 1}
    asked = numbers_of(layers, [*ids, *ids])
    assert [asked[id] for id in ids] == [1, 2, 3]
    numbers = [layers.rows(f"SELECT {NUMBER}", (id,))[0][0] for id in ids]
    assert numbers == [1, 2, 3]
    query, values = with_ids([ids[0], ids[2], b"alike-" + b"x" * 26])
    assert sorted(layers.rows(query, values)) == [(1,), (3,)]
    plan = layers.rows(f"EXPLAIN QUERY PLAN {query}", values)
    assert "local_id_start" in plan[0][-1]


def test_the_numbers_of_new_ids_follow_their_order() -> None:
    layers = StateDb()
    numbers_of(layers, [b"m" * 32])
    numbers = numbers_of(layers, [b"z" * 32, b"a" * 32, b"m" * 32, b"k" * 32])
    assert sorted(numbers, key=numbers.__getitem__) == [id * 32 for id in (b"m", b"a", b"k", b"z")]


def test_the_rows_of_a_state_that_comes_are_those_of_one_that_was_folded() -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    *_, kept = in_pieces(home, Random(1))
    events = {key[1:]: value for key, value in kept.final.items(EVENT)}
    ids, half = list(events), len(events) // 2
    spec, third = b"\x01" * 32, set(ids[::3])
    for id in third:
        events[id][EventRow._fields.index("spec")] = spec
    coming = StateDb()
    with coming.writing():
        coming.drop_indexes("local_id")
        write_new(coming, coming.put_new_events({id: events[id] for id in ids[:half]}))
        coming.put_new_events({id: events[id] for id in ids[half:]})  # by a process that ended
    coming.make_indexes("local_id")
    with coming.writing():
        coming.put(
            FINAL,
            [
                *kept.final.items(WORTH),
                (SPEC + spec, [*SpecRow("digging", None, None, None, spec)]),
            ],
        )
    write_all(coming)
    stated = f"SELECT {COLUMNS.partition(', claimed_at')[0]}, points FROM event_row WHERE height"
    at = COLUMNS.split(", ").index("specification")
    assert sorted(coming.rows(stated)) == sorted(
        (*row[:at], "digging" if row[0] in third else None, *row[at + 1 :])
        for row in kept.layers.rows(stated)
    )
    for query in (
        "SELECT (SELECT id FROM agent WHERE number = provider), action, unit, scale, events,"
        " high, low FROM given_sum WHERE is_sealed AND events ORDER BY 1, 2, 3, 4",
        "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name",
    ):
        assert coming.rows(query) == kept.layers.rows(query)
    unvalued = list(coming.pairs(UNVALUED))
    assert unvalued and unvalued == list(kept.final.items(UNVALUED))
    ((valued, listed),) = coming.rows("SELECT count(points), count(*) FROM event_entry")
    assert 0 < valued < listed == len(events)
