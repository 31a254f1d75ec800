"""The unsealed set: records above the last cut, and which of them the next cut can cover.

A cut is closed under `prev` and `deps`, takes one branch of each log, and holds no record whose
document is missing. Records ruled out by evidence need not be covered, though others cite them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.ledger.members.budgets import CutLimits, Meter
from commonweal.protocol.ledger.members.forks import KeptRow
from commonweal.protocol.records.record import NO_ID, RECORD_BYTES_MAX, Record, RecordId
from commonweal.protocol.seal.cut import (
    CUT_BYTES_MAX,
    CUT_LOGS_MAX,
    CUT_RECORDS_MAX,
    FULL_CUT_BYTES,
    FULL_CUT_RECORDS,
    Cut,
    SealedLog,
    length_in,
)

Ends = Mapping[DeviceKey, int]
"""By author, the seq from which on the log is void by evidence."""

NO_ENDS: Ends = {}
NO_LEAST: Mapping[DeviceKey, int] = {}
NO_KEPT: Mapping[DeviceKey, KeptRow] = {}


class CutBounds(NamedTuple):
    """The bounds of the next cut.

    last: the previous cut. ends: where logs end. kept: of forked logs, the record that a vote keeps
    at the last valid place. limits: how much the cut may take.
    """

    last: Cut
    ends: Ends = NO_ENDS
    kept: Mapping[DeviceKey, KeptRow] = NO_KEPT
    limits: CutLimits | None = None

    def rules_out(self, record: Record) -> bool:
        """Return whether a record counts for nothing by evidence, wherever it is cited."""
        end, kept = self.ends.get(record.author), self.kept.get(record.author)
        is_other = kept is not None and record.seq == kept.seq and record.id != kept.id
        return is_other or (end is not None and record.seq >= end)

    def keeps(self, record: Record) -> bool:
        """Return whether a vote keeps this record, of two at its place."""
        kept = self.kept.get(record.author)
        return kept is not None and (record.seq, record.id) == kept


class CoveredRecords(NamedTuple):
    """The records that a cut newly covers, and what of it is not held: ids and document hashes."""

    records: list[Record]
    missing: tuple[bytes, ...]


class UnsealedSet:
    """The records that are held and that no cut covers.

    is_below: whether a cited id is covered by a cut, or is a seal; asked only for ids that are not
    in this set. seek: returns a record held elsewhere, such as on a branch that was not added.
    """

    def __init__(
        self,
        documents: Mapping[bytes, bytes],
        is_below: Callable[[RecordId], bool],
        seek: Callable[[RecordId], Record | None] = lambda _: None,
    ) -> None:
        self._documents, self._is_below, self._seek = documents, is_below, seek
        self._records: dict[RecordId, Record] = {}
        self._places: dict[tuple[DeviceKey, int], int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, id: RecordId) -> bool:
        """Return whether a record is in the set."""
        return id in self._records

    def __iter__(self) -> Iterator[Record]:
        """Yield all records, in the order of arrival."""
        return iter(self._records.values())

    def get(self, id: RecordId) -> Record | None:
        """Return a held record that no cut covers; None when there is none."""
        return self._records.get(id) or self._seek(id)

    def add(self, record: Record) -> None:
        """Add a record that is not in the set."""
        self._records[record.id] = record
        place = (record.author, record.seq)
        self._places[place] = self._places.get(place, 0) + 1

    def remove(self, records: Iterable[Record]) -> None:
        """Remove records that a cut now covers; others are skipped."""
        for record in records:
            if self._records.pop(record.id, None) is not None:
                self._places[record.author, record.seq] -= 1

    def coverable(
        self,
        bounds: CutBounds,
        least: Mapping[DeviceKey, int] = NO_LEAST,
        barred: Ends = NO_ENDS,
        strangers: Container[DeviceKey] = (),
    ) -> tuple[SealedLog, ...]:
        """Return the logs that the next cut can extend, by author, with their new lengths.

        least: the length to which each log is extended first, if possible, with everything that it
        rests on. barred: seqs from which on logs are left out, though no proof ends them.
        strangers: authors whose logs are left out but for what others cite. Records are taken in
        (clock, id) order, so that the cut is closed, up to where a log forks or ends, and until the
        cut is full: validators must be done with it in time.
        """
        ordered = sorted(self._records.values(), key=lambda record: (record.clock, record.id))
        logs: dict[DeviceKey, SealedLog] = {}
        inside: set[RecordId] = set()
        asked = _with_dependencies(ordered, lambda record: record.seq < least.get(record.author, 0))
        called = _with_dependencies(
            ordered, lambda record: record.id in asked or record.author not in strangers
        )
        ordered = [record for record in ordered if record.id in called]
        size = 0
        meter = Meter(bounds.limits) if bounds.limits is not None else None
        for needed, records_max, bytes_max in (
            (True, CUT_RECORDS_MAX, CUT_BYTES_MAX - RECORD_BYTES_MAX),
            (False, FULL_CUT_RECORDS, FULL_CUT_BYTES),
        ):
            for record in ordered:
                author = record.author
                if len(inside) >= records_max or size >= bytes_max:
                    break
                if (record.id in asked) is not needed:
                    continue
                before = logs.get(author) or bounds.last.get(author)
                follows = (before.length, before.head) if before else (0, NO_ID)
                if (
                    (record.seq, record.prev) == follows
                    and (self._places[author, record.seq] == 1 or bounds.keeps(record))
                    and not bounds.rules_out(record)
                    and record.seq < barred.get(author, record.seq + 1)
                    and (author in logs or len(logs) < CUT_LOGS_MAX)
                    and all(self._is_closed(cited, inside, bounds) for cited in record.deps)
                    and document_missing(record, self._documents) is None
                    and (meter is None or meter.take(record))
                ):
                    inside.add(record.id)
                    size += len(record.wire)
                    logs[author] = SealedLog(author, record.seq + 1, record.id)
        return tuple(logs[author] for author in sorted(logs))

    def covered(self, bounds: CutBounds, logs: Iterable[SealedLog]) -> CoveredRecords:
        """Return the records that `logs`, which all grow, add to the last cut.

        Raises `InvalidSeal` when a head is of another log or place; when a log does not continue
        where it ended, continues past the end that evidence sets, or on another branch than a vote
        keeps; when a record cites what no cut covers; and when the records exceed CUT_BYTES_MAX or
        the budgets of their members.
        """
        last, ends, room = bounds.last, bounds.ends, CUT_BYTES_MAX
        records: list[Record] = []
        missing: list[bytes] = []
        for log in logs:
            end = ends.get(log.author)
            if end is not None and log.length > max(end, length_in(last, log.author)):
                raise InvalidSeal(f"the log of {short(log.author)} is frozen from #{end} on")
            run = self._run(log, last, room)
            room -= size_of(run)
            records += run
            start = log.length - len(run)
            if start > length_in(last, log.author):
                missing.append(run[-1].prev if run else log.head)
        if missing:
            return CoveredRecords(records, tuple(missing))
        if bounds.limits is not None:
            Meter(bounds.limits).check(records)
        inside = {record.id for record in records}
        for record in records:
            if bounds.rules_out(record):
                raise InvalidSeal(f"{record} is not the one of its fork that a vote keeps")
            lacks = document_missing(record, self._documents)
            if lacks is not None:
                missing.append(lacks)
            for cited in record.deps:
                if not self._is_closed(cited, inside, bounds):
                    if self.get(cited) is not None:
                        raise InvalidSeal(f"{record} cites a record that no cut covers")
                    missing.append(cited)
        return CoveredRecords(records, tuple(dict.fromkeys(missing)))

    def _run(self, log: SealedLog, last: Cut, room: int) -> list[Record]:
        """Return the records of a log above `last`, latest first, as far as they are held.

        Raises `InvalidSeal` also when they exceed `room` bytes.
        """
        before = last.get(log.author)
        start, head = (before.length, before.head) if before else (0, NO_ID)
        run: list[Record] = []
        at, seq = log.head, log.length - 1
        while seq >= start:
            record = self.get(at)
            if record is None:
                return run
            if record.author != log.author or record.seq != seq:
                raise InvalidSeal(f"{record} is not #{seq} of {short(log.author)}")
            run.append(record)
            room -= len(record.wire)
            if room < 0:
                raise too_large()
            at, seq = record.prev, seq - 1
        if at != head:
            raise InvalidSeal(f"the log of {short(log.author)} goes on where it did not end")
        return run

    def _is_closed(self, cited: RecordId, inside: set[RecordId], bounds: CutBounds) -> bool:
        if cited in inside or (cited not in self._records and self._is_below(cited)):
            return True
        record = self.get(cited)
        return record is not None and bounds.rules_out(record)


def document_missing(record: Record, documents: Container[bytes]) -> bytes | None:
    """Return the hash of the document by which a record is judged, when it is not held.

    No cut covers a record without it.
    """
    if record.body is None or not record.body.permanent:
        return None
    return None if record.body.hash in documents else record.body.hash


def size_of(records: Iterable[Record]) -> int:
    """Return the total bytes of records, as cuts are measured."""
    return sum(len(record.wire) for record in records)


def too_large() -> InvalidSeal:
    """Return the error for a cut with too many bytes."""
    return InvalidSeal(f"the records of the cut have more than {CUT_BYTES_MAX:,} bytes")


def _with_dependencies(
    ordered: Sequence[Record], begins: Callable[[Record], bool]
) -> dict[RecordId, None]:
    """Return the records for which `begins` is true, with everything that they cite or follow, by
    id.
    """
    wanted: dict[RecordId, None] = {}
    for record in reversed(ordered):
        if record.id in wanted or begins(record):
            wanted[record.id] = wanted[record.prev] = None
            wanted.update(dict.fromkeys(record.deps))
    return wanted
