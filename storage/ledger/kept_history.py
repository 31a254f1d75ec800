"""A history that goes on from the final state that is kept, so that nothing sealed is folded twice.

The seals already applied are not looked at again; what they cover is known by the logs in the
last cut, and the verdicts on it are looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from commonweal.protocol.ledger.checkpoint.roots import Trees
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.finality.unsealed import Above, too_large
from commonweal.protocol.ledger.members.forks import every_kept
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    bare,
    from_bytes_unchecked,
)
from commonweal.protocol.seal.cut import CUT_BYTES_MAX, SealedLog
from commonweal.storage.ledger.last_cut import LastCut, SealIds, covers
from commonweal.storage.ledger.state_db import FINAL, Layer, Layers, TreeNodes
from commonweal.storage.records.log_store import Store

READ_BYTES = 4 * 1024 * 1024


class KeptHistory(History):
    """The history above the last cut that is kept; what it comes to others keep."""

    def __init__(
        self,
        store: Store,
        layers: Layers,
        community: CommunityId,
        last: LastCut,
        documents: Mapping[bytes, bytes],
    ) -> None:
        """Begin at the final state in `layers`, which is that of `last`."""
        super().__init__(community)
        self._store, self._layers = store, layers
        self.cut, self.seal, self.logs = last.cut, last.seal, dict(last.logs)
        self.final = State(Layer(layers, FINAL, cached=True))
        self.trees = Trees(*(TreeNodes(layers, number) for number in range(len(Trees._fields))))
        self.seals = SealIds(store, community)
        self._documents = documents  # type: ignore[assignment]
        self._above = Above(documents, self._is_below, self._sought)
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
            self._above.add(bare(record))

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
                self._above.add(bare(record))

    def _sought(self, id: RecordId) -> Record | None:
        found = self._store.record(id)
        return None if found is None else bare(found)
