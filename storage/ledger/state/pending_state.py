"""The overlay: the pending state of the records above the last cut, folded in their order.

The older of them are folded into a layer of their own (OLDER), so that only the newest are folded
again when records arrive. A late record that comes before that layer's end, or voids a record in
it, makes all be folded again; so the overlay always equals one fold of all held records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.trace import Trace
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
    without_data,
)
from commonweal.storage.ledger.contributions.event_times import (
    EVENT_KIND,
    TimeRow,
    note_times,
    time_row,
)
from commonweal.storage.ledger.fold_watch import Watch, nobody
from commonweal.storage.ledger.state.checkpoint import Checkpoint, SealIds
from commonweal.storage.ledger.state.cut_reader import CutReader
from commonweal.storage.ledger.state.late_records import OutOfPlace, WaitingLogs, check_places
from commonweal.storage.ledger.state.layer_ends import (
    REVOKE,
    EndsEarlier,
    LayerEnd,
    check_ends,
    first_of_both,
    is_void,
    said_up_to,
)
from commonweal.storage.ledger.state.state_db import NEWEST, OLDER, StateDb
from commonweal.storage.records.logs.log_store import LogRow, Store

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.protocol.vocabulary.rule_params import RuleParams

NEWEST_RECORDS_MAX = 256
"""Above this number of pending records, the older of them move to the layer OLDER.

