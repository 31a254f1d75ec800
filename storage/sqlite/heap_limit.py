"""A bound of the memory that SQLite takes while queries of members run, and none afterwards.

SQLite has one bound for all connections of a process, and its PRAGMA can only lower it: set that
way, it stays for whatever the process does later. So it is set and lifted by a call of the library
that Python's own module uses. Where that cannot be called, the PRAGMA is what is left.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

_lock = Lock()
_running: list[int] = []
"""Bytes that each running query may take, beside what was taken when the first began."""
_before: list[int] = []
"""Bytes that were taken, and the bound that held, when the first of them began."""


@contextmanager
def heap_limit(connection: sqlite3.Connection, bytes_max: int) -> Iterator[None]:
    """Let SQLite take at most `bytes_max` more in this process; several at once add up.

    Then a statement raises MemoryError or sqlite3.OperationalError.
    """
    library = _library()
    if library is None:
        connection.execute(f"PRAGMA hard_heap_limit = {bytes_max:d}")
        yield
        return
    set_limit, used = library
    with _lock:
        if not _running:
            _before[:] = used(), set_limit(-1)
        _running.append(bytes_max)
        set_limit(_before[0] + sum(_running))
    try:
        yield
    finally:
        with _lock:
            _running.remove(bytes_max)
            set_limit(_before[0] + sum(_running) if _running else _before[1])


@cache
def _library() -> tuple[Callable[[int], int], Callable[[], int]] | None:
    """Return what sets the bound, and what says how much is taken; None where neither is there."""
    try:
        import _sqlite3

        library = ctypes.CDLL(_sqlite3.__file__)
        set_limit, used = library.sqlite3_hard_heap_limit64, library.sqlite3_memory_used
    except (ImportError, OSError, AttributeError):
        return None
    set_limit.argtypes, set_limit.restype = [ctypes.c_int64], ctypes.c_int64
    used.argtypes, used.restype = [], ctypes.c_int64
    return set_limit, used
