"""What a fold notes of each record: the subjects that it read and wrote."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.state.trace import Trace, TracedState, subject_of, table_subject
from tests.protocol.ledger.village import Village
from tests.protocol.ledger.workshop import hours

ID, OTHER = bytes(range(32)), bytes(32)


@pytest.mark.parametrize("table", Table)
def test_a_subject_is_the_id_after_the_table_or_all_of_the_key(table: Table) -> None:
    assert subject_of(table.prefix + ID) == ID
    assert subject_of(table.prefix + ID + OTHER) == ID
    assert subject_of(table.prefix) == table.prefix
    assert subject_of(table.prefix + ID[:31]) == table.prefix + ID[:31]


def test_keys_are_noted_as_they_are_read_and_written_although_rolled_back() -> None:
    state = TracedState()
    mark = state.mark()
    assert state.get(b"M" + ID) is None
    state.put(b"e" + OTHER, 1)
    state.rollback(mark)
    state.delete(b"q" + ID)
    assert list(state.items(b"x" + ID)) == list(state.items(b"M")) == []
    assert state.reads == {b"M" + ID, b"x" + ID}
    assert state.writes == {b"e" + OTHER, b"q" + ID}
    assert state.scans == {table_subject(b"M")}


def test_what_is_refused_wrote_nothing_and_read_all_the_same() -> None:
    trace, state = Trace(5), TracedState()
    state.get(b"M" + ID)
    state.put(b"e" + OTHER, 1)
    trace.note(state, ID, 5, is_refused=True)
    assert trace.written == {}
    assert trace.read == {}, "what a record reads under its own id is left out"
    assert trace.late[ID].read == {ID}
    assert not state.reads | state.writes | state.scans
    state.get(b"M" + ID)
    state.put(b"e" + OTHER, 1)
    list(state.items(b"1"))
    trace.note(state, OTHER, 6, is_refused=False)
    assert trace.read == {ID: 6, table_subject(b"1"): 6}
    assert trace.written == {}
    assert OTHER not in trace.late, "it is not late"


def test_the_last_clock_of_each_subject_is_kept() -> None:
    trace, state = Trace(0), TracedState()
    for clock in (4, 9, 7):
        state.put(b"e" + OTHER, clock)
        trace.note(state, ID, clock, is_refused=False)
    assert trace.written == {OTHER: 9}


def test_hours_touch_nothing_but_their_member_and_device_and_a_yes_the_event_too() -> None:
    village = Village()
    ana = village.join("Ana")
    ledger = village.ledger()
    ledger.fold()
    data = {"action": "work", "provider": ana.owner.id, "effortQuantity": hours(1)}
    event = ana.write("event", data, village.records)
    attested = village.mei.write("attest", {"event": event.id, "say": "yes"}, [event])
    trace = Trace(0)
    above = Ledger(village.community, ledger.state, trace=trace)
    above.add([event, attested])
    assert above.verdict(event.id) is above.verdict(attested.id) is None
    owners = {ana.key, ana.owner.id, village.mei.key, village.mei.owner.id}
    assert trace.read.keys() == {*owners, event.id}
    assert trace.written == {event.id: attested.clock}
