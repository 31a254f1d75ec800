"""The rows behind the SQL view of bookings: who has which thing when, asked, accepted and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.lending.booking_row import BOOKING, BookingRow
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb

TABLES = ("booking_row",)
VIEWS = ("bookings",)


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of bookings that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    ids = dict.fromkeys(
        key[len(table) :]
        for table in (BOOKING, COMMITMENT)
        for key in changed
        if _is_of(key, table)
    )
    rows: list[tuple[Any, ...]] = []
    for id in ids:
        value, promised = layers.get(BOOKING + id), layers.get(COMMITMENT + id)
        if value is None or promised is None:
            continue
        row, clause = BookingRow(*value), CommitmentRow(*promised)
        is_final = final.get(BOOKING + id) == value and final.get(COMMITMENT + id) == promised
        rows.append(
            (
                *(id, row.deal, row.thing_id, clause.resource, clause.action),
                *(clause.provider, clause.receiver, clause.begin, clause.end),
                *(row.until if row.number else None, clause.status, row.asked_ms, row.lapses_ms),
                *(row.out, row.back, row.back_ms, is_final),
            )
        )
    layers.change_many("DELETE FROM booking_row WHERE id = ?", [(id,) for id in ids])
    if rows:
        places = ", ".join("?" * len(rows[0]))
        layers.change_many(f"INSERT INTO booking_row VALUES ({places})", rows)  # noqa: S608


def _is_of(key: bytes, table: bytes) -> bool:
    return key.startswith(table)
