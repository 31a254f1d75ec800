"""The audit of a state that was taken from peers: its records are folded, and each root compared.

Nothing waits for it: what counts stands in the state. It folds a portion at a time in a file beside
the state, which outlives a restart, and raises the alarm when the records come to another root
than a seal names.
"""

from __future__ import annotations

from enum import Enum, auto

from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.ledger.contributions.event_times import adopt_times
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

TRIED = "audit tried"
"""Mark of how much evidence was here, and missing, when the last audit found parts missing."""

BESIDE = "audit"
"""Name of the file beside the state."""


class AuditProgress(Enum):
    """How far an audit is: more is to be folded now, or parts are missing, or it is over."""

    FOLDS = auto()
    WAITS = auto()
    OVER = auto()


class Audit:
    """Audits the state in `layers` that was taken from peers. Used by one thread at a time."""

    def __init__(self, store: Store, layers: StateDb, community: CommunityId) -> None:
        self._store, self._layers, self._community = store, layers, community

    def step(self) -> AuditProgress:
        """Fold a portion of the sealed records, once all are here; return how far it is."""
        height = self._layers.mark(TAKEN)
        if height is None:
            if self._layers.mark("cut") is None:
                return AuditProgress.WAITS
            self._layers.remove_beside(BESIDE)
            return AuditProgress.OVER
        evidence = self._evidence()
        if not self._is_all_here() or self._layers.mark(TRIED) == evidence:
            return AuditProgress.WAITS
        beside = self._layers.beside(BESIDE)
        again = LedgerState(self._store, beside, self._community, whole=False, at_once=False)
        if not again.alarm and again.cut.height < height:
            if not again.lacks:
                return AuditProgress.FOLDS
            self._end(TRIED, evidence)
            return AuditProgress.WAITS
        self._end(TAKEN, None, again)
        self._layers.remove_beside(BESIDE)
        return AuditProgress.OVER

    # Inside

    def _is_all_here(self) -> bool:
        heads = self._layers.rows("SELECT head FROM sealed_log")
        return all(self._store.wire(head) is not None for (head,) in heads)

    def _evidence(self) -> list[int]:
        counts = self._store.row(
            "SELECT (SELECT count(*) FROM proof), (SELECT count(*) FROM double_vote),"
            " (SELECT count(*) FROM wanted)"
        )
        return list(counts or ())

    def _end(self, mark: str, value: list[int] | None, again: LedgerState | None = None) -> None:
        self._layers.begin()
        try:
            if again is not None:
                adopt_times(self._layers, again.layers)
                if again.alarm:
                    self._layers.put_mark("alarm", [again.alarm, FOLD])
            self._layers.put_mark(mark, value)
            self._layers.commit()
        finally:
            self._layers.rollback()
