"""Forked logs: the proofs that froze them, and the void records that stay because others cite them.

A proof ends the good part of its log. Records above that end stay in the log's pages; records of
another branch lie in the table `branch`. No proof or record is verified here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import (
    NO_ID,
    Record,
    RecordId,
    community_of,
    from_bytes_unchecked,
    prev_from_bytes,
)
from commonweal.storage.records.logs.branch_tree import NOWHERE, BranchTree
from commonweal.storage.records.logs.log_pages import LOG_BYTES_MAX, fitting, opening_of
from commonweal.storage.records.logs.record_lookup import RecordLookup
from commonweal.storage.records.logs.run_pages import LOST, SEQ_BITS
from commonweal.storage.sqlite.database import Row

if TYPE_CHECKING:  # loaded when a log is frozen, which is seldom
    from commonweal.protocol.records.fork_proof import ForkProof


PLACES_KEPT_MAX = 524_288
"""Records of stored branches of which the places stay in memory, 25 MB; one log at least."""


class ForkStore(RecordLookup):
    """The tables `proof` and `branch`."""

    _trees: dict[int, BranchTree]
    """What follows what in the stored branches of some logs, those that were asked of last."""

    def forget(self) -> None:
        """Drop the trees of branches, too, which may be of records that are rolled back."""
        super().forget()
        self._trees = {}

    def shrink(self) -> None:
        """Free the trees of branches, too."""
        super().shrink()
        self._trees = {}

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
        """Return the void records of a frozen log that are here, of all branches, by seq."""
        log = self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL",
            (author,),
        )
        if log is None:
            return []
        number, opening, length, held = log
        wires = self._range(number, opening, length, held, LOG_BYTES_MAX)
        wires += [wire for (wire,) in self.rows("SELECT wire FROM branch WHERE log = ?", (number,))]
        here = (wire for wire in wires if wire != LOST)  # below a base some are not
        records = {record.id: record for record in map(from_bytes_unchecked, here)}
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
            tree = self._trees.get(log[0])
            if tree is not None and not tree.add(record.id, record.seq, record.prev):
                del self._trees[log[0]]

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
        record = self.record(record_id)
        log = record and self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL"
            " AND base <= length",
            (record.author,),
        )
        if not record or not log:
            return []
        number, opening, length, held = log
        branch = self._branch(number, record_id)
        if branch is None and record.seq < length:
            return []
        if branch is None:
            return self._range(number, opening, length + skip, held, bytes_max)
        tree, place = branch
        root = tree.seq(tree.root(place))
        start = min(length, root) + skip
        below = self._range(number, opening, start, root, bytes_max)
        if len(below) < root - start:
            return below
        return fitting(chain(below, self._upward(tree, place, max(start, root))), bytes_max)

    def is_on_branch(self, record: Record, head: RecordId, length: int) -> bool:
        """Whether a held record is among the first `length` of its log that end in `head`.

        False also where one between them is not held. The records in the pages of a log follow
        one another; from a stored branch it is a few steps down to them.
        """
        row = self.row("SELECT id, opening FROM log WHERE author = ?", (record.author,))
        assert row is not None, "a held record has a log"
        number, opening = row
        at, seq = head, length - 1
        while not self._is_in_pages(number, opening, seq, at):
            branch = self._branch(number, at)
            if branch is None or seq < record.seq:
                return False
            tree, place = branch
            root = tree.root(place)
            if record.seq >= tree.seq(root):
                return tree.id(tree.below(place, record.seq)) == record.id
            at, seq = prev_from_bytes(self._branch_wire(tree.id(root))), tree.seq(root) - 1
        if self._is_in_pages(number, opening, record.seq, record.id):
            return True
        # A light home dropped it, and has fetched it again with the proof that it is sealed.
        return self.row("SELECT 1 FROM fetched WHERE id = ?", (record.id,)) is not None

    # Inside

    def _is_in_pages(self, number: int, opening: bytes, seq: int, id: RecordId) -> bool:
        """Whether a record of this id stands at `seq` in the pages of a log."""
        wire = self.stored(opening, (number << SEQ_BITS) + seq) if seq >= 0 else None
        return wire is not None and keys.hash32(keys.RECORD, wire) == id

    def _upward(self, tree: BranchTree, place: int, start: int) -> Iterator[bytes]:
        """Yield the records of a stored branch from seq `start` on, through `place` and on."""
        for seq in range(start, tree.seq(place) + 1):
            yield self._branch_wire(tree.id(tree.below(place, seq)))
        for following in tree.onward(place):
            if tree.seq(following) >= start:
                yield self._branch_wire(tree.id(following))

    def _branch_wire(self, id: RecordId) -> bytes:
        row = self.row("SELECT wire FROM branch WHERE id = ?", (id,))
        assert row is not None, "a record of a stored branch stays"
        return bytes(row[0])

    def _branch(self, number: int, id: RecordId) -> tuple[BranchTree, int] | None:
        """Return the stored branches of a log and the place of a record in them, or None.

        They are read again where another connection has stored more.
        """
        if self.row("SELECT 1 FROM branch WHERE id = ? AND log = ?", (id, number)) is None:
            return None
        tree = self._trees.pop(number, None)
        place = NOWHERE if tree is None else tree.place(id)
        if tree is None or place == NOWHERE:
            rows = self.each(
                "SELECT id, seq, wire FROM branch WHERE log = ? ORDER BY seq, rowid", (number,)
            )
            tree = BranchTree((row[0], row[1], prev_from_bytes(row[2])) for row in rows)
            place = tree.place(id)
        self._trees[number] = tree
        while sum(map(len, self._trees.values())) > PLACES_KEPT_MAX and len(self._trees) > 1:
            del self._trees[next(iter(self._trees))]
        return tree, place

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
        """Store the void part of a log as a branch, since the good part grows in its place.

        What of it is not here, as below the base of a light home, is passed over.
        """
        void = ((number << SEQ_BITS) + length, (number << SEQ_BITS) + held)
        wires = self._range(number, opening, length, held, LOG_BYTES_MAX)
        for record in map(from_bytes_unchecked, (wire for wire in wires if wire != LOST)):
            self.change(
                "INSERT OR IGNORE INTO branch VALUES (?, ?, ?, ?)",
                (record.id, number, record.seq, record.wire),
            )
        self._trees.pop(number, None)
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
