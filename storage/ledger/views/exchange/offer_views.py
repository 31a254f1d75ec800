"""The rows behind the SQL views of the market: intents, offers, and the intents of each offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from commonweal.protocol.ledger.exchange.offers.intents import INTENT, IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import OFFER, OfferRow
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views.column_amounts import fitting

TABLES = ("intent_row", "offer_row", "offer_part_row")
VIEWS = ("offers", "needs")


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    intents = dict.fromkeys(key[1:] for key in changed if key[:1] == INTENT)
    replace_rows(layers, "intent_row", "id", intents, _intents(layers, final, intents))
    offers = dict.fromkeys(key[1:] for key in changed if key[:1] == OFFER)
    rows: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    for offer in offers:
        value = layers.get(OFFER + offer)
        if value is None:
            continue
        row = OfferRow(*value)
        known = (offer, row.member, row.clock, row.purpose, row.unit_based, row.begin, row.end)
        is_final = final.get(OFFER + offer) == value
        rows.append((*known, row.location, not row.proposed_to, row.status, is_final))
        for in_return, ids in ((False, row.publishes), (True, row.reciprocal)):
            parts += [(offer, in_return, number, id) for number, id in enumerate(ids, 1)]
    replace_rows(layers, "offer_row", "id", offers, rows)
    replace_rows(layers, "offer_part_row", "offer", offers, parts)


def replace_rows(
    layers: StateDb,
    table: str,
    key: str,
    names: Iterable[bytes],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Delete the rows of `names`, and write others in their place. key: the column of the names."""
    layers.change_many(f"DELETE FROM {table} WHERE {key} = ?", [(name,) for name in names])  # noqa: S608
    if rows:
        places = ", ".join("?" * len(rows[0]))
        layers.change_many(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608


def _intents(layers: StateDb, final: LayeredState, ids: Iterable[bytes]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for id in ids:
        value = layers.get(INTENT + id)
        if value is None:
            continue
        row = IntentRow(*value)
        spec = None if row.spec is None else layers.get(units_and_specs.SPEC + row.spec)
        name = None if spec is None else units_and_specs.SpecRow(*spec).name
        minimum = row.minimum or (None, None)
        (left,), left_scale = fitting(row.left[:2])
        rows.append(
            (
                *(id, row.action, row.provider, row.receiver, *row.quantity[:2], *row.limit),
                *(left, left_scale, *row.met[:2], *minimum[:2], name, row.resource),
                *(",".join(row.tags), row.scope, row.begin, row.end, row.due, row.status),
                *(row.taken[0] != 0, final.get(INTENT + id) == value),
            )
        )
    return rows