The others are folded in memory each time a record arrives: 1.3 KiB and 30 us each.
"""

NEWEST_RECORDS_KEPT = 128
"""Number of records that stay above OLDER, since late records are mostly among the newest."""

PORTION_RECORDS_MAX, PORTION_BYTES_MAX = 10_000, 16 * 1024 * 1024
"""Bounds of one portion, which is folded in memory."""

READ_BYTES = 4 * 1024 * 1024

CLOCKS_BYTES = 64 * 1024
"""Bytes read at a time from each log to merge the logs by clock."""

NO_STOPS: Mapping[bytes, int] = MappingProxyType({})

ENDS_TRIED_MAX = 2
"""Retries when folding finds a revocation that voids records in OLDER."""


class FoldResult(NamedTuple):
    """Keys that a fold touched, records that it folded, and whether none are left."""

    touched: list[bytes]
    records: int
    is_whole: bool


NOTHING_FOLDED = FoldResult([], 0, is_whole=False)


class PendingOverlay:
    """The pending state above the last cut of one store.

    documents: permanent bodies by hash. rules: parameters of the active ruleset at the cut.
    rules_at: the parameters that apply to an event whose author knew the seal of a height. watch:
    called after each portion.
    """

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        last: Checkpoint,
        documents: Mapping[bytes, bytes],
        rules: RuleParams,
        rules_at: Callable[[int], RuleParams],
        watch: Watch = nobody,
    ) -> None:
        self.store, self.layers, self.community = store, layers, community
        self.last, self.documents = last, documents
        self.rules, self.rules_at, self._watch = rules, rules_at, watch
        self._records = 0

    def fold(self, rows: Sequence[LogRow], *, at_once: bool = True) -> FoldResult:
        """Fold the records above the cut into the layers.

        rows: the logs of the store. at_once: False folds one portion at most and leaves the rest
        to the next call.
        """
        waiting = WaitingLogs(self.layers, self.last.seal)
        held, rows = rows, waiting.shown(rows)
        appended = self._append(rows)
        if appended is not None:
            return appended
        touched = self.layers.clear(NEWEST)
        self.layers.put_mark("newest", None)
        point = self._point()
        if not _holds(point, rows):
            touched += self._cleared()
            point = self._start({})
        tries = ENDS_TRIED_MAX
        while True:
            try:
                if tries:
                    point, is_whole = self._lay_down(point, rows, touched, at_once=at_once)
                    if not is_whole:
                        return FoldResult(touched, self._records, False)
                tip = self._folded(NEWEST, point, {}, rows)
                said = said_up_to(point, tip) if tries else first_of_both({}, tip.ends)
                check_ends(point, said)
                touched += self._keep_newest(tip, said, rows)
                return FoldResult(touched, self._records, True)
            except EndsEarlier as voided:
                touched += self._cleared()
                at_once, tries = True, tries - 1
                point = self._start(voided.ends if tries else {})
            except OutOfPlace as late:
                point = self._point()
                if waiting.may_refold(late.authors, point.reached):
                    touched += self._cleared()
                    point = self._start({})
                rows = waiting.shown(held)

    def members(self) -> State:
        """Return the final state with the governance records above the cut folded on it."""
        ledger = self._begun(CutReader(self.layers))
        above = self.store.rare(self.covered())
        ledger.add(map(without_data, above))  # what kinds say that nobody knows may be large
        ledger.fold()
        return ledger.state

    def first(
        self, records_max: int, bytes_max: int, without: Container[DeviceKey] = ()
    ) -> Mapping[bytes, int]:
        """Return by author where the first records above the cut, by clock, end in each log.

        They are at most `records_max` and `bytes_max`. without: logs that are left out.
        """
        start = self._start({})
        rows = [row for row in self.store.logs() if row.author not in without]
        return _ends_of(self._earliest(start, rows, records_max, bytes_max), start, rows)

    def covered(self) -> dict[bytes, int]:
        """Return the sealed length of each log, by author."""
        return dict(self.last.lengths)

    def records(
        self, reached: Mapping[bytes, int], stops: Mapping[bytes, int] = NO_STOPS
    ) -> Iterator[Record]:
        """Yield the good records with seq in [reached, stops), log by log; both by author."""
        for row in self.store.logs():
            at = reached.get(row.author, 0)
            if row.length <= at:
                continue
            stop = min(row.length, stops.get(row.author, row.length))
            while at < stop and (wires := self.store.wires(row.author, at, stop, READ_BYTES)):
                yield from map(from_bytes_unchecked, wires)
                at += len(wires)

    # Inside

    def _append(self, rows: Sequence[LogRow]) -> FoldResult | None:
        """Fold the records that came since over the layer NEWEST, and keep them there.

        None where they do not suit those that are folded, void one of them, or are too many: then
        the layer is folded again.
        """
        end = self._end("newest")
        held = sum(row.length for row in rows) - sum(self._point().reached.values())
        if end is None or held > NEWEST_RECORDS_MAX or not _holds(end, rows):
            return None
        try:
            ledger = self._folded(NEWEST, end, {}, rows, base=NEWEST)
            said = said_up_to(end, ledger)
        except (EndsEarlier, OutOfPlace):
            return None
        return FoldResult(self._keep_newest(ledger, said, rows), self._records, True)

    def _keep_newest(
        self, ledger: Ledger, said: dict[bytes, int], rows: Sequence[LogRow]
    ) -> list[bytes]:
        """Keep what `ledger`, which holds all records, changed in NEWEST; return the keys."""
        changes = self._put(NEWEST, ledger)
        clock = max((row.clock for row in rows), default=0)
        reached: dict[bytes, int] = {row.author: row.length for row in rows}
        self._put_end("newest", LayerEnd(clock, reached, said, said))
        return changes

    def _lay_down(
        self, point: LayerEnd, rows: Sequence[LogRow], touched: list[bytes], *, at_once: bool
    ) -> tuple[LayerEnd, bool]:
        """Fold the older records above `point` into the layer OLDER, a portion at a time.

        Return the layer's new end, and whether only the newest records are left.
        """
        of = sum(row.length for row in rows)
        self._watch(sum(point.reached.values()), of)
        while True:
            records_max = PORTION_RECORDS_MAX + NEWEST_RECORDS_MAX
            waiting = self._earliest(point, rows, records_max, PORTION_BYTES_MAX)
            if len(waiting) <= NEWEST_RECORDS_MAX:
                return point, True
            if self._records and not at_once:
                return point, False
            last, _ = waiting[min(len(waiting) - NEWEST_RECORDS_KEPT, PORTION_RECORDS_MAX) - 1]
            older = [place for place in waiting if place[0] <= last]
            reached = point.reached | _ends_of(older, point, rows)
            ledger = self._folded(OLDER, point, reached, rows)
            said = said_up_to(point, ledger)
            touched += self._put(OLDER, ledger)
            clock = max(point.clock, last)
            point = LayerEnd(clock, reached, {**point.ends, **said}, said)
            self._put_end("older", point)
            self._watch(sum(reached.values()), of)

    def _folded(
        self,
        layer: int,
        point: LayerEnd,
        stops: Mapping[bytes, int],
        rows: Sequence[LogRow],
        base: int = OLDER,
    ) -> Ledger:
        """Return the fold of the records above `point` up to `stops`; store what it refuses.

        base: the layer that holds the state at `point`. Raises OutOfPlace where that is not the
        fold of all in their order.
        """
        reader = CutReader(self.layers, base)
        ledger = self._begun(reader, Trace(point.clock))
        for row in rows:
            if row.frozen is not None:
                ledger.freeze(row.author, row.frozen)
        stops = stops or {row.author: row.length for row in rows}
        folded: dict[RecordId, bool] = {}
        late: list[Record] = []
        times: list[TimeRow] = []
        refused: list[tuple[bytes, int, str]] = []

        def good() -> Iterator[Record]:
            for record in self.records(point.reached, stops):
                if record.kind == EVENT_KIND:
                    times.append(time_row(record))
                void = is_void(record, point.ends)
                if void and record.kind != REVOKE:
                    refused.append((record.id, layer, Reason.DEVICE_REVOKED.value))
                else:
                    folded[record.id] = void
                    if record.clock <= point.clock:
                        late.append(without_data(record))
                    yield record

        ledger.add(good())
        reader.begin(folded)
        ledger.fold()
        self._records += len(folded)
        assert ledger.trace is not None, "it was begun with one"
        check_places(self.store, self.layers, base, self.last, late, ledger.trace)
        for id, void in folded.items():
            reason = ledger.verdict(id)
            if reason is not None:
                reason = Reason.DEVICE_REVOKED if void else reason
                refused.append((id, layer, reason.value))
        note_times(self.layers, times)
        self.layers.change_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", refused)
        return ledger

    def _put(self, layer: int, ledger: Ledger) -> list[bytes]:
        """Store what a fold changed in a layer; return the keys."""
        assert ledger.trace is not None, "it was begun with one"
        self.layers.put_touched(layer, ledger.trace.read, ledger.trace.written)
        changes = list(ledger.state.changes())
        self.layers.put(layer, (*changes, *ledger.state.local_changes()))
        return [key for key, _ in changes]

    def _cleared(self) -> list[bytes]:
        """Empty the layers above the cut; return the keys that they had."""
        self.layers.put_mark("older", None)
        return [*self.layers.clear(OLDER), *self.layers.clear(NEWEST)]

    def _begun(self, reader: CutReader, trace: Trace | None = None) -> Ledger:
        """Return a fold that begins with the state of a layer, which `reader` reads."""
        from commonweal.protocol.ledger.fold.fold import Ledger

        base = None if self.layers.is_empty() else reader
        seals = SealIds(self.store, self.community)
        return Ledger(
            *(self.community, base, self.last.cut, self.rules, self.documents, seals),
            rules_at=self.rules_at,
            find=self.store.record,
            trace=trace,
        )

    def _earliest(
        self, point: LayerEnd, rows: Sequence[LogRow], records_max: int, bytes_max: int
    ) -> list[tuple[int, bytes]]:
        """Return (clock, author) of the first records above `point`, ascending.

        All records with the clock of the last one are included. No more of the logs is read than
        this takes.
        """
        first: list[tuple[int, bytes]] = []
        size = 0
        starts = ((row, point.reached.get(row.author, 0)) for row in rows)
        logs = (
            places(self.store, row.author, start, row.length)
            for row, start in starts
            if start < row.length
        )
        for clock, author, more in merge(*logs):
            is_enough = len(first) >= records_max or size >= bytes_max
            if is_enough and clock > first[-1][0]:
                break
            first.append((clock, author))
            size += more
        return first

    def _point(self) -> LayerEnd:
        return self._end("older") or self._start({})

    def _end(self, layer: str) -> LayerEnd | None:
        """Return the stored end of a layer; None while it has none."""
        stored = self.layers.mark(layer)
        if stored is None:
            return None
        clock, reached, ends, said = stored
        return LayerEnd(clock, self.last.lengths | reached, ends, said)

    def _put_end(self, layer: str, end: LayerEnd) -> None:
        """Store the end of a layer, of each log that goes on above the cut."""
        covered = self.last.lengths
        above = {
            author: length
            for author, length in end.reached.items()
            if length != covered.get(author, 0)
        }
        self.layers.put_mark(layer, [end.clock, above, end.ends, end.said])

    def _start(self, ends: dict[bytes, int]) -> LayerEnd:
        return LayerEnd(0, self.covered(), ends, {})


def _holds(point: LayerEnd, rows: Sequence[LogRow]) -> bool:
    """Whether every record up to `point` is still held, and good unless it was void there."""
    known: dict[bytes, int] = {row.author: row.length for row in rows}
    shorter = [author for author, at in point.reached.items() if known.get(author, -1) < at]
    for author in shorter:
        length, end = known.get(author), point.ends.get(author)
        if length is None or end is None or end > length:
            return False
    return True


def places(
    store: Store, author: DeviceKey, start: int, stop: int
) -> Iterator[tuple[int, DeviceKey, int]]:
    """Yield (clock, author, bytes) of each record with seq in [start, stop), ascending."""
    while start < stop and (wires := store.wires(author, start, stop, CLOCKS_BYTES)):
        yield from ((clock_from_bytes(wire), author, len(wire)) for wire in wires)
        start += len(wires)


def _ends_of(
    places: Iterable[tuple[int, bytes]], point: LayerEnd, rows: Iterable[LogRow]
) -> dict[bytes, int]:
    """Return by author where the records of `places` end in each log, counted from `point`."""
    counted = Counter(author for _, author in places)
    return {row.author: point.reached.get(row.author, 0) + counted[row.author] for row in rows}
