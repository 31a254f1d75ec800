"""What is final, as it is kept: the last cut, the state there, the trees over it.

Here a seal is folded, its own records alone, and what it comes to is written: the state, the
trees, the verdicts, at a cost proportional to what changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonweal.protocol.errors import InvalidSeal, Malformed
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.ledger.checkpoint.roots import Roots
from commonweal.protocol.ledger.finality.history import History, Outcome
from commonweal.protocol.ledger.finality.seal_contents import check_new, check_same, seal_of
from commonweal.protocol.ledger.finality.unsealed import Covered
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import FOLD, Advance
from commonweal.protocol.ledger.state.evidence import Facts, resolve
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.ledger.kept_history import KeptHistory
from commonweal.storage.ledger.last_cut import LastCut
from commonweal.storage.ledger.state_db import FINAL, Layers
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import Seals


@dataclass(frozen=True, slots=True)
class Folded:
    """A seal that was folded and not written yet, with what it comes to."""

    seal: Seal
    outcome: Outcome
    roots: Roots


@dataclass(frozen=True, slots=True)
class Lacking:
    """What must be here before a seal can be folded: ids of records, bodies and evidence."""

    missing: tuple[bytes, ...]


class Final:
    """The last cut that is kept in `layers`, of the records and seals in `store`."""

    def __init__(
        self,
        store: Store,
        layers: Layers,
        community: CommunityId,
        documents: Mapping[bytes, bytes],
        last: LastCut,
    ) -> None:
        self.store, self.layers, self.community, self.last = store, layers, community, last
        self.seals = Seals(store, community)
        self._documents = documents

    def history(self) -> KeptHistory:
        """Return a history above the last cut, without the records there."""
        documents = self._documents
        return KeptHistory(self.store, self.layers, self.community, self.last, documents)

    def facts(self, evidence: Iterable[bytes]) -> Facts:
        """Return what the evidence of a seal says, by the proofs that are held."""
        evidence = tuple(evidence)
        if not evidence:
            return Facts((), ())
        guilty = self.seals.double_votes()
        return resolve(self.community, evidence, self.ends(), guilty)

    def ends(self) -> dict[DeviceKey, int]:
        """Return from which seq on logs are void, by the proofs that are held."""
        return {row.author: row.frozen for row in self.store.logs() if row.frozen is not None}

    def advance(self, history: KeptHistory, seal: Seal, delta: Delta) -> Advance | Lacking:
        """Return what a seal adds, once its evidence is held. Raises `InvalidSeal`."""
        facts = self.facts(seal.evidence)
        if facts.missing:
            return Lacking(facts.missing)
        check_new(history.final, facts)
        return history.advance(delta, seal.time_ms, facts.ends, facts.guilty)

    def fold(self, seal: Seal, delta: Delta) -> Folded | Lacking:
        """Return what a seal on the last one comes to, or what is not held; nothing is written.

        Raises `InvalidSeal` when it is not closed, or is not what the ledger computes.
        """
        if seal.fold > FOLD:
            raise InvalidSeal(f"upgrade: seal {short(seal.id)} is folded by rules {seal.fold}")
        history = self.history()
        history.hold_runs(delta.logs)
        advance = self.advance(history, seal, delta)
        if isinstance(advance, Lacking):
            return advance
        time_jumps.check(history.final, self.last.cut.time_ms, seal.time_ms)
        if advance.cut.root != seal.cut_root:
            raise InvalidSeal("the root of the cut is not that of its logs")
        covered: Covered = history.covered(advance)
        if covered.missing:
            return Lacking(covered.missing)
        folded = self.conclude(history, advance, covered)
        check_same(folded.seal, seal)
        return folded

    def conclude(self, history: History, advance: Advance, covered: Covered) -> Folded:
        """Return what an advance comes to, and the seal that says so.

        Raises `InvalidSeal` when that cannot be written: then nobody seals it, and no node ends.
        """
        outcome = history.conclude(advance, covered.records)
        try:
            roots = history.roots(outcome)
        except Malformed as error:
            raise InvalidSeal(f"what it comes to cannot be written: {error}") from error
        return Folded(seal_of(self.community, outcome, roots), outcome, roots)

    def write(self, folded: Folded) -> None:
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
