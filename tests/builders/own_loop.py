"""Coroutines of asyncio in a thread of their own.

A browser that a test of the same process opened keeps a loop in the main thread, so
`asyncio.run` is refused there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

A = TypeVar("A")


def run(work: Coroutine[Any, Any, A]) -> A:
    """Run `work` to its end and return its result. Raises what it raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
