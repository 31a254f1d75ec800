"""The worker's thread: one at a time, in order, to its end, and gone when nobody needs it."""

from __future__ import annotations

import threading
import time

import pytest
import trio

from commonweal.node.runtime.worker import Worker


async def test_work_is_done_in_order_in_one_other_thread() -> None:
    worker, done = Worker(), []

    async def ask(number: int) -> None:
        def work() -> tuple[int, int]:
            time.sleep(0.01)
            return number, threading.get_ident()

        done.append(await worker.run(work))

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(ask, number)
    worker.end()
    assert sorted(number for number, _ in done) == list(range(5))
    (thread,) = {thread for _, thread in done}
    assert thread != threading.get_ident()


async def test_what_work_raises_is_raised_where_it_was_asked_for() -> None:
    worker = Worker()
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 5) == 5
    worker.end()


async def test_what_was_begun_ends_even_when_nobody_waits_any_more() -> None:
    worker, done = Worker(), []

    def work() -> None:
        time.sleep(0.05)
        done.append(1)

    with trio.move_on_after(0.01):
        await worker.run(work)
    assert done == [1]
    with trio.CancelScope() as scope:
        scope.cancel()
        await worker.run(work)
    assert done == [1], "it was cancelled before it began"
    worker.end()


async def test_its_thread_ends_and_another_begins_when_it_is_needed() -> None:
    worker = Worker()
    first = await worker.run(threading.current_thread)
    worker.end()
    first.join(5)
    assert not first.is_alive()
    second = await worker.run(threading.current_thread)
    assert second is not first
    worker.end()
    worker.end()
    second.join(5)
    assert not second.is_alive()
