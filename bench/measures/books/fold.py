"""How fast records are folded, and decoded: `python -m bench.measures.books.fold`.

Prints one line per figure: events folded a second, the same bytes decoded a second, their
ratio, and the milliseconds of a fold again after a late record.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from commonweal.protocol.records import record as records
from commonweal.protocol.records.record import LogPosition, Record, RecordDraft, RecordId
from tests.protocol.ledger.village import Pen, Village

EVENTS = 100_000
OVERLAY = 1_000
AIM_PER_S, AIM_LATE_MS = 20_000, 100


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    village, wires = _written(count)
    gc.collect()
    decoded, decode_s = _timed(lambda: [records.from_bytes_unchecked(wire) for wire in wires])
    ledger = village.ledger()
    ledger.fold()
    chunk = 4096

    def fold() -> None:
        for start in range(0, count, chunk):
            ledger.add(decoded[start : start + chunk])
            ledger.fold()

    _, fold_s = _timed(fold)
    assert ledger.verdict(decoded[-1].id) is None
    tenth = _per_s(decoded[: count // 10], village)
    _say("decode", count / decode_s, "records/s", None)
    _say("fold", count / fold_s, "records/s", AIM_PER_S)
    _say("fold, ledger of a tenth", tenth, "records/s", None)
    _say("fold to decode", decode_s / fold_s, "ratio", None)
    _say("fold again, 1,000 above", _late_ms(), "ms", AIM_LATE_MS)


def _per_s(some: list[Record], village: Village) -> float:
    ledger = village.ledger()
    ledger.fold()
    ledger.add(some)
    _, seconds = _timed(ledger.fold)
    return len(some) / seconds


def _late_ms() -> float:
    village = Village()
    late = Pen(village, village.founder, 1)
    late.enrol([village.records[0]], is_new=False)
    first = late.write("event", _work(village, 0))
    held = [record for record in village.records if record.id != first.id]
    ledger = village.ledger(held)
    ledger.add(_events(village, OVERLAY))
    ledger.fold()
    ledger.add([first])
    assert ledger.waiting >= OVERLAY
    _, seconds = _timed(ledger.fold)
    return seconds * 1000


def _written(count: int) -> tuple[Village, list[bytes]]:
    village = Village()
    process = village.mei.write("process", {})
    spec = village.mei.write("spec.resource", {"name": "commit", "unit": "commit"})
    extra = {"inputOf": process.id, "resourceConformsTo": spec.id}
    return village, [record.wire for record in _events(village, count, extra)]


def _events(village: Village, count: int, extra: dict[str, Any] | None = None) -> list[Record]:
    last = village.mei.log[-1]
    written = []
    seq, prev, clock = last.seq, last.id, last.clock
    for number in range(count):
        seq, clock = seq + 1, clock + 1
        data = _work(village, number)
        if extra and number % 2:
            data = {**extra, "action": "deliverService", "provider": village.founder.id}
            data["resourceQuantity"] = {"n": 1, "scale": 0, "unit": "commit"}
        place = LogPosition(village.community, seq, prev, clock, RecordId(village.community))
        made = records.sign(village.mei.signer, place, RecordDraft("event", data, number))
        written.append(made)
        prev = made.id
    return written


def _work(village: Village, number: int) -> dict[str, Any]:
    return {
        "action": "work",
        "provider": village.founder.id,
        "effortQuantity": {"n": number, "scale": 2, "unit": "hour"},
        "inScopeOf": "bakery",
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _say(name: str, value: float, unit: str, aim: int | None) -> None:
    figure = {"bench": "fold", "name": name, "value": round(value, 2), "unit": unit, "aim": aim}
    print(json.dumps(figure))


if __name__ == "__main__":
    main()
