"""Pages of records: how the records of one log lie in the database, and ranges of them.

Every record of a log but the founding one begins with the same bytes, the log's prefix
(column `opening`); they are stored once for the log, and only the rest (`tail`) for each record,
or less in a packed run (`run_pages`). Nothing here decides which records are good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CONTEXT, CommunityId, Record, from_bytes_unchecked
from commonweal.storage.records.logs.run_pages import LOST, SEQ_BITS, SEQ_MAX, RunPages

ROWS_READ_AT_ONCE = 512
"""Records of a range that are read at once, then cut to the bytes wanted."""

LOG_BYTES_MAX = 1 << 60
"""More bytes than any log has: a range with this bound is complete."""

_WHOLE = 0x9C  # first byte of a header, an array of 12


class LogPages(RunPages):
    """Ranges of records, by the number and the prefix of a log."""

    def _range(
        self, number: int, opening: bytes, start: int, stop: int, bytes_max: int
    ) -> list[bytes]:
        """Return the records with seq in [start, stop), as `fitting` bounds them."""
        base = number << SEQ_BITS
        first, stop = base + max(start, 0), base + max(min(stop, SEQ_MAX), 0)
        return fitting(chain.from_iterable(self._in(opening, first, stop)), bytes_max)

    def _in(self, opening: bytes, start: int, stop: int) -> Iterator[list[bytes]]:
        """Yield the records with a key in [start, stop) of one log, some at a time."""
        while start < stop:
            end = min(start + ROWS_READ_AT_ONCE, stop)
            for wires in self._chunks(opening, start, end):
                yield wires
                start += len(wires)
            if start < end:
                if not self._has_any(end, stop):
                    return  # that was the last one
                yield [LOST] * (end - start)
                start = end

    def _new_log(self, author: DeviceKey, opening: bytes) -> int:
        return self.insert("INSERT INTO log (author, opening) VALUES (?, ?)", (author, opening))

    def _single(self, number: int, opening: bytes, seq: int) -> Record:
        return from_bytes_unchecked(self._range(number, opening, seq, seq + 1, 0)[0])

    def _is_signed(self, number: int, opening: bytes, seq: int) -> bool:
        from commonweal.protocol.records.log import is_signed

        try:
            return is_signed(self._single(number, opening, seq))
        except (Malformed, InvalidRecord):
            return False  # the disk corrupted it


def opening_of(community: CommunityId, author: DeviceKey) -> bytes:
    """Return the prefix that every record of a log shares, except a founding record."""
    return bytes([_WHOLE]) + codec.encode([CONTEXT, community, author])[1:]


def fitting(wires: Iterable[bytes], bytes_max: int) -> list[bytes]:
    """Return the longest prefix of `wires` within `bytes_max` bytes, and at least one item."""
    fitting: list[bytes] = []
    total = 0
    for wire in wires:
        total += len(wire)
        if fitting and total > bytes_max:
            break
        fitting.append(wire)
    return fitting
