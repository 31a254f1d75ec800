"""The state of the ledger as commands read it: what is final, and what is provisional above.

Final state follows from the cuts alone and is kept; the records above the last cut are
folded over it in their order, and that is kept too, with a mark of the records that were
read. While the mark fits nothing is folded. What comes later is folded over the older
records as long as it stands after all of them; else everything above the cut is folded
anew. So the state is always that of one fold of all records held.

The ledger itself is only read here. What is kept lies in a file of its own; see `layers`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import joining
from commonweal.protocol.ledger.context import NO_DOCUMENTS, NOBODY, Context, Verdict
from commonweal.protocol.ledger.cut import Advance, Cut
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import CommunityId, Record, RecordId, clock_in, from_bytes_unchecked
from commonweal.storage.documents import Documents
from commonweal.storage.last_cut import LastCut, SealIds
from commonweal.storage.layers import FINAL, NEWEST, OLDER, Layer, Layers
from commonweal.storage.seals import KeptSeal, Seals
from commonweal.storage.store import LogRow, Store

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.fold import Ledger
    from commonweal.protocol.ledger.history import History
    from commonweal.protocol.ledger.rules_in_force import Rules
    from commonweal.protocol.rules.document import Ruleset
    from commonweal.storage.final import Final, Folded

NEWEST_RECORDS_MAX = 2_000
"""Above so many records, the older of them are laid down in a layer of their own."""

NEWEST_RECORDS_KEPT = 500
"""So many stay above it, since what arrives late mostly stands among the newest."""

PORTION_RECORDS_MAX = 10_000
"""So many are folded at once, so that no more of them are in memory."""

READ_BYTES = 4 * 1024 * 1024

NO_STOPS: Mapping[bytes, int] = MappingProxyType({})
NO_LEAST: Mapping[DeviceKey, int] = MappingProxyType({})

ENDS_TRIED_MAX = 2
"""Revocations that void older records are found by folding; so often it is tried again."""


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


class LedgerState:
    """What the records of a store come to. Valid until the store changes; `refresh` follows."""

    def __init__(
        self, store: Store, layers: Layers, community: CommunityId, *, whole: bool = True
    ) -> None:
        """Read what was kept, and fold what came since.

        whole: False leaves what is above the last cut as it was, to be folded another time.
        """
        self.store, self.layers, self.community = store, layers, community
        self.documents: Mapping[bytes, bytes] = Documents(store)
        """The permanent bodies that are held, by their hash."""
        self.has_advanced = False
        """Whether a cut was applied since this was made."""
        self.lacks: tuple[bytes, ...] = ()
        """What must come before the next seal that is kept can be applied, by id."""
        self.ready: dict[bytes, Folded] = {}
        """Seals that were folded on the last one, by id, so that none is folded twice."""
        self.last = LastCut(layers, community)
        self._waits: bytes | None = None
        self.refresh(whole=whole)

    @property
    def cut(self) -> Cut:
        """The last cut."""
        return self.last.cut

    @property
    def alarm(self) -> str:
        """Why this ledger cannot follow the seals that are kept; empty while it can."""
        return self.layers.mark("alarm") or ""

    @property
    def final(self) -> State:
        """The state at the last cut; whoever writes to it changes only his own copy."""
        return State(Layer(self.layers, FINAL))

    @property
    def state(self) -> State:
        """The provisional state: all records held; whoever writes changes only his own copy."""
        return State(Layer(self.layers, NEWEST))

    @property
    def founded(self) -> State:
        """The final state, with the founding document, which rules before any cut."""
        final = self.final
        if final.get(joining.FOUNDING) is None:
            founding = self.store.record(RecordId(self.community))
            if founding is not None and founding.body is not None:
                final.put(joining.FOUNDING, [b"", founding.id, founding.body.hash])
        return final

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset in force at the last cut."""
        from commonweal.protocol.ledger import standing

        return standing.in_force(self.founded, self.documents)

    @property
    def rules(self) -> Rules:
        """What the fold asks of the ruleset in force."""
        from commonweal.protocol.ledger import standing

        return standing.rules_of(self.ruleset)

    def verdict(self, record: Record) -> Verdict:
        """Return None when a record that is held counts, else the reason why it does not."""
        row = self.store.log(record.author)
        is_frozen = row.frozen is not None and record.seq >= row.frozen
        if is_frozen and not self.is_final(record):
            return Reason.LOG_FROZEN
        return self.layers.verdict(record.id)

    def is_final(self, record: Record) -> bool:
        """Whether the last cut covers a record that is held."""
        return self.last.covers(self.store, record)

    def judge(self, record: Record, bodies: Mapping[bytes, bytes] = NO_DOCUMENTS) -> Verdict:
        """Return why a record that is not written yet would count for nothing; None if not.

        bodies: permanent ones that are not held yet, by their hash.
        """
        from commonweal.protocol.ledger.fold import judge

        documents = Documents(self.store, bodies) if bodies else self.documents
        context = Context(self.community, self.cut, self.rules, NOBODY, documents)
        return judge(self.state, record, context)

    def history(
        self, records_max: int | None = None, least: Mapping[DeviceKey, int] = NO_LEAST
    ) -> History:
        """Return the history of the records held, with the final state that is kept.

        records_max: take only the first so many above the cut, by clock; None for all. least:
        of these logs take at least so many.
        """
        history = self.end().history()
        stops = dict(NO_STOPS if records_max is None else self._first(records_max))
        for author, length in least.items():
            if author in stops:
                stops[author] = max(stops[author], length)
        history.hold(self._records(self._covered(), stops))
        for row in self.store.logs():
            if row.frozen is not None:
                history.freeze(row.author, row.frozen)
        return history

    def end(self) -> Final:
        """Return what is final, to fold a seal on it."""
        from commonweal.storage.final import Final

        return Final(self.store, self.layers, self.community, self.documents, self.last)

    def past(self) -> Iterator[tuple[Advance, bytes]]:
        """Yield what each seal added, and its id, from the first to the last applied."""
        end = self.end()
        for height in range(1, self.cut.height + 1):
            kept = end.seals.at(height)
            assert kept is not None, "what was applied is kept"
            seal, facts = kept.sealed.seal, end.facts(kept.sealed.seal.evidence)
            cut = Cut(seal.height, seal.time_ms, seal.clock, seal.prev, seal.cut_root)
            yield Advance(cut, kept.delta, facts.ends, facts.guilty), seal.id

    def refresh(self, *, whole: bool = True) -> None:
        """Take in what changed in the store since the last time."""
        with self.store.snapshot():
            rows = self.store.logs()
            mark = _mark(self.store, rows, self.community)
            is_behind = self.layers.mark("ledger") != mark and (whole or self._may_advance(mark))
            while is_behind:
                self.layers.begin()
                try:
                    is_behind = self.layers.mark("ledger") != mark
                    if is_behind:
                        is_behind = self._follow(rows, whole=whole)
                        self.layers.put_mark("ledger", mark if whole and not is_behind else None)
                    self.layers.commit()
                finally:
                    self.layers.rollback()
            self.last.read()
            self._waits = mark if self.lacks else None

    # Inside

    def _may_advance(self, mark: bytes) -> bool:
        """Whether a seal may be applied, which could not be when it was tried last."""
        self.last.read()
        height = Seals(self.store, self.community).height
        return height > self.cut.height and not self.alarm and self._waits != mark

    def _first(self, records_max: int) -> Mapping[bytes, int]:
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

    def _follow(self, rows: list[LogRow], *, whole: bool) -> bool:
        """Write what follows from the store; return whether more seals wait to be applied."""
        from commonweal.storage import views

        if self.layers.mark("community") not in (None, self.community):
            for table in views.TABLES:
                self.layers.change(" ".join(("DELETE FROM", table)))
        self.layers.put_mark("community", bytes(self.community))
        self.last.read()
        advanced, is_more = self._advance()
        self.has_advanced = self.has_advanced or bool(advanced)
        whole = whole and not is_more
        changed = dict.fromkeys(advanced)
        if whole or advanced:
            changed |= dict.fromkeys(self.layers.clear(NEWEST))
        if whole:
            changed |= dict.fromkeys(self._fold(rows))
        views.refresh(self.layers, self.store, list(changed))
        return is_more

    def _advance(self) -> tuple[list[bytes], bool]:
        """Apply the next seals that can be; return what keys this touches, and whether to go on."""
        self.lacks = ()
        touched: list[bytes] = []
        records = 0
        if self.alarm or Seals(self.store, self.community).height <= self.cut.height:
            return touched, False
        end = self.end()
        while (kept := end.seals.at(self.cut.height + 1)) is not None:
            folded = self._folded_seal(end, kept)
            if folded is None:
                break
            end.write(folded)
            touched += [key for key, _ in folded.outcome.changes]
            records += len(folded.outcome.covered)
            if records >= PORTION_RECORDS_MAX:
                break
        if touched:
            touched += self.layers.clear(OLDER)
            self.layers.put_mark("older", None)
        return touched, records >= PORTION_RECORDS_MAX

    def _folded_seal(self, end: Final, kept: KeptSeal) -> Folded | None:
        """Return what a seal comes to; None when it must wait, or this ledger cannot follow it."""
        from commonweal.storage.final import Lacking

        seal = kept.sealed.seal
        folded = self.ready.get(seal.id)
        if folded is not None and folded.seal.prev == self.last.seal:
            return folded
        try:
            found = end.fold(seal, kept.delta)
        except InvalidSeal as error:
            self.layers.put_mark("alarm", str(error))
            return None
        if isinstance(found, Lacking):
            self.lacks = found.missing
            return None
        return found

    def _fold(self, rows: list[LogRow]) -> list[bytes]:
        """Fold what is above the cut into the layers; return the keys that this touches."""
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

    def _lay_down(self, point: Point, rows: list[LogRow], touched: list[bytes]) -> Point:
        """Lay the older of what is above `point` down in their layer, a portion at a time."""
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
        return point

    def _folded(
        self, layer: int, point: Point, stops: Mapping[bytes, int], rows: list[LogRow]
    ) -> Ledger:
        """Return the fold of what lies above `point`, up to `stops`; note what it refuses."""
        from commonweal.protocol.ledger.fold import Ledger

        base = None if self.layers.is_empty() else Layer(self.layers, OLDER, cached=True)
        seals = SealIds(self.store, self.community)
        ledger = Ledger(self.community, base, self.cut, self.rules, self.documents, seals)
        for row in rows:
            if row.frozen is not None:
                ledger.freeze(row.author, row.frozen)
        folded: list[RecordId] = []
        said: list[tuple[bytes, int]] = []
        refused: list[tuple[bytes, int, str]] = []

        def good() -> Iterator[Record]:
            for one in self._records(point.reached, stops):
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

    def _records(
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

    def _covered(self) -> dict[bytes, int]:
        """Return how far each log is final."""
        return {bytes(author): log.length for author, log in self.last.logs.items()}

    def _point(self) -> Point:
        found = self.layers.mark("older")
        return self._start({}) if found is None else Point(*found)

    def _start(self, ends: dict[bytes, int]) -> Point:
        return Point(0, self._covered(), ends)

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


@contextmanager
def opened(
    path: Any, store: Store, community: CommunityId, *, whole: bool = True
) -> Iterator[LedgerState]:
    """Give the state of what `store` holds, kept in the file `path`; whole: see `LedgerState`."""
    layers = Layers(path)
    try:
        yield LedgerState(store, layers, community, whole=whole)
    finally:
        layers.close()


def _mark(store: Store, rows: list[LogRow], community: CommunityId) -> bytes:
    """Return what changes whenever a record comes or goes, or a text."""
    texts = store.row(
        "SELECT (SELECT count(*) FROM body WHERE content IS NULL), (SELECT count(*) FROM wanted),"
        " (SELECT max(height) FROM seal), (SELECT count(*) FROM double_vote)"
    )
    logs: list[codec.Value] = [
        [row.author, row.length, row.head, row.frozen] for row in rows if row.length or row.frozen
    ]
    return codec.encode([bytes(community), logs, list(texts or ())])


def _is_void(record: Record, ends: Mapping[bytes, int]) -> bool:
    end = ends.get(record.author)
    return end is not None and record.seq >= end
