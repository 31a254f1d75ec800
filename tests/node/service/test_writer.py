"""The writer: records of one request may name each other before their ids are known."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from commonweal.node.service.events import Answer, Committed, OnceKey, Submitted, Ticket, Wish
from commonweal.node.service.service import Service
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import KeyTaken
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Settings
from tests.builders import homes

FIRST, SECOND = RecordId(b"1" * 32), RecordId(b"2" * 32)


def test_a_record_names_those_that_are_signed_with_it(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "mei")
    naming: dict[str, Value] = {
        "basedOn": bytes(FIRST),
        "processes": [bytes(SECOND), {"within": bytes(FIRST)}, b"3" * 32],
        "text": "1" * 32,
    }
    written = homes.write(
        home,
        Wish("process", {"before": bytes(FIRST)}, stand_in=FIRST),
        Wish("process", naming, stand_in=SECOND),
        Wish("process", naming),
    )
    first, second, third = (RecordId(record["id"]) for record in written)
    with home.store(readonly=True) as store:
        data: list[Any] = []
        for id in (first, second, third):
            record = store.record(id)
            assert record is not None
            data.append(record.data)
    assert data[0] == {"before": FIRST}, "nothing stands in before it is signed"
    assert data[1] == naming | {
        "basedOn": first,
        "processes": [SECOND, {"within": first}, b"3" * 32],
    }
    assert data[2]["processes"] == [second, {"within": first}, b"3" * 32]


def test_what_is_asked_twice_under_a_key_is_written_once(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "mei")
    wish = Wish("event", {"action": "work"})
    key = OnceKey(b"k" * 32, b"r" * 32)
    with home.lock(), home.store() as store:
        community = Settings.read(store).here
        service = Service(store, community, homes.identity(home), Random(1))
        service.handle(Submitted(Ticket(1), (wish, wish), key), 1)
        service.handle(Submitted(Ticket(2), (wish, wish), key), 1)
        service.handle(Submitted(Ticket(3), (wish,), OnceKey(b"k" * 32, b"s" * 32)), 1)
        service.handle(Submitted(Ticket(4), (wish,)), 1)
        store.commit()
        answers: dict[Ticket, Any] = {
            action.ticket: action.value
            for action in service.handle(Committed(), 1)
            if isinstance(action, Answer)
        }
        length = store.log(homes.identity(home).device).length
    assert answers[Ticket(1)] == answers[Ticket(2)]
    assert isinstance(answers[Ticket(3)], KeyTaken)
    (last,) = answers[Ticket(4)]["records"]
    assert [entry["seq"] for entry in answers[Ticket(1)]["records"]] == [length - 3, length - 2]
    assert last["seq"] == length - 1
