"""The rows behind the SQL views of data: what there is, who consents to its use, and its uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.data.consents import CONSENT, ConsentRow
from commonweal.protocol.ledger.exchange.data.contents import DATA
from commonweal.protocol.ledger.exchange.data.uses import DATA_USE, UseRow
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views.column_amounts import fitting

TABLES = ("data_row", "consent_row", "data_use_row")
VIEWS = ("data", "consents", "data_uses")


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of data, consents and uses that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    for table, prefixes, row_of in (
        ("data_row", (DATA,), _data),
        ("consent_row", (CONSENT,), _consent),
        ("data_use_row", (DATA_USE, COMMITMENT), _use),
    ):
        ids = dict.fromkeys(
            key[len(prefix) :] for prefix in prefixes for key in changed if key.startswith(prefix)
        )
        read = [row_of(layers, final, id) for id in ids]
        rows = [row for row in read if row is not None]
        sql = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608
        layers.change_many(sql, [(id,) for id in ids])
        if rows:
            places = ", ".join("?" * len(rows[0]))
            layers.change_many(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608


Row = tuple[Any, ...]


def _data(layers: StateDb, final: LayeredState, id: bytes) -> Row | None:
    value = layers.get(DATA + id)
    if value is None:
        return None
    event, content, size, is_erased = value
    return id, event, content, size, is_erased, final.get(DATA + id) == value


def _consent(layers: StateDb, final: LayeredState, id: bytes) -> Row | None:
    value = layers.get(CONSENT + id)
    if value is None:
        return None
    row = ConsentRow(*value)
    n, scale, unit = row.benefit if isinstance(row.benefit, list) else (None, None, None)
    return (
        *(id, row.member, row.giver, row.resource, row.clock, ", ".join(row.purposes)),
        *(", ".join(row.actions), _recipients(row), row.begin, row.end, row.language),
        *(row.notice, n, scale, unit, row.pool, row.replaces, row.answers, row.status, row.by),
        final.get(CONSENT + id) == value,
    )


def _recipients(row: ConsentRow) -> str:
    """Return who is given a consent: ids in hex, and names of roles."""
    return ", ".join(named if isinstance(named, str) else named.hex() for named in row.recipients)


def _use(layers: StateDb, final: LayeredState, id: bytes) -> Row | None:
    value, promised = layers.get(DATA_USE + id), layers.get(COMMITMENT + id)
    if value is None:
        return None
    row, owed = UseRow(*value), None if promised is None else CommitmentRow(*promised)
    n, scale, unit = (None, None, None) if owed is None else owed.quantity
    open_n, open_scale = (None, None) if owed is None else _open(owed)
    is_final = final.get(DATA_USE + id) == value and final.get(COMMITMENT + id) == promised
    return (
        *(id, row.consent, row.resource, row.user, row.owner, row.purpose, row.clock),
        *(n, scale, unit, open_n, open_scale, row.pool, row.is_fed, is_final),
    )


def _open(owed: CommitmentRow) -> tuple[int, int]:
    (n,), scale = fitting(owed.open[:2])
    return n, scale
