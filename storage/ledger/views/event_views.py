"""The rows of events: as the state has them, by local number, with the times of their records.

`event_entry` has the rows; `event_row` shows them with the ids that the numbers stand for. The
numbers are those of the state (`state_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from operator import is_not
from types import MappingProxyType
from typing import Any

from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.things import event_row, units_and_specs
from commonweal.storage.ledger.state.local_ids import agents_of, known_numbers
from commonweal.storage.ledger.state.state_db import NumberedEvent, StateDb
from commonweal.storage.ledger.views.given_sums import GivenSums

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

_COLUMNS = (*_AGENTS, *_STATED)
_NAMES = ("number", *_COLUMNS, *_TIMES)
_NOTHING = (None,) * len(_NAMES)
_NO_TIMES = (None,) * len(_TIMES)
_PROVIDER, _ACTION, _SEALED = (_NAMES.index(name) for name in ("provider", "action", "height"))
_QUANTITY, _EFFORT = (
    slice(at, at + len(_NO_AMOUNT)) for at in map(_NAMES.index, ("quantity_n", "effort_n"))
)

_HELD = f"SELECT number, {', '.join(_COLUMNS)} FROM event_entry WHERE number IN ({{}})"  # noqa: S608
_NOTED = (
    "SELECT id, claimed_at, when_start, when_end - when_start > 1, when_local, when_stated"
    " FROM said_at WHERE id IN ({})"
)
_AGAIN = (
    f"UPDATE event_entry SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, "  # noqa: S608
    + ", ".join(f"{name} = ifnull(?, {name})" for name in _TIMES)
    + " WHERE number = ?"
)
"""Times that are noted no more, since a row has them, stay as they are."""


def refresh(
    layers: StateDb, changed: Sequence[bytes], written: Mapping[bytes, Any] = NOTHING_WRITTEN
) -> None:
    """Write the rows of events that depend on these state keys again.

    written: values of the highest layer that are known, so that they are not read again.
    """
    ids = dict.fromkeys(key[1:] for key in changed if key[:1] in _OF_EVENT)
    if not ids:
        return
    specs: dict[bytes, str | None] = {}
    rows = {id: _event(layers, id, written, specs) for id in ids}
    numbers = known_numbers(layers, sorted(ids))
    agents = agents_of(layers, _agents_in(rows.values()))
    held = {
        row[0]: row for row in layers.among(_HELD, [numbers[id] for id in ids if id in numbers])
    }
    times = {id: noted for id, *noted in layers.among(_NOTED, [*map(bytearray, ids)])}
    new: list[tuple[Any, ...]] = []
    again: list[tuple[Any, ...]] = []
    gone: list[int] = []
    sums = GivenSums()
    for id, row in rows.items():
        number = numbers.get(id)
        before = held.get(number)
        if before is not None:
            _count(sums, before, -1)
        if row is not None:
            named = map(agents.get, row[: len(_AGENTS)])
            now = (number, *named, *row[len(_AGENTS) :], *times.get(id, _NO_TIMES))
            _count(sums, now)
            (new if before is None else again).append(now)
        elif before is not None:
            gone.append(before[0])
    _insert(layers, new)
    layers.change_many(_AGAIN, ((*row, number) for number, *row in again))
    layers.change_many("DELETE FROM event_entry WHERE number = ?", ((number,) for number in gone))
    sums.write(layers)
    listed = (id for id in times if rows[id] is not None)
    layers.change_many("DELETE FROM said_at WHERE id = ?", ((bytearray(id),) for id in listed))


def write_new(layers: StateDb, events: Iterable[NumberedEvent]) -> None:
    """Write the rows of new final events of a state that comes; `write_all` writes what is left.

    That is what a specification is called and what an event is worth, which may come later. The
    caller commits. Indexes are made at the end: in order, and not a page for each row.
    """
    layers.drop_indexes("event_entry")
    rows = [
        (number, *_columns(agents, value, None, None))
        for number, agents, value in events
        if value[_SPEC] is None
    ]
    _insert_counted(layers, rows)


def write_all(layers: StateDb) -> None:
    """Write the rows of all events of a state that is all final, some events at a time.

    Writes those that are not there. No record has said yet when an event was.
    """
    layers.drop_indexes("event_entry")
    after = 0
    while events := layers.final_events(after, EVENTS_AT_ONCE):
        specs: dict[bytes, str | None] = {}
        rows = [
            (number, *_columns(agents, value, _specification(layers, value[_SPEC], specs), None))
            for number, agents, value in events
        ]
        with layers.writing():
            _insert_counted(layers, rows)
        after = events[-1][0]
    after = 0
    while worths := layers.final_worths(after, EVENTS_AT_ONCE):
        points = [(worth[0], number) for number, worth in worths]
        with layers.writing():
            layers.change_many("UPDATE event_entry SET points = ? WHERE number = ?", points)
        after = worths[-1][0]
    layers.make_indexes("event_entry")


def _insert_counted(layers: StateDb, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new rows, and add what they give to the sums."""
    sums = GivenSums()
    for row in rows:
        _count(sums, row)
    _insert(layers, rows)
    sums.write(layers)


def _insert(layers: StateDb, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write new rows, without the columns that have nothing: to say so of each costs most."""
    filled: dict[bytes, list[tuple[Any, ...]]] = {}
    for row in rows:
        has = bytes(map(is_not, row, _NOTHING))
        filled.setdefault(has, []).append(tuple(compress(row, has)))
    for has, some in filled.items():
        columns, places = ", ".join(compress(_NAMES, has)), ", ".join("?" * sum(has))
        layers.insert_many(f"INSERT INTO event_entry ({columns}) VALUES ({places})", some)  # noqa: S608


def _count(sums: GivenSums, row: Sequence[Any], times: int = 1) -> None:
    amounts, sealed = (row[_QUANTITY], row[_EFFORT]), row[_SEALED] is not None
    sums.count(row[_PROVIDER], row[_ACTION], *amounts, sealed=sealed, times=times)


def _agents_in(rows: Iterable[tuple[Any, ...] | None]) -> Iterator[bytes]:
    named = (row[: len(_AGENTS)] for row in rows if row is not None)
    return (agent for agent in dict.fromkeys(chain.from_iterable(named)) if agent is not None)


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
    return _columns(agents, row, _specification(layers, row.spec, specs), points)


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
