"""Pages of records: how the records of one log lie in the database, and ranges of them.

Every record of a log but the founding one begins with the same bytes, the log's prefix
(column `opening`); they are stored once for the log, and only the rest (`tail`) for each record.
Nothing here decides which records are good.
"""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.log import is_signed
from commonweal.protocol.records.record import CONTEXT, CommunityId, Record, from_bytes_unchecked
from commonweal.storage.sqlite.database import Database

SEQ_BITS = 40
SEQ_MAX = (1 << SEQ_BITS) - 1
"""A row's key is the number of its log << SEQ_BITS, plus the record's seq."""

ROWS_READ_AT_ONCE = 512
"""A range of up to this many records is read in one query, then cut to the bytes wanted."""

LOG_BYTES_MAX = 1 << 60
"""More bytes than any log has: a range with this bound is complete."""

_WHOLE = 0x9C  # first byte of a header, an array of 12; no seq begins with it


class LogPages(Database):
    """Ranges of the table `record`, by the number and the prefix of a log."""

    def _range(
        self, number: int, opening: bytes, start: int, stop: int, bytes_max: int
    ) -> list[bytes]:
        """Return the records with seq in [start, stop), as `fitting` bounds them."""
        base = number << SEQ_BITS
        bounds = (base + max(start, 0), base + max(min(stop, SEQ_MAX), 0))
        select = "SELECT tail FROM record WHERE key >= ? AND key < ? ORDER BY key"
        if bounds[1] - bounds[0] <= ROWS_READ_AT_ONCE:
            return fitting(
                [whole(opening, tail) for (tail,) in self.rows(select, bounds)], bytes_max
            )
        return fitting((whole(opening, tail) for (tail,) in self.each(select, bounds)), bytes_max)

    def _new_log(self, author: DeviceKey, opening: bytes) -> int:
        return self.insert("INSERT INTO log (author, opening) VALUES (?, ?)", (author, opening))

    def _single(self, number: int, opening: bytes, seq: int) -> Record:
        return from_bytes_unchecked(self._range(number, opening, seq, seq + 1, 0)[0])

    def _is_signed(self, number: int, opening: bytes, seq: int) -> bool:
        try:
            return is_signed(self._single(number, opening, seq))
        except (Malformed, InvalidRecord):
            return False  # the disk corrupted it


def opening_of(community: CommunityId, author: DeviceKey) -> bytes:
    """Return the prefix that every record of a log shares, except a founding record."""
    return bytes([_WHOLE]) + codec.encode([CONTEXT, community, author])[1:]


def whole(opening: bytes, tail: bytes) -> bytes:
    """Return the bytes of a record from the two columns of the view `held`."""
    return tail if tail[0] == _WHOLE else opening + tail


def fitting(wires: Iterator[bytes] | list[bytes], bytes_max: int) -> list[bytes]:
    """Return the longest prefix of `wires` within `bytes_max` bytes, and at least one item."""
    if isinstance(wires, list) and sum(map(len, wires)) <= bytes_max:
        return wires
    fitting: list[bytes] = []
    total = 0
    for wire in wires:
        total += len(wire)
        if fitting and total > bytes_max:
            break
        fitting.append(wire)
    return fitting
