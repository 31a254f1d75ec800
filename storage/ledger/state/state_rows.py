"""How a pair of the state stands in its table: by local numbers in place of ids that come often.

A key that begins with the id of an event has its number; so the rows of the events of one cut, and
what hangs on them, lie side by side, and a cut writes few pages of the file. The row of an event
has the numbers of the agents that it names, and no field that is as usual. Keys and values are
whole when they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import is_not, itemgetter
from typing import Any, TypeAlias

import msgpack

from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EVENT, UNVALUED, EventRow
from commonweal.storage.ledger.state.local_ids import NUMBER, START_BYTES

NUMBERED = (EVENT, UNVALUED, Table.WORTH.prefix, Table.SAID.prefix, Table.DISPUTE.prefix)
"""Tables whose keys begin with the id of an event, or of a record that is attested."""

ID_BYTES = 32

_START = f"substr(local_id.id, 1, {START_BYTES})"
_START_OF = {table[:1]: table for table in NUMBERED}
_PLACES = tuple(map(EventRow._fields.index, ("member", "provider", "receiver")))
_USUAL = [EventRow._field_defaults.get(name) for name in EventRow._fields]
_agents_of = itemgetter(*_PLACES)

PATTERNS_MAX = 256
"""Sets of unusual fields of which the places are remembered; the events of a sheet have few."""


KeyParts: TypeAlias = tuple[bytes, bytes | None, bytes]
"""Of a key: its start, the id of an event or record or None in other tables, and the rest."""


def key_parts(key: bytes) -> KeyParts:
    """Return the parts of a key."""
    start = _START_OF.get(key[:1])
    if start is not None and key.startswith(start):
        begin, end = len(start), len(start) + ID_BYTES
        if len(key) >= end:
            return start, key[begin:end], key[end:]
    return key, None, b""


def _written(key: bytes) -> KeyParts:
    parts = key_parts(key)
    assert parts[1] is not None or not numbered(key), "its table begins with an id"
    return parts


def numbered(prefix: bytes) -> tuple[bytes, ...]:
    """Return the numbered tables that have keys with this prefix."""
    return tuple(
        table for table in NUMBERED if table.startswith(prefix) or prefix.startswith(table)
    )


def row_of(key: bytes, layer: int, value: Any) -> tuple[Any, ...]:
    """Return the parts of a key, and what stands beside them; see `numbered_rows`.

    value: None where the layer removes the key.
    """
    start, id, rest = _written(key)
    if value is None:
        return id, start, rest, layer, None, None, None, None
    if start != EVENT or len(value) <= _PLACES[-1]:
        return id, start, rest, layer, packed(value), None, None, None
    agents, short = shortened(value)
    return id, start, rest, layer, packed(short), *agents


def encoded_row(key: bytes, layer: int, data: bytes) -> tuple[Any, ...]:
    """Return what `row_of` does for a value that is encoded already."""
    start, id, rest = _written(key)
    if start == EVENT:
        return row_of(key, layer, unpacked(data))
    return id, start, rest, layer, data, None, None, None


def value_of(row: Sequence[Any]) -> Any:
    """Return the value that VALUE has read; None where the key is removed."""
    data, *agents = row
    if data is None:
        return None
    value = unpacked(data)
    return value if agents[0] is None else _whole(value, agents)


def shortened(row: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the agents that the row of an event names, and the rest of it.

    That is how many fields it has, a bit for each that is not as usual, and those fields. Small
    integers, empty bytes, booleans and None are one object each; another is kept, as it may differ.
    """
    bits, kept = _unusual(bytes(map(is_not, row, _USUAL)))
    return _agents_of(row), (len(row), bits, *compress(row, kept))


@lru_cache(PATTERNS_MAX)
def _unusual(differs: bytes) -> tuple[int, bytes]:
    """Return the bits of the fields that are kept, and a byte for each field: whether it is."""
    kept = bytes(is_kept and place not in _PLACES for place, is_kept in enumerate(differs))
    return sum(1 << place for place, is_kept in enumerate(kept) if is_kept), kept


