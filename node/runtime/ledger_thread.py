"""Deciding: following what the records come to, and answering what only the ledger knows.

Runs beside the service in a thread of its own, which only reads the ledger: it folds what
came, tells the service what the last seal decided (the rules in force, who was removed, who
witnesses, what waits for the next one), and shows, builds and judges for the agreement. What
was asked goes before everything else.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import trio

from commonweal.node.runtime.ledger_answers import answer, follow_up
from commonweal.node.service.events import STATE_REQUESTS, Concluded, Event, Request, StateRequest
from commonweal.protocol.errors import ConfigError, StorageError
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state_db import StateDb
from commonweal.storage.records.log_store import Store

log = logging.getLogger(__name__)

ABANDON: dict[str, Any] = {"abandon_on_cancel": True}
"""A thread that only reads may be left behind; the old stubs that libp2p brings know it not."""
QUIET_S = 0.4
"""The ledger is looked at so often; it is quiet when two looks see the same."""
LATE_S = 5.0
"""However busy or quiet it is, conclusions are drawn so often: deadlines pass in silence."""
NEWS_MAX = 2_000
"""When there are more new ones than that since the last look, the node is catching up: not now."""
REST_MS_PER_RECORD = 1
"""Having folded records above the cut, this node folds no more of them for so long.

What it folds there the next cut makes void, so while many seals follow each other, or late
records come, it is a portion now and then; commands that cannot wait fold the rest.
"""
REQUESTS_MAX = 256
"""Questions that wait; the service asks each one once until it is answered."""
UNREADABLE = (StorageError, ConfigError)
"""What opening the ledger raises while the disk, or the whole home, is not there."""


class LedgerThread:
    """What one node concludes from all that its `ledger` holds, kept in the file `path`."""

    def __init__(self, ledger: Path, path: Path, community: CommunityId) -> None:
        self._ledger, self._path, self._community = ledger, path, community
        self._requests: deque[Request | StateRequest] = deque(maxlen=REQUESTS_MAX)
        self._came = trio.Event()
        self._open: tuple[Store, StateDb, SealApplication] | None = None
        self._told: ConsensusView | None = None
        self._is_whole = False
        self._rests: tuple[int, int] = (0, 0)
        self._is_busy = self._is_over = False

    def assess(self, request: Request | StateRequest) -> None:
        """Take in a question, at once, in the trio thread."""
        self._requests.append(request)
        self._came.set()

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Answer what is asked, and conclude when the ledger has changed and is quiet.

        However busy or quiet it is, now and then; until cancelled.
        """
        limiter = trio.CapacityLimiter(1)
        stamp = concluded = (-1, -1)
        looked_at, records = -math.inf, 0
        try:
            while True:
                requests = await self._next()
                before, stamp = stamp, self._stamp()
                now_ms = time.time_ns() // 1_000_000
                is_quiet = stamp == before and (stamp != concluded or self._is_due(now_ms))
                if not requests:
                    if not is_quiet and trio.current_time() - looked_at < LATE_S:
                        continue
                    looked_at, already = trio.current_time(), records
                    records = await trio.to_thread.run_sync(self._count, already, limiter=limiter)
                    if not is_quiet and records - already > NEWS_MAX:
                        continue
                    concluded = stamp
                step = partial(self.step, now_ms, requests)
                for event in await trio.to_thread.run_sync(step, limiter=limiter, **ABANDON):
                    emit(event)
        finally:
            self._is_over = True
            if not self._is_busy:
                self.close()

    def step(self, now_ms: int, requests: Sequence[Request | StateRequest] = ()) -> list[Event]:
        """Fold what came; return what the service is to be told: what is concluded goes first.

        What is above the last seal is folded only when nothing was asked, a portion at a time.
        """
        self._is_busy = True
        try:
            assessor = self._opened()
            stated = [one for one in requests if isinstance(one, STATE_REQUESTS)]
            asked = [one for one in requests if not isinstance(one, STATE_REQUESTS)]
            found: list[Event] = [answer(assessor, request, now_ms) for request in stated]
            assessor.kept.refresh(whole=False)
            found += self._news(assessor, now_ms, is_asked=bool(asked))
            found += [answer(assessor, request, now_ms) for request in asked]
            self._is_whole = assessor.kept.is_whole
            if not requests:
                if self._is_due(now_ms):
                    self._fold_above(assessor, now_ms)
                follow_up(assessor)
                assessor.kept.shrink()
            return found
        except UNREADABLE as error:
            log.warning("nothing is concluded now: %s %s", type(error).__doc__, error)
            self._requests.extend(requests)  # they wait until the next look
            self._rests = now_ms, int(LATE_S * 1000)
            self.close()
            return []
        finally:
            self._is_busy = False
            if self._is_over:
                self.close()

    def close(self) -> None:
        """Let go of the files."""
        if self._open is not None:
            store, layers, _ = self._open
            self._open = None
            layers.close()
            store.close()

    async def _next(self) -> tuple[Request | StateRequest, ...]:
        """Return what is asked, after a while nothing."""
        with trio.move_on_after(QUIET_S):
            await self._came.wait()
        self._came = trio.Event()
        requests = tuple(self._requests)
        self._requests.clear()
        return requests

    def _opened(self) -> SealApplication:
        if self._open is None:
            store = Store(self._ledger, readonly=True)
            try:
                layers = StateDb(self._path)
            except BaseException:
                store.close()
                raise
            state = LedgerState(store, layers, self._community, whole=False)
            self._open = store, layers, SealApplication(state)
        return self._open[2]

    def _is_due(self, now_ms: int) -> bool:
        """Whether records above the cut are to be folded, and this node rested from the last."""
        since_ms, rest_ms = self._rests
        return not self._is_whole and not 0 <= now_ms - since_ms < rest_ms

    def _fold_above(self, assessor: SealApplication, now_ms: int) -> None:
        records = assessor.kept.refresh(at_once=False)
        self._is_whole = assessor.kept.is_whole
        self._rests = now_ms, records * REST_MS_PER_RECORD

    def _stamp(self) -> tuple[int, int]:
        """Return what changes with every commit: when the write-ahead log was written, its size."""
        try:
            found = Path(f"{self._ledger}-wal").stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size

    def _count(self, before: int) -> int:
        """Return how many records are here; `before` where that cannot be read, as `step` finds."""
        try:
            if self._open is not None:
                return self._open[0].counts().records
            with closing(Store(self._ledger, readonly=True)) as store:
                return store.counts().records
        except UNREADABLE:
            return before

    def _news(self, assessor: SealApplication, now_ms: int, *, is_asked: bool) -> list[Event]:
        now = assessor.outlook(now_ms)
        if now == self._told and not is_asked:
            return []
        self._told = now
        return [Concluded(now)]
