"""The provisional state: the records above the last cut, folded in their order and kept.

The older of them lie in a layer of their own, so that what is new is folded over them. What
comes late, and stands before what was laid down, or voids it, lets all be folded anew; so it
is always the state of one fold of all records held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import joining
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import CommunityId, Record, RecordId, clock_in, from_bytes_unchecked
from commonweal.storage.last_cut import LastCut, SealIds
from commonweal.storage.layers import NEWEST, OLDER, Layer, Layers
from commonweal.storage.store import LogRow, Store

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold import Ledger
    from commonweal.protocol.ledger.rules_in_force import Rules

NEWEST_RECORDS_MAX = 2_000
"""Above so many records, the older of them are laid down in a layer of their own."""

NEWEST_RECORDS_KEPT = 500
"""So many stay above it, since what arrives late mostly stands among the newest."""

PORTION_RECORDS_MAX = 10_000
"""So many are folded at once, so that no more of them are in memory."""

READ_BYTES = 4 * 1024 * 1024

NO_STOPS: Mapping[bytes, int] = MappingProxyType({})

ENDS_TRIED_MAX = 2
"""Revocations that void older records are found by folding; so often it is tried again."""


Watch = Callable[[int, int], None]
"""Is told how many records are folded, and of how many."""


def nobody(_done: int, _of: int) -> None:
    """Watch nothing."""


class Point(NamedTuple):
    """How far a layer goes: through a clock, and so for each log up to a seq.

    ends: from which seq on logs were known to be void when it was laid down.
    """

    clock: int
    reached: dict[bytes, int]
    ends: dict[bytes, int]


class _EndsEarlier(Exception):
    """What is being folded voids records that lie in a layer below."""

    def __init__(self, ends: dict[bytes, int]) -> None:
        super().__init__()
        self.ends = ends


class Provisional:
    """What lies above the last cut of one store.

    documents: permanent bodies by hash. rules: those in force at the cut; rules_at: what
    an event may still follow whose author knew the seal of a height. watch: is told of
    each portion that is folded.
    """

    def __init__(
        self,
        store: Store,
        layers: Layers,
        community: CommunityId,
        last: LastCut,
        documents: Mapping[bytes, bytes],
        rules: Rules,
        rules_at: Callable[[int], Rules],
        watch: Watch = nobody,
    ) -> None:
        self.store, self.layers, self.community = store, layers, community
        self.last, self.documents = last, documents
        self.rules, self.rules_at, self._watch = rules, rules_at, watch

    def fold(self, rows: list[LogRow]) -> list[bytes]:
        """Fold what is above the cut into the layers; return the keys that this touches.

        rows: the logs of the store.
        """
        touched: list[bytes] = []
        point = self._point()
        if not self._holds(point, rows):
            touched += self.layers.clear(OLDER)
            point = self._start({})
        for _ in range(ENDS_TRIED_MAX):
            try:
                point = self._lay_down(point, rows, touched)
                tip = self._folded(NEWEST, point, {}, rows)
                self._check_ends(point, tip.state, rows)
                break
            except _EndsEarlier as found:
                touched += self.layers.clear(OLDER)
                touched += self.layers.clear(NEWEST)
                point = self._start(found.ends)
        else:
            point = self._start({})
            tip = self._folded(NEWEST, point, {}, rows)
        self.layers.put_mark("older", list(point))
        changes = list(tip.state.changes())
        self.layers.put(NEWEST, changes)
        return touched + [key for key, _ in changes]

    def first(self, records_max: int) -> Mapping[bytes, int]:
        """Return for each log where the first `records_max` above the cut, by clock, end."""
        start = self._start({})
        clocks = self._clocks(start, self.store.logs())
        waiting = sorted(clock for some in clocks.values() for clock in some)
        if len(waiting) <= records_max:
            return NO_STOPS
        last = waiting[records_max - 1]
        return {
            author: start.reached.get(author, 0) + bisect_right(some, last)
            for author, some in clocks.items()
        }

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

    def _lay_down(self, point: Point, rows: list[LogRow], touched: list[bytes]) -> Point:
        """Lay the older of what is above `point` down in their layer, a portion at a time."""
        of = sum(row.length for row in rows)
        self._watch(sum(point.reached.values()), of)
        clocks = self._clocks(point, rows)
        waiting = sorted(clock for some in clocks.values() for clock in some)
        start = dict(point.reached)
        while len(waiting) > NEWEST_RECORDS_MAX:
            last = waiting[min(len(waiting) - NEWEST_RECORDS_KEPT, PORTION_RECORDS_MAX) - 1]
            waiting = waiting[bisect_right(waiting, last) :]
            reached = point.reached | {
                author: start.get(author, 0) + bisect_right(some, last)
                for author, some in clocks.items()
            }
            ledger = self._folded(OLDER, point, reached, rows)
            self._check_ends(point, ledger.state, rows)
            changes = list(ledger.state.changes())
            self.layers.put(OLDER, changes)
            touched += [key for key, _ in changes]
            point = Point(last, reached, point.ends | self._ends(ledger.state, rows))
            self._watch(sum(reached.values()), of)
        return point

    def _folded(
        self, layer: int, point: Point, stops: Mapping[bytes, int], rows: list[LogRow]
    ) -> Ledger:
        """Return the fold of what lies above `point`, up to `stops`; note what it refuses."""
        from commonweal.protocol.ledger.fold import Ledger

        base = None if self.layers.is_empty() else Layer(self.layers, OLDER, cached=True)
        seals = SealIds(self.store, self.community)
        ledger = Ledger(
            *(self.community, base, self.last.cut, self.rules, self.documents, seals),
            rules_at=self.rules_at,
        )
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
        ledger.settle()
        for id in folded:
            reason = ledger.verdict(id)
            if reason is not None:
                refused.append((id, layer, reason.value))
        self.layers.change_many("INSERT OR IGNORE INTO said_at VALUES (?, ?)", said)
        self.layers.change_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", refused)
        return ledger

    def _clocks(self, point: Point, rows: list[LogRow]) -> dict[bytes, list[int]]:
        """Return the clocks, ascending, of what each log has above `point`."""
        clocks: dict[bytes, list[int]] = {}
        for row in rows:
            at = point.reached.get(row.author, 0)
            while at < row.length:
                wires = self.store.wires(row.author, at, row.length, READ_BYTES)
                clocks.setdefault(row.author, []).extend(map(clock_in, wires))
                at += len(wires)
        return clocks

    def _check_ends(self, point: Point, state: State, rows: list[LogRow]) -> None:
        """Raise when logs end elsewhere than was known when what lies below `point` was folded."""
        ends = self._ends(state, rows)
        for author, reached in point.reached.items():
            now, then = ends.get(author, reached), point.ends.get(author, reached)
            if min(now, reached) != min(then, reached):
                raise _EndsEarlier(ends)

    def _point(self) -> Point:
        found = self.layers.mark("older")
        return self._start({}) if found is None else Point(*found)

    def _start(self, ends: dict[bytes, int]) -> Point:
        return Point(0, self.covered(), ends)

    def _holds(self, point: Point, rows: list[LogRow]) -> bool:
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
                if clock_in(wires[0]) <= point.clock:
                    return False
        return True

    def _ends(self, state: State, rows: list[LogRow]) -> dict[bytes, int]:
        """Return from which seq on logs are void, by revocation or by proof."""
        ends: dict[bytes, int] = {}
        for key, value in state.items(joining.DEVICE):
            last = joining.DeviceRow(*value).last
            if last is not None:
                ends[key[1:]] = last + 1
        for row in rows:
            if row.frozen is not None:
                ends[row.author] = min(row.frozen, ends.get(row.author, row.frozen))
        return ends


def _is_void(record: Record, ends: Mapping[bytes, int]) -> bool:
    end = ends.get(record.author)
    return end is not None and record.seq >= end