@lru_cache(PATTERNS_MAX)
def _order(count: int, bits: int) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what takes the fields of a row out of the usual ones, the kept ones and the agents."""
    places = list(range(count))
    unusual = [place for place in range(bits.bit_length()) if bits >> place & 1]
    for beside, place in enumerate((*unusual, *_PLACES)):
        places[place] = len(_USUAL) + beside
    return itemgetter(*places)


def _whole(short: Sequence[Any], agents: Sequence[bytes | None]) -> list[Any]:
    """Return the row of an event from what `shortened` made of it."""
    count, bits, *kept = short
    return list(_order(count, bits)((*_USUAL, *kept, *agents)))


def agents_in(rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    """Return the agents that rows name, each once."""
    named = dict.fromkeys(agent for row in rows for agent in row[-len(_PLACES) :])
    return (agent for agent in named if agent is not None)


Row: TypeAlias = tuple[Any, ...]


def numbered_rows(
    rows: Iterable[Row], numbers: Mapping[bytes, int], agents: Mapping[bytes, int]
) -> tuple[list[Row], list[Row]]:
    """Return the values of PUT and of PUT_PLAIN from what `row_of` returns, by numbers.

    With `bytearray`: for bytes, as for None, sqlite3 looks for an adapter each time.
    """
    naming: list[Row] = []
    plain: list[Row] = []
    for id, start, rest, layer, value, member, provider, receiver in rows:
        data = None if value is None else bytearray(value)
        number = 0 if id is None else numbers[id]
        row = bytearray(start), number, bytearray(rest), layer, data
        if member is None:
            plain.append(row)
        else:
            named = agents[member], agents.get(provider), agents.get(receiver)
            naming.append((*row, *named))
    return naming, plain


packed: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True).pack
"""Return a value as bytes, those of its leaf in the tree. One packer: making one costs more."""


def unpacked(data: bytes) -> Any:
    """Return the value of bytes of ours."""
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def _literal(data: bytes) -> str:
    return f"x'{data.hex()}'"


def _agent(column: str) -> str:
    return f"(SELECT id FROM agent WHERE agent.number = state.{column})"  # noqa: S608


VALUE = f"value, {_agent('member')}, {_agent('provider')}, {_agent('receiver')}"
"""The columns of a row that `value_of` reads."""

_ID = "(SELECT id FROM local_id WHERE number = state.number)"

KEY = f"CAST(start || ifnull({_ID}, x'') || rest AS BLOB)"
"""The whole key of a row."""

OF_KEY = f"start = ?2 AND number = ifnull({NUMBER}, 0) AND rest = ?3"
"""The condition of the rows of a key; the values are its id, its start and its rest."""

PUT = "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
PUT_PLAIN = (
    "INSERT OR REPLACE INTO state (start, number, rest, layer, value) VALUES (?, ?, ?, ?, ?)"
)
"""Write a row that `numbered_rows` returns: one that names agents, and one that names none."""

PUT_EVENT = f"INSERT INTO state VALUES ({_literal(EVENT)}, ?, x'', 0, ?, ?, ?, ?)"  # noqa: S608
"""Write the final row of a new event; the values are its number, its rest and three agents."""

PUT_UNVALUED = (
    "INSERT INTO state (start, number, rest, layer, value)"  # noqa: S608
    f" VALUES ({_literal(UNVALUED)}, ?, x'', 0, {_literal(packed(True))})"
)
"""Note that the event of a number waits for a value."""

GET = f"SELECT {VALUE} FROM state WHERE {OF_KEY} AND layer <= ?4 ORDER BY layer DESC LIMIT 1"  # noqa: S608

_LAST = (
    "SELECT start, number, rest, value, member, provider, receiver, max(layer) FROM state"
    " WHERE layer <= ? AND {} GROUP BY start, number, rest"
)


def pairs_query(prefix: bytes, layer_max: int) -> tuple[str, tuple[Any, ...]]:
    """Return a query for the keys with a prefix and what `value_of` reads, and its values.

    Ascending by key; a removed key has no value.
    """
    table, id, rest = _start_of(prefix)
    values: tuple[Any, ...]
    if table is None:
        condition, values = "start >= ? AND start < ?", (prefix, after(prefix))
        order = "key" if numbered(prefix) else "start"
    elif len(id) == ID_BYTES:
        condition, order = f"start = ? AND number = {_NUMBER_OF} AND rest >= ?", "rest"
        values = (table, id, id, rest)
        if rest.rstrip(b"\xff"):
            condition, values = f"{condition} AND rest < ?", (*values, after(rest))
    else:
        low, high = id.ljust(ID_BYTES, b"\0"), id.ljust(ID_BYTES, b"\xff")
        condition, order = f"start = ? AND number IN ({_BETWEEN})", "key"
        values = (table, low, high, low, high)
    last = _LAST.format(condition)
    query = f"SELECT {KEY} AS key, {VALUE} FROM ({last}) AS state ORDER BY {order}"  # noqa: S608
    return query, (layer_max, *values)


def final_query(prefix: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Return a query for the final keys with a prefix and what `value_of` reads, and its values.

    prefix: without an id of a numbered table; when it is empty, local keys are left out.
    """
    assert _start_of(prefix)[0] is None, "a prefix with an id is not asked for so"
    query = f"SELECT {KEY}, {VALUE} FROM state WHERE layer = 0"  # noqa: S608
    if not prefix:
        return f"{query} AND start >= ? {_IN_ORDER}", (after(LOCAL),)
    return f"{query} AND start >= ? AND start < ? {_IN_ORDER}", (prefix, after(prefix))


