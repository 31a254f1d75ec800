"""Arrivals: what only records say of the events in a state that was taken from peers.

Such a state has every event that counts, and not when it was recorded and happened. That is noted
from the records that are here, a portion at a time, whether they came before the state or after it.
"""

from __future__ import annotations

from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.consensus.restored import NOTED, TAKEN
from commonweal.storage.ledger.contributions.event_times import (
    EVENT_KIND,
    TimeRow,
    note_late_times,
    time_row,
)
from commonweal.storage.ledger.ledger import LedgerState

RECORDS_AT_ONCE, BYTES_AT_ONCE = 5_000, 4 * 1024 * 1024
"""Bounds of a portion, which is read at once."""


def note_arrivals(kept: LedgerState) -> bool:
    """Note the times of a portion of the events whose records are here; return whether more are.

    False without a state that was taken.
    """
    layers = kept.layers
    noted: dict[bytes, int] | None = layers.mark(NOTED)
    if noted is None:
        return False
    before = dict(noted)
    rows, is_more = _portion(kept, noted)
    is_audited = layers.mark(TAKEN) is None
    if noted != before or is_audited:
        layers.begin()
        try:
            note_late_times(layers, rows)
            layers.put_mark(NOTED, noted if is_more or not is_audited else None)
            layers.commit()
        finally:
            layers.rollback()
    return is_more


def _portion(kept: LedgerState, noted: dict[bytes, int]) -> tuple[list[TimeRow], bool]:
    """Return the times of the next events, and whether there are more; `noted` goes on."""
    rows: list[TimeRow] = []
    room = RECORDS_AT_ONCE
    with kept.store.snapshot():
        for row in kept.store.logs():
            log = kept.last.logs.get(row.author)
            start = max(noted.get(row.author, 0), row.base)  # what lies below was dropped here
            stop = min(row.length, log.length if log else 0)
            if start >= stop:
                continue
            if room <= 0:
                return rows, True
            wires = kept.store.wires(row.author, start, min(stop, start + room), BYTES_AT_ONCE)
            records = map(from_bytes_unchecked, wires)
            rows += [time_row(record) for record in records if record.kind == EVENT_KIND]
            noted[row.author] = start + len(wires)
            room -= len(wires)
            if start + len(wires) < stop:
                return rows, True
    return rows, False
