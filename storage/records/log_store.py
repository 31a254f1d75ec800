"""The records that this node holds: its logs, the branches and proofs of forked ones.

A log's row says how far it is good: up to the seq that a proof against it names, or as
far as it is held. Everything is served from the good part; records above it stay, and
are found by id, because others cite them. What comes in was verified by `protocol.log`;
nothing here checks a signature. Nothing is durable before `commit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from typing import NamedTuple

from commonweal.protocol import keys
from commonweal.protocol.errors import ForkedLog, InvalidRecord, Malformed, MissingBody
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.fork_proof import Proof
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import (
    NO_ID,
    Record,
    RecordId,
    clock_in,
    community_of,
    from_bytes_unchecked,
    is_body,
)
from commonweal.storage.records.id_index import IdIndex
from commonweal.storage.records.log_pages import (
    LOG_BYTES_MAX,
    SEQ_BITS,
    SEQ_MAX,
    LogPages,
    fitting,
    opening_of,
    proof_in,
    whole,
)

BULK_KINDS = frozenset({"event", "attest", "review"})
"""Kinds of which there are very many; all others are rare."""

CLOCKS_CACHED_MAX = 4_096

RARE_ROWS_READ = 500
"""Rare records are read this many at a time, so that no cursor stays open between them."""

_LOG_ROW = "author, length, head, clock, frozen, checked, bytes, documents, texts"

_GROWN = (
    "UPDATE log SET length = ?, held = ?, head = ?, clock = ?, bytes = bytes + ?,"
    " documents = documents + ?, texts = texts + ? WHERE id = ?"
)

_ID, _KIND, _WIRE, _BODY = map(attrgetter, ("id", "kind", "wire", "body"))


class LogRow(NamedTuple):
    """What is held of one log. length, head and clock are those of its good part.

    `frozen`: the seq that a proof names, else None. Below `checked` every signature was
    verified itself. `bytes`: of all its records that are held, void ones too; `documents`,
    `texts`: of the permanent and of the erasable bodies that they name.
    """

    author: DeviceKey
    length: int
    head: RecordId
    clock: int
    frozen: int | None
    checked: int
    bytes: int
    documents: int = 0
    texts: int = 0

    @property
    def size(self) -> int:
        """The bytes that the log has this node keep, bodies included."""
        return self.bytes + self.documents + self.texts

    @property
    def tip(self) -> Tip:
        """Where the next good record stands."""
        return Tip(self.length, self.head, self.clock)


class Counts(NamedTuple):
    """How much is held: good records, logs, bytes of all records, bodies."""

    records: int
    logs: int
    bytes: int
    bodies: int


class Store(LogPages):
    """Everything a node keeps. See `Database` for opening, commit and errors."""

    _clocks: dict[RecordId, int]
    _ids: IdIndex

    def forget(self) -> None:
        """Drop the cached clocks and ids, which may be of records that are rolled back."""
        self._clocks = {}
        self._ids = IdIndex(self)

    def tidy(self) -> None:
        """Do what makes later look-ups faster and is left for idle times; the caller commits."""
        self._ids.tidy()

    # Logs

    def logs(self) -> list[LogRow]:
        """Return the row of every log known, by author."""
        found = self.rows(f"SELECT {_LOG_ROW} FROM log ORDER BY author")  # noqa: S608  names of ours
        return [LogRow._make(row) for row in found]

    def log(self, author: DeviceKey) -> LogRow:
        """Return the row of one log; an empty one where nothing is known of it."""
        asked = f"SELECT {_LOG_ROW} FROM log WHERE author = ?"  # noqa: S608  names of ours
        row = self.row(asked, (author,))
        return LogRow._make(row) if row else LogRow(author, 0, NO_ID, 0, None, 0, 0)

    def append(
        self, author: DeviceKey, run: Sequence[Record], bodies: Mapping[bytes, bytes] | None = None
    ) -> None:
        """Put a verified run at the end of a log, and the bodies given for it, by hash.

        run: what `log.read_run` returned for the tip of this log. Raises MissingBody when
        a permanent body is neither held nor given, InvalidRecord when a given one has not
        its hash, ForkedLog when a proof froze the log before the run's end; then nothing
        of the run is stored.
        """
        if not run:
            return
        log = self.row(
            "SELECT id, opening, length, head, frozen, held FROM log WHERE author = ?", (author,)
        )
        number, opening, length, head, frozen, held = log or (0, b"", 0, NO_ID, None, 0)
        first, last = run[0], run[-1]
        stop = length + len(run)
        assert first.author == author == last.author
        assert first.seq == length and first.prev == head and last.seq + 1 == stop <= SEQ_MAX
        if frozen is not None and stop > frozen:
            raise ForkedLog(f"{last}: a proof ends this log before #{frozen}")
        self._put_bodies(run, bodies or {})
        if not log:
            opening = opening_of(community_of(first), author)
            number = self._new_log(author, opening)
        if held > length:
            self._make_way(number, opening, length, held)
        base = (number << SEQ_BITS) + length
        cut = len(opening)
        tails = [record.wire[cut:] for record in run]
        if not first.wire.startswith(opening):
            tails[0] = first.wire  # founding records alone begin otherwise
        assert first is last or last.wire.startswith(opening)
        self.insert_pairs("record", list(zip(count(base), tails, strict=False)))
        self._ids.add(base, run)
        if not BULK_KINDS.issuperset(map(_KIND, run)):
            rare = [(base + n,) for n, one in enumerate(run) if one.kind not in BULK_KINDS]
            self.change_many("INSERT INTO rare VALUES (?)", rare)
        named = [body for body in map(_BODY, run) if body is not None]
        documents = sum(body.size for body in named if body.permanent)
        texts = sum(body.size for body in named) - documents
        more = (sum(map(len, map(_WIRE, run))), documents, texts)
        self.change(_GROWN, (stop, stop, last.id, last.clock, *more, number))
        self._remember(last.id, last.clock)

    def append_branch(self, records: Sequence[Record]) -> None:
        """Keep records of another branch of a frozen log, because others cite them.

        They are found by id only. Those already held are passed over.
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

    def mark_checked(self, author: DeviceKey, seq: int) -> None:
        """Note that every signature of the log below `seq` was verified itself."""
        self.change("UPDATE log SET checked = max(checked, ?) WHERE author = ?", (seq, author))

    def mend(self, author: DeviceKey, seq: int, wire: bytes) -> None:
        """Put a record that is held, and that the disk changed, back in its place."""
        log = self.row("SELECT id, opening FROM log WHERE author = ?", (author,))
        assert log is not None
        number, opening = log
        tail = wire.removeprefix(opening)
        key = (number << SEQ_BITS) + seq
        changed = self.change("UPDATE record SET tail = ? WHERE key = ?", (tail, key))
        assert changed == 1
        self.forget()

    # Records

    def clock_of(self, record_id: RecordId) -> int | None:
        """Return the clock of a record that is held, void or not; None when it is not held."""
        clock = self._clocks.get(record_id)
        if clock is None:
            wire = self.wire(record_id)
            if wire is not None:
                clock = clock_in(wire)
                self._remember(record_id, clock)
        return clock

    def wire(self, record_id: RecordId) -> bytes | None:
        """Return the bytes of a record that is held, void or not."""
        for key in self._ids.keys(record_id):
            wire = self._at(key)
            if keys.hash32(keys.RECORD, wire) == record_id:
                return wire
        row = self.row("SELECT wire FROM branch WHERE id = ?", (record_id,))
        return row[0] if row else None

    def record(self, record_id: RecordId) -> Record | None:
        """Return a record that is held, void or not."""
        wire = self.wire(record_id)
        return None if wire is None else from_bytes_unchecked(wire)

    def ids(self, hex_prefix: str, limit: int = 3) -> list[RecordId]:
        """Return up to `limit` ids that begin with these hex digits, in order.

        An odd number of digits is fine; no digits, or what is not hex, fits nothing.
        """
        digits = hex_prefix.lower()
        if not digits or len(digits) > 64 or set(digits) - set("0123456789abcdef"):
            return []
        low, high = (bytes.fromhex(digits.ljust(64, end)) for end in "0f")
        found = [
            RecordId(one)
            for (one,) in self.rows(
                "SELECT id FROM branch WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                (low, high, limit),
            )
        ]
        for key in self._ids.keys_between(low, high):
            one = RecordId(keys.hash32(keys.RECORD, self._at(key)))
            if low <= one <= high:
                found.append(one)
                if len(found) > 2 * limit:
                    break
        return sorted(found)[:limit]

    def id_at(self, author: DeviceKey, seq: int) -> RecordId | None:
        """Return the id of the good record at `seq`; None where there is none."""
        wires = self.wires(author, seq, seq + 1, 0) if seq >= 0 else []
        return RecordId(keys.hash32(keys.RECORD, wires[0])) if wires else None

    def wires(self, author: DeviceKey, start: int, stop: int, bytes_max: int) -> list[bytes]:
        """Return the good records from seq `start` up to but not `stop`, in order.

        As many as fit in `bytes_max` bytes, and at least one when there is any.
        """
        log = self.row("SELECT id, opening, length FROM log WHERE author = ?", (author,))
        if not log:
            return []
        number, opening, length = log
        return self._range(number, opening, start, min(stop, length), bytes_max)

    def branch_wires(self, record_id: RecordId, bytes_max: int, skip: int = 0) -> list[bytes]:
        """Return the void chain to `record_id` and on, from `skip` behind where its log ends.

        In seq order; as many as fit in `bytes_max` from its beginning, and at least one.
        Empty when `record_id` is not held or not void, or the chain is not that long.
        """
        chain: list[bytes] = []
        record = self.record(record_id)
        log = record and self.row(
            "SELECT id, opening, length, held FROM log WHERE author = ? AND frozen NOTNULL",
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

    def rare(self) -> Iterator[Record]:
        """Yield the good records of all kinds but the bulk ones, log by log, in seq order."""
        after = -1
        while True:
            found = self.rows(
                "SELECT rare.key, opening, tail FROM rare JOIN held USING (key)"
                " WHERE rare.key > ? AND seq < length ORDER BY rare.key LIMIT ?",
                (after, RARE_ROWS_READ),
            )
            for _, opening, tail in found:
                try:
                    record = from_bytes_unchecked(whole(opening, tail))
                except (Malformed, InvalidRecord):
                    continue  # the disk changed it, and it is fetched again
                yield record
            if len(found) < RARE_ROWS_READ:
                return
            after = found[-1][0]

    def counts(self) -> Counts:
        """Return how much is held."""
        row = self.row(
            "SELECT total(length), count(*), total(bytes), (SELECT count(*) FROM body)"
            " - (SELECT count(*) FROM body WHERE content IS NULL) FROM log"
        )
        assert row
        return Counts(*(int(number) for number in row))

    # Proofs

    def freeze(self, proof: Proof) -> bool:
        """Keep a proof and end the good part of its log there; say whether that changed anything.

        Of several proofs against one log the one with the lowest seq is kept, of these the first.
        """
        log = self.row(
            "SELECT id, opening, length, frozen FROM log WHERE author = ?", (proof.author,)
        )
        if log is None:
            record = from_bytes_unchecked(proof.wires[0])
            opening = opening_of(community_of(record), proof.author)
            log = (self._new_log(proof.author, opening), opening, 0, None)
        number, opening, length, frozen = log
        if frozen is not None and frozen <= proof.seq:
            return False
        good = min(length, proof.seq)
        # What is badly signed just below is good by one branch only, and nodes would differ.
        while good and not self._is_signed(number, opening, good - 1):
            good -= 1
        if good < length:
            self._cut(number, opening, good)
        self.change("UPDATE log SET frozen = ? WHERE id = ?", (proof.seq, number))
        self.change(
            "INSERT OR REPLACE INTO proof VALUES (?, ?)", (number, fork_proof.to_bytes(proof))
        )
        return True

    def proof(self, author: DeviceKey) -> Proof | None:
        """Return the proof that froze a log; None when it is not frozen."""
        row = self.row(
            "SELECT wire FROM proof JOIN log ON log.id = proof.log WHERE author = ?", (author,)
        )
        return proof_in(row) if row else None

    def proofs(self) -> Iterator[Proof]:
        """Yield all proofs, by author."""
        found = self.rows("SELECT wire FROM proof JOIN log ON log.id = proof.log ORDER BY author")
        return map(proof_in, found)

    # Inside

    def _new_log(self, author: DeviceKey, opening: bytes) -> int:
        return self.insert("INSERT INTO log (author, opening) VALUES (?, ?)", (author, opening))

    def _put_bodies(self, run: Sequence[Record], bodies: Mapping[bytes, bytes]) -> None:
        """Keep what `bodies` has for `run`; note erasable ones that are missing.

        An author may claim any size of a body that others name with its own.
        """
        if not any(map(_BODY, run)):
            return
        refs = [(record, record.body) for record in run if record.body is not None]
        for record, ref in refs:
            data = bodies.get(ref.hash)
            if data is not None and not is_body(ref._replace(size=len(data)), data):
                raise InvalidRecord(f"{record}: another body than it names")
            given = data is not None and len(data) == ref.size
            if ref.permanent and not given and not self.holds(ref):
                raise MissingBody(f"{record}: {ref.hash.hex()}")
        for _, ref in refs:
            data = bodies.get(ref.hash)
            if data is not None and len(data) == ref.size:
                self.put_body(ref, data)
            elif ref.permanent:
                self.change(
                    "UPDATE body SET permanent = 1 WHERE hash = ? AND NOT permanent", (ref.hash,)
                )
            else:
                self.change(
                    "INSERT OR IGNORE INTO wanted SELECT ?, ?"
                    " WHERE NOT EXISTS (SELECT 1 FROM body WHERE hash = ?)",
                    (ref.hash, ref.size, ref.hash),
                )

    def _cut(self, number: int, opening: bytes, good: int) -> None:
        """End the good part of a log at `good`, with the head and clock it has there."""
        last = self._one(number, opening, good - 1) if good else None
        self.change(
            "UPDATE log SET length = ?, head = ?, clock = ?, checked = min(checked, ?)"
            " WHERE id = ?",
            (good, last.id if last else NO_ID, last.clock if last else 0, good, number),
        )

    def _make_way(self, number: int, opening: bytes, length: int, held: int) -> None:
        """Keep the void part of a log as a branch, since the good part grows in its place."""
        void = ((number << SEQ_BITS) + length, (number << SEQ_BITS) + held)
        for record in map(
            from_bytes_unchecked, self._range(number, opening, length, held, LOG_BYTES_MAX)
        ):
            self.change(
                "INSERT OR IGNORE INTO branch VALUES (?, ?, ?, ?)",
                (record.id, number, record.seq, record.wire),
            )
        if self.row("SELECT 1 FROM log WHERE id = ? AND indexed > length", (number,)):
            for table in ("event", "unreadable_event", "total"):  # made again, as they are derived
                self.change(f"DELETE FROM {table}")  # noqa: S608  a name of ours
            self.change("UPDATE log SET indexed = 0")
        self._ids.drop(*void)
        self.change("DELETE FROM record WHERE key >= ? AND key < ?", void)
        self.change("DELETE FROM rare WHERE key >= ? AND key < ?", void)
        self.change("UPDATE log SET held = length WHERE id = ?", (number,))

    def _at(self, key: int) -> bytes:
        row = self.row("SELECT opening, tail FROM held WHERE key = ?", (key,))
        assert row is not None, "what is in the index of ids is held"
        return whole(*row)

    def _remember(self, record_id: RecordId, clock: int) -> None:
        clocks = self._clocks
        if len(clocks) >= CLOCKS_CACHED_MAX:
            del clocks[next(iter(clocks))]
        clocks[record_id] = clock
