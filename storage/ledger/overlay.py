"""The provisional state: the records above the last cut, folded in their order and kept.

The older of them lie in a layer of their own, so that what is new is folded over them. What
comes late, and stands before what was laid down, or voids it, lets all be folded anew; so it
is always the state of one fold of all records held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from heapq import merge
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
    without_data,
)
from commonweal.storage.ledger.checkpoint import Checkpoint, SealIds
from commonweal.storage.ledger.state_db import FINAL, NEWEST, OLDER, LayeredState, StateDb
from commonweal.storage.records.log_store import LogRow, Store

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.protocol.vocabulary.rule_params import RuleParams

NEWEST_RECORDS_MAX = 256
"""Above so many records, the older of them are laid down in a layer of their own.

All that are not are folded, and in memory, each time something comes: 1.3 KiB and 30 us each.
"""

NEWEST_RECORDS_KEPT = 128
"""So many stay above it, since what arrives late mostly stands among the newest."""

PORTION_RECORDS_MAX, PORTION_BYTES_MAX = 10_000, 16 * 1024 * 1024
"""So many are folded at once, so that no more of them are in memory."""

READ_BYTES = 4 * 1024 * 1024

CLOCKS_BYTES = 64 * 1024
"""So much of each log is read at a time to find what comes first."""

NO_STOPS: Mapping[bytes, int] = MappingProxyType({})

ENDS_TRIED_MAX = 2
"""Revocations that void older records are found by folding; so often it is tried again."""


Watch = Callable[[int, int], None]
"""Is told how many records are folded, and of how many."""


def nobody(_done: int, _of: int) -> None:
    """Watch nothing."""


class LayerEnd(NamedTuple):
    """How far a layer goes: through a clock, and so for each log up to a seq.

    ends: from which seq on logs were known to be void when it was laid down.
    """

    clock: int
    reached: dict[bytes, int]
    ends: dict[bytes, int]


class FoldResult(NamedTuple):
    """What a fold did: the keys that it touched, how many records it folded, and whether all."""

    touched: list[bytes]
    records: int
    is_whole: bool


NOTHING_FOLDED = FoldResult([], 0, is_whole=False)


class _EndsEarlier(Exception):
    """What is being folded voids records that lie in a layer below."""

    def __init__(self, ends: dict[bytes, int]) -> None:
        super().__init__()
        self.ends = ends


class Overlay:
    """What lies above the last cut of one store.

    documents: permanent bodies by hash. rules: those in force at the cut; rules_at: what
    an event may still follow whose author knew the seal of a height. watch: is told of
    each portion that is folded.
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

    def fold(self, rows: list[LogRow], *, at_once: bool = True) -> FoldResult:
        """Fold what is above the cut into the layers.

        rows: the logs of the store. at_once: False lays down a portion at most, and leaves the
        rest to be folded another time.
        """
        touched: list[bytes] = []
        point = self._point()
        if not self._holds(point, rows):
            touched += self.layers.clear(OLDER)
            point = self._start({})
        for _ in range(ENDS_TRIED_MAX):
            try:
                point, is_whole = self._lay_down(point, rows, touched, at_once=at_once)
                if not is_whole:
                    self.layers.put_mark("older", list(point))
                    return FoldResult(touched, self._records, False)
                tip = self._folded(NEWEST, point, {}, rows)
                self._check_ends(point, tip.state, rows)
                break
            except _EndsEarlier as found:
                touched += self.layers.clear(OLDER)
                touched += self.layers.clear(NEWEST)
                point, at_once = self._start(found.ends), True
        else:
            point = self._start({})
            tip = self._folded(NEWEST, point, {}, rows)
        self.layers.put_mark("older", list(point))
        changes = list(tip.state.changes())
        self.layers.put(NEWEST, changes)
        return FoldResult(touched + [key for key, _ in changes], self._records, True)

    def members(self) -> State:
        """Return the final state, and folded on it the records of rare kinds above the cut."""
        ledger, covered = self._begun(FINAL), self.covered()
        above = (one for one in self.store.rare() if one.seq >= covered.get(one.author, 0))
        ledger.add(map(without_data, above))  # what kinds say that nobody knows may be large
        ledger.fold()
        return ledger.state

    def first(
        self, records_max: int, bytes_max: int, without: Container[DeviceKey] = ()
    ) -> Mapping[bytes, int]:
        """Return for each log where the first so many above the cut, by clock, end.

        without: logs of which none are.
        """
        start = self._start({})
        rows = [row for row in self.store.logs() if row.author not in without]
        return _ends_of(self._earliest(start, rows, records_max, bytes_max), start, rows)

    def covered(self) -> dict[bytes, int]:
        """Return how far each log is final."""
        return {bytes(author): log.length for author, log in self.last.logs.items()}

    def records(
        self, reached: Mapping[bytes, int], stops: Mapping[bytes, int] = NO_STOPS
    ) -> Iterator[Record]:
        """Yield the good records from those places on, log by log."""
        for row in self.store.logs():
            at = reached.get(row.author, 0)
            stop = min(row.length, stops.get(row.author, row.length))
            while at < stop:
                wires = self.store.wires(row.author, at, stop, READ_BYTES)
                yield from map(from_bytes_unchecked, wires)
                at += len(wires)

    # Inside

    def _lay_down(
        self, point: LayerEnd, rows: list[LogRow], touched: list[bytes], *, at_once: bool
    ) -> tuple[LayerEnd, bool]:
        """Lay the older of what is above `point` down in their layer, a portion at a time.

        Return how far they lie there, and whether only the newest are left.
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
            older = [one for one in waiting if one[0] <= last]
            reached = point.reached | _ends_of(older, point, rows)
            ledger = self._folded(OLDER, point, reached, rows)
            self._check_ends(point, ledger.state, rows)
            changes = list(ledger.state.changes())
            self.layers.put(OLDER, changes)
            touched += [key for key, _ in changes]
            point = LayerEnd(last, reached, point.ends | self._ends(ledger.state, rows))
            self._watch(sum(reached.values()), of)

    def _folded(
        self, layer: int, point: LayerEnd, stops: Mapping[bytes, int], rows: list[LogRow]
    ) -> Ledger:
        """Return the fold of what lies above `point`, up to `stops`; note what it refuses."""
        ledger = self._begun(OLDER)
        for row in rows:
            if row.frozen is not None:
                ledger.freeze(row.author, row.frozen)
        folded: list[RecordId] = []
        said: list[tuple[bytes, int]] = []
        refused: list[tuple[bytes, int, str]] = []

        def good() -> Iterator[Record]:
            for one in self.records(point.reached, stops):
                if one.kind == "event":
                    said.append((one.id, one.claimed_at))
                if _is_void(one, point.ends):
                    refused.append((one.id, layer, Reason.DEVICE_REVOKED.value))
                else:
                    folded.append(one.id)
                    yield one

        ledger.add(good())
        ledger.fold()
        self._records += len(folded)
        for id in folded:
            reason = ledger.verdict(id)
            if reason is not None:
                refused.append((id, layer, reason.value))
        self.layers.change_many("INSERT OR IGNORE INTO said_at VALUES (?, ?)", said)
        self.layers.change_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", refused)
        return ledger

    def _begun(self, layer: int) -> Ledger:
        """Return a fold that begins with what a layer holds."""
        from commonweal.protocol.ledger.fold.fold import Ledger

        base = None if self.layers.is_empty() else LayeredState(self.layers, layer, cached=True)
        seals = SealIds(self.store, self.community)
        return Ledger(
            *(self.community, base, self.last.cut, self.rules, self.documents, seals),
            rules_at=self.rules_at,
            find=self.store.record,
        )

    def _earliest(
        self, point: LayerEnd, rows: list[LogRow], records_max: int, bytes_max: int
    ) -> list[tuple[int, bytes]]:
        """Return clock and author of the first records above `point`, ascending.

        So many, and all that share the clock of the last of them. No more of the logs is read
        than that takes.
        """
        first: list[tuple[int, bytes]] = []
        size = 0
        logs = (
            places(self.store, row.author, point.reached.get(row.author, 0), row.length)
            for row in rows
        )
        for clock, author, more in merge(*logs):
            is_enough = len(first) >= records_max or size >= bytes_max
            if is_enough and clock > first[-1][0]:
                break
            first.append((clock, author))
            size += more
        return first

    def _check_ends(self, point: LayerEnd, state: State, rows: list[LogRow]) -> None:
        """Raise when logs end elsewhere than was known when what lies below `point` was folded."""
        ends = self._ends(state, rows)
        for author, reached in point.reached.items():
            now, then = ends.get(author, reached), point.ends.get(author, reached)
            if min(now, reached) != min(then, reached):
                raise _EndsEarlier(ends)

    def _point(self) -> LayerEnd:
        found = self.layers.mark("older")
        return self._start({}) if found is None else LayerEnd(*found)

    def _start(self, ends: dict[bytes, int]) -> LayerEnd:
        return LayerEnd(0, self.covered(), ends)

    def _holds(self, point: LayerEnd, rows: list[LogRow]) -> bool:
        """Whether everything that came since stands after `point`."""
        known = {row.author: row for row in rows}
        for author, reached in point.reached.items():
            row = known.get(DeviceKey(author))
            end = point.ends.get(author)
            if row is None or (row.length < reached and (end is None or end > row.length)):
                return False
        for row in rows:
            at = point.reached.get(row.author, 0)
            if row.length > at:
                wires = self.store.wires(row.author, at, row.length, 0)
                if clock_from_bytes(wires[0]) <= point.clock:
                    return False
        return True

    def _ends(self, state: State, rows: list[LogRow]) -> dict[bytes, int]:
        """Return from which seq on logs are void, by revocation or by proof."""
        ends: dict[bytes, int] = {}
        for key, value in state.items(registry.DEVICE):
            last = registry.DeviceRow(*value).last
            if last is not None:
                ends[key[1:]] = last + 1
        for row in rows:
            if row.frozen is not None:
                ends[row.author] = min(row.frozen, ends.get(row.author, row.frozen))
        return ends


def places(
    store: Store, author: DeviceKey, start: int, stop: int
) -> Iterator[tuple[int, DeviceKey, int]]:
    """Yield clock, author and bytes of each record of a log in that range, ascending."""
    while start < stop:
        wires = store.wires(author, start, stop, CLOCKS_BYTES)
        found = [(clock_from_bytes(wire), author, len(wire)) for wire in wires]
        yield from found
        start += len(found)


def _ends_of(
    places: Iterable[tuple[int, bytes]], point: LayerEnd, rows: Iterable[LogRow]
) -> dict[bytes, int]:
    """Return for each log where those of its records above `point` that are in `places` end."""
    counted = Counter(author for _, author in places)
    return {row.author: point.reached.get(row.author, 0) + counted[row.author] for row in rows}


def _is_void(record: Record, ends: Mapping[bytes, int]) -> bool:
    end = ends.get(record.author)
    return end is not None and record.seq >= end
