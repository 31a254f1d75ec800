"""The rows of events: as the state has them, by local number, with the times of their records.

`event_entry` has the rows; `event_row` shows them with the ids that the numbers stand for. The
numbers are those of the state (`state_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, repeat
from operator import is_not
from types import MappingProxyType
from typing import Any

from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.things import event_row, units_and_specs
from commonweal.storage.ledger.state.local_ids import AGENT, NUMBER
from commonweal.storage.ledger.state.state_db import StateDb

TABLES = ("event_entry", "given_sum", "local_id", "agent", "said_at")

_OF_EVENT = (event_row.EVENT, valuation.WORTH)

EVENTS_AT_ONCE = 5_000
"""Events of which `write_all` writes the rows in one transaction."""

NOTHING_WRITTEN: Mapping[bytes, Any] = MappingProxyType({})

_AGENTS = ("member", "provider", "receiver")
_STATED = (
    *("clock", "action", "quantity_n", "quantity_scale", "unit"),
    *("effort_n", "effort_scale", "effort_unit", "specification", "resource", "to_resource"),
    *("input_of", "output_of", "scope", "factor", "fulfills", "satisfies"),
    *("corrections", "yes", '"no"', "disputes", "points", "height"),
)
_TIMES = ("claimed_at", "when_start", "when_is_day", "when_local", "when_stated")

_VALUES = (
    *(AGENT.format(place) for place in range(2, 2 + len(_AGENTS))),
    *(f"?{place}" for place in range(2 + len(_AGENTS), 2 + len(_AGENTS) + len(_STATED))),
)
_COLUMNS = (*_AGENTS, *_STATED)

_PUT = (
    f"INSERT INTO event_entry (number, {', '.join((*_COLUMNS, *_TIMES))})"  # noqa: S608
    f" SELECT {NUMBER}, {', '.join(_VALUES)}, claimed_at, when_start, when_end - when_start > 1,"
    " when_local, when_stated FROM (SELECT 1) LEFT JOIN said_at ON said_at.id = ?1 WHERE TRUE"
    f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS)}, "
    + ", ".join(f"{name} = ifnull(excluded.{name}, {name})" for name in _TIMES)
)
"""Times that are noted no more, since a row has them, stay as they are."""


def refresh(
    layers: StateDb, changed: Sequence[bytes], written: Mapping[bytes, Any] = NOTHING_WRITTEN
) -> None:
    """Write the rows of events that depend on these state keys again.

    written: values of the highest layer that are known, so that they are not read again.
    """
    ids = dict.fromkeys(key[1:] for key in changed if key[:1] in _OF_EVENT)
    put: list[tuple[Any, ...]] = []
    gone: list[tuple[bytes]] = []
    specs: dict[bytes, str | None] = {}
    for id in ids:
        row = _event(layers, id, written, specs)
        if row is None:
            gone.append((id,))
        else:
            put.append(row)
    layers.change_many(_PUT, put)
    layers.change_many("DELETE FROM said_at WHERE id = ?", ((row[0],) for row in put))
    layers.change_many(f"DELETE FROM event_entry WHERE number = {NUMBER}", gone)  # noqa: S608


def write_all(layers: StateDb) -> None:
    """Write the rows of all events of a state that is all final, some events at a time.

    Goes on after the last row that is there. No record has said yet when an event was. Indexes are
    made at the end: in order, and not a page for each row.
    """
    layers.drop_indexes("event_entry")
    ((after,),) = layers.rows("SELECT ifnull(max(number), 0) FROM event_entry")
    while events := layers.final_events(after, EVENTS_AT_ONCE):
        specs: dict[bytes, str | None] = {}
        rows: list[tuple[Any, ...]] = []
        for number, value, worth in events:
            row = event_row.EventRow(*value)
            name = _specification(layers, row.spec, specs)
            rows.append((number, *_columns(row, name, worth if row.pending is None else None)))
        layers.begin()
        try:
            _insert(layers, rows)
            layers.commit()
        finally:
            layers.rollback()
        after = events[-1][0]
    layers.make_indexes()


def _insert(layers: StateDb, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write new rows, without the columns that have nothing: to say so of each costs most."""
    names = ("number", *_COLUMNS)
    filled: dict[bytes, list[tuple[Any, ...]]] = {}
    for row in rows:
        has = bytes(map(is_not, row, repeat(None)))
        filled.setdefault(has, []).append(tuple(compress(row, has)))
    for has, some in filled.items():
        columns, places = ", ".join(compress(names, has)), ", ".join("?" * sum(has))
        layers.change_many(f"INSERT INTO event_entry ({columns}) VALUES ({places})", some)  # noqa: S608


def _event(
    layers: StateDb, id: bytes, written: Mapping[bytes, Any], specs: dict[bytes, str | None]
) -> tuple[Any, ...] | None:
    value = written.get(event_row.EVENT + id)
    if value is None:
        value = layers.get(event_row.EVENT + id)
    if value is None:
        return None
    row = event_row.EventRow(*value)
    worth = written.get(valuation.WORTH + id)
    if worth is None and row.pending is None:
        worth = layers.get(valuation.WORTH + id)
    return (id, *_columns(row, _specification(layers, row.spec, specs), worth))


def _columns(
    row: event_row.EventRow, specification: str | None, worth: list[Any] | None
) -> tuple[Any, ...]:
    return (
        *(row.member, row.provider, row.receiver, row.clock, row.action),
        *(row.quantity or (None, None, None)),
        *(row.effort or (None, None, None)),
        specification,
        *(row.source, row.target, row.input_of, row.output_of, row.scope, row.factor),
        *(row.fulfills, row.satisfies),
        *(row.corrections, row.yes, row.no, row.disputes),
        None if worth is None else worth[0],
        row.height or None,
    )


def _specification(
    layers: StateDb, spec: bytes | None, specs: dict[bytes, str | None]
) -> str | None:
    if spec is None:
        return None
    if spec not in specs:
        value = layers.get(units_and_specs.SPEC + spec)
        specs[spec] = None if value is None else units_and_specs.SpecRow(*value).name
    return specs[spec]
