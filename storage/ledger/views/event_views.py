"""The rows of events: as the state has them, by local number, with the times of their records.

`event_entry` has the rows; `event_row` shows them with the ids that the numbers stand for. The
numbers are those of the state (`state_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import is_not
from types import MappingProxyType
from typing import Any

from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.things import event_row, units_and_specs
from commonweal.storage.ledger.state.local_ids import AGENT, NUMBER
from commonweal.storage.ledger.state.state_db import NumberedEvent, StateDb

TABLES = ("event_entry", "given_sum", "local_id", "agent", "said_at")

_OF_EVENT = (event_row.EVENT, valuation.WORTH)

EVENTS_AT_ONCE = 5_000
"""Events of which `write_all` writes the rows in one transaction."""

_CLOCK, _AMOUNT, _SPEC, _DISPUTES, _HEIGHT = map(
    event_row.EventRow._fields.index, ("clock", "quantity", "spec", "disputes", "height")
)
_NO_AMOUNT = (None, None, None)

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

_ADD = (
    "INSERT INTO given_sum (provider, action, unit, scale, is_sealed, events, high, low)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events,"
    " high = high + excluded.high, low = low + excluded.low"
)
_NO_COLUMNS = (None,) * (1 + len(_COLUMNS))
_PROVIDER, _ACTION = (1 + _COLUMNS.index(name) for name in ("provider", "action"))
_QUANTITY, _EFFORT = (
    slice(1 + at, 4 + at) for at in map(_COLUMNS.index, ("quantity_n", "effort_n"))
)


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


def write_new(layers: StateDb, events: Iterable[NumberedEvent]) -> None:
    """Write the rows of new final events of a state that comes; `write_all` writes what is left.

    That is what a specification is called and what an event is worth, which may come later. The
    caller commits. Indexes are made at the end: in order, and not a page for each row.
    """
    layers.drop_upkeep("event_entry")
    rows = [
        (number, *_columns(agents, value, None, None))
        for number, agents, value in events
        if value[_SPEC] is None
    ]
    _insert(layers, rows)


def write_all(layers: StateDb) -> None:
    """Write the rows of all events of a state that is all final, some events at a time.

    Writes those that are not there. No record has said yet when an event was.
    """
    layers.drop_upkeep("event_entry")
    after = 0
    while events := layers.final_events(after, EVENTS_AT_ONCE):
        specs: dict[bytes, str | None] = {}
        rows = (
            (number, *_columns(agents, value, _specification(layers, value[_SPEC], specs), None))
            for number, agents, value in events
        )
        with layers.writing():
            _insert(layers, rows)
        after = events[-1][0]
    after = 0
    while worths := layers.final_worths(after, EVENTS_AT_ONCE):
        points = [(worth[0], number) for number, worth in worths]
        with layers.writing():
            layers.change_many("UPDATE event_entry SET points = ? WHERE number = ?", points)
        after = worths[-1][0]
    layers.make_upkeep("event_entry")


def _insert(layers: StateDb, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write new rows, without the columns that have nothing: to say so of each costs most.

    The triggers that keep the sums are away; what the rows add is summed up here.
    """
    names = ("number", *_COLUMNS)
    filled: dict[bytes, list[tuple[Any, ...]]] = {}
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        has = bytes(map(is_not, row, _NO_COLUMNS))
        filled.setdefault(has, []).append(tuple(compress(row, has)))
        n, scale, unit = row[_EFFORT] if row[_EFFORT.start] is not None else row[_QUANTITY]
        if n is not None:
            given = row[_PROVIDER], row[_ACTION], unit, scale, row[-1] is not None
            kept = sums.setdefault(given, [0, 0, 0])
            kept[0] += 1
            kept[1] += n >> 32
            kept[2] += n & 0xFFFFFFFF
    for has, some in filled.items():
        columns, places = ", ".join(compress(names, has)), ", ".join("?" * sum(has))
        layers.change_many(f"INSERT INTO event_entry ({columns}) VALUES ({places})", some)  # noqa: S608
    layers.change_many(_ADD, ((*given, *kept) for given, kept in sums.items()))


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
    agents = row.member, row.provider, row.receiver
    points = None if worth is None else worth[0]
    return (id, *_columns(agents, row, _specification(layers, row.spec, specs), points))


def _columns(
    agents: Sequence[Any], row: Sequence[Any], specification: str | None, points: int | None
) -> tuple[Any, ...]:
    """Return the columns of an event. row: the values of an `EventRow`, or its first ones."""
    return (
        *(*agents, row[_CLOCK], row[_CLOCK + 1]),
        *(row[_AMOUNT] or _NO_AMOUNT),
        *(row[_AMOUNT + 1] or _NO_AMOUNT),
        specification,
        *row[_SPEC + 1 : _DISPUTES + 1],
        points,
        (row[_HEIGHT] or None) if len(row) > _HEIGHT else None,
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
