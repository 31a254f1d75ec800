"""The row of an event: one leaf for what its record says and for what cuts make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.checkpoint.roots import leaf
from commonweal.protocol.ledger.sharing.valuation import WORTH
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import (
    EVENT,
    UNVALUED,
    EventRow,
    event_row,
    local_rows,
    put_event,
    put_pending,
    unvalued_events,
)
from tests.protocol.ledger.council import Council
from tests.protocol.ledger.workshop import Workshop, busy, paying
from tests.protocol.test_second_reader import sharing, voting

ID = b"\x05" * 32
ROW = EventRow(
    MemberId(b"m" * 32),
    7,
    "work",
    b"m" * 32,
    None,
    None,
    [3, 0, "hour"],
    *(None, None, None, None, None, None, None, None, None),
)
COVERED = ROW._replace(height=4, time_ms=70, earned_by=b"")


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (ROW, 21),
        (COVERED, 24),
        (COVERED._replace(pending=True), 25),
        (COVERED._replace(pending=0), 25),
        (COVERED._replace(yes=2, no=1, disputes=3, corrections=4, corrected_by=ID), 24),
    ],
)
def test_a_row_has_no_more_fields_than_a_cut_gave_it(row: EventRow, fields: int) -> None:
    state = State()
    put_event(state, ID, row)
    assert len(state.get(EVENT + ID)) == fields
    assert event_row(state, ID) == row
    assert leaf(row.to_value())


def test_an_event_waits_for_a_value_until_it_has_one_and_again_once_it_is_corrected() -> None:
    state = State()
    put_pending(state, ID, COVERED, True)
    assert [*unvalued_events(state, b"")] == [ID]
    assert [*unvalued_events(state, ID)] == [ID]
    assert [*unvalued_events(state, b"\x06")] == []
    row = event_row(state, ID)
    assert row is not None and row.pending is True
    put_pending(state, ID, row, None)
    assert event_row(state, ID) == COVERED
    assert [*unvalued_events(state, b"")] == []
    put_pending(state, ID, COVERED, 70)
    assert [*state.local_changes()] == [(UNVALUED + ID, True)]
    assert [key for key, _ in state.changes()] == [EVENT + ID]


@pytest.mark.parametrize("community", [busy, sharing, voting])
def test_which_events_wait_follows_from_their_rows(community: Callable[[], Council]) -> None:
    final = community().history.final
    rows = [(key, value) for key, value in final.items(EVENT)]
    waiting = [EventRow(*value).pending is not None for _, value in rows]
    assert sorted(final.items(UNVALUED)) == sorted(local_rows(rows))
    assert len([*final.items(UNVALUED)]) == sum(waiting)


def test_an_event_has_one_leaf_and_its_value_another() -> None:
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    done = shop.work("Jun", 3)
    shop.cut()
    own = [key for key, _ in shop.history.final.changes() if key[1:] == done.id]
    assert own == [EVENT + done.id]
    shop.attest(done, "Ana")
    shop.cut()
    own = [key for key, _ in shop.history.final.changes() if key[1:] == done.id]
    assert own == [EVENT + done.id, WORTH + done.id]


def test_new_rules_look_at_what_waits_and_not_at_all_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    for hours in range(1, 9):
        shop.work("Jun", hours, by="Ana")
    waits = shop.work("Bo", 5)
    shop.cut()
    proposal = shop.patch("Jun", {"value": {"work": {"points": "event.effort * 2"}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(25)
    read: list[bytes] = []
    plain = State.items

    def items(state: State, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        read.append(prefix)
        return plain(state, prefix)

    monkeypatch.setattr(State, "items", items)
    shop.attest(waits, "Ana")
    shop.cut()
    parts = [prefix for prefix in read if prefix.startswith(UNVALUED)]
    assert {len(prefix) for prefix in parts} == {len(UNVALUED) + 1}, "a part at a time"
    assert EVENT not in read
    row = event_row(shop.history.final, waits.id)
    assert row is not None and row.pending is None
