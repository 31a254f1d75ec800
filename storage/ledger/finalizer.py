"""What is final, as it is kept: the last cut, the state there, the trees over it.

Here a seal is folded, its own records alone, and what it comes to is written: the state, the
trees, the verdicts, at a cost proportional to what changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonweal.protocol.errors import InvalidSeal, Malformed
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.ledger.checkpoint.roots import Roots, Trees
from commonweal.protocol.ledger.finality.history import AdvanceOutcome, History
from commonweal.protocol.ledger.finality.seal_contents import check_new, check_same, seal_of
from commonweal.protocol.ledger.finality.unsealed import CoveredRecords, UnsealedSet, too_large
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
from commonweal.storage.ledger.checkpoint import Checkpoint, SealIds, covers
from commonweal.storage.ledger.state_db import FINAL, LayeredState, StateDb, TreeNodes
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

READ_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoldedSeal:
    """A seal that was folded and not written yet, with what it comes to."""

    seal: Seal
    outcome: AdvanceOutcome
    roots: Roots


@dataclass(frozen=True, slots=True)
class MissingParts:
    """What must be here before a seal can be folded: ids of records, bodies and evidence."""

    missing: tuple[bytes, ...]


class Finalizer:
    """The last cut that is kept in `layers`, of the records and seals in `store`."""

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        documents: Mapping[bytes, bytes],
        last: Checkpoint,
    ) -> None:
        self.store, self.layers, self.community, self.last = store, layers, community, last
        self.seals = SealStore(store, community)
        self._documents = documents

    def history(self) -> StoredHistory:
        """Return a history above the last cut, without the records there."""
        documents = self._documents
        return StoredHistory(self.store, self.layers, self.community, self.last, documents)

    def facts(self, evidence: Iterable[bytes]) -> Misbehaviour:
        """Return what the evidence of a seal says, by the proofs that are held."""
        evidence = tuple(evidence)
        if not evidence:
            return Misbehaviour((), ())
        guilty = self.seals.double_votes()
        return resolve(self.community, evidence, self.ends(), guilty)

    def ends(self) -> dict[DeviceKey, int]:
        """Return from which seq on logs are void, by the proofs that are held."""
        return {row.author: row.frozen for row in self.store.logs() if row.frozen is not None}

    def advance(self, history: StoredHistory, seal: Seal, delta: Delta) -> Advance | MissingParts:
        """Return what a seal adds, once its evidence is held. Raises `InvalidSeal`."""
        facts = self.facts(seal.evidence)
        if facts.missing:
            return MissingParts(facts.missing)
        check_new(history.final, facts)
        return history.advance(delta, seal.time_ms, facts.ends, facts.equivocators)

    def fold(self, seal: Seal, delta: Delta) -> FoldedSeal | MissingParts:
        """Return what a seal on the last one comes to, or what is not held; nothing is written.

        Raises `InvalidSeal` when it is not closed, or is not what the ledger computes.
        """
        if seal.fold > FOLD:
            raise InvalidSeal(f"upgrade: seal {short(seal.id)} is folded by rules {seal.fold}")
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
        return folded

    def conclude(self, history: History, advance: Advance, covered: CoveredRecords) -> FoldedSeal:
        """Return what an advance comes to, and the seal that says so.

        Raises `InvalidSeal` when that cannot be written: then nobody seals it, and no node ends.
        """
        outcome = history.conclude(advance, covered.records)
        try:
            roots = history.roots(outcome)
        except Malformed as error:
            raise InvalidSeal(f"what it comes to cannot be written: {error}") from error
        return FoldedSeal(seal_of(self.community, outcome, roots), outcome, roots)

    def write(self, folded: FoldedSeal) -> None:
        """Make final what was folded on the last cut; the caller commits."""
        layers, outcome, seal = self.layers, folded.outcome, folded.seal
        assert seal.prev == self.last.seal, "it was folded on the last cut"
        layers.put(FINAL, outcome.changes)
        refused = [
            (id, FINAL, reason.value)
            for id, reason in outcome.verdicts.items()
            if reason is not None
        ]
        layers.change_many("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", refused)
        said = [(one.id, one.claimed_at) for one in outcome.covered if one.kind == "event"]
        layers.change_many("INSERT OR IGNORE INTO said_at VALUES (?, ?)", said)
        for number, nodes in enumerate(folded.roots.growth):
            layers.put_nodes(number, nodes)
        cut = outcome.advance.cut
        self.last.write(cut, seal.id, outcome.advance.delta.logs)
        counts = (len(self.last.logs), len(outcome.covered))
        layers.change(
            "INSERT OR REPLACE INTO seal_row VALUES (?, ?, ?, ?, ?, ?)",
            (cut.height, cut.time_ms, seal.id, seal.ruleset, *counts),
        )


class StoredHistory(History):
    """The history above the last cut that is kept; what it comes to others keep."""

    def __init__(
        self,
        store: Store,
        layers: StateDb,
        community: CommunityId,
        last: Checkpoint,
        documents: Mapping[bytes, bytes],
    ) -> None:
        """Begin at the final state in `layers`, which is that of `last`."""
        super().__init__(community)
        self._store, self._layers = store, layers
        self.cut, self.seal, self.logs = last.cut, last.seal, dict(last.logs)
        self.final = State(LayeredState(layers, FINAL, cached=True))
        self.trees = Trees(*(TreeNodes(layers, number) for number in range(len(Trees._fields))))
        self.seals = SealIds(store, community)
        self._documents = documents  # type: ignore[assignment]
        self._above = UnsealedSet(documents, self._is_below, self._sought)
        self._is_behind = True

    def is_final(self, record: RecordId) -> bool:
        """Whether a cut covers the record."""
        if super().is_final(record):
            return True
        found = self._store.record(record) if self.logs else None
        return found is not None and covers(self._store, self.logs, found)

    def verdict(self, record: RecordId) -> Verdict:
        """Return None when the record counts, else the reason why it does not."""
        if not super().is_final(record) and self.is_final(record):
            return self._layers.verdict(record)
        return super().verdict(record)

    def hold(self, records: Iterable[Record]) -> None:
        """Take in records that no cut covers, each once, without what they say."""
        for record in records:
            self._above.add(without_data(record))

    def hold_runs(self, logs: Iterable[SealedLog]) -> None:
        """Take in what the store has of `logs` above the last cut, where they lie in one run.

        The others are found one by one, by their ids. Raises `InvalidSeal` when these alone are
        more than a cut may hold.
        """
        room = CUT_BYTES_MAX
        for log in logs:
            before = self.logs.get(log.author)
            at = before.length if before else 0
            if self._store.id_at(log.author, log.length - 1) != log.head:
                continue
            while at < log.length:
                wires = self._store.wires(log.author, at, log.length, READ_BYTES)
                room -= sum(map(len, wires))
                if room < 0:
                    raise too_large()
                self.hold(map(from_bytes_unchecked, wires))
                at += len(wires)

    def hold_kept(self) -> None:
        """Take in what votes keep of forks: it may lie on a branch, beside the good part."""
        for kept in every_kept(self.final).values():
            record = self._store.record(kept.id)
            if record is not None and record.id not in self._above and not self.is_final(kept.id):
                self._above.add(without_data(record))

    def _sought(self, id: RecordId) -> Record | None:
        found = self._store.record(id)
        return None if found is None else without_data(found)
