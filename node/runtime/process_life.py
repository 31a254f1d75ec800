"""The life of a process that runs trio: its signals, its memory, and its end within bounds.

It knows nothing of a node, so that a relay lives alike without loading one.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple, Unpack

import trio

from commonweal.protocol.errors import CommonwealError

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

GARBAGE_OBJECTS = 200_000
GARBAGE_S = 30.0
"""Time between two collections of reference cycles, however few objects are made."""
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Options of glibc's `mallopt`, as malloc.h numbers them."""
MMAP_BYTES_MIN = 128 * 1024
"""Larger pieces are mapped, and go back to the system when they are freed. By default this bound
grows to the largest piece that was ever freed."""
NICE = 5
"""How far a node steps back: beside one busy command a quarter of a core is left to it."""
TURN_S = 0.0005
"""How long a thread may keep the interpreter while another waits for it; Python's own is 5 ms."""
END_S_MAX = 3.0
"""Longest orderly end; then the process exits at once."""


def run_trio(main: Callable[[Unpack[Ts]], Awaitable[T]], *details: *Ts) -> T:
    """Run an async function to its end; raise its first named error instead of an error group."""
    try:
        return trio.run(main, *details)
    except BaseExceptionGroup as group:
        first = _first(group)
        if not isinstance(first, CommonwealError | KeyboardInterrupt):
            log.critical("the node ended by a fault of its own: %r", first, exc_info=first)
        raise first from None


def step_back() -> None:
    """Let what is typed on this machine come first; call it before there are threads."""
    if hasattr(os, "nice"):
        with suppress(OSError):  # a system may not allow it
            os.nice(NICE)


def take_turns() -> None:
    """Let no thread of this process wait long for the interpreter, whatever another computes.

    An answer gives it up at each statement of the database, and would wait again each time.
    """
    sys.setswitchinterval(TURN_S)


async def obey_signals(
    scope: trio.CancelScope, *, task_status: Any = trio.TASK_STATUS_IGNORED
) -> None:
    """End the node in order at the first signal, and at once at the second."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            log.info("ending: %s", signal.Signals(number).name)
            break
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda given, _frame: os._exit(128 + given))
    end_soon()
    scope.cancel()


def end_soon() -> None:
    """Make sure that the process ends, whatever a part is still waiting for."""

    def end() -> None:
        log.error("a part of the node did not end within %d s", END_S_MAX)
        os._exit(1)

    timer = threading.Timer(END_S_MAX, end)
    timer.daemon = True
    timer.start()


def share_memory(mmap_bytes_min: int = MMAP_BYTES_MIN) -> None:
    """Let all threads take memory from one place, where glibc can; call it before there are any.

    By default each has its own, and what is free in one is of no use to the others.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, 1)
        set_option(M_MMAP_THRESHOLD, mmap_bytes_min)


def tend_memory() -> None:
    """Collect garbage less often, and never examine the loaded modules again.

    A frame of records makes tens of thousands of short-lived objects; by default each frame would
    make Python walk all the libraries many times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


async def sweep(every_s: float = GARBAGE_S) -> None:
    """Collect garbage now and then: an idle node makes too little to trigger it.

    A connection that ended and a task that was cancelled leave errors that refer to themselves.
    """
    while True:
        await trio.sleep(every_s)
        gc.collect()
        _give_back()


def _give_back() -> None:
    """Return unused pages to the system, where glibc can; takes some 0.2 ms."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return why a nursery ended: an error of ours before any other."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        else:
            leaves.append(error)
    named = [leaf for leaf in leaves if isinstance(leaf, CommonwealError)]
    return (named or leaves)[0]
