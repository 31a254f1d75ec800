"""A state that was taken has all rows, also when the process ended while they were written."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.contributions.attestation import DISPUTE, DISPUTED
from commonweal.protocol.ledger.members.invites import ASKED, INVITED
from commonweal.protocol.records.record import RecordId
from commonweal.storage.consensus import snapshots
from commonweal.storage.consensus.arrivals import note_arrivals
from commonweal.storage.consensus.snapshots import BESIDE, Snapshots
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.ledger.views import event_views
from tests.builders.sealing_nodes import Node, seal_once
from tests.storage.consensus.test_snapshots import (
    HEIGHTS,
    Past,
    fetch,
    newcomer,
    offers,
    pairs,
    past,
    roots,
    signers_of,
    small_chunks,
)

__all__ = ["small_chunks"]

STATED = (
    "id, member, clock, action, provider, receiver, quantity_n, effort_n, unit, effort_unit,"
    " specification, resource, to_resource, scope, factor, corrections, yes, disputes, points,"
    " height"
)
"""What a row of an event has of the state, and not of its record."""


def rows_of_views(node: Node) -> list[list[tuple[Any, ...]]]:
    asked = (
        f"SELECT {STATED} FROM event_row ORDER BY id",
        "SELECT (SELECT id FROM agent WHERE agent.number = provider), action, unit, scale,"
        " is_sealed, events, high, low FROM given_sum WHERE events > 0 ORDER BY 1, 2, 3, 4, 5",
        "SELECT * FROM values_given ORDER BY event",
        "SELECT * FROM value_changes ORDER BY event, height, giver",
        "SELECT * FROM claims ORDER BY id",
        "SELECT * FROM payouts ORDER BY height, pool, line",
        "SELECT id, status, devices FROM member_row ORDER BY id",
    )
    return [node.layers.rows(query) for query in asked]


def test_the_rows_of_views_are_those_of_one_that_was_there_from_the_start() -> None:
    shop, late = past(), newcomer()
    fetch(late, offers(shop.here))
    assert rows_of_views(late) == rows_of_views(shop.here)
    assert len(rows_of_views(late)[0]) > HEIGHTS


def test_rows_of_events_are_written_on_where_a_process_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, late = past(), newcomer()
    monkeypatch.setattr(event_views, "EVENTS_AT_ONCE", 7)
    plain, portions = StateDb.final_worths, 0

    def ending(layers: StateDb, after: int, count: int) -> list[tuple[int, Any]]:
        nonlocal portions
        portions += 1
        if portions == 3:
            raise KeyboardInterrupt
        return plain(layers, after, count)

    monkeypatch.setattr(StateDb, "final_worths", ending)
    with pytest.raises(KeyboardInterrupt):
        fetch(late, offers(shop.here))
    beside = late.layers.beside(BESIDE)
    assert beside.rows("SELECT count(points) FROM event_entry") == [(14,)]
    Snapshots(late.kept).hold()
    assert pairs(late) == pairs(shop.here)
    assert rows_of_views(late) == rows_of_views(shop.here)
    tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    assert late.layers.rows(tables) == StateDb().rows(tables), "no index and no trigger is missing"


def test_what_is_said_about_events_is_written_on_where_a_process_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, late = past(), newcomer()
    giver = offers(shop.here)
    offer = giver.offer(now_ms=1)
    assert offer is not None
    taking = Snapshots(late.kept)
    plain, portions = StateDb.put_encoded, 0

    def ending(self: StateDb, pairs: Any, *more: Any) -> None:
        nonlocal portions
        portions += isinstance(pairs, list)  # what has waited
        plain(self, pairs, *more)
        if portions == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(StateDb, "put_encoded", ending)
    with pytest.raises(KeyboardInterrupt):
        for number in range(offer.chunks):
            taking.take(offer, number, giver.chunk(offer.height, number) or b"")
    monkeypatch.setattr(StateDb, "put_encoded", plain)
    beside = late.layers.beside(BESIDE)
    assert beside.rows("SELECT count(*) FROM offered_pairs")[0][0] > 2
    Snapshots(late.kept).hold()
    assert pairs(late) == pairs(shop.here)
    assert rows_of_views(late) == rows_of_views(shop.here)
    numbers = late.layers.rows("SELECT count(*), count(DISTINCT id) FROM local_id")[0]
    assert numbers[0] == numbers[1], "no id has two numbers"
    assert late.layers.rows("SELECT count(*) FROM offered_pairs") == [(0,)]


def test_the_times_of_what_a_light_home_has_are_noted_and_then_it_ends() -> None:
    shop, late = past(), newcomer()
    late.take(shop.records)
    row = next(row for row in late.store.logs() if row.length > 3)
    assert late.store.raise_base(row.author, row.length - 2)
    while late.store.to_drop() is not None:
        late.store.drop_some(100)
    late.store.commit()
    fetch(late, offers(shop.here))
    late.kept.refresh(whole=False)
    portions = 0
    while note_arrivals(late.kept):
        portions += 1
        assert portions < 100, "it never ends"
    rows = dict(late.layers.rows("SELECT id, claimed_at FROM event_row"))
    noted = {id for id, claimed_at in rows.items() if claimed_at is not None}
    here = {RecordId(id) for id in rows if late.store.wire(RecordId(id)) is not None}
    assert noted == here and 0 < len(here) < len(rows)


@pytest.mark.parametrize("ends", [False, True])
def test_what_ends_with_a_membership_is_listed_in_a_state_that_was_taken(
    monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    shop = Past()
    done = [shop.work("Jun", hours) for hours in range(1, 8)]
    closed = shop.write("Jun", "invite.create", {"key": shop.invite_key.key, "uses": 1})
    shop.write("Jun", "invite.revoke", {"invite": closed.id})
    for event in done:
        shop.write("Ana", "dispute", {"event": event.id})
        shop.write("Ana", "invite.create", {"key": shop.invite_key.key, "uses": 1})
    shop.write("Bo", "member.leave", {})
    shop.pens["Bo"].request(closed, shop.invite_key)
    shop.seal_all()
    late = Node(shop.community, shop.documents)
    late.take(shop.records[:1])
    late.seals.put(shop.chain[0].sealed, shop.chain[0].delta)
    monkeypatch.setattr(snapshots, "KEYS_AT_ONCE", 3)
    plain, portions = StateDb.final_keys, 0

    def ending(layers: StateDb, after_key: bytes, count: int) -> list[bytes]:
        nonlocal portions
        portions += 1
        if ends and portions == 3:
            raise KeyboardInterrupt
        return plain(layers, after_key, count)

    monkeypatch.setattr(StateDb, "final_keys", ending)
    if ends:
        with pytest.raises(KeyboardInterrupt):
            fetch(late, offers(shop.here))
        Snapshots(late.kept).hold()
    else:
        fetch(late, offers(shop.here))
    assert pairs(late) == pairs(shop.here)
    lists = (DISPUTED + shop.id("Ana"), INVITED + shop.id("Ana"), ASKED + shop.id("Bo"))
    assert [late.kept.final.get(key) for key in lists] == [7, 7, 1]
    shop.write("Ana", "member.leave", {})
    late.take(shop.records)
    shop.now_ms += 60_000
    shop.here.take(shop.records)
    seal_once([late, shop.here], signers_of(shop), shop.now_ms)
    for node in (late, shop.here):
        node.kept.refresh()
        assert node.kept.alarm == ""
    assert pairs(late) == pairs(shop.here) and roots(late) == roots(shop.here)
    assert [*late.kept.final.items(DISPUTE)] == []
