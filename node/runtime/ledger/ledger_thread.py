"""The ledger thread: folds committed records, and answers what only the ledger knows.

It runs beside the service in a thread of its own and only reads the record database. It tells
the service what the last seal decided (active rules, removed members, witnesses, what waits
for the next seal), and it extends votes, prepares proposals and validates them for consensus.
Requests of the service go before everything else. The loop tells it of each commit; it never
looks at a file to learn whether something changed.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import trio

from commonweal.node.runtime.ledger.data_releases import DataReleases
from commonweal.node.runtime.ledger.fold_pace import FoldPace
from commonweal.node.runtime.ledger.ledger_answers import answer, follow_up
from commonweal.node.service.events import (
    RESTORE_REQUESTS,
    Event,
    OutlookChanged,
    Request,
    RestoreRequest,
)
from commonweal.protocol.errors import ConfigError, StorageError
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.snapshots import Snapshots
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.ledger.ledger import TAKING, LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

log = logging.getLogger(__name__)

ABANDON: dict[str, Any] = {"abandon_on_cancel": True}
"""A thread that only reads may outlive its task. The stubs that libp2p brings lack the argument."""
QUIET_S = 0.4
"""The ledger counts as quiet this long after the last commit; then what came is folded."""
FOLLOW_S = 0.05
"""Pause between two portions of what follows on a state that was taken."""
LATE_S = 5.0
"""Longest time between two conclusions, busy or idle: deadlines pass without any commit."""
NEWS_MAX = 2_000
"""More new records than this since the last conclusion: the node is catching up, so it waits."""
REST_MS_PER_RECORD = 1
"""Pause after folding records above the cut, for each record that was folded.

The next cut makes void what was folded above it. While many seals follow each other, or late
records come, the node therefore folds a portion now and then; a command that cannot wait folds
the rest.
"""
SEALING_MS = 20_000
"""As long after a seal, while more waits than a cut takes, nothing above the cut is folded: the
next cuts follow at once, and each makes void what was folded above it."""
REQUESTS_MAX = 256
"""Requests that wait; the service repeats each until it is answered."""
UNREADABLE = (StorageError, ConfigError)
"""What opening the ledger raises while the disk, or the whole home, is away."""
UNFOLDABLE = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What folding on a state raises in which the disk changed a bit, and what a fault of ours raises:
then it comes again when all is folded again."""


