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

UNBOUNDED = 0
_running: dict[object, int] = {}
"""Bytes that each running query may take, and first of all what was taken when it began alone."""


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
    mine = object()
    _running[mine] = bytes_max if _running else used() + bytes_max
    _settle(set_limit)
    try:
        yield
    finally:
        more = _running.pop(mine) - bytes_max
        for other in list(_running)[:1]:  # what was taken before stays taken
            _running[other] += more
        _settle(set_limit)


def _settle(set_limit: Callable[[int], int]) -> None:
    """Set the bound for the queries that run; again when another thread began or ended one."""
    while True:
        asked = dict(_running)
        set_limit(sum(asked.values()) or UNBOUNDED)
        if asked == _running:
            return


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
