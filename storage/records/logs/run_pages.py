"""Packed runs in the database: putting records into them, and reading them out.

A run that the disk damaged reads as records that are not well formed, as many as it may have had,
so that each is found damaged and fetched again. Nothing here decides which records are good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import SIGNATURE_BYTES
from commonweal.protocol.records import packed_run
from commonweal.protocol.records.packed_run import UnpackedRun
from commonweal.protocol.records.record import Record
from commonweal.storage.sqlite.database import Database, Row

SEQ_BITS = 40
SEQ_MAX = (1 << SEQ_BITS) - 1
"""A row's key is the number of its log << SEQ_BITS, plus the record's seq."""

BULK_KINDS = frozenset({"event", "attest", "review", "data.release"})
"""Data records: kinds of which there are very many, and which the ledger of membership and rules
does not read. All others are governance records ("rare")."""

PACKED_MIN = 16
"""Fewer records than this are stored one by one: a run of few is as large as they are."""
UNPACKED_BYTES_MAX = 2 * 1024 * 1024
"""Memory of the last runs that were read: about 40 of sheets, so that 40 logs are read in turn."""
OBJECTS_BYTES = 150
"""Memory of a record that was read out of a run, beside its bytes."""
LOOSE_ROWS_READ = 1_024
"""Rows of records that are packed in one step, which takes 10 ms."""

LOST = bytes(SIGNATURE_BYTES + 1)
"""Stands for a record that cannot be read: no record is well formed that begins with 0."""

_KIND, _WIRE = attrgetter("kind"), attrgetter("wire")
_WHOLE = 0x9C  # first byte of a header, an array of 12; no seq begins with it


class _Cached(NamedTuple):
    content: bytes
    run: UnpackedRun
    size: int


class RunPages(Database):
    """The table `run`, and what of `record` belongs into it."""

    _unpacked: dict[int, _Cached]
    _unpacked_bytes: int
    _pack_from: int | None
    """From this key on there may be loose records to pack; None: there are none."""
    _loose_more: int
    """How many loose records were appended since."""

    def forget(self) -> None:
        """Drop the runs that were read, which may be rolled back."""
        super().forget()
        self._unpacked, self._unpacked_bytes = {}, 0
        self._pack_from, self._loose_more = 0, 0

    def shrink(self) -> None:
        """Free the runs that were read, too: who reads all records once fills what is kept."""
        super().shrink()
        self._unpacked, self._unpacked_bytes = {}, 0

    # Reading

    def _unpack(self, opening: bytes, key: int, content: bytes) -> UnpackedRun:
        """Return the records of a run. Raises `Malformed` where the disk damaged it."""
        cached = self._unpacked.pop(key, None)
        if cached is not None and cached.content != content:
            self._unpacked_bytes -= cached.size
            cached = None
        if cached is None:
            run = packed_run.unpack(opening, key & SEQ_MAX, content)
            size = len(content) + sum(len(wire) + OBJECTS_BYTES for wire in run.wires)
            cached = _Cached(content, run, size)
            self._unpacked_bytes += cached.size
        self._unpacked[key] = cached
        while self._unpacked_bytes > UNPACKED_BYTES_MAX and len(self._unpacked) > 1:
            self._unpacked_bytes -= self._unpacked.pop(next(iter(self._unpacked))).size
        return cached.run

    def stored(self, opening: bytes, key: int) -> bytes | None:
        """Return the record that is stored at a key; LOST or junk where the disk damaged it.

        opening: the bytes with which each record of its log begins. None where there is none.
        """
        row = self.row("SELECT tail FROM record WHERE key = ?", (key,))
        return self._packed_at(opening, key) if row is None else whole(opening, row[0])

    def _packed_at(self, opening: bytes, key: int) -> bytes | None:
        """Return a record out of the run that has it; None where there is none."""
        row = self.row(
            "SELECT key, content FROM run WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
            (key - packed_run.RECORDS_MAX + 1, key),
        )
        if row is None:
            return None
        first, content = row
        try:
            wires = self._unpack(opening, first, content).wires
        except Malformed:
            return LOST
        return wires[key - first] if key - first < len(wires) else None

    def _chunks(self, opening: bytes, start: int, stop: int) -> Iterator[list[bytes]]:
        """Yield the records with a key in [start, stop) of one log, in order, some at a time.

        In the place of one that cannot be read, while others follow, stands LOST.
        """
        loose: dict[int, bytes] = dict(
            self.rows("SELECT key, tail FROM record WHERE key >= ? AND key < ?", (start, stop))
        )
        if len(loose) == stop - start:
            yield [whole(opening, loose[key]) for key in range(start, stop)]
            return
        reach = max(start - packed_run.RECORDS_MAX + 1, start & ~SEQ_MAX)
        runs = self.rows(
            "SELECT key, content FROM run WHERE key >= ? AND key < ? ORDER BY key", (reach, stop)
        )
        at, top = start, max([*loose, start - 1])
        ends = [*[key for key, _ in runs[1:]], stop]
        for (key, content), end in zip(runs, ends, strict=False):
            try:
                wires = self._unpack(opening, key, content).wires[: end - key]
            except Malformed:
                wires = [LOST] * min(end - key, packed_run.RECORDS_MAX)
            if key + len(wires) <= at:
                continue
            if key > at:
                yield [_loose(opening, loose.get(other)) for other in range(at, key)]
                at = key
            wires = wires[at - key : stop - key]
            if loose:
                wires = [
                    whole(opening, loose[other]) if other in loose else wire
                    for other, wire in enumerate(wires, at)
                ]
            yield wires
            at += len(wires)
        if at <= top:
            yield [_loose(opening, loose.get(other)) for other in range(at, top + 1)]

    def _has_any(self, start: int, stop: int) -> bool:
        """Whether a record is stored with a key in [start, stop)."""
        row = self.row(
            "SELECT EXISTS (SELECT 1 FROM record WHERE key >= ? AND key < ?)"
            " OR EXISTS (SELECT 1 FROM run WHERE key >= ? AND key < ?)",
            (start, stop, start, stop),
        )
        return row is not None and bool(row[0])

    def top(self, number: int) -> int:
        """Return the highest seq of the records that are stored of a log; -1 for none."""
        bounds = (number << SEQ_BITS, (number + 1) << SEQ_BITS)
        (loose,) = self.row("SELECT max(key) FROM record WHERE key >= ? AND key < ?", bounds) or (
            None,
        )
        last = self.row(
            "SELECT key, content FROM run WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
            bounds,
        )
        tops = [-1] if loose is None else [loose & SEQ_MAX]
        if last is not None:
            with suppress(Malformed):
                tops.append((last[0] & SEQ_MAX) + packed_run.count(last[1]) - 1)
        return max(tops)

    # Writing

    def _put_run(self, number: int, opening: bytes, run: Sequence[Record]) -> None:
        """Store records of a log, packed where they are data and enough of them."""
        base = number << SEQ_BITS
        loose: list[tuple[int, bytes]] = []
        packed: list[tuple[int, bytes]] = []
        for piece in _pieces(run):
            if len(piece) < PACKED_MIN or not _is_bulk(piece[0]):
                loose += [(base + record.seq, tail_of(opening, record.wire)) for record in piece]
            else:
                packed.append((base + piece[0].seq, packed_run.pack(opening, piece)))
        if loose:
            self.insert_pairs("record", loose)
            self._loose_more += len(loose)
        if packed:
            self.insert_pairs("run", packed)

    def _mend(self, key: int, opening: bytes, wire: bytes, end: int) -> None:
        """Store a record in the place of a damaged one. end: the key at which the log ends.

        A damaged run goes once each of its records was fetched again.
        """
        tail = tail_of(opening, wire)
        self.change("INSERT OR REPLACE INTO record VALUES (?, ?)", (key, tail))
        reach = packed_run.RECORDS_MAX
        row = self.row(
            "SELECT key, content FROM run WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
            (key - reach + 1, key),
        )
        if row is None:
            return
        first, content = row
        try:
            self._unpack(opening, first, content)
        except Malformed:
            (stop, loose) = self.row(
                "SELECT stop, (SELECT count(*) FROM record WHERE key >= ? AND key < stop) FROM"
                " (SELECT coalesce(min(key), ?) AS stop FROM run WHERE key > ? AND key < ?)",
                (first, min(first + reach, end), first, first + reach),
            ) or (0, 0)
            if first + loose == stop:
                self.change("DELETE FROM run WHERE key = ?", (first,))

    def _drop(self, opening: bytes, start: int, stop: int) -> None:
        """Remove the records of one log with a key in [start, stop)."""
        self._drop_packed(opening, start, stop)
        self.change("DELETE FROM record WHERE key >= ? AND key < ?", (start, stop))

    def _drop_packed(self, opening: bytes, start: int, stop: int) -> None:
        """Remove the packed records of one log with a key in [start, stop)."""
        for key, content in self.rows(
            "SELECT key, content FROM run WHERE key > ? AND key < ?",
            (start - packed_run.RECORDS_MAX, stop),
        ):
            with suppress(Malformed):
                wires = enumerate(self._unpack(opening, key, content).wires, key)
                kept = [
                    (at, tail_of(opening, wire)) for at, wire in wires if not start <= at < stop
                ]
                self.change_many("INSERT OR IGNORE INTO record VALUES (?, ?)", kept)
            self.change("DELETE FROM run WHERE key = ?", (key,))

    # Packing what came one by one

    def pack_loose(self) -> bool:
        """Pack some of the records that are stored one by one; return whether there may be more.

        For idle times; the caller commits. RECORDS_MAX that follow each other become a run.
        """
        if self._pack_from is None and self._loose_more < packed_run.RECORDS_MAX:
            return False
        start = self._pack_from or 0
        rows = self.rows(
            "SELECT record.key, tail, opening FROM record JOIN log ON log.id = record.key >> ?"
            " WHERE record.key >= ? ORDER BY record.key LIMIT ?",
            (SEQ_BITS, start, LOOSE_ROWS_READ),
        )
        if start == 0:
            self._loose_more = 0
        is_more = len(rows) == LOOSE_ROWS_READ
        last = rows[-1][0] if rows else 0
        rare = {
            key
            for (key,) in self.rows("SELECT key FROM rare WHERE key BETWEEN ? AND ?", (start, last))
        }
        self._pack_from = last + 1 if is_more else None
        data = [row for row in rows if row[0] not in rare and row[0] & SEQ_MAX]
        for _, group in groupby(enumerate(data), key=lambda pair: pair[1][0] - pair[0]):
            following = [row for _, row in group]
            packed = self._pack_following(following)
            if is_more and following[-1][0] == last and packed < len(following):
                self._pack_from = following[packed][0]
        return is_more

    def _pack_following(self, rows: list[Row]) -> int:
        """Pack rows (key, tail, opening) of following keys; return how many are settled."""
        from commonweal.protocol.records import batch_decode

        at = 0
        while at + packed_run.RECORDS_MAX <= len(rows):
            some = rows[at : at + packed_run.RECORDS_MAX]
            at += len(some)
            opening = some[0][2]
            wires = [whole(opening, tail) for _, tail, _ in some]
            if sum(map(len, wires)) > packed_run.BYTES_MAX:
                continue
            with suppress(Malformed, InvalidRecord):  # the disk damaged it, and it is fetched again
                content = packed_run.pack(opening, batch_decode.read(wires))
                if packed_run.unpack(opening, some[0][0] & SEQ_MAX, content).wires == wires:
                    self.change(
                        "DELETE FROM record WHERE key BETWEEN ? AND ?", (some[0][0], some[-1][0])
                    )
                    self.change("INSERT INTO run VALUES (?, ?)", (some[0][0], content))
        return at


def governance_records(run: Sequence[Record]) -> list[Record]:
    """Return the records that the ledger of membership and rules reads."""
    if BULK_KINDS.issuperset(map(_KIND, run)):
        return []
    return [record for record in run if record.kind not in BULK_KINDS]


def whole(opening: bytes, tail: bytes) -> bytes:
    """Return the bytes of a record from the two columns of the view `held`."""
    return tail if tail[0] == _WHOLE else opening + tail


def tail_of(opening: bytes, wire: bytes) -> bytes:
    """Return what `record` stores of a record; only a founding one does not begin as its log."""
    return wire.removeprefix(opening)


def _loose(opening: bytes, tail: bytes | None) -> bytes:
    return LOST if tail is None else whole(opening, tail)


def _is_bulk(record: Record) -> bool:
    return record.kind in BULK_KINDS and record.seq > 0


def _pieces(run: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Yield a run in parts that may be packed, and parts of records that may not."""
    if run and run[0].seq > 0 and BULK_KINDS.issuperset(map(_KIND, run)):
        yield from _bulk_pieces(run)
        return
    for is_bulk, group in groupby(run, key=_is_bulk):
        if is_bulk:
            yield from _bulk_pieces(list(group))
        else:
            yield list(group)


def _bulk_pieces(run: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Yield records in pieces of RECORDS_MAX, or of as many as BYTES_MAX holds."""
    sizes = list(map(len, map(_WIRE, run)))
    at = 0
    while at < len(run):
        end = at + packed_run.RECORDS_MAX
        while sum(sizes[at:end]) > packed_run.BYTES_MAX and end > at + 1:
            end -= 1
        yield run[at:end]
        at = end
