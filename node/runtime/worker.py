"""The one thread in which the service handles events and the store commits.

It stays alive between two pieces of work: a thread for each piece, as `trio.to_thread` takes one,
makes the way there and back half as long again, and every hop of a record would pay that three
times. It knows nothing of what the work does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import trio

T = TypeVar("T")


class Worker:
    """A thread that starts with the first work and ends after `end`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting = 0

    @property
    def is_idle(self) -> bool:
        """Whether all work is done, so that the trio thread may do a piece of it itself."""
        return not self._waiting

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread; return its result. Work that began ends even when cancelled."""
        await trio.lowlevel.checkpoint_if_cancelled()
        task, token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()

        def wake(_done: object) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(trio.lowlevel.reschedule, task)

        self._waiting += 1
        try:
            doing = self._thread.submit(work)
            doing.add_done_callback(wake)
            await trio.lowlevel.wait_task_rescheduled(lambda _cancel: trio.lowlevel.Abort.FAILED)
        finally:
            self._waiting -= 1
        return doing.result()

    def end(self) -> None:
        """Let the thread end once its work is done; another `run` starts a new one."""
        self._thread.shutdown(wait=False)
        self._thread = ThreadPoolExecutor(1)
