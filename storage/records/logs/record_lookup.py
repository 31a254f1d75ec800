"""Records found by id, by place in their log, and by kind.

Void records are found by id too, because other records cite them; every range is of good records.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

from commonweal.protocol import keys
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import packed_run
from commonweal.protocol.records.record import (
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
)
from commonweal.storage.records.logs.id_index import IdIndex
from commonweal.storage.records.logs.log_pages import LogPages
from commonweal.storage.records.logs.run_pages import SEQ_BITS, SEQ_MAX, whole

CLOCKS_CACHED_MAX = 4_096
CLOCKS_IDLE = 256
"""Clocks that are kept when memory is given back: what comes next cites the newest records."""

NO_STARTS: Mapping[bytes, int] = MappingProxyType({})

RARE_ROWS_READ = 500
"""Governance records are read this many at a time, so that no cursor stays open in between."""


class RecordLookup(LogPages):
    """Reads records; caches the clocks of those that were appended or asked for last."""

    _clocks: dict[RecordId, int]
    _ids: IdIndex

    def forget(self) -> None:
        """Drop the cached clocks and ids, which may be of records that are rolled back."""
        super().forget()
        self._clocks = {}
        self._ids = IdIndex(self)

    def shrink(self) -> None:
        """Free all but the newest clocks, too."""
        super().shrink()
        self._clocks = dict(list(self._clocks.items())[-CLOCKS_IDLE:])

    def tidy(self) -> bool:
        """Move recent ids to the large table, and pack some records that came one by one.

        Look-ups are faster then, and the file smaller. For idle times; the caller commits. Returns
        whether there may be more to pack.
        """
        self._ids.tidy()
        return self.pack_loose()

    def clock_of(self, record_id: RecordId) -> int | None:
        """Return the clock of a held record, void or not; None when it is not held."""
        clock = self._clocks.pop(record_id, None)
        if clock is None:
            wire = self.wire(record_id)
            if wire is None:
                return None
            clock = clock_from_bytes(wire)
        self._remember(record_id, clock)
        return clock

    def wire(self, record_id: RecordId) -> bytes | None:
        """Return the bytes of a held record, void or not; None when it is not held."""
        for key in self._ids.keys(record_id):
            wire = self._at(key)
            if keys.hash32(keys.RECORD, wire) == record_id:
                return wire
        row = self.row(
            "SELECT wire FROM branch WHERE id = ?1"
            " UNION ALL SELECT wire FROM fetched WHERE id = ?1",
            (record_id,),
        )
        return row[0] if row else None

    def record(self, record_id: RecordId) -> Record | None:
        """Return a held record, void or not; None when it is not held."""
        wire = self.wire(record_id)
        return None if wire is None else from_bytes_unchecked(wire)

    def ids(self, hex_prefix: str, limit: int = 3) -> list[RecordId]:
        """Return up to `limit` ids that begin with these hex digits, in order.

        An odd number of digits is fine; no digits, or other characters, match nothing.
        """
        digits = hex_prefix.lower()
        if not digits or len(digits) > 64 or set(digits) - set("0123456789abcdef"):
            return []
        low, high = (bytes.fromhex(digits.ljust(64, end)) for end in "0f")
        ids = [
            RecordId(id)
            for (id,) in self.rows(
                "SELECT id FROM branch WHERE id BETWEEN ?1 AND ?2 UNION"
                " SELECT id FROM fetched WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
                (low, high, limit),
            )
        ]
        for key in self._ids.keys_between(low, high):
            id = RecordId(keys.hash32(keys.RECORD, self._at(key)))
            if low <= id <= high:
                ids.append(id)
                if len(ids) > 2 * limit:
                    break
        return sorted(ids)[:limit]

    def id_at(self, author: DeviceKey, seq: int) -> RecordId | None:
        """Return the id of the good record at `seq`; None where there is none."""
        wires = self.wires(author, seq, seq + 1, 0) if seq >= 0 else []
        return RecordId(keys.hash32(keys.RECORD, wires[0])) if wires else None

    def wires(self, author: DeviceKey, start: int, stop: int, bytes_max: int) -> list[bytes]:
        """Return the good records with seq in [start, stop), in order.

        As many as fit in `bytes_max` bytes, and at least one when there is any. None where
        `start` lies below the base of the log, from where on all are here.
        """
        log = self.row("SELECT id, opening, length, base FROM log WHERE author = ?", (author,))
        if not log or start < log[3]:
            return []
        number, opening, length, _ = log
        return self._range(number, opening, start, min(stop, length), bytes_max)

    def containing(
        self, needle: bytes, author: DeviceKey, start: int = 0, stop: int = SEQ_MAX
    ) -> Iterator[bytes]:
        """Yield the good records of a log with seq in [start, stop) that contain these bytes.

        Only what follows the clock is searched. Costs 0.4 us a record, so it is not for long logs.
        """
        log = self.row("SELECT id, opening, length FROM log WHERE author = ?", (author,))
        number, opening, length = log or (0, b"", 0)
        base = number << SEQ_BITS
        first, end = base + start, base + min(stop, length)
        loose = self.rows(
            "SELECT key, tail FROM record WHERE key >= ? AND key < ? AND instr(tail, ?)"
            " ORDER BY key",
            (first, end, needle),
        )
        rows = ((key, whole(opening, tail)) for key, tail in loose)
        packed = self._containing(opening, first, end, needle)
        for _, wire in heapq.merge(rows, packed):
            yield wire

    def _containing(
        self, opening: bytes, first: int, end: int, needle: bytes
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the keys in [first, end) and records of packed runs that contain these bytes."""
        for key, content in self.each(
            "SELECT key, content FROM run WHERE key > ? AND key < ? ORDER BY key",
            (first - packed_run.RECORDS_MAX, end),
        ):
            with suppress(Malformed):  # the disk damaged it, and it is fetched again
                if needle in packed_run.text(content):
                    wires = self._unpack(opening, key, content).wires
                    for at, wire in enumerate(wires, key):
                        if first <= at < end and needle in wire:
                            yield at, wire

    def rare(self, starts: Mapping[bytes, int] = NO_STARTS) -> Iterator[Record]:
        """Yield the good governance records (all but BULK_KINDS), log by log, in seq order.

        starts: by author, the seq below which records are left out.
        """
        after = -1
        while True:
            rows = self.rows(
                "SELECT rare.key, author, seq, opening, tail FROM rare JOIN held USING (key)"
                " WHERE rare.key > ? AND seq < length ORDER BY rare.key LIMIT ?",
                (after, RARE_ROWS_READ),
            )
            for _, author, seq, opening, tail in rows:
                if seq < starts.get(author, 0):
                    continue
                try:
                    record = from_bytes_unchecked(whole(opening, tail))
                except (Malformed, InvalidRecord):
                    continue  # the disk corrupted it, and it is fetched again
                yield record
            if len(rows) < RARE_ROWS_READ:
                return
            after = rows[-1][0]

    def rare_of(self, author: DeviceKey, start: int, stop: int) -> list[bytes]:
        """Return the good governance records of a log with seq in [start, stop), in order.

        They stay below the base of a log, where `wires` gives none.
        """
        log = self.row("SELECT id, opening, length FROM log WHERE author = ?", (author,))
        number, opening, length = log or (0, b"", 0)
        base = number << SEQ_BITS
        rows = self.rows(
            "SELECT tail FROM rare JOIN record USING (key) WHERE key >= ? AND key < ? ORDER BY key",
            (base + start, base + min(stop, length)),
        )
        return [whole(opening, tail) for (tail,) in rows]

    def _at(self, key: int) -> bytes:
        row = self.row("SELECT opening FROM log WHERE id = ?", (key >> SEQ_BITS,))
        wire = self.stored(row[0], key) if row is not None else None
        assert wire is not None, "every record in the id index is held"
        return wire

    def _remember(self, record_id: RecordId, clock: int) -> None:
        clocks = self._clocks
        if len(clocks) >= CLOCKS_CACHED_MAX:
            del clocks[next(iter(clocks))]
        clocks[record_id] = clock
