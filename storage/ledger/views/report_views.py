"""The rows behind reports: values by factor, incomes, what corrections changed, and milestones.

All of it is final: these tables of the state are written by cuts alone. A sum over them is made by
the database, so that a report reads no record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.sharing import milestones, revaluations, valuation
from commonweal.protocol.ledger.things import event_row, units_and_specs
from commonweal.storage.ledger.state.local_ids import NUMBER, agents_of, numbers_of
from commonweal.storage.ledger.state.state_db import FINAL, StateDb

TABLES = ("worth_row", "change_row", "income_row", "milestone_row")
VIEWS = ("values_given", "value_changes", "milestones")

ID_BYTES = 32
HEIGHT_BYTES = 8

_NOTHING: Mapping[bytes, Any] = {}

_PUT_WORTH = (
    "INSERT OR REPLACE INTO worth_row (number, giver, factor, height, points, is_first)"
    f" SELECT {NUMBER}, ?2, ?3, ?4, ?5, ?6"
)
_PUT_CHANGE = (
    "INSERT OR REPLACE INTO change_row (number, giver, key, factor, height, amount, events)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def refresh(
    layers: StateDb, changed: Sequence[bytes], written: Mapping[bytes, Any] = _NOTHING
) -> None:
    """Write the rows that depend on these state keys again.

    written: values of the highest layer that are known, so that they are not read again.
    """
    _worths(layers, [key for key in changed if key[:1] == valuation.WORTH], written)
    _changes(layers, [key for key in changed if key.startswith(revaluations.REVALUED)], written)
    incomes = [key for key in changed if key[:1] == pools.INCOME]
    _replace(layers, "income_row", incomes, 1, lambda key, value: (key[1:], *value[:6]))
    cut = len(milestones.MILESTONE)
    dated = [key for key in changed if key.startswith(milestones.MILESTONE)]
    _replace(
        layers,
        "milestone_row",
        dated,
        cut,
        lambda key, value: (key[cut:], key[cut : -ID_BYTES - 1].decode(), key[-ID_BYTES:], *value),
    )


def _worths(layers: StateDb, keys: Sequence[bytes], written: Mapping[bytes, Any]) -> None:
    factors = _Factors(layers, written)
    put: list[tuple[Any, ...]] = []
    gone: list[tuple[bytes]] = []
    for key in dict.fromkeys(keys):
        value, id = layers.get(key, FINAL), key[1:]
        if value is None:
            gone.append((id,))
            continue
        row = valuation.ValueRow(*value)
        is_first = row.first_ms is None
        put.append((id, row.member, factors.of(id), row.height, row.points, is_first))
    agents = agents_of(layers, (row[1] for row in put))
    layers.change_many(_PUT_WORTH, ((id, agents[giver], *more) for id, giver, *more in put))
    layers.change_many(f"DELETE FROM worth_row WHERE number = {NUMBER}", gone)  # noqa: S608


def _changes(layers: StateDb, keys: Sequence[bytes], written: Mapping[bytes, Any]) -> None:
    """Write what corrections changed; nothing takes such a row away."""
    factors = _Factors(layers, written)
    put: list[tuple[Any, ...]] = []
    for key in dict.fromkeys(keys):
        value = layers.get(key, FINAL)
        if value is None:
            continue
        named = key[len(revaluations.REVALUED) :]
        height, id = int.from_bytes(named[:HEIGHT_BYTES]), named[HEIGHT_BYTES:][:ID_BYTES]
        giver = named[HEIGHT_BYTES + ID_BYTES :] or None
        row = revaluations.ChangeRow(*value)
        put.append((id, giver, named, factors.of(id), height, row.amount, row.events))
    numbers = numbers_of(layers, (row[0] for row in put))
    agents = agents_of(layers, (row[1] for row in put if row[1] is not None))
    rows = ((numbers[id], agents.get(giver), *more) for id, giver, *more in put)
    layers.change_many(_PUT_CHANGE, rows)


class _Factors:
    """The factors of events: their own, or that of what their specification says."""

    def __init__(self, layers: StateDb, written: Mapping[bytes, Any]) -> None:
        self._layers, self._written = layers, written
        self._of_spec: dict[bytes, str] = {}

    def of(self, id: bytes) -> str:
        """Return the factor of an event; empty without one."""
        value = self._written.get(event_row.EVENT + id)
        if value is None:
            value = self._layers.get(event_row.EVENT + id)
        row = event_row.EventRow(*value)
        if row.factor is not None or row.spec is None:
            return row.factor or ""
        if row.spec not in self._of_spec:
            spec = self._layers.get(units_and_specs.SPEC + row.spec)
            factor = None if spec is None else units_and_specs.SpecRow(*spec).factor
            self._of_spec[row.spec] = factor or ""
        return self._of_spec[row.spec]


def _replace(
    layers: StateDb,
    table: str,
    keys: Sequence[bytes],
    cut: int,
    row: Callable[[bytes, Any], tuple[Any, ...]],
) -> None:
    """Write or delete the rows of `keys`. cut: bytes of a key before that of the row."""
    values = [(key, layers.get(key, FINAL)) for key in dict.fromkeys(keys)]
    put = [row(key, value) for key, value in values if value is not None]
    if put:
        places = ", ".join("?" * len(put[0]))
        layers.change_many(f"INSERT OR REPLACE INTO {table} VALUES ({places})", put)  # noqa: S608
    gone = [(key[cut:],) for key, value in values if value is None]
    layers.change_many(f"DELETE FROM {table} WHERE key = ?", gone)  # noqa: S608
