"""History: all records of a community; what is final, seal by seal, and the ledger above it.

Final state changes only when a seal is applied: the records that its cut covers are folded, what is
due is decided, and nothing that arrives later changes that. Everything above is provisional. Both
follow from the records and the seals alone, in whatever order they arrive. Whether a seal is
certified is never checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import ref

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.checkpoint.roots import (
    Roots,
    Trees,
    cut_roots,
    first_trees,
    roots_of,
    write,
)
from commonweal.protocol.ledger.finality.deadlines import next_deadline
from commonweal.protocol.ledger.finality.unsealed import (
    NO_ENDS,
    NO_LEAST,
    CoveredRecords,
    CutBounds,
    Ends,
    UnsealedSet,
    size_of,
)
from commonweal.protocol.ledger.fold.fold import Ledger, weakly
from commonweal.protocol.ledger.governance import active_ruleset, giving_rounds, witness_set
from commonweal.protocol.ledger.governance.enactment import enact
from commonweal.protocol.ledger.governance.membership_end import listed_rows
from commonweal.protocol.ledger.members import forks
from commonweal.protocol.ledger.members.budgets import CutLimits, inherited_records
from commonweal.protocol.ledger.members.registry import FOUNDING
from commonweal.protocol.ledger.sharing import distribution, milestones, valuation
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import BEFORE_ALL, FOLD, Advance, CutHeader
from commonweal.protocol.ledger.state.context import SealHeights, Verdict
from commonweal.protocol.ledger.state.rejections import put_refused
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import local_rows
from commonweal.protocol.ledger.ventures.campaigns import deadline
from commonweal.protocol.ledger.ventures.campaigns.deadline import ClosingCut
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.records.record import FOUND, CommunityId, Record, RecordId, with_data
from commonweal.protocol.rules.document import Ruleset
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.timing import seal_time
from commonweal.protocol.seal.validation import is_full
from commonweal.protocol.seal.witnesses import Witness
from commonweal.protocol.vocabulary.budget import day_of
from commonweal.protocol.vocabulary.rule_params import RuleParams

RECORDS_BETWEEN_CALLS = 500
"""Records of a cut that are folded until it is told again how far that is: some 30 ms."""


def _ignored(_done: int, _of: int) -> None:
    """Ignore how far a cut is folded."""


@dataclass(frozen=True, slots=True)
class AdvanceOutcome:
    """What an advance leads to; nothing of it is final before `History.accept`.

    changes: of the final state, by key; None: the key is gone. verdicts: on the records that it
    newly covers. ruleset: the id of the document in force after it. witnesses: the set after it.
    local: changes of local keys, which are in no root.
    """

    advance: Advance
    covered: tuple[Record, ...]
    changes: tuple[tuple[bytes, Any], ...]
    verdicts: Mapping[RecordId, Verdict]
    ruleset: bytes
    witnesses: tuple[Witness, ...]
    local: tuple[tuple[bytes, Any], ...] = ()


class History:
    """What is final and what is provisional, of the records that are held.

    paying: the ruleset that values and splits instead of the one in force, to compute what it would
    have paid; None for what is really paid.
    """

    def __init__(self, community: CommunityId, paying: Ruleset | None = None) -> None:
        self.community, self._paying = community, paying
        self.cut: CutHeader = BEFORE_ALL
        self.seal: bytes = community
        """The id of the last seal; before the first, the community's."""
        self.final = State()
        """The state at `cut`; only this class writes to it."""
        self.logs: dict[DeviceKey, SealedLog] = {}
        """The logs in the last cut."""
        self.past: list[tuple[Advance, bytes]] = []
        """What each seal applied here added, and its id."""
        self._heights: dict[bytes, int] = {}
        self.seals: SealHeights = self._heights
        """The heights of the seals so far, which records may name as their basis."""
        self._pages: tuple[dict[bytes, bytes], ...] = ({}, {}, {})
        self.trees = Trees(*self._pages)
        self._documents: dict[bytes, bytes] = {}
        self._below: dict[RecordId, Verdict] = {}
        self._above = UnsealedSet(self._documents, weakly(self._is_below))
        self._frozen: dict[DeviceKey, int] = {}
        self._ledger = self._new_ledger()
        self._is_behind = False
        self.folding: Callable[[int, int], None] = _ignored
        """Is called while a cut is folded, with how many of its records are, and all."""

    def __len__(self) -> int:
        return len(self._below) + len(self._above)

    @property
    def state(self) -> State:
        """The provisional state of all held records; valid until the next change."""
        return self._provisional().state

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset in force at the last cut."""
        return active_ruleset.current(self._standing_state(), self._documents)

    @property
    def documents(self) -> Mapping[bytes, bytes]:
        """The permanent bodies that are known, by hash."""
        return self._documents

    def begin(self, inherited: Mapping[bytes, Any], cut: CutHeader) -> None:
        """Begin with the state that a re-founded community inherits, before anything is added."""
        assert not len(self) and self.cut is BEFORE_ALL, "nothing was added yet"
        rows = inherited.items()
        for key, value in (*rows, *local_rows(rows), *listed_rows(rows)):
            self.final.put(key, value)
        self.final.commit()
        self.cut = cut
        for tree, pages in zip(self._pages, first_trees(inherited), strict=True):
            write(tree, pages)
        self._is_behind = True

    def add_documents(self, documents: Mapping[bytes, bytes]) -> None:
        """Add permanent bodies by hash, best before the records that name them."""
        new = [name for name in documents if name not in self._documents]
        for name in new:
            self._documents[name] = documents[name]
        if any(record.body is not None and record.body.hash in new for record in self._above):
            self._is_behind = True

    def add(self, records: Iterable[Record]) -> None:
        """Add records of the community, in any order; records already held are skipped."""
        fresh: dict[RecordId, Record] = {}
        for record in records:
            if record.id not in self._above and not self.is_final(record.id):
                fresh[record.id] = record
        founds = False
        for record in fresh.values():
            self._above.add(record)
            founds = founds or record.kind == FOUND
        if founds:
            self._is_behind = True
        elif not self._is_behind:
            self._ledger.add(fresh.values())

    def freeze(self, author: DeviceKey, seq: int) -> None:
        """Note that a proof ends the log of `author`: from `seq` on it counts for nothing.

        What a cut covers stays as it is.
        """
        known = self._frozen.get(author)
        if known is None or seq < known:
            self._frozen[author] = seq
            if not self._is_behind:
                self._ledger.freeze(author, seq)

    def verdict(self, record: RecordId) -> Verdict:
        """Return None when the record counts, otherwise the reason why it does not."""
        if self.is_final(record):
            return self._below[record]
        return self._provisional().verdict(record)

    def _is_below(self, cited: RecordId) -> bool:
        """Whether what a record cites is behind us: a record that a cut covers, or a seal."""
        return self.is_final(cited) or self.seals.get(cited) is not None

    def is_final(self, record: RecordId) -> bool:
        """Return whether a cut covers the record."""
        return record in self._below

    # The next seal.

    def deadline(self) -> int | None:
        """Return the earliest sealed deadline (ms) that no seal has passed; None without one."""
        return next_deadline(self.final, self.cut, self.ruleset, self.community)

    def new_ends(self) -> tuple[tuple[DeviceKey, int], ...]:
        """Return the proofs that freeze a log earlier than it is final, by author."""
        return tuple(end for end in sorted(self._frozen.items()) if forks.is_new(self.final, *end))

    def next_advance(
        self,
        time_ms: int,
        present: tuple[DeviceKey, ...] = (),
        *,
        ends: tuple[tuple[DeviceKey, int], ...] | None = None,
        equivocators: tuple[DeviceKey, ...] = (),
        least: Mapping[DeviceKey, int] = NO_LEAST,
        barred: Ends = NO_ENDS,
        strangers: Container[DeviceKey] = (),
    ) -> Advance | None:
        """Return what the next seal can make final; None when there is nothing to seal.

        time_ms: the proposer's clock. present: as the cut names them. ends, equivocators: the
        evidence; None for all known ends. least: lengths to which logs are covered first, if
        possible. barred: seqs from which on logs are not covered. strangers: authors of whose logs
        only cited records are covered.
        """
        ends = self.new_ends() if ends is None else ends
        last = self.cut.time_ms
        if time_ms > last or not time_jumps.may_follow(self.final, last, time_ms):
            time_ms = seal_time(last, time_ms)
        bounds = self._bounds(ends, time_ms)
        logs = self._above.coverable(bounds, least, barred, strangers)
        deadline_ms = self.deadline()
        if not (logs or ends or equivocators) and (deadline_ms is None or time_ms < deadline_ms):
            return None
        delta = Delta(logs, tuple(sorted(present)))
        return self.advance(delta, time_ms, ends, equivocators)

    def advance(
        self,
        delta: Delta,
        time_ms: int,
        ends: tuple[tuple[DeviceKey, int], ...] = (),
        equivocators: tuple[DeviceKey, ...] = (),
        fold: int = FOLD,
    ) -> Advance:
        """Return what a seal of `delta` at a time makes final. Its records are held."""
        heads = (self._above.get(log.head) for log in delta.logs)
        clock = max([self.cut.clock, *(head.clock for head in heads if head is not None)])
        root, _ = cut_roots(self.trees.cut, delta)
        cut = CutHeader(self.cut.height + 1, time_ms, clock, self.seal, root, fold)
        return Advance(cut, delta, ends, equivocators)

    def covered(self, advance: Advance) -> CoveredRecords:
        """Return the records that an advance newly covers, or what of it is not held.

        Raises `InvalidSeal` when its cut is not closed, or extends a log that has ended.
        """
        bounds = self._bounds(advance.ends, advance.cut.time_ms)
        return self._above.covered(bounds, advance.delta.logs)

    def limits(self, time_ms: int) -> CutLimits:
        """Return the limits of a cut at that time."""
        founding = self._above.get(RecordId(self.community))
        free = inherited_records(founding and with_data(founding))
        return CutLimits(self.final, self.logs, self.ruleset.budget, day_of(time_ms), free)

    def conclude(self, advance: Advance, covered: Iterable[Record]) -> AdvanceOutcome:
        """Return what an advance leads to. covered: as `covered` returned it, with
        nothing missing.
        """
        new, over, cut = tuple(covered), self.final.above(), advance.cut
        for author, seq in advance.ends:
            forks.end_at(over, author, seq)
        for device in advance.equivocators:
            over.put(witness_set.GUILTY + device, True)
        below = self._new_ledger(over, cut.root, cut.time_ms)
        below.add(new)
        while not below.fold(RECORDS_BETWEEN_CALLS):
            self.folding(len(new) - below.waiting, len(new))
        over.commit()
        verdicts = {record.id: below.verdict(record.id) for record in new}
        for id, reason in verdicts.items():
            if reason is not None:
                put_refused(over, id, reason)
        self.limits(cut.time_ms).charge(over, new)
        rules = active_ruleset.current(over, self._documents)
        counted = [record for record in new if verdicts[record.id] is None]
        touched = valuation.book(over, cut, counted)
        milestones.note_records(over, cut, counted)
        full, paying = is_full(self.logs, advance.delta, size_of(new)), self._paying or rules
        trusted_ms = time_jumps.trusted_ms(over, cut.time_ms)
        projects.begin(over, cut.height, rules)
        giving_rounds.close_rounds(over, trusted_ms, paying, is_full=full)
        distribution.share(over, cut, paying, self.community, touched)
        enact(over, cut, self._documents, value_of=valuation.points_of, is_full=full)
        after = active_ruleset.current(over, self._documents)
        params = active_ruleset.rules_of(after)
        closing_cut = ClosingCut(cut, trusted_ms, params, paying.id, self.community, full)
        deadline.close(over, closing_cut, touched)
        witness_set.renew(over, cut, advance.delta.present, after.witnesses)
        return AdvanceOutcome(
            *(advance, new, tuple(over.changes()), verdicts, after.id, witness_set.seated(over)),
            tuple(over.local_changes()),
        )

    def roots(self, outcome: AdvanceOutcome) -> Roots:
        """Return the roots after the outcome of an advance, and how the trees grow by it."""
        return roots_of(self.trees, outcome.advance, outcome.changes)

    def accept(self, outcome: AdvanceOutcome, seal: bytes, roots: Roots | None = None) -> None:
        """Make the outcome of an advance final, as the seal of that id does.

        roots: as `roots` returned them; None when nobody will ask this history for any.
        """
        for key, value in (*outcome.changes, *outcome.local):
            if value is None:
                self.final.delete(key)
            else:
                self.final.put(key, value)
        self.final.commit()
        self.cut, self.seal = outcome.advance.cut, seal
        self.logs.update((log.author, log) for log in outcome.advance.delta.logs)
        self._below.update(outcome.verdicts)
        self._above.remove(outcome.covered)
        for tree, pages in zip(self._pages, roots.growth if roots else (), strict=False):
            write(tree, pages)
        self.past.append((outcome.advance, seal))
        self._heights[seal] = self.cut.height
        self._is_behind = True

    def apply(self, advance: Advance, covered: Iterable[Record], seal: bytes) -> AdvanceOutcome:
        """Make an advance final, as the seal of that id does; return its outcome.

        The caller has checked that the seal is certified and names these roots.
        """
        outcome = self.conclude(advance, covered)
        self.accept(outcome, seal, self.roots(outcome))
        return outcome

    # Internals.

    def _new_ledger(
        self, over: State | None = None, order: bytes = b"", time_ms: int | None = None
    ) -> Ledger:
        """Return a ledger on the final state. over: the state over it to write to, of a cut with
        this order and time.
        """
        rules, documents = active_ruleset.rules_of(self.ruleset), self._documents
        now_ms = self.cut.time_ms if time_ms is None else time_ms
        this = ref(self)

        def rules_at(height: int) -> RuleParams:
            history = this()
            assert history is not None, "only a history uses its ledgers"
            return active_ruleset.rules_at(history._standing_state(), documents, height, now_ms)

        below = (self.community, self.final, self.cut, rules, documents, self.seals)
        return Ledger(
            *(*below, order, rules_at, self._above.get, time_ms or 0),
            over=over,
        )

    def _standing_state(self) -> State:
        """Return a state that knows the founding document, which rules before any cut."""
        if self.final.get(FOUNDING) is not None:
            return self.final
        founding = self._above.get(RecordId(self.community))
        if founding is None or founding.body is None:
            return self.final
        over = State()
        over.put(FOUNDING, [b"", founding.id, founding.body.hash])
        return over

    def _provisional(self) -> Ledger:
        """Return the ledger above the last cut; a new one after a cut changed the state
        below it.
        """
        if self._is_behind:
            self._ledger = self._new_ledger()
            self._ledger.add(self._above)
            # The record that a vote keeps of a fork counts once a cut covers it; the other never.
            ended = forks.ends_with(self.final, ())
            for author in dict.fromkeys((*ended, *self._frozen)):
                row = forks.kept(self.final, author)
                seqs = (ended.get(author), self._frozen.get(author), row and row.seq)
                self._ledger.freeze(author, min(seq for seq in seqs if seq is not None))
            self._is_behind = False
        return self._ledger

    def _bounds(self, ends: Iterable[tuple[DeviceKey, int]], time_ms: int) -> CutBounds:
        """Return the bounds of the next cut, with the evidence of its seal."""
        kept, limits = forks.every_kept(self.final), self.limits(time_ms)
        return CutBounds(self.logs, forks.ends_with(self.final, ends), kept, limits)
