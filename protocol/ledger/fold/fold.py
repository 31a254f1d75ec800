"""The fold: records in, state out, the same in whatever order the records arrive.

Above the last cut records are ordered by (clock, id). Records that a cut covers are ordered by
(clock, H(root of the cut, id)), so that nobody gains a place by choosing an id. A record that
arrives after its place rolls the state back to there, and only what follows is folded again.
Nothing is folded until somebody reads, so that a thousand late records cost one rollback, not a
thousand.

A revocation voids records of its device that may come before it. Then the fold returns to the first
of them and continues with the revocation already known. It stays known until something new appears
before the place at which it was found. So the outcome follows from the records alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, ParamSpec, TypeAlias, TypeVar
from weakref import WeakMethod

from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.fold.kinds import KINDS, RESERVED, Author
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import enrolment, registry
from commonweal.protocol.ledger.state.advance import BEFORE_ALL, CutHeader
from commonweal.protocol.ledger.state.context import (
    NO_DOCUMENTS,
    NO_SEALS,
    NOBODY,
    AdmissionOracle,
    Context,
    RecordLookup,
    SealHeights,
    Verdict,
    no_oracle,
    no_records,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import Reader, State
from commonweal.protocol.ledger.state.trace import Trace, TracedState
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    with_data,
    without_data,
)
from commonweal.protocol.seal.witnesses import Witness, witness_fields, witness_set_root
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, RuleParams

Place: TypeAlias = tuple[int, bytes]
"""The place of a record among all: its clock, and its id or the hash that orders it."""

_START: Place = (0, b"")


class _Entry(NamedTuple):
    clock: int
    rank: bytes
    record: Record


def _place(entry: _Entry) -> Place:
    return entry.clock, entry.rank


class _Revocation(NamedTuple):
    """A valid revocation: from `seq` on the log of `device` is void.

    back: the first place that it affects. known: how far the fold had come when it was found.
    """

    device: DeviceKey
    seq: int
    back: Place
    known: Place


class Ledger:
    """The state above a cut, folded from the records that are held.

    base: the state at `cut`, read and never changed. over: the state over it that the fold writes
    to; None for a new one. rules: those in force there. documents:
    permanent bodies by hash; each is held before its record is added. seals: those that a record
    may name as its basis. order: the root of the cut that covers the records, which orders records
    of one clock; empty: by id. rules_at: the rules for an event whose basis has a height; for
    events only, because an old basis must not bring back other rules that have ended. find: returns
    a cited record that was not added here. time_ms: of the seal that covers the records; 0 above
    the last seal. oracle: admissions that another fold already decided. trace: notes what
    each record reads and writes, where `over` is None.
    """

    def __init__(
        self,
        community: CommunityId,
        base: Reader | None = None,
        cut: CutHeader = BEFORE_ALL,
        rules: RuleParams = DEFAULT_PARAMS,
        documents: Mapping[bytes, bytes] = NO_DOCUMENTS,
        seals: SealHeights = NO_SEALS,
        order: bytes = b"",
        rules_at: Callable[[int], RuleParams] | None = None,
        find: RecordLookup = no_records,
        time_ms: int = 0,
        oracle: AdmissionOracle = no_oracle,
        over: State | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.community, self.cut, self.rules, self._order = community, cut, rules, order
        self._rules_at = rules_at
        self._by_basis: dict[bytes, Context] = {}
        fresh = State(base) if trace is None else TracedState(base)
        self._state = fresh if over is None else over
        self.trace = trace
        self._find = find
        cited = weakly(self._cited)
        base_context = Context(community, cut, rules, NOBODY, documents, seals, cited)
        self._context = base_context._replace(time_ms=time_ms, oracle=oracle)
        self._entries: list[_Entry] = []
        self._clocks: dict[RecordId, int] = {}
        self._marks: list[int] = []
        self._refused: dict[RecordId, Reason] = {}
        self._frozen: dict[DeviceKey, int] = {}
        self._revocations: dict[RecordId, _Revocation] = {}
        self._ends: dict[DeviceKey, int] = {}
        self._reached: Place = _START
        self._void: dict[RecordId, Reason] = {}
        self._seated: bytes = b""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def waiting(self) -> int:
        """How many held records are not folded, or not folded again, yet."""
        return len(self._entries) - len(self._marks)

    @property
    def ends(self) -> Mapping[DeviceKey, int]:
        """The seq from which on logs are void, by revocations folded here and by proofs."""
        self.fold()
        return self._ends

    @property
    def state(self) -> State:
        """The state of all held records; valid until the next `add` or `freeze`."""
        self.fold()
        return self._state

    def add(self, records: Iterable[Record]) -> None:
        """Add records of the community, in any order; records already held are skipped."""
        entries, clocks, order = self._entries, self._clocks, self._order
        first: Place | None = None
        last = _place(entries[-1]) if entries else _START
        sort = False
        for record in records:
            id, clock = record.id, record.clock
            if id in clocks:
                continue
            rank = keys.hash32(keys.ORDER, order, id) if order else id
            place = (clock, rank)
            clocks[id] = clock
            entries.append(_Entry(clock, rank, without_data(record)))
            if first is None or place < first:
                first = place
            if place < last:
                sort = True
            else:
                last = place
        if sort:
            entries.sort()
        if first is not None:
            self._changed_at(first)

    def freeze(self, author: DeviceKey, seq: int) -> None:
        """Note that a proof ends the log of `author`: from `seq` on it counts for nothing."""
        known = self._frozen.get(author)
        if known is not None and known <= seq:
            return
        self._frozen[author] = seq
        self._state.put_permanent(registry.FROZEN + author, seq)
        self._find_end(author)
        for entry in self._entries:
            if entry.record.author == author and entry.record.seq >= seq:
                self._changed_at(_place(entry))
                return

    def assume_sealed(self, seated: Sequence[Witness], void: Iterable[RecordId]) -> None:
        """Adopt what seals decided, for a ledger that folds no seals.

        seated: the witnesses of the next height. void: records about seats that the covering seals
        refused; who was seated at that time is not known here.
        """
        told, refused = witness_set_root(seated), dict.fromkeys(void, Reason.SEAT_NEEDED)
        if seated and (told, refused) != (self._seated, self._void):
            self._seated, self._void = told, refused
            self._changed_at(_START)
            self._state.put_permanent(witness_set.SEATED, witness_fields(sorted(seated)))

    def verdict(self, record: RecordId) -> Verdict:
        """Return None when the record counts, otherwise the reason why it does not."""
        self.fold()
        return self._refused.get(record) if record in self._clocks else Reason.NOT_HELD

    def fold(self, records_max: int | None = None) -> bool:
        """Fold what waits, at most `records_max` records; return whether all is folded."""
        entries, marks, state = self._entries, self._marks, self._state
        left = -1 if records_max is None else records_max
        while len(marks) < len(entries) and left != 0:
            left -= 1
            entry = entries[len(marks)]
            mark = state.mark()
            marks.append(mark)
            place = _place(entry)
            if place > self._reached:
                self._reached = place
            reason = self._fold(entry, mark)
            if self.trace is not None and isinstance(state, TracedState):
                self.trace.note(state, entry.record.id, entry.clock, is_refused=reason is not None)
            if reason is None:
                self._refused.pop(entry.record.id, None)
            else:
                self._refused[entry.record.id] = reason
        return len(marks) == len(entries)

    def _fold(self, entry: _Entry, mark: int) -> Verdict:
        record = entry.record
        if record.id in self._revocations:
            enrolment.apply_revocation(self._state, with_data(record))
            return None
        end = self._ends.get(record.author)
        if end is not None and record.seq >= end:
            frozen = self._frozen.get(record.author)
            is_frozen = frozen is not None and record.seq >= frozen
            return Reason.LOG_FROZEN if is_frozen else Reason.DEVICE_REVOKED
        void = self._void.get(record.id)
        if void is not None:
            return void
        record = with_data(record)
        context = self._context
        if record.kind == "event" and self._rules_at is not None:
            context = self._by_basis.get(record.basis) or self._of_basis(record.basis)
        reason = judge(self._state, record, context)
        if reason is not None:
            self._state.rollback(mark)
        elif record.kind == "device.revoke":
            self._revoke(record, _place(entry))
        return reason

    def _of_basis(self, basis: RecordId) -> Context:
        """Return the context with the rules that a record of this basis may follow."""
        height = self._context.seals.get(basis) or 0
        assert self._rules_at is not None, "asked only when somebody knows"
        context = self._context._replace(rules=self._rules_at(height))
        self._by_basis[basis] = context
        return context

    def _cited(self, id: RecordId) -> Record | None:
        """Return a held record, or one from elsewhere, that a record cites; None when not held."""
        clock = self._clocks.get(id)
        if clock is None:
            return self._find(id)
        place = (clock, keys.hash32(keys.ORDER, self._order, id) if self._order else id)
        at = bisect_left(self._entries, place, key=_place)
        return with_data(self._entries[at].record)

    def _revoke(self, record: Record, place: Place) -> None:
        """Note a valid revocation; roll back when it voids what is folded already."""
        device, seq = record.data["device"], record.data["seq"] + 1
        end = self._ends.get(device)
        back = place
        for entry in self._entries[: len(self._marks)]:
            seen = entry.record
            if seen.author == device and seen.seq >= seq and (end is None or seen.seq < end):
                back = _place(entry)
                break
        self._revocations[record.id] = _Revocation(device, seq, back, self._reached)
        self._find_end(device)
        if back < place:
            self._back_to(back)

    def _find_end(self, device: DeviceKey) -> None:
        ends = [known.seq for known in self._revocations.values() if known.device == device]
        if device in self._frozen:
            ends.append(self._frozen[device])
        if ends:
            self._ends[device] = min(ends)
        else:
            self._ends.pop(device, None)

    def _changed_at(self, place: Place) -> None:
        """Forget everything that was concluded from `place` on."""
        if place > self._reached:
            return
        for id, known in list(self._revocations.items()):
            if known.known >= place:
                del self._revocations[id]
                self._find_end(known.device)
                self._back_to(known.back)
        self._back_to(place)
        before = bisect_left(self._entries, place, key=_place) - 1
        self._reached = _place(self._entries[before]) if before >= 0 else _START

    def _back_to(self, place: Place) -> None:
        number = bisect_left(self._entries, place, key=_place)
        if number < len(self._marks):
            self._state.rollback(self._marks[number])
            del self._marks[number:]


P = ParamSpec("P")
R = TypeVar("R")


def weakly(call: Callable[P, R]) -> Callable[P, R]:
    """Return a weak reference to a method, so that what calls it does not keep its owner alive.

    An owner that keeps its callers is then freed at once, not by a search for cycles.
    """
    method = WeakMethod(call)

    def referred(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = method()
        assert bound is not None, "only its owner uses it"
        return bound(*args, **kwargs)

    return referred


def judge(state: State, record: Record, context: Context) -> Verdict:
    """Apply `record` to `state`; return why not, when it counts for nothing.

    When a reason is returned, the caller rolls back what was written.
    """
    is_first = record.basis in (b"", context.community)
    if not is_first and context.seals.get(record.basis) is None:
        return Reason.UNKNOWN_BASIS
    kind = KINDS.get(record.kind)
    if kind is None:
        reserved = record.kind.startswith(RESERVED)
        return Reason.RESERVED_KIND if reserved else Reason.UNKNOWN_KIND
    if kind.author is Author.MEMBER:
        member = registry.writer(state, record)
        if isinstance(member, Reason):
            return member
        context = context._replace(member=member)
    return kind.act(state, record, context)
