"""How many bytes a record takes on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from commonweal.protocol import keys
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.records.log_store import Store
from tests.storage.records.test_log_store import ANN, FOUND_TIP, chain

EVENT: dict[str, Value] = {
    "provider": b"a" * 32,
    "action": "work",
    "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
    "note": "x" * 60,
}


def test_a_hundred_thousand_records_fit_in_little_more_than_their_bytes(tmp_path: Path) -> None:
    """The id and the beginning of each record are not stored, which pays for the index of ids."""
    template = chain(ANN, FOUND_TIP, [EVENT])[0]
    store = Store(tmp_path / "records.db")
    tips: dict[int, RecordId] = {}
    for start in range(0, 10_000, 100):
        for author in range(10):
            run = _unsigned_run(template, bytes([author]) * 32, start, tips.get(author, b""))
            store.append(run[0].author, run)
            tips[author] = run[-1].id
        store.commit()
    wire_bytes = store.counts().bytes
    store.close()
    assert wire_bytes > 100_000 * 200
    assert (tmp_path / "records.db").stat().st_size <= 1.05 * wire_bytes


def _unsigned_run(template: Record, author: bytes, start: int, prev: bytes) -> list[Record]:
    """Return 100 records that only look like ones, which is all that their size needs."""
    opening = template.wire[: template.wire.index(template.author)] + author
    run = []
    for seq in range(start, start + 100):
        tail = b"\xcd" + seq.to_bytes(2, "big") + template.wire[len(opening) + 1 : -64]
        wire = opening + tail + os.urandom(64)
        one = template._replace(
            id=RecordId(keys.hash32(keys.RECORD, wire)),
            author=DeviceKey(author),
            seq=seq,
            prev=RecordId(prev),
            wire=wire,
        )
        run.append(one)
        prev = one.id
    return run
