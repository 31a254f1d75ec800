"""What a peer asks by its id is found without a search of all seals for each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.cut import Delta, SealedLog, delta_to_bytes
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire.lookup import WantRecord
from commonweal.storage.records.logs.log_store import Store
from tests.fuzz.test_service import Stage

SEALED = 3


@pytest.fixture
def stage() -> Stage:
    """A node, some records of which are sealed, before a member."""
    stage = Stage(1)
    stage.link(stage.member)
    author = stage.node.person.device
    for height in range(1, SEALED + 1):
        delta = Delta((SealedLog(author, height, RecordId(bytes(32))),), ())
        row = (height, height.to_bytes(32, "big"), height, b"", delta_to_bytes(delta))
        stage.store.change("INSERT INTO seal VALUES (?, ?, ?, ?, ?)", row)
    stage.service.core.replica.chain._whole = None
    return stage


@pytest.fixture
def searches(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The searches of all seals from now on."""
    author, searches = stage.node.person.device, list[str]()
    assert stage.service.core.replica.chain.logs[author].length == SEALED
    ask = Store.each

    def noted(self: Store, statement: str, *values: Any) -> Iterator[Any]:
        if "instr" in statement:
            searches.append(statement)
        return ask(self, statement, *values)

    monkeypatch.setattr(Store, "each", noted)
    return searches


def test_records_that_no_seal_covers_are_not_searched_for(
    stage: Stage, searches: list[str]
) -> None:
    author = stage.node.person.device
    for seq in range(SEALED, stage.store.log(author).length):
        id = stage.store.id_at(author, seq)
        assert id is not None
        stage.hear(stage.member, frame_codec.encode(WantRecord(id, 0)))
    assert not searches and not stage.drops


def test_the_seals_of_a_log_are_searched_once(stage: Stage, searches: list[str]) -> None:
    author, chain = stage.node.person.device, stage.service.core.replica.chain
    for _ in range(2):
        for seq in range(SEALED + 2):
            id = stage.store.id_at(author, seq)
            record = id and stage.store.record(id)
            assert record
            assert chain.covering(record) == (seq + 1 if seq < SEALED else None)
    assert len(searches) == 1
