"""The audit thread: folds the records below a state that was taken from peers, and compares roots.

It runs beside the ledger thread, so that nothing that is asked waits for it, and rests as long as
it works. It only reads the record database, and folds in a file beside the state.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import trio

from commonweal.protocol.errors import ConfigError, StorageError
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.consensus.audit import Audit, AuditProgress
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

log = logging.getLogger(__name__)

ABANDON: dict[str, Any] = {"abandon_on_cancel": True}
"""A thread that only reads may outlive its task."""
REST_S_MIN = 0.2
"""Pause after a portion; longer where the portion took longer."""
LOOK_S = 5.0
"""Pause between two looks whether all records of a state that was taken are here."""
UNREADABLE = (StorageError, ConfigError)
"""What opening the files raises while the disk, or the whole home, is away."""


class AuditThread:
    """Audits the state in the file `path` of a node with the database `ledger`."""

    def __init__(self, ledger: Path, path: Path, community: CommunityId) -> None:
        self._ledger, self._path, self._community = ledger, path, community

    async def run(self) -> None:
        """Fold a portion now and then, until there is nothing to audit, or cancelled."""
        limiter = trio.CapacityLimiter(1)
        progress = AuditProgress.WAITS
        while progress is not AuditProgress.OVER:
            begun = trio.current_time()
            progress = await trio.to_thread.run_sync(self.step, limiter=limiter, **ABANDON)
            took = trio.current_time() - begun
            await trio.sleep(LOOK_S if progress is AuditProgress.WAITS else max(REST_S_MIN, took))

    def step(self) -> AuditProgress:
        """Fold a portion; return how far the audit is."""
        try:
            with ExitStack() as held:
                layers = held.enter_context(closing(StateDb(self._path)))
                store = held.enter_context(closing(Store(self._ledger, readonly=True)))
                return Audit(store, layers, self._community).step()
        except UNREADABLE as error:
            log.warning("the state cannot be audited now: %s %s", type(error).__doc__, error)
            return AuditProgress.WAITS