HELD_ANY = "SELECT 1 FROM state WHERE start >= ? AND start < ? AND layer <= ? LIMIT 1"
"""Whether a table has any key up to a layer; the values are its prefix and what comes after it."""

HELD_NUMBER = (
    "SELECT 1 FROM local_id CROSS JOIN state ON state.number = local_id.number"  # noqa: S608
    f" WHERE {_START} = substr(asked.id, 1, {START_BYTES}) AND local_id.id = asked.id"
    " AND start = ?1 AND layer <= ?2"
)
"""Whether a numbered table has a key with the id, up to a layer, of a row of `asked`."""

HELD_KEY = (
    "SELECT 1 FROM state WHERE state.start >= asked.start AND state.start < asked.stop"
    " AND layer <= ?2 AND ?1 NOTNULL"
)
"""Whether another table has one."""

_IN_ORDER = "ORDER BY start, number, rest"

NEXT_KEYS = (
    f"SELECT {KEY} FROM state WHERE layer = 0"  # noqa: S608
    f" AND (start, number, rest) > (?2, ifnull({NUMBER}, 0), ?3) {_IN_ORDER} LIMIT ?4"
)
"""The next final keys; the values are the id, start and rest of the last one, and how many."""

_OF_NUMBER = "FROM state WHERE start = {} AND number = event_entry.number AND layer = 0"

NEXT_EVENTS = (
    f"SELECT number, value, member, provider, receiver FROM state WHERE start = {_literal(EVENT)}"  # noqa: S608
    " AND number > ? AND layer = 0"
    " AND NOT EXISTS (SELECT 1 FROM event_entry WHERE event_entry.number = state.number)"
    " ORDER BY number LIMIT ?"
)
"""The next final rows of events, after a number, that have no row in the list."""

NEXT_WORTHS = (
    "SELECT event_entry.number, worth.value FROM state AS worth CROSS JOIN event_entry"  # noqa: S608
    f" ON event_entry.number = worth.number WHERE worth.start = {_literal(Table.WORTH.prefix)}"
    " AND worth.rest = x'' AND worth.layer = 0 AND worth.number > ? AND points IS NULL"
    f" AND NOT EXISTS (SELECT 1 {_OF_NUMBER.format(_literal(UNVALUED))})"
    " ORDER BY worth.number LIMIT ?"
)
"""The next final values of events, after a number, that the list lacks and that do not wait."""

FINAL_BYTES = (
    "SELECT ifnull(sum(length(start) + iif(number, 32, 0) + length(rest) + length(value)"
    " + 53 * (member NOTNULL) + 33 * ((provider NOTNULL) + (receiver NOTNULL))), 0)"
    " FROM state WHERE layer = 0"
)
"""About how many bytes the final keys and values have."""


def after(prefix: bytes) -> bytes:
    """Return the first key greater than every key with this prefix."""
    bare = prefix.rstrip(b"\xff")
    assert bare, "the tables of a state are letters"
    return bare[:-1] + bytes([bare[-1] + 1])


_NUMBER_OF = (
    f"(SELECT number FROM local_id WHERE {_START} = substr(?, 1, {START_BYTES}) AND id = ?)"  # noqa: S608
)
_BETWEEN = (
    f"SELECT number FROM local_id WHERE {_START} BETWEEN substr(?, 1, {START_BYTES})"  # noqa: S608
    f" AND substr(?, 1, {START_BYTES}) AND id BETWEEN ? AND ?"
)


def _start_of(prefix: bytes) -> tuple[bytes | None, bytes, bytes]:
    """Return the numbered table that a longer prefix is of, what it has of the id, and the rest."""
    for table in numbered(prefix):
        if len(prefix) > len(table):
            end = len(table) + ID_BYTES
            return table, prefix[len(table) : end], prefix[end:]
    return None, b"", b""