class LedgerThread:
    """The ledger of one node: folds the database `ledger` and caches its state in the file `path`.

    `assess` and `committed` are called in the trio thread and return at once; `step` does the
    work in the ledger thread.
    """

    def __init__(
        self,
        ledger: Path,
        path: Path,
        community: CommunityId,
        releases: DataReleases | None = None,
    ) -> None:
        """releases: what the node hands over by itself; None: nothing."""
        self._releases = releases
        self._ledger, self._path, self._community = ledger, path, community
        self._requests: deque[Request | RestoreRequest] = deque(maxlen=REQUESTS_MAX)
        self._woken = trio.Event()
        self._quiet_at = math.inf
        """When what came is to be folded, unless another commit comes before; trio time."""
        self._open: tuple[Store, StateDb, SealApplication] | None = None
        self._told: ConsensusView | None = None
        self._is_whole = self._is_following = False
        self._rests: tuple[int, int] = (0, 0)
        self._pace = FoldPace()
        self._advanced: tuple[int, int] | None = None
        """The height of the last cut that was seen here, and when it was first seen, in ms."""
        self._is_busy = self._is_over = False
        self._is_refolded = False
        """Whether the state was discarded here once because nothing could be folded on it."""

    def assess(self, request: Request | RestoreRequest) -> None:
        """Take in a request of the service."""
        self._requests.append(request)
        self._woken.set()

    def committed(self) -> None:
        """Note that the loop committed a change of the ledger."""
        self._quiet_at = trio.current_time() + QUIET_S
        self._woken.set()

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Answer requests, and conclude QUIET_S after a commit or every LATE_S; until cancelled."""
        limiter = trio.CapacityLimiter(1)
        late_at, records = -math.inf, 0
        try:
            while True:
                with trio.move_on_at(min(self._quiet_at, late_at)):
                    await self._woken.wait()
                self._woken = trio.Event()
                requests = tuple(self._requests)
                self._requests.clear()
                if not requests:
                    now = trio.current_time()
                    is_quiet = now >= self._quiet_at
                    if not is_quiet and now < late_at:
                        continue
                    late_at, before = now + LATE_S, records
                    records = await trio.to_thread.run_sync(self._count, before, limiter=limiter)
                    if not is_quiet and records - before > NEWS_MAX:
                        continue
                    self._quiet_at = math.inf
                step = partial(self.step, time.time_ns() // 1_000_000, requests)
                for event in await trio.to_thread.run_sync(step, limiter=limiter, **ABANDON):
                    emit(event)
                self._look_again()
        finally:
            self._is_over = True
            if not self._is_busy:
                self.close()

    def step(self, now_ms: int, requests: Sequence[Request | RestoreRequest] = ()) -> list[Event]:
        """Fold what was committed; return the events for the service, conclusions first.

        Records above the last seal are folded only when nothing is requested, a portion at a time.
        """
        self._is_busy = True
        try:
            if self._is_over:  # cancelled before this thread began: the files are closed
                return []
            assessor = self._opened()
            to_restore = [ask for ask in requests if isinstance(ask, RESTORE_REQUESTS)]
            for_seal = [ask for ask in requests if not isinstance(ask, RESTORE_REQUESTS)]
            events: list[Event] = [answer(assessor, request, now_ms) for request in to_restore]
            if to_restore and not for_seal and assessor.kept.layers.mark(TAKING):
                return events  # nothing is folded before the state is here
            assessor.kept.refresh(whole=False)
            events += self._news(assessor, now_ms, is_asked=bool(for_seal))
            events += [self._answered(assessor, request, now_ms) for request in for_seal]
            self._is_whole = assessor.kept.is_whole
            if not requests:
                if self._rest_ms(now_ms) <= 0 and not self._is_sealing(assessor, now_ms):
                    self._fold_above(assessor, now_ms)
                self._is_following = follow_up(assessor)
                events += self._due(assessor)
                assessor.kept.shrink()
            return events
        except UNREADABLE as error:
            log.warning("the ledger cannot be read now: %s %s", type(error).__doc__, error)
            self._try_later(now_ms, requests)
            return []
        except UNFOLDABLE:
            if self._is_refolded:
                raise
            log.exception("nothing can be folded on the stored state: it is folded again")
            self._is_refolded = True
            if self._open is not None:
                self._open[1].condemn()
            self._try_later(now_ms, requests)
            return []
        finally:
            self._is_busy = False
            if self._is_over:
                self.close()

    def _try_later(self, now_ms: int, requests: Sequence[Request | RestoreRequest]) -> None:
        """Close the files, and answer the requests once they can be read again."""
        self._requests.extend(requests)
        self._rests = now_ms, int(LATE_S * 1000)
        self.close()

    def _answered(self, assessor: SealApplication, request: Request, now_ms: int) -> Event:
        """Return the answer to a request, and note the pace at which records were folded for it."""
        ready, begun = assessor.kept.ready, time.perf_counter()
        before = None if ready is None else ready.seal.id
        del ready  # it may be large, and is not needed while another is folded
        told = answer(assessor, request, now_ms)
        folded = assessor.kept.ready
        if folded is not None and folded.seal.id != before:
            self._pace.note(len(folded.outcome.covered), time.perf_counter() - begun)
        assessor.cut_records = self._pace.cut_records
        return told

    def close(self) -> None:
        """Close the files."""
        if self._open is not None:
            store, layers, _ = self._open
            self._open = None
            layers.close()
            store.close()

    def _look_again(self) -> None:
        """Plan a step that no commit announces: requests are left, or records above the cut."""
        now = trio.current_time()
        if self._requests:
            self._quiet_at = now + QUIET_S
        elif self._is_following:
            self._quiet_at = now + FOLLOW_S
        elif not self._is_whole:
            rest_s = self._rest_ms(time.time_ns() // 1_000_000) / 1000
            self._quiet_at = min(self._quiet_at, now + max(QUIET_S, rest_s))

    def _opened(self) -> SealApplication:
        if self._open is not None and self._open[1].is_condemned:
            self.close()
        if self._open is None:
            with ExitStack() as opened:
                store = opened.enter_context(closing(Store(self._ledger, readonly=True)))
                layers = opened.enter_context(closing(StateDb(self._path)))
                try:
                    state = LedgerState(store, layers, self._community, whole=False)
                except UNFOLDABLE:
                    layers.condemn()
                    raise
                Snapshots(state).tidy()
                self._open = store, layers, SealApplication(state)
                opened.pop_all()
            self._open[2].cut_records = self._pace.cut_records
        return self._open[2]

    def _rest_ms(self, now_ms: int) -> int:
        """Return how long no records above the cut are folded; 0 when the clock was set back."""
        since_ms, rest_ms = self._rests
        gone_ms = now_ms - since_ms
        return rest_ms - gone_ms if 0 <= gone_ms < rest_ms else 0

    def _is_sealing(self, assessor: SealApplication, now_ms: int) -> bool:
        """Whether more cuts are to follow at once, so that what is folded above would be void."""
        assert self._told is not None, "the ledger was looked at"
        height, unsealed = self._told.height, self._told.unsealed
        if self._advanced is None or self._advanced[0] != height:
            self._advanced = height, now_ms
        return unsealed > assessor.cut_records and 0 <= now_ms - self._advanced[1] < SEALING_MS

    def _fold_above(self, assessor: SealApplication, now_ms: int) -> None:
        if self._is_whole or assessor.kept.layers.mark(TAKING):
            return
        records = assessor.kept.refresh(at_once=False)
        self._is_whole = assessor.kept.is_whole
        self._rests = now_ms, records * REST_MS_PER_RECORD

    def _due(self, assessor: SealApplication) -> list[Event]:
        due = None if self._releases is None else self._releases.due(assessor.kept)
        return [] if due is None else [due]

    def _count(self, before: int) -> int:
        """Return how many records are held; `before` when that cannot be read (`step` logs it)."""
        try:
            if self._open is not None:
                return self._open[0].counts().records
            with closing(Store(self._ledger, readonly=True)) as store:
                return store.counts().records
        except UNREADABLE:
            return before

    def _news(self, assessor: SealApplication, now_ms: int, *, is_asked: bool) -> list[Event]:
        outlook = assessor.outlook(now_ms)
        if outlook == self._told and not is_asked:
            return []
        self._told = outlook
        return [OutlookChanged(outlook)]
