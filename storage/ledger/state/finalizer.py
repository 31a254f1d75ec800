"""The finalizer: folds the next seal on the checkpoint, and writes the result.

Only the records of that seal are folded; state, trees and verdicts are written at a cost
proportional to what changes. Nothing sealed is folded twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from commonweal.protocol.errors import InvalidSeal, Malformed
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.ledger.checkpoint.roots import Roots, Trees
from commonweal.protocol.ledger.finality.history import AdvanceOutcome, History
from commonweal.protocol.ledger.finality.seal_contents import check_new, check_same, seal_of
from commonweal.protocol.ledger.finality.unsealed import CoveredRecords, UnsealedSet, too_large
from commonweal.protocol.ledger.fold.fold import weakly
from commonweal.protocol.ledger.members.forks import every_kept
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import FOLD, Advance
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.evidence import Misbehaviour, resolve
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
    without_data,
)
from commonweal.protocol.seal.cut import CUT_BYTES_MAX, Delta, SealedLog
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.ledger.contributions.event_times import EVENT_KIND, note_times, time_row
from commonweal.storage.ledger.fold_watch import Watch, nobody
from commonweal.storage.ledger.state.checkpoint import Checkpoint, SealIds, covers
from commonweal.storage.ledger.state.cut_reader import CutReader
from commonweal.storage.ledger.state.state_db import FINAL, StateDb, TreePages
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore

READ_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoldedSeal:
    """A seal that is folded and not written yet, its outcome and its roots."""

    seal: Seal
    outcome: AdvanceOutcome
    roots: Roots


@dataclass(frozen=True, slots=True)
class MissingParts:
    """Ids of the records, bodies and evidence that are missing to fold a seal."""

    missing: tuple[bytes, ...]


class Finalizer:
    """Folds seals of `store` on the checkpoint in `layers`."""

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        documents: Mapping[bytes, bytes],
        last: Checkpoint,
        folding: Watch = nobody,
    ) -> None:
        """folding: is called while a cut is folded, with how many of its records are, and all."""
        self.store, self.layers, self.community, self.last = store, layers, community, last
        self._folding = folding
        self.seals = SealStore(store, community)
        self._documents = documents

    def history(self) -> StoredHistory:
        """Return a history above the checkpoint, without records."""
        documents = self._documents
        history = StoredHistory(self.store, self.layers, self.community, self.last, documents)
        history.folding = self._folding
        return history

    def facts(self, evidence: Iterable[bytes]) -> Misbehaviour:
        """Return what the evidence ids of a seal prove, by the held proofs."""
        evidence = tuple(evidence)
        if not evidence:
            return Misbehaviour((), ())
        guilty = self.seals.double_votes()
        return resolve(self.community, evidence, self.ends(), guilty)

    def ends(self) -> dict[DeviceKey, int]:
        """Return the seq from which on each forked log is void, by the held proofs."""
        return {row.author: row.frozen for row in self.store.logs() if row.frozen is not None}

    def advance(self, history: StoredHistory, seal: Seal, delta: Delta) -> Advance | MissingParts:
        """Return the advance of a seal, or its missing evidence. Raises `InvalidSeal`."""
        facts = self.facts(seal.evidence)
        if facts.missing:
            return MissingParts(facts.missing)
        check_new(history.final, facts)
        return history.advance(delta, seal.time_ms, facts.ends, facts.equivocators, seal.fold)

    def fold(self, seal: Seal, delta: Delta) -> FoldedSeal | MissingParts:
        """Return the next seal folded, or the parts missing for it; writes nothing.

        Raises `InvalidSeal` when a record cites one outside the cut, or when the seal differs from
        the one that the ledger computes. What is not computed of a seal of an older fold is taken
        from it: the caller has its certificate, or the prevotes of a quorum.
        """
        self._check_fold(seal)
        history = self.history()
        history.hold_runs(delta.logs)
        advance = self.advance(history, seal, delta)
        if isinstance(advance, MissingParts):
            return advance
        time_jumps.check_follows(history.final, self.last.cut.time_ms, seal.time_ms)
        if advance.cut.root != seal.cut_root:
            raise InvalidSeal("the root of the cut is not that of its logs")
        covered: CoveredRecords = history.covered(advance)
        if covered.missing:
            return MissingParts(covered.missing)
        folded = self.conclude(history, advance, covered)
        check_same(folded.seal, seal)
        return folded if folded.seal.fold == seal.fold else replace(folded, seal=seal)

    def _check_fold(self, seal: Seal) -> None:
        if seal.fold > FOLD:
            raise InvalidSeal(f"upgrade: seal {short(seal.id)} is folded by rules {seal.fold}")
        before = self.seals.at(seal.height - 1)
        if before is not None and seal.fold < before.sealed.seal.fold:
            raise InvalidSeal(
                f"seal {short(seal.id)} is folded by older rules than the one before it"
            )

    def conclude(self, history: History, advance: Advance, covered: CoveredRecords) -> FoldedSeal:
        """Return the outcome of an advance, and the seal of it.

        Raises `InvalidSeal` when the state cannot be encoded, so that no node seals it or fails.
        """
        outcome = history.conclude(advance, covered.records)
        try:
            roots = history.roots(outcome)
        except Malformed as error:
            raise InvalidSeal(f"what it comes to cannot be written: {error}") from error
        return FoldedSeal(seal_of(self.community, outcome, roots), outcome, roots)

    def write(self, folded: FoldedSeal) -> None:
        """Write a seal that was folded on the checkpoint; the caller commits."""
        layers, outcome, seal = self.layers, folded.outcome, folded.seal
        assert seal.prev == self.last.seal, "it was folded on the last cut"
        layers.put(FINAL, (*outcome.changes, *outcome.local))
        layers.put_refused(outcome.changes)
        events = (record for record in outcome.covered if record.kind == EVENT_KIND)
        note_times(layers, map(time_row, events))
        for number, pages in enumerate(folded.roots.growth):
            layers.put_pages(number, pages)
        cut = outcome.advance.cut
        self.last.write(cut, seal.id, outcome.advance.delta.logs)
        counts = (len(self.last.logs), len(outcome.covered))
        layers.change(
            "INSERT OR REPLACE INTO seal_row VALUES (?, ?, ?, ?, ?, ?)",
            (cut.height, cut.time_ms, seal.id, seal.ruleset, *counts),
        )


class StoredHistory(History):
    """The history above the checkpoint; what seals cover is looked up, not folded again."""

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        last: Checkpoint,
        documents: Mapping[bytes, bytes],
    ) -> None:
        """Begin at the final state in `layers`, which is that of the checkpoint `last`."""
        super().__init__(community)
        self._store, self._layers = store, layers
        self.cut, self.seal, self.logs = last.cut, last.seal, dict(last.logs)
        self._reader = CutReader(layers)
        self.final = State(self._reader)
        self.trees = Trees(*(TreePages(layers, number) for number in range(len(Trees._fields))))
        self.seals = SealIds(store, community)
        self._has_bases = store.has_bases()
        self._documents = documents  # type: ignore[assignment]
        self._above = UnsealedSet(documents, weakly(self._is_below), weakly(self._sought))
        self._is_behind = True

    def is_final(self, record: RecordId) -> bool:
        """Whether the checkpoint, or an advance of this history, covers the record."""
        if super().is_final(record):
            return True
        held = self._store.record(record) if self.logs else None
        return held is not None and covers(self._store, self.logs, held)

    def _is_below(self, cited: RecordId) -> bool:
        """Whether a cited record is covered; in a light home also one that it does not keep.

        Whoever certified a seal has checked that its cut is closed.
        """
        if super()._is_below(cited):
            return True
        return self._has_bases and self._store.wire(cited) is None

    def verdict(self, record: RecordId) -> Verdict:
        """Return None when the record counts, else the reason."""
        if not super().is_final(record) and self.is_final(record):
            return self._layers.verdict(record)
        return super().verdict(record)

    def conclude(self, advance: Advance, covered: Iterable[Record]) -> AdvanceOutcome:
        """Return what an advance leads to; see `History.conclude`."""
        new = tuple(covered)
        self._reader.begin(record.id for record in new)
        return super().conclude(advance, new)

    def hold(self, records: Iterable[Record]) -> None:
        """Add records that no cut covers, each once, without their data."""
        for record in records:
            self._above.add(without_data(record))

    def hold_runs(self, logs: Iterable[SealedLog]) -> None:
        """Add the records of `logs` above the checkpoint, where the store has them in one run.

        Others are looked up by id one by one. Raises `InvalidSeal` when they exceed the bytes of a
        cut.
        """
        room = CUT_BYTES_MAX
        for log in logs:
            before = self.logs.get(log.author)
            at = before.length if before else 0
            if self._store.id_at(log.author, log.length - 1) != log.head:
                continue
            while at < log.length:
                wires = self._store.wires(log.author, at, log.length, READ_BYTES)
                if not wires:  # they lie below what a light home keeps
                    break
                room -= sum(map(len, wires))
                if room < 0:
                    raise too_large()
                self.hold(map(from_bytes_unchecked, wires))
                at += len(wires)

    def hold_kept(self) -> None:
        """Add the fork records that votes keep; they may lie on a void branch."""
        for kept in every_kept(self.final).values():
            record = self._store.record(kept.id)
            if record is not None and record.id not in self._above and not self.is_final(kept.id):
                self._above.add(without_data(record))

    def _sought(self, id: RecordId) -> Record | None:
        record = self._store.record(id)
        return None if record is None else without_data(record)
