"""Forked logs: the proofs that froze them, and the void records that stay because others cite them.

A proof ends the good part of its log. Records above that end stay in the log's pages; records of
another branch lie in the table `branch`. No proof or record is verified here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import (
    NO_ID,
    Record,
    RecordId,
    community_of,
    from_bytes_unchecked,
)
from commonweal.storage.records.logs.log_pages import LOG_BYTES_MAX, fitting, opening_of
from commonweal.storage.records.logs.record_lookup import RecordLookup
from commonweal.storage.records.logs.run_pages import SEQ_BITS
from commonweal.storage.sqlite.database import Row

if TYPE_CHECKING:  # loaded when a log is frozen, which is seldom
    from commonweal.protocol.records.fork_proof import ForkProof


class ForkStore(RecordLookup):
    """The tables `proof` and `branch`."""

    def freeze(self, proof: ForkProof) -> bool:
        """Store a proof and end the good part of its log there; return whether anything changed.

        Of several proofs against one log the one with the lowest seq stays, and of equals the
        first.
        """
        log = self.row(
            "SELECT id, opening, length, frozen, base FROM log WHERE author = ?", (proof.author,)
        )
        if log is None:
            record = from_bytes_unchecked(proof.wires[0])
            opening = opening_of(community_of(record), proof.author)
            log = (self._new_log(proof.author, opening), opening, 0, None, 0)
        number, opening, length, frozen, base = log
        if frozen is not None and frozen <= proof.seq:
            return False
        from commonweal.protocol.records.fork_proof import to_bytes

        good = min(length, proof.seq)
        # A badly signed record just below is good by one branch only, and nodes would differ.
        # Below a base the witnesses who sealed the record have checked it.
        while good > base and not self._is_signed(number, opening, good - 1):
            good -= 1
        if good < length:
            self._cut(number, opening, good, proof.prev if good <= base else None)
        self.change("UPDATE log SET frozen = ? WHERE id = ?", (proof.seq, number))
        self.change("INSERT OR REPLACE INTO proof VALUES (?, ?)", (number, to_bytes(proof)))
        return True

    def proof(self, author: DeviceKey) -> ForkProof | None:
        """Return the proof that froze a log; None when it is not frozen."""
        row = self.row(
            "SELECT wire FROM proof JOIN log ON log.id = proof.log WHERE author = ?", (author,)
        )
        return _proof_in(row) if row else None

    def proofs(self) -> Iterator[ForkProof]:
        """Yield all proofs, by author."""
        rows = self.rows("SELECT wire FROM proof JOIN log ON log.id = proof.log ORDER BY author")
        return map(_proof_in, rows)

    def void(self, author: DeviceKey) -> list[Record]:
        """Return the void records of a frozen log, of all branches, by seq."""
        log = self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL",
            (author,),
        )
        if log is None:
            return []
        number, opening, length, held = log
        wires = self._range(number, opening, length, held, LOG_BYTES_MAX)
        wires += [wire for (wire,) in self.rows("SELECT wire FROM branch WHERE log = ?", (number,))]
        records = {record.id: record for record in map(from_bytes_unchecked, wires)}
        return sorted(records.values(), key=lambda record: (record.seq, record.id))

    def append_branch(self, records: Sequence[Record]) -> None:
        """Store records of another branch of a frozen log, because others cite them.

        They are found by id only. Records already held are passed over.
        """
        for record in records:
            log = self.row("SELECT id, frozen FROM log WHERE author = ?", (record.author,))
            assert log and log[1] is not None, f"the log of {record} is not frozen"
            if self.clock_of(record.id) is not None:
                continue
            self.change(
                "INSERT INTO branch VALUES (?, ?, ?, ?)",
                (record.id, log[0], record.seq, record.wire),
            )
            size = len(record.wire)
            self.change("UPDATE log SET bytes = bytes + ? WHERE id = ?", (size, log[0]))
            self._remember(record.id, record.clock)

    def branch_size(self, author: DeviceKey) -> tuple[int, int]:
        """Return number and bytes of the records stored from other branches of a log."""
        row = self.row(
            "SELECT count(*), total(length(wire)) FROM branch"
            " WHERE log = (SELECT id FROM log WHERE author = ?)",
            (author,),
        )
        assert row is not None
        return row[0], int(row[1])

    def branch_wires(self, record_id: RecordId, bytes_max: int, skip: int = 0) -> list[bytes]:
        """Return the void chain to `record_id` and on, from `skip` records after its log's end.

        In seq order; as many as fit in `bytes_max` from the beginning, and at least one.
        Empty when `record_id` is not held or not void, or the chain is shorter than `skip`.
        """
        chain: list[bytes] = []
        record = self.record(record_id)
        log = record and self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL"
            " AND base <= length",
            (record.author,),
        )
        if not record or not log:
            return []
        number, opening, length, held = log
        seq = record.seq
        while row := self.row("SELECT wire FROM branch WHERE id = ?", (record_id,)):
            chain.append(row[0])
            seq, record_id = seq - 1, from_bytes_unchecked(row[0]).prev
        if not chain and seq < length:
            return []
        start = (min(length, seq + 1) if chain else length) + skip
        below = self._range(number, opening, start, seq + 1 if chain else held, bytes_max)
        if not chain or len(below) < seq + 1 - start:
            return below
        chain = chain[::-1] + self._onward(number, record)
        return fitting(below + chain[max(0, start - seq - 1) :], bytes_max)

    def _onward(self, number: int, last: Record) -> list[bytes]:
        """Return the records that follow `last` in its stored branch."""
        wires: list[bytes] = []
        head = last.id
        for id, wire in self.rows(
            "SELECT id, wire FROM branch WHERE log = ? AND seq > ? ORDER BY seq", (number, last.seq)
        ):
            if from_bytes_unchecked(wire).prev == head:
                wires.append(wire)
                head = id
        return wires

    def _cut(self, number: int, opening: bytes, good: int, head: RecordId | None) -> None:
        """End the good part of a log at `good`, with the head and clock it has there.

        head: where the record that ends it is not here; nothing follows it, so its clock is 0.
        """
        last = self._single(number, opening, good - 1) if good and head is None else None
        clock = last.clock if last else 0
        self.change(
            "UPDATE log SET length = ?, head = ?, clock = ?, checked = min(checked, ?)"
            " WHERE id = ?",
            (good, last.id if last else head or NO_ID, clock, good, number),
        )

    def _make_way(self, number: int, opening: bytes, length: int, held: int) -> None:
        """Store the void part of a log as a branch, since the good part grows in its place."""
        void = ((number << SEQ_BITS) + length, (number << SEQ_BITS) + held)
        for record in map(
            from_bytes_unchecked, self._range(number, opening, length, held, LOG_BYTES_MAX)
        ):
            self.change(
                "INSERT OR IGNORE INTO branch VALUES (?, ?, ?, ?)",
                (record.id, number, record.seq, record.wire),
            )
        self._ids.drop(*void)
        self._drop(opening, *void)
        self.change("DELETE FROM rare WHERE key >= ? AND key < ?", void)
        self.change("UPDATE log SET held = length WHERE id = ?", (number,))


def _proof_in(row: Row) -> ForkProof:
    """Return a stored proof; it was checked before it was stored."""
    match codec.decode(row[0]):
        case [str(), bytes(first), bytes(second)]:
            from commonweal.protocol.records.fork_proof import ForkProof

            record = from_bytes_unchecked(first)
            return ForkProof(record.author, record.seq, record.prev, (first, second))
        case _:
            raise AssertionError("a stored proof is complete")
