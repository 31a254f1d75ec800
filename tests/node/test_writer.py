"""The writer: records of one request may name each other before their ids are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.records.record import RecordId
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
