"""What is held above the last cut, and what of it the next cut can cover.

A cut is closed under `prev` and `deps`, takes one branch of each log, and holds no record
whose document is missing. What evidence rules out nobody has to cover, though others cite it.
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
"""From which seq on logs are void by evidence, by author."""

NO_ENDS: Ends = {}
NO_LEAST: Mapping[DeviceKey, int] = {}
NO_KEPT: Mapping[DeviceKey, KeptRow] = {}


class CutBounds(NamedTuple):
    """Between what the next cut lies.

    last: the cut before. ends: where logs end. kept: of forked ones, the record that a vote
    keeps at the last place that is good. limits: how much it may take.
    """

    last: Cut
    ends: Ends = NO_ENDS
    kept: Mapping[DeviceKey, KeptRow] = NO_KEPT
    limits: CutLimits | None = None

    def rules_out(self, record: Record) -> bool:
        """Whether a record counts for nothing by evidence, wherever it is cited."""
        end, kept = self.ends.get(record.author), self.kept.get(record.author)
        is_other = kept is not None and record.seq == kept.seq and record.id != kept.id
        return is_other or (end is not None and record.seq >= end)

    def keeps(self, record: Record) -> bool:
        """Whether a vote keeps it, of two at its place."""
        kept = self.kept.get(record.author)
        return kept is not None and (record.seq, record.id) == kept


class CoveredRecords(NamedTuple):
    """What a cut newly covers, and what of it is not here: records, documents, by id or hash."""

    records: list[Record]
    missing: tuple[bytes, ...]


class UnsealedSet:
    """The records that are held and that no cut covers.

    is_below: whether a cut covers what is cited, or it is a seal; asked only of what is not
    here. seek: finds a record that is held elsewhere, such as on a branch that nobody took in.
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
        """Whether a record is here."""
        return id in self._records

    def __iter__(self) -> Iterator[Record]:
        """Yield all of them, in the order of arrival."""
        return iter(self._records.values())

    def get(self, id: RecordId) -> Record | None:
        """Return a record that is held and not covered, or None."""
        return self._records.get(id) or self._seek(id)

    def add(self, record: Record) -> None:
        """Take in a record that is not here."""
        self._records[record.id] = record
        place = (record.author, record.seq)
        self._places[place] = self._places.get(place, 0) + 1

    def remove(self, records: Iterable[Record]) -> None:
        """Leave out what a cut covers now; what was not here is passed over."""
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
        """Return the logs that the next cut can make longer, by author, and how long.

        least: so long each of these logs becomes first, if it can, with what that rests on.
        barred: from which seq on logs are left out, though nothing proves that they end.
        strangers: whose logs are left out but for what others cite.
        Taken are records in (clock, id) order, so that the cut is closed, up to where a log
        forks or ends, and no more of them than make a cut full: who judges it must be done
        in time.
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

        Raises `InvalidSeal` when a head is that of another log or place, when a log does not
        go on where it ended, goes on where evidence ends it or on another branch than a vote
        keeps, cites what no cut covers, or when they are more than CUT_BYTES_MAX, or than the
        budgets of their members have left.
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

        Raises `InvalidSeal` as well when they have more than `room` bytes.
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
    """Return how many bytes records have together, as cuts are measured."""
    return sum(len(record.wire) for record in records)


def too_large() -> InvalidSeal:
    """Return what is raised of a cut with too many bytes."""
    return InvalidSeal(f"the records of the cut have more than {CUT_BYTES_MAX:,} bytes")


def _with_dependencies(
    ordered: Sequence[Record], begins: Callable[[Record], bool]
) -> dict[RecordId, None]:
    """Return the records of which `begins` is true, and all that they cite or follow, by id."""
    wanted: dict[RecordId, None] = {}
    for record in reversed(ordered):
        if record.id in wanted or begins(record):
            wanted[record.id] = wanted[record.prev] = None
            wanted.update(dict.fromkeys(record.deps))
    return wanted
