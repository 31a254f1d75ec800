"""What a peer asks by its id is found without a search of all seals for each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import RecordPlace
from tests.sim.consensus.test_seals import chain
from tests.sim.consensus.test_state_sync import sealed, work
from tests.sim.world.node import Node

SEALED = 6


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The searches of all seals from now on."""
    searches: list[str] = []
    ask = Store.each

    def noted(self: Store, statement: str, *values: Any) -> Iterator[Any]:
        if "instr" in statement:
            searches.append(statement)
        return ask(self, statement, *values)

    monkeypatch.setattr(Store, "each", noted)
    return searches


def _at(node: Node, author: DeviceKey, seq: int) -> Record:
    id = node.store.id_at(author, seq)
    record = None if id is None else node.store.record(id)
    assert record is not None
    return record


def test_the_seals_of_a_log_are_searched_once_and_only_for_what_is_sealed(
    searches: list[str],
) -> None:
    world = sealed(1, SEALED, members=1)
    node: Node = world.nodes[0]
    ends, author = chain(node), node.person.device
    length = ends.logs[author].length
    work(node, 1)
    world.run(200)
    searches.clear()
    newest = _at(node, author, length)
    assert ends.covering(newest) is None
    assert not searches, "the whole cut is in memory"
    records = [_at(node, author, seq) for seq in range(length)]
    covering = [ends.covering(record) for record in records]
    assert len(searches) == 1
    for record, kept in zip(records, covering, strict=True):
        assert kept is not None
        place = RecordPlace(author, record.seq, record.clock)
        assert ends.seals.heights_covering([place]) == {place: kept.sealed.seal.height}
