"""The offer thread: hands out the final state to peers that fetch it, chunk by chunk.

It runs beside the service and the ledger thread, so that neither agreement nor folding waits while
an offer is made. It only reads the record database and the state, and writes a file beside them.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio

from commonweal.node.runtime.ledger.ledger_answers import chunk_answer
from commonweal.node.service.events import Event, ReadStateChunk, StateAnswered
from commonweal.protocol.errors import ConfigError, StorageError
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.consensus.offers import StateOffers
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

log = logging.getLogger(__name__)

ABANDON: dict[str, Any] = {"abandon_on_cancel": True}
"""A thread that only reads may outlive its task."""
REQUESTS_MAX = 64
"""Requests that wait; who asked asks again."""
IDLE_S = 30.0
"""The files are closed when nobody asked for a chunk in this time."""
TIDY_S = 10 * 60.0
"""Pause between two looks whether an offer is still used."""
UNREADABLE = (StorageError, ConfigError)
"""What opening the files raises while the disk, or the whole home, is away."""


class OfferThread:
    """Hands out the state in the file `path` of a node with the database `ledger`.

    `assess` is called in the trio thread and returns at once; `step` does the work in a thread.
    """

    def __init__(self, ledger: Path, path: Path, community: CommunityId) -> None:
        self._ledger, self._path, self._community = ledger, path, community
        self._requests: deque[ReadStateChunk] = deque(maxlen=REQUESTS_MAX)
        self._woken = trio.Event()
        self._open: tuple[Store, StateDb] | None = None
        self._has_offer = True
        """Whether there may be an offer on the disk."""
        self._is_away = False
        """Whether the files could not be read the last time, which is logged once."""
        self._is_busy = self._is_over = False

    def assess(self, request: ReadStateChunk) -> None:
        """Take in a request of the service."""
        self._requests.append(request)
        self._woken.set()

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Answer requests, and delete an offer that nobody uses; until cancelled."""
        limiter = trio.CapacityLimiter(1)
        try:
            while True:
                with trio.move_on_after(TIDY_S if self._open is None else IDLE_S):
                    await self._woken.wait()
                self._woken = trio.Event()
                requests = tuple(self._requests)
                self._requests.clear()
                if requests or self._has_offer:
                    step = partial(self.step, time.time_ns() // 1_000_000, requests)
                    for event in await trio.to_thread.run_sync(step, limiter=limiter, **ABANDON):
                        emit(event)
        finally:
            self._is_over = True
            if not self._is_busy:
                self.close()

    def step(self, now_ms: int, requests: Sequence[ReadStateChunk] = ()) -> list[Event]:
        """Return the answers to requests; without any, delete an offer that nobody uses.

        While the files cannot be read each answer is None, so that it can be asked for again.
        """
        self._is_busy = True
        try:
            if self._is_over:  # cancelled before this thread began
                return []
            store, layers = self._opened()
            offers = StateOffers(store, layers, self._community)
            answered: list[Event] = [chunk_answer(offers, request, now_ms) for request in requests]
            if not requests:
                self._has_offer = offers.tidy(now_ms)
                self.close()
            self._is_away = False
            return answered
        except UNREADABLE as error:
            if not self._is_away:
                log.warning("the state cannot be handed out now: %s %s", type(error).__doc__, error)
            self._is_away = True
            self.close()
            return [StateAnswered(request, None) for request in requests]
        finally:
            self._is_busy = False
            if self._is_over:
                self.close()

    def close(self) -> None:
        """Close the files."""
        if self._open is not None:
            store, layers = self._open
            self._open = None
            layers.close()
            store.close()

    def _opened(self) -> tuple[Store, StateDb]:
        if self._open is None:
            self._has_offer = True
            store = Store(self._ledger, readonly=True)
            try:
                self._open = store, StateDb(self._path)
            except BaseException:
                store.close()
                raise
        return self._open
