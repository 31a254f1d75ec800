"""How far a restored state has come, read from its marks: whether it is here, and its records."""

from __future__ import annotations

from typing import NamedTuple

from commonweal.storage.ledger.ledger import TAKING
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

TAKEN = "taken"
"""Mark of the height of a restored state, until its records were folded, too. See also `TAKING`."""

NOTED = "times noted"
"""Mark of what `arrivals` has noted: the length of each log, by author."""


class Held(NamedTuple):
    """A restored state: its height, and how many of its records are here, of how many."""

    height: int
    records: int
    of: int


def held(layers: StateDb, store: Store) -> Held | None:
    """Return how many records of the restored state have arrived.

    None without a restored state, and after all records arrived and were folded.
    """
    height = layers.mark(TAKEN)
    if height is None:
        return None
    rows = {row.author: row.length for row in store.logs()}
    logs = layers.rows("SELECT author, length FROM sealed_log")
    here = sum(min(length, rows.get(author, 0)) for author, length in logs)
    return Held(height, here, sum(length for _, length in logs))


def coming(layers: StateDb) -> int | None:
    """Return the height of the state that is being fetched; 0 before a peer offered one.

    None while none is.
    """
    marked = layers.mark(TAKING)
    return None if marked is None else int(marked[0])
