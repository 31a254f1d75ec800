"""Backtests for pages: worked out one at a time beside the pages that wait for them, and kept.

A backtest folds all records twice. It runs in a thread of its own, so that a page says after a
moment that it is not ready, and never stands still; nobody can have more than a few run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from threading import Lock, Thread
from typing import Any

from commonweal.protocol.errors import CommonwealError

REPLAYS_KEPT_MAX = 16
"""Results that are kept; of more the one that was asked for first is forgotten."""
REPLAYS_WAITING_MAX = 4
"""Replays that run or wait for their turn; more are not begun."""
WAIT_SECONDS = 3.0
"""How long a page waits before it says that the replay is not ready."""


class Replays:
    """What was replayed for the pages of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock, self._turn = Lock(), Lock()

    def result(self, key: Hashable, work: Callable[[], Any], wait_s: float | None = None) -> Any:
        """Return what `work` returns, which is done once for a key; None while it is not ready.

        Raises what `work` raised; it is tried again when it is asked for.
        """
        with self._lock:
            future = self._kept.get(key)
            if future is None:
                if not self._has_room():
                    return None
                future = self._kept[key] = Future()
                Thread(target=self._run, args=(future, work), daemon=True).start()
        try:
            return future.result(WAIT_SECONDS if wait_s is None else wait_s)
        except NotReady:
            if not future.done():
                return None
            raise
        finally:
            if future.cancelled() or (future.done() and future.exception() is not None):
                with self._lock:
                    self._kept.pop(key, None)

    def _has_room(self) -> bool:
        """Return whether another may begin; the oldest result makes room. The lock is held."""
        if sum(not future.done() for future in self._kept.values()) >= REPLAYS_WAITING_MAX:
            return False
        if len(self._kept) >= REPLAYS_KEPT_MAX:
            oldest = next(key for key, future in self._kept.items() if future.done())
            del self._kept[oldest]
        return True

    def _run(self, future: Future[Any], work: Callable[[], Any]) -> None:
        with self._turn:
            try:
                future.set_result(work())
            except CommonwealError as error:
                future.set_exception(error)
            finally:
                future.cancel()  # a fault of the program is in the log; who waits gets an error
