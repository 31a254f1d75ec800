"""Local numbers of ids: what is named often is named by a few bytes in place of 32.

`local_id` has the ids of events: those of a cut stand behind those of the cut before, and so do the
rows by number; its index has the first bytes of an id only. `agent` has those who gave or received,
who are few. A number never leaves this file, and another file has others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from commonweal.storage.sqlite.placeholders import in_list

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


def numbers_of(layers: StateDb, ids: Iterable[bytes]) -> dict[bytes, int]:
    """Return the numbers of ids; those that have none get the next ones. The caller commits."""
    asked = dict.fromkeys(ids)
    numbers = known_numbers(layers, sorted(asked))
    return numbers | new_numbers(layers, asked.keys() - numbers)


def new_numbers(layers: StateDb, ids: Iterable[bytes]) -> dict[bytes, int]:
    """Return the next numbers for ids that have none yet, in their order. The caller commits.

    In order, each page of the index is read and written once, however many of the ids it has.
    """
    ((last,),) = layers.rows("SELECT ifnull(max(number), 0) FROM local_id")
    new = dict(zip(sorted(set(ids)), count(last + 1)))
    rows = ((number, bytearray(id)) for id, number in new.items())
    layers.insert_many("INSERT INTO local_id (number, id) VALUES (?, ?)", rows)
    return new


def known_numbers(layers: StateDb, ids: Sequence[bytes]) -> dict[bytes, int]:
    """Return the numbers of those ids that have one."""
    query = f"SELECT id, number FROM local_id WHERE substr(id, 1, {START_BYTES}) IN ({{}})"  # noqa: S608
    return dict(layers.among(query, [bytearray(id[:START_BYTES]) for id in ids]))


def agents_of(layers: StateDb, ids: Iterable[bytes]) -> dict[bytes, int]:
    """Return the numbers of agents; those that have none get one. The caller commits."""
    asked = [(id,) for id in dict.fromkeys(ids)]
    layers.change_many("INSERT OR IGNORE INTO agent (id) VALUES (?)", asked)
    query = "SELECT number FROM agent WHERE id = ?"
    return {id: layers.rows(query, (id,))[0][0] for (id,) in asked}


def with_ids(ids: Sequence[bytes]) -> tuple[str, list[Any]]:
    """Return a query for the numbers of ids, and its values."""
    places, values = in_list(ids)
    query = (
        f"SELECT number FROM local_id WHERE substr(id, 1, {START_BYTES}) IN ({places})"  # noqa: S608
        f" AND id IN ({places})"
    )
    return query, [*(id[:START_BYTES] for id in values), *values]
