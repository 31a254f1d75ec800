"""A history that goes on from the final state that is kept, so that nothing sealed is folded twice.

The cuts already applied are not looked at again; what they cover is known by the logs' lengths
in the last one, and the verdicts on it are looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from commonweal.protocol.ledger.context import Verdict
from commonweal.protocol.ledger.cut import Cut
from commonweal.protocol.ledger.history import History
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import CommunityId, Record, RecordId
from commonweal.storage.layers import FINAL, Layer, Layers
from commonweal.storage.store import Store


class KeptHistory(History):
    """The history above `cut`; what it applies is to be kept by whoever calls.

    judged: what was found of the records that new cuts cover. seals: for each new cut its
    height, time (ms), id, ruleset, and how many logs and new records it covers.
    """

    def __init__(
        self,
        store: Store,
        layers: Layers,
        community: CommunityId,
        cut: Cut,
        documents: Mapping[bytes, bytes],
    ) -> None:
        """Begin at the final state in `layers`, which is that of `cut`."""
        super().__init__(community)
        self.cut, self.final = cut, State(Layer(layers, FINAL))
        self.judged: dict[RecordId, Verdict] = {}
        self.seals: list[tuple[int, int, bytes, bytes, int, int]] = []
        self._documents = documents  # type: ignore[assignment]
        self._logs = {entry.author: entry for entry in cut.frontier}
        self._below = _Below(store, layers, cut)
        self._ledger = self._new_ledger()

    def apply(self, cut: Cut, covered: Iterable[Record]) -> None:
        """Make a cut final, and remember what that says."""
        new = list(covered)
        super().apply(cut, new)
        self.judged |= {record.id: self.verdict(record.id) for record in new}
        self.seals.append(
            (cut.height, cut.time_ms, cut.id, cut.ruleset, len(cut.frontier), len(new))
        )


class _Below(dict[RecordId, Verdict]):
    """The verdicts on what cuts cover: those of earlier cuts are looked up."""

    def __init__(self, store: Store, layers: Layers, cut: Cut) -> None:
        super().__init__()
        self._store, self._layers = store, layers
        self._covered = {entry.author: entry.length for entry in cut.frontier}

    def __contains__(self, id: object) -> bool:
        if super().__contains__(id):
            return True
        assert isinstance(id, bytes), "records have ids"
        record = self._store.record(RecordId(id)) if self._covered else None
        return record is not None and record.seq < self._covered.get(record.author, 0)

    def __missing__(self, id: RecordId) -> Verdict:
        return self._layers.verdict(id)
