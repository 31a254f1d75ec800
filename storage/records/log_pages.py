"""How a record lies in the database: without the bytes that its whole log begins with."""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.fork_proof import Proof
from commonweal.protocol.records.log import is_signed
from commonweal.protocol.records.record import CONTEXT, CommunityId, Record, from_bytes_unchecked
from commonweal.storage.records.blobs_settings_addresses import Shelves
from commonweal.storage.sqlite.database import Row

SEQ_BITS = 40
SEQ_MAX = (1 << SEQ_BITS) - 1

ROWS_READ_AT_ONCE = 512
"""A range of at most so many records is read whole, then cut to the bytes that are wanted."""

LOG_BYTES_MAX = 1 << 60
"""More than any log has: nothing of it is left out."""

_WHOLE = 0x9C  # the first byte of a header, an array of 12; no seq begins so


class LogPages(Shelves):
    """Reads ranges of one log by its number and its opening."""

    def void(self, author: DeviceKey) -> list[Record]:
        """Return what is held of a frozen log behind its good part, of all branches, by seq."""
        log = self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL",
            (author,),
        )
        if log is None:
            return []
        number, opening, length, held = log
        wires = self._range(number, opening, length, held, LOG_BYTES_MAX)
        wires += [wire for (wire,) in self.rows("SELECT wire FROM branch WHERE log = ?", (number,))]
        found = {record.id: record for record in map(from_bytes_unchecked, wires)}
        return sorted(found.values(), key=lambda record: (record.seq, record.id))

    def _range(
        self, number: int, opening: bytes, start: int, stop: int, bytes_max: int
    ) -> list[bytes]:
        base = number << SEQ_BITS
        bounds = (base + max(start, 0), base + max(min(stop, SEQ_MAX), 0))
        select = "SELECT tail FROM record WHERE key >= ? AND key < ? ORDER BY key"
        if bounds[1] - bounds[0] <= ROWS_READ_AT_ONCE:
            return fitting(
                [whole(opening, tail) for (tail,) in self.rows(select, bounds)], bytes_max
            )
        return fitting((whole(opening, tail) for (tail,) in self.each(select, bounds)), bytes_max)

    def branch_size(self, author: DeviceKey) -> tuple[int, int]:
        """Return how many records are kept of other branches of a log, and their bytes."""
        row = self.row(
            "SELECT count(*), total(length(wire)) FROM branch"
            " WHERE log = (SELECT id FROM log WHERE author = ?)",
            (author,),
        )
        assert row is not None
        return row[0], int(row[1])

    def _onward(self, number: int, last: Record) -> list[bytes]:
        """Return what follows a record in a branch that is kept."""
        found: list[bytes] = []
        head = last.id
        for id, wire in self.rows(
            "SELECT id, wire FROM branch WHERE log = ? AND seq > ? ORDER BY seq", (number, last.seq)
        ):
            if from_bytes_unchecked(wire).prev == head:
                found.append(wire)
                head = id
        return found

    def _is_signed(self, number: int, opening: bytes, seq: int) -> bool:
        try:
            return is_signed(self._one(number, opening, seq))
        except (Malformed, InvalidRecord):
            return False  # the disk changed it

    def _one(self, number: int, opening: bytes, seq: int) -> Record:
        return from_bytes_unchecked(self._range(number, opening, seq, seq + 1, 0)[0])


def opening_of(community: CommunityId, author: DeviceKey) -> bytes:
    """Return the bytes that begin every record of a log, but a founding one."""
    return bytes([_WHOLE]) + codec.encode([CONTEXT, community, author])[1:]


def whole(opening: bytes, tail: bytes) -> bytes:
    """Return the bytes of a record from what the view `held` has of it."""
    return tail if tail[0] == _WHOLE else opening + tail


def fitting(wires: Iterator[bytes] | list[bytes], bytes_max: int) -> list[bytes]:
    """Return as many from the beginning as fit in `bytes_max`, and at least one."""
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


def proof_in(row: Row) -> Proof:
    """Return a stored proof; it was checked before it was stored."""
    one, two = (from_bytes_unchecked(wire) for wire in _wires_of(row[0]))
    return Proof(one.author, one.seq, one.prev, (one.wire, two.wire))


def _wires_of(data: bytes) -> tuple[bytes, bytes]:
    match codec.decode(data):
        case [str(), bytes(one), bytes(two)]:
            return one, two
        case _:
            raise AssertionError("a stored proof is whole")
