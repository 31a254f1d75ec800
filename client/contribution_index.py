"""The index of contributions, brought up to the records; and how far seals cover each log."""

from __future__ import annotations

import time
from contextlib import closing

from commonweal.protocol.errors import HomeInUse, StorageError
from commonweal.storage.home.home import Home
from commonweal.storage.records.contribution_index import Index

INDEX_WAIT_SECONDS_MAX = 3.0
INDEX_PAUSE_SECONDS = 0.02


def follow_index(home: Home) -> int:
    """Bring the index up to the records; return how many of the newest it still lacks.

    A running node does it by itself, and is waited for, INDEX_WAIT_SECONDS_MAX at most.
    """
    deadline = time.monotonic() + INDEX_WAIT_SECONDS_MAX
    while behind := _behind(home):
        try:
            with home.lock(), home.store() as store:
                while Index(store).catch_up():
                    store.commit()
                return 0
        except HomeInUse:
            if time.monotonic() > deadline:
                return behind
        time.sleep(INDEX_PAUSE_SECONDS)
    return 0


def sealed_lengths(home: Home) -> dict[bytes, int] | None:
    """Return how many records of each log are sealed, as last folded; None where it is unreadable.

    Nothing is folded for it.
    """
    from commonweal.storage.ledger.state_db import StateDb

    if not home.state.exists():
        return {}
    try:
        with closing(StateDb(home.state)) as state:
            return dict(state.rows("SELECT author, length FROM sealed_log"))
    except StorageError:  # the disk takes nothing, not even what reading that file needs
        return None


def _behind(home: Home) -> int:
    with home.store(readonly=True) as store:
        row = store.row("SELECT total(abs(length - indexed)) FROM log")
    assert row
    return int(row[0])
