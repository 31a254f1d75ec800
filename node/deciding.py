"""Deciding: following what the records come to, and, for the witness, saying what is final.

Runs beside the service, between two batches: it folds what came, tells the service what a
cut decided (the rules in force, who was removed), and on the device that founded the
community writes the next cut. Seals by a quorum take the place of that one device.
"""

from __future__ import annotations

from pathlib import Path

from commonweal.node.events import Decided, Event, Submitted, Ticket, Wish
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import membership, witness
from commonweal.protocol.record import CommunityId
from commonweal.storage import ledger_state
from commonweal.storage.ledger_state import LedgerState
from commonweal.storage.store import Store

CUT_MS = 2_000
"""A witness cuts at most so often."""
NOBODY_ASKS = Ticket(-1)
"""The ticket of what the node writes by itself."""


class Deciding:
    """What one node concludes from all that it holds, kept in the file `path`."""

    def __init__(
        self, store: Store, path: str | Path, community: CommunityId, device: DeviceKey
    ) -> None:
        self._store, self._path = store, path
        self._community, self._device = community, device
        self._told: Decided | None = None
        self._cut_ms = 0

    def step(self, now_ms: int) -> list[Event]:
        """Fold what came; return what the service is to be told."""
        with ledger_state.opened(self._path, self._store, self._community) as kept:
            return [*self._news(kept), *self._cut(kept, now_ms)]

    def _news(self, kept: LedgerState) -> list[Event]:
        removed = [
            member.id for member in membership.members(kept.final) if member.status == "removed"
        ]
        now = Decided(kept.cut.height, kept.ruleset.id, tuple(removed))
        if now == self._told:
            return []
        self._told = now
        return [now]

    def _cut(self, kept: LedgerState, now_ms: int) -> list[Event]:
        """Return the wish to write the next cut, on the witness's device, when one is due."""
        if now_ms - self._cut_ms < CUT_MS or not witness.is_witness(kept.state, self._device):
            return []
        self._cut_ms = now_ms
        data = kept.history().next_cut(now_ms)
        if data is None:
            return []
        return [Submitted(NOBODY_ASKS, (Wish(witness.KIND, data),))]
