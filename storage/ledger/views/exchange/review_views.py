"""The rows behind the SQL view of reviews; stars and answers are in none before it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.reviews.reviews import REVIEW, ReviewRow
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb

TABLES = ("review_row",)
VIEWS = ("reviews",)


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of reviews that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    keys = [*dict.fromkeys(key for key in changed if key.startswith(REVIEW))]
    layers.change_many("DELETE FROM review_row WHERE id = ?", [(_id(key),) for key in keys])
    rows = []
    for key in keys:
        value = layers.get(key)
        if value is not None:
            rows.append(_row(_id(key), ReviewRow(*value), is_final=final.get(key) == value))
    layers.change_many("INSERT INTO review_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _id(key: bytes) -> bytes:
    return key[len(REVIEW) :]


def _row(id: bytes, row: ReviewRow, *, is_final: bool) -> tuple[Any, ...]:
    named = (row.agreement, row.member, row.about, row.clock, row.status, row.opened)
    return (id, *named, row.rating, row.on_time, row.as_agreed, is_final)
