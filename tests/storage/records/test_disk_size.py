"""How many bytes a record takes on the disk."""

from __future__ import annotations

from pathlib import Path
from random import Random

from commonweal.protocol.codec import Value
from commonweal.protocol.records.log import Tip
from commonweal.storage.records.logs.log_store import Store
from tests.storage.records.logs.test_log_store import ANN, BEN, FOUND, FOUND_TIP, chain, key

LOGS = {ANN: FOUND_TIP, BEN: Tip()}
RECORDS = 8_000


def test_records_of_a_sheet_take_half_of_their_bytes(tmp_path: Path) -> None:
    """What follows from each other is not stored, which pays for the index of ids too."""
    chance = Random(1)
    store = Store(tmp_path / "records.db")
    store.append(key(ANN), [FOUND])
    for signer, tip in LOGS.items():
        for start in range(0, RECORDS, 500):
            rows: list[dict[str, Value]] = [
                {
                    "provider": bytes(signer.key),
                    "action": "work",
                    "effortQuantity": {"n": chance.randrange(1_000), "scale": 2, "unit": "hour"},
                    "hasPointInTime": f"2023-11-{n % 28 + 1:02d}",
                    "row": chance.randbytes(32),
                }
                for n in range(start, start + 500)
            ]
            run = chain(signer, tip, rows)
            tip = Tip(run[-1].seq + 1, run[-1].id, run[-1].clock)
            store.append(key(signer), run)
            store.commit()
    wire_bytes = store.counts().bytes
    store.close()
    assert wire_bytes > len(LOGS) * RECORDS * 350
    assert (tmp_path / "records.db").stat().st_size <= 0.5 * wire_bytes
