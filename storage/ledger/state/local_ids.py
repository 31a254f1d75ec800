"""Local numbers of ids: what is named often is named by a few bytes in place of 32.

`local_id` has the ids of events in the order in which they came, so that rows by number lie in that
order too; its index has the first bytes of an id only. `agent` has those who gave or received, who
are few. A number never leaves this file, and another file has others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # not loaded where only names are completed
    from commonweal.storage.ledger.state.state_db import StateDb

START_BYTES = 6
"""Bytes of an id that are indexed; more than one id may begin with them."""

NUMBER = (
    f"(SELECT number FROM local_id WHERE substr(id, 1, {START_BYTES}) ="  # noqa: S608
    f" substr(?1, 1, {START_BYTES}) AND id = ?1)"
)
"""The number of the id that is the first value of a statement, or NULL."""

AGENT = "(SELECT number FROM agent WHERE id = ?{})"
"""The number of an agent, which is the value of this place in a statement."""


def note_ids(layers: StateDb, ids: Iterable[bytes]) -> None:
    """Give numbers to the ids that have none; the caller commits."""
    layers.change_many(
        f"INSERT INTO local_id (id) SELECT ?1 WHERE {NUMBER} IS NULL",
        [(id,) for id in ids],
    )


def note_agents(layers: StateDb, ids: Iterable[bytes]) -> None:
    """Give numbers to the agents that have none; the caller commits."""
    layers.change_many("INSERT OR IGNORE INTO agent (id) VALUES (?)", [(id,) for id in ids])


def with_ids(ids: Sequence[bytes]) -> tuple[str, list[Any]]:
    """Return a query for the numbers of ids, and its values."""
    marks = ", ".join("?" * len(ids))
    query = (
        f"SELECT number FROM local_id WHERE substr(id, 1, {START_BYTES}) IN ({marks})"  # noqa: S608
        f" AND id IN ({marks})"
    )
    return query, [*(id[:START_BYTES] for id in ids), *ids]
