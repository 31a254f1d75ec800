"""The folded ledger: the final state at the checkpoint, and the pending state above it.

The final state follows from the stored seals, each applied once all that it covers is held; the
records above the last cut are folded over it (`pending_state`). The state file (`state_db`) has
both, with a mark of the records and seals that were read; while it matches, nothing is folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from commonweal.protocol import errors
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.advance import FOLD, Advance, CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import CommunityId, Record, RecordId, from_bytes_unchecked
from commonweal.protocol.seal.cut import CUT_BYTES_MAX
from commonweal.storage.ledger.fold_watch import Watch, nobody
from commonweal.storage.ledger.state.checkpoint import BEGUN, Checkpoint, read_mark
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, OLDER, LayeredState, StateDb
from commonweal.storage.records.blobs import PermanentBlobs
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.records.seal_store import KeptSeal, SealStore

if TYPE_CHECKING:  # loaded when something is folded, which is seldom
    from commonweal.protocol.ledger.finality.history import History
    from commonweal.protocol.ledger.state.context import Verdict
    from commonweal.protocol.rules.document import Ruleset
    from commonweal.protocol.seal.chain import TrustedPoint
    from commonweal.protocol.seal.votes import SealId
    from commonweal.protocol.vocabulary.rule_params import RuleParams
    from commonweal.storage.ledger.state.finalizer import Finalizer, FoldedSeal
    from commonweal.storage.ledger.state.pending_state import PendingOverlay

NO_LEAST: Mapping[DeviceKey, int] = MappingProxyType({})

TAKING = "taking"
"""Mark of a state sync in progress: meanwhile no seal is folded here."""


class LedgerState:
    """The state of the records in a store. Valid until the store changes; then call `refresh`."""

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        *,
        whole: bool = True,
        at_once: bool = True,
        watch: Watch = nobody,
    ) -> None:
        """Read the stored state, and fold the records that arrived since.

        whole, at_once: as in `refresh`. watch: called with the number of folded records and of all.
        """
        self.store, self.layers, self.community = store, layers, community
        self.documents: Mapping[bytes, bytes] = PermanentBlobs(store)
        """The held permanent bodies, by hash."""
        self.is_whole = False
        """Whether all records above the last cut were folded at the last refresh."""
        self.has_advanced = False
        """Whether a cut was applied since this object was made."""
        self.lacks: tuple[bytes, ...] = ()
        """Ids that are missing to apply the next stored seal."""
        self.ready: FoldedSeal | None = None
        """The seal folded last and not written: it has all records of its cut, and their state."""
        self.folding: Watch = nobody
        """Is called while a cut is folded, with how many of its records are, and all."""
        self.last = Checkpoint(layers, community)
        self._members: tuple[tuple[int, int], State] | None = None
        self._waiting: tuple[State, tuple[MemberId, ...]] | None = None
        self._waits: bytes | None = None
        self._watch = watch
        self.refresh(whole=whole, at_once=at_once)

    @property
    def cut(self) -> CutHeader:
        """The last cut."""
        return self.last.cut

    @property
    def alarm(self) -> str:
        """Why this ledger cannot follow the stored seals; "" while it can."""
        alarm = self.layers.mark("alarm")
        return alarm[0] if alarm is not None and alarm[1] == FOLD else ""

    def raise_alarm(self, why: str) -> None:
        """Stop following seals, for a reason; a version with a newer fold tries again."""
        self.layers.put_mark("alarm", [why, FOLD])

    @property
    def final(self) -> State:
        """The state at the last cut; a write changes only this copy."""
        return State(LayeredState(self.layers, FINAL))

    @property
    def state(self) -> State:
        """The pending state, of all held records; a write changes only this copy."""
        return State(LayeredState(self.layers, NEWEST))

    def members(self) -> State:
        """Return the final state with the governance records above it folded, which are few."""
        (rare,) = self.store.row("SELECT count(*) FROM rare") or (0,)
        stamp = (self.cut.height, rare)
        if self._members is None or self._members[0] != stamp:
            self._members = stamp, self._above().members()
        return self._members[1]

    def waiting(self) -> tuple[MemberId, ...]:
        """Return the members who are known but not admitted, or who left; cached."""
        from commonweal.protocol.ledger.members import registry

        state = self.members()
        if self._waiting is None or self._waiting[0] is not state:
            out = (registry.NEW, registry.LEFT)
            rows = ((MemberId(key[1:]), value[0]) for key, value in state.items(registry.MEMBER))
            self._waiting = state, tuple(id for id, status in rows if status in out)
        return self._waiting[1]

    @property
    def founded(self) -> State:
        """The final state, with the founding document, which is active before the first cut."""
        final = self.final
        if final.get(Table.FOUNDING.prefix) is None:
            founding = self.store.record(RecordId(self.community))
            if founding is not None and founding.body is not None:
                final.put(Table.FOUNDING.prefix, [b"", founding.id, founding.body.hash])
        return final

    @property
    def ruleset(self) -> Ruleset:
        """The active ruleset at the last cut."""
        from commonweal.protocol.ledger.governance import active_ruleset

        return active_ruleset.current(self.founded, self.documents)

    @property
    def rules(self) -> RuleParams:
        """Parameters that the fold reads from the active ruleset."""
        from commonweal.protocol.ledger.governance import active_ruleset

        return active_ruleset.rules_of(self.ruleset)

    def verdict(self, record: Record) -> Verdict:
        """Return None when a held record counts, else the reason."""
        row = self.store.log(record.author)
        is_frozen = row.frozen is not None and record.seq >= row.frozen
        if is_frozen and not self.is_final(record):
            from commonweal.protocol.ledger.state.rejections import Reason

            return Reason.LOG_FROZEN
        return self.layers.verdict(record.id)

    def is_final(self, record: Record) -> bool:
        """Whether the last cut covers a held record."""
        return self.last.covers(self.store, record)

    def history(
        self,
        records_max: int | None = None,
        least: Mapping[DeviceKey, int] = NO_LEAST,
        bytes_max: int = CUT_BYTES_MAX,
        without: Collection[DeviceKey] = (),
    ) -> History:
        """Return the history of the held records, on the stored final state.

        records_max, bytes_max: take only the first records above the cut, by clock; None: all.
        least: by author, take at least this length of a log. without: logs to leave out.
        """
        history, above = self.end().history(), self._above()
        stops = {} if records_max is None else dict(above.first(records_max, bytes_max, without))
        for author, length in least.items():
            if author in stops and author not in without:
                stops[author] = max(stops[author], length)
        stops |= dict.fromkeys(without, 0)
        history.hold(above.records(above.covered(), stops))
        history.hold_kept()
        for row in self.store.logs():
            if row.frozen is not None:
                history.freeze(row.author, row.frozen)
        return history

    def chain_point(self) -> TrustedPoint:
        """Return the end of the chain of seals, as far as this ledger has folded it."""
        from commonweal.protocol.ledger.governance import witness_set
        from commonweal.protocol.seal.chain import TrustedPoint, chain_start

        cut, seal = self.cut, cast("SealId", self.last.seal)
        if bytes(seal) != self.community:
            witnesses = witness_set.seated(self.final)
            return TrustedPoint(self.community, cut.height, seal, cut.clock, cut.time_ms, witnesses)
        founding = self.store.record(RecordId(self.community))
        if founding is None or self.alarm:
            return TrustedPoint(self.community, 0, cast("SealId", self.community), 0, 0, ())
        return chain_start(founding)

    def end(self) -> Finalizer:
        """Return the finalizer, which folds the next seal."""
        from commonweal.storage.ledger.state.finalizer import Finalizer

        kept = (self.store, self.layers, self.community, self.documents, self.last)
        return Finalizer(*kept, self.folding)

    def records(self) -> Iterator[Record]:
        """Yield every good record, and the sealed ones of logs that end earlier here by a proof."""
        self.store.check_whole()
        for row in self.store.logs():
            wires = self.store.wires(row.author, 0, row.length, row.bytes + 1)
            yield from map(from_bytes_unchecked, wires)
            log = self.last.logs.get(row.author)
            left = 0 if log is None else log.length - row.length
            at = None if log is None else log.head
            for _ in range(left):
                record = None if at is None else self.store.record(at)
                if record is None:  # a home that was light has not fetched it again
                    raise errors.LightHome
                yield record
                at = record.prev

    def past(self) -> Iterator[tuple[Advance, bytes]]:
        """Yield the advance and id of each applied seal, in order."""
        end = self.end()
        for height in end.seals.heights:
            kept = end.seals.at(height) if height <= self.cut.height else None
            if kept is None:
                return
            seal, facts = kept.sealed.seal, end.facts(kept.sealed.seal.evidence)
            times = (seal.height, seal.time_ms, seal.clock)
            cut = CutHeader(*times, seal.prev, seal.cut_root, seal.fold)
            yield Advance(cut, kept.delta, facts.ends, facts.equivocators), seal.id

    def refresh(self, *, whole: bool = True, at_once: bool = True) -> int:
        """Fold what changed in the store since the last time; return the records folded.

        whole: also fold the records above the last cut, a portion at a time, each of which is kept.
        at_once: False folds one portion at most; `is_whole` says whether more are left above.
        """
        folded = 0
        with self.store.snapshot():
            rows = self.store.logs()
            mark = read_mark(self.store, rows, self.community)
            self.is_whole = self.layers.mark("ledger") == mark
            is_behind = not self.is_whole and (whole or self._may_advance(mark))
            while is_behind:
                self.layers.begin()
                try:
                    self.is_whole = self.layers.mark("ledger") == mark
                    is_behind = not self.is_whole
                    if is_behind:
                        is_more, records = self._follow(rows, whole=whole)
                        is_behind = at_once and (is_more or (whole and not self.is_whole))
                        self.layers.put_mark("ledger", mark if self.is_whole else None)
                        folded += records
                    self.layers.commit()
                finally:
                    self.layers.rollback()
            self.last.read()
            is_begun = self.layers.mark(BEGUN)
            self._waits = mark if self.lacks or not is_begun else None
        return folded

    def shrink(self) -> None:
        """Free the page caches of both files."""
        self.store.shrink()
        self.layers.shrink()

    # Inside

    def _above(self) -> PendingOverlay:
        from commonweal.protocol.ledger.governance import active_ruleset
        from commonweal.storage.ledger.state.pending_state import PendingOverlay

        def rules_at(height: int) -> RuleParams:
            return active_ruleset.rules_at(self.founded, self.documents, height, self.cut.time_ms)

        return PendingOverlay(
            *(self.store, self.layers, self.community, self.last),
            *(self.documents, self.rules, rules_at, self._watch),
        )

    def _may_advance(self, mark: bytes) -> bool:
        """Whether the next seal may be applicable now, or the ledger has to begin first."""
        self.last.read()
        if self._waits != mark and not self.layers.mark(BEGUN):
            return True
        height = SealStore(self.store, self.community).height
        waits = self.alarm or self._waits == mark or self.layers.mark(TAKING)
        return height > self.cut.height and not waits

    def _follow(self, rows: Sequence[LogRow], *, whole: bool) -> tuple[bool, int]:
        """Apply seals and fold a portion of records, in one transaction of the state file.

        Return whether more seals can be applied, and the number of pending records folded.
        """
        from commonweal.storage.ledger.state.pending_state import NOTHING_FOLDED
        from commonweal.storage.ledger.views import views

        if self.layers.mark("community") not in (None, self.community):
            for table in views.TABLES:
                self.layers.change(" ".join(("DELETE FROM", table)))
        self.layers.put_mark("community", bytes(self.community))
        self.last.read()
        begun = self._begin() if self.last.reaches(rows) else None
        if begun is None:
            self.is_whole = whole
            return False, 0
        advanced, is_more = self._advance()
        cleared: Iterable[list[bytes]] = ()
        if advanced:
            covered = sum(log.length for log in self.last.logs.values())
            self._watch(covered, sum(row.length for row in rows))
        self.has_advanced = self.has_advanced or bool(advanced)
        whole = whole and not is_more
        changed = dict.fromkeys([*begun, *advanced])
        if advanced:
            changed |= dict.fromkeys(self.layers.clear(NEWEST))
            self.layers.put_mark("newest", None)
            if self.layers.mark("older") is not None:
                cleared = self.layers.clear_large(OLDER)
                self.layers.put_mark("older", None)
        done = self._above().fold(rows, at_once=False) if whole else NOTHING_FOLDED
        self.is_whole = done.is_whole
        touched, written = list(changed | dict.fromkeys(done.touched)), {} if whole else advanced
        views.refresh(self.layers, self.store, touched, written)
        for keys in cleared:
            others = [key for key in keys if key not in changed]
            views.refresh(self.layers, self.store, others)
        return is_more, done.records

    def _begin(self) -> list[bytes] | None:
        """Begin the ledger with what it inherits; return the touched keys.

        None while the inheritance is missing or invalid.
        """
        from commonweal.storage.ledger import inheritance

        try:
            return inheritance.begin(self.store, self.layers, self.community, self.last)
        except (errors.WrongState, errors.Malformed, errors.InvalidRecord) as error:
            self.raise_alarm(str(error))
            return None

    def _advance(self) -> tuple[dict[bytes, Any], bool]:
        """Apply the next seals; return what they changed, by key, and whether to call again."""
        self.lacks = ()
        touched: dict[bytes, Any] = {}
        records = 0
        height = SealStore(self.store, self.community).height
        if self.alarm or self.layers.mark(TAKING) or height <= self.cut.height:
            return touched, False
        from commonweal.storage.ledger.state import pending_state

        end = self.end()
        while (kept := end.seals.at(self.cut.height + 1)) is not None:
            folded = self._folded_seal(end, kept)
            if folded is None:
                break
            end.write(folded)
            touched.update(folded.outcome.changes)
            records += len(folded.outcome.covered)
            del folded
            if records >= pending_state.PORTION_RECORDS_MAX:
                break
        return touched, records >= pending_state.PORTION_RECORDS_MAX

    def _folded_seal(self, end: Finalizer, kept: KeptSeal) -> FoldedSeal | None:
        """Return a seal folded; None when parts are missing, or the ledger cannot follow it."""
        from commonweal.storage.ledger.state.finalizer import MissingParts

        seal = kept.sealed.seal
        folded, self.ready = self.ready, None
        if folded is not None and folded.seal.id == seal.id:
            return folded
        try:
            result = end.fold(seal, kept.delta)
        except errors.InvalidSeal as error:
            self.raise_alarm(str(error))
            return None
        if isinstance(result, MissingParts):
            self.lacks = result.missing
            return None
        return result


@contextmanager
def open_ledger(
    path: Any, store: Store, community: CommunityId, *, whole: bool = True, watch: Watch = nobody
) -> Iterator[LedgerState]:
    """Open the folded ledger of `store` in the state file `path`; see `LedgerState`."""
    layers = StateDb(path)
    try:
        yield LedgerState(store, layers, community, whole=whole, watch=watch)
    finally:
        layers.close()
