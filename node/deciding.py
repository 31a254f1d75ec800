"""Deciding: following what the records come to, and, for the witness, saying what is final.

Runs beside the service in a thread of its own, which only reads the ledger: it folds what
came, tells the service what a cut decided (the rules in force, who was removed), and on the
device that founded the community asks for the next cut to be written. Seals by a quorum
take the place of that one device.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio

from commonweal.node.events import Decided, Event, Submitted, Ticket, Wish
from commonweal.protocol.errors import StorageError
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import membership, witness
from commonweal.protocol.record import CommunityId, RecordId
from commonweal.storage import ledger_state
from commonweal.storage.ledger_state import LedgerState
from commonweal.storage.store import Store

log = logging.getLogger(__name__)

ABANDON: dict[str, Any] = {"abandon_on_cancel": True}
"""A thread that only reads may be left behind; the old stubs that libp2p brings know it not."""
QUIET_S = 0.4
"""The ledger is looked at so often; it is quiet when two looks see the same."""
LATE_S = 5.0
"""However busy or quiet it is, conclusions are drawn so often: deadlines pass in silence."""
NEWS_MAX = 2_000
"""When there are more new ones than that since the last look, the node is catching up: not now."""
CUT_MS = 2_000
"""A witness cuts at most so often."""
NOBODY_ASKS = Ticket(-1)
"""The ticket of what the node writes by itself."""


class Deciding:
    """What one node concludes from all that its `ledger` holds, kept in the file `path`."""

    def __init__(self, ledger: Path, path: Path, community: CommunityId, device: DeviceKey) -> None:
        self._ledger, self._path = ledger, path
        self._community, self._device = community, device
        self._told: Decided | None = None
        self._cut_ms = 0

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Conclude when the ledger has changed and is quiet, and now and then, until cancelled."""
        limiter = trio.CapacityLimiter(1)
        stamp = concluded = (-1, -1)
        looked_at, records = -math.inf, 0
        while True:
            await trio.sleep(QUIET_S)
            before, stamp = stamp, self._stamp()
            is_quiet = stamp == before != concluded
            if not is_quiet and trio.current_time() - looked_at < LATE_S:
                continue
            looked_at = trio.current_time()
            already, records = records, await trio.to_thread.run_sync(self._count, limiter=limiter)
            if not is_quiet and records - already > NEWS_MAX:
                continue
            step = partial(self.step, time.time_ns() // 1_000_000)
            found = await trio.to_thread.run_sync(step, limiter=limiter, **ABANDON)
            concluded = stamp
            for event in found:
                emit(event)

    def step(self, now_ms: int) -> list[Event]:
        """Fold what came; return what the service is to be told.

        What is above the last cut is folded only when no cut moves its ground just now.
        """
        store = Store(self._ledger, readonly=True)
        try:
            with ledger_state.opened(self._path, store, self._community, whole=False) as kept:
                news, cut = self._news(kept), self._cut(kept, now_ms)
                if not cut and not kept.has_advanced:
                    kept.refresh()
                return [*news, *cut]
        except StorageError as error:
            log.warning("nothing is concluded now: %s %s", type(error).__doc__, error)
            return []
        finally:
            store.close()

    def _stamp(self) -> tuple[int, int]:
        """Return what changes with every commit: when the write-ahead log was written, its size."""
        try:
            found = Path(f"{self._ledger}-wal").stat()
        except FileNotFoundError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size

    def _count(self) -> int:
        store = Store(self._ledger, readonly=True)
        try:
            return store.counts().records
        finally:
            store.close()

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
        is_witness = kept.store.id_at(self._device, 0) == RecordId(self._community)
        if now_ms - self._cut_ms < CUT_MS or not is_witness:
            return []
        self._cut_ms = now_ms
        data = kept.history(witness.RECORDS_PER_CUT_MAX).next_cut(now_ms)
        if data is None:
            return []
        return [Submitted(NOBODY_ASKS, (Wish(witness.KIND, data),))]
