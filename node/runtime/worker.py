"""The one thread in which the service handles and the store commits.

It stays and waits for work: to fetch a thread for each piece, as `trio.to_thread` does,
takes half as long again there and back, which every hop of a record would pay three times.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import trio

T = TypeVar("T")


class Worker:
    """A thread that begins with the first work and ends with `end`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread; what it began it ends, even when we are cancelled."""
        await trio.lowlevel.checkpoint_if_cancelled()
        task, token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()

        def wake(_done: object) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(trio.lowlevel.reschedule, task)

        doing = self._thread.submit(work)
        doing.add_done_callback(wake)
        await trio.lowlevel.wait_task_rescheduled(lambda _cancel: trio.lowlevel.Abort.FAILED)
        return doing.result()

    def end(self) -> None:
        """Let the thread end once it has done what it was given; another `run` starts a new one."""
        self._thread.shutdown(wait=False)
        self._thread = ThreadPoolExecutor(1)
