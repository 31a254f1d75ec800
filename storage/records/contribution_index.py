"""The index of events: who gave what, found by member, action, scope and time, and summed.

It is derived from the good records of the store and can be made again from them. It runs
behind: `catch_up` reads what came since, outside the path that takes records in, and
takes back what a proof has made void. Events that cannot be read are counted and left
out. Whether an event is valid is not asked here: that is the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgpack

from commonweal.protocol import keys
from commonweal.protocol.codec import INT_MAX, INT_MIN
from commonweal.protocol.keys import SIGNATURE_BYTES, DeviceKey
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.records.log_pages import SEQ_BITS, SEQ_MAX, whole
from commonweal.storage.records.log_store import Store

AGENT_BYTES = (32, 16)
"""A member's id; the random name of somebody outside the community."""

SPEC_BYTES = 32
"""A resource specification is named by the id of its record."""

SCALE_MAX = 18
CATCH_UP_RECORDS = 5_000
"""As many records are read in one step unless told otherwise: some 50 ms."""

By = Literal["provider", "action", "unit"]


class Quantity(NamedTuple):
    """n / 10**scale of a unit."""

    n: int
    scale: int
    unit: str


class EventRow(NamedTuple):
    """An event as its author claims it. `provider` and `receiver` are agents, 32 or 16 bytes."""

    id: RecordId
    author: DeviceKey
    seq: int
    claimed_at: int
    action: str
    provider: bytes
    receiver: bytes | None
    resource: Quantity | None
    effort: Quantity | None
    scope: str | None
    spec: bytes | None


class Sum(NamedTuple):
    """What a provider, an action or a unit comes to, in one unit; None: without quantities.

    `name`: the provider's bytes, else a string. `events` counts an event with a resource
    and an effort quantity under its resource's unit only, so that events are counted once.
    """

    name: bytes | str | None
    unit: str | None
    n: int
    scale: int
    events: int


class _Claim(NamedTuple):
    """What the data of an event says."""

    action: str
    provider: bytes
    receiver: bytes | None
    resource: Quantity | None
    effort: Quantity | None
    scope: str | None
    spec: bytes | None


class Index:
    """The events of a store. Writes in the store's transaction; the caller commits."""

    def __init__(self, store: Store) -> None:
        """Read and write the index that lies in the database of `store`."""
        self._store = store

    def catch_up(self, records_max: int = CATCH_UP_RECORDS) -> int:
        """Bring the index nearer to the store; return how many records were read or taken back.

        Reads at most `records_max` records; 0 means that nothing is left to do.
        """
        done = 0
        behind = self._store.rows("SELECT id, indexed, length FROM log WHERE indexed <> length")
        for log, indexed, length in behind:
            if done >= records_max:
                break
            if length < indexed:
                self._take_back(log, length)
                done += indexed - length
                reached = length
            else:
                stop = min(length, indexed + records_max - done)
                reached = self._take_in(log, indexed, stop)
                done += reached - indexed
            self._store.change("UPDATE log SET indexed = ? WHERE id = ?", (reached, log))
        return done

    def clear(self) -> None:
        """Empty the index, so that `catch_up` makes it again from the first record."""
        for table in ("event", "unreadable_event", "total", "term"):
            self._store.change(" ".join(("DELETE FROM", table)))
        self._store.change("UPDATE log SET indexed = 0")

    def events(
        self,
        *,
        member: bytes | None = None,
        action: str | None = None,
        scope: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int | None = None,
    ) -> Iterator[EventRow]:
        """Yield the events that match, those first that claim to be newest.

        member: the provider. since, until: ms, of what is claimed; until is not included.
        They are read as they are asked for: write nothing to the store before the end.
        """
        conditions, values = self._matching(member, action, scope, since, until)
        statement = [_EVENTS, *conditions, "ORDER BY claimed_at DESC, event.key DESC LIMIT ?"]
        limit = -1 if limit is None else limit
        return map(_event_row, self._store.each(" ".join(statement), (*values, limit)))

    def total(
        self,
        *,
        member: bytes | None = None,
        action: str | None = None,
        scope: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> int:
        """Return how many events match; the conditions are those of `events`."""
        conditions, values = self._matching(member, action, scope, since, until)
        summed = scope is None and since is None and until is None
        start = (
            "SELECT coalesce(sum(events), 0) FROM total WHERE TRUE"
            if summed
            else "SELECT count(*) FROM event WHERE TRUE"
        )
        row = self._store.row(" ".join((start, *conditions)), values)
        assert row
        return int(row[0])

    def sums(self, by: By, *, member: bytes | None = None, action: str | None = None) -> list[Sum]:
        """Return what each provider, action or unit comes to, unit by unit, by name."""
        conditions, values = self._matching(member, action, None, None, None)
        statement = [_SUMS[by], *conditions, "GROUP BY 1, 2, 3"]
        merged: dict[tuple[Any, str | None], tuple[int, int, int]] = {}
        for name, unit, scale, events, high, low in self._store.rows(" ".join(statement), values):
            n, largest, count = merged.get((name, unit), (0, 0, 0))
            common = max(scale, largest)
            n = n * 10 ** (common - largest) + ((high << 32) + low) * 10 ** (common - scale)
            merged[name, unit] = (n, common, count + events)
        found = [
            Sum(name, unit, *_shortest(n, scale), events)
            for (name, unit), (n, scale, events) in merged.items()
        ]
        return sorted(found, key=lambda one: (one.name or "", one.unit or ""))

    def unreadable(self) -> int:
        """Return how many events could not be read and are left out."""
        row = self._store.row("SELECT count(*) FROM unreadable_event")
        assert row
        return int(row[0])

    # Inside

    def _take_in(self, log: int, start: int, stop: int) -> int:
        """Read records of a log; return where it ended: before one that the disk changed."""
        base = log << SEQ_BITS
        wires = self._store.rows(
            "SELECT key, opening, tail FROM held WHERE key >= ? AND key < ? ORDER BY key",
            (base + start, base + stop),
        )
        terms: dict[object, int | None] = {None: None}
        rows, unreadable = [], []
        for key, opening, tail in wires:
            fields = _fields(whole(opening, tail))
            if fields is None:
                stop = key - base
                break
            claimed_at, kind, data = fields
            if kind != "event":
                continue
            claim = _claim(data)
            if claim is None:
                unreadable.append((key,))
            else:
                rows.append(self._row(key, claimed_at, claim, terms))
        self._store.change_many("INSERT INTO unreadable_event VALUES (?)", unreadable)
        self._store.change_many(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        self._add_up(rows, 1)
        return stop

    def _take_back(self, log: int, length: int) -> None:
        void = ((log << SEQ_BITS) + length, (log << SEQ_BITS) + SEQ_MAX)
        rows = self._store.rows("SELECT * FROM event WHERE key BETWEEN ? AND ?", void)
        self._add_up(rows, -1)
        self._store.change("DELETE FROM total WHERE events = 0 AND high = 0 AND low = 0")
        self._store.change("DELETE FROM event WHERE key BETWEEN ? AND ?", void)
        self._store.change("DELETE FROM unreadable_event WHERE key BETWEEN ? AND ?", void)

    def _row(
        self, key: int, claimed_at: int, claim: _Claim, terms: dict[object, int | None]
    ) -> tuple[int | None, ...]:
        for term in (claim.provider, claim.action, claim.receiver, claim.scope, claim.spec):
            if term not in terms:
                terms[term] = self._term(term)
        quantities: list[int | None] = []
        for quantity in (claim.resource, claim.effort):
            if quantity is None:
                quantities += (None, None, None)
                continue
            if quantity.unit not in terms:
                terms[quantity.unit] = self._term(quantity.unit)
            quantities += (quantity.n, quantity.scale, terms[quantity.unit])
        return (
            key,
            terms[claim.provider],
            terms[claim.action],
            claimed_at,
            *quantities,
            terms[claim.receiver],
            terms[claim.scope],
            terms[claim.spec],
        )

    def _term(self, value: object) -> int:
        row = self._store.row("SELECT id FROM term WHERE value = ?", (value,))
        return (
            row[0] if row else self._store.insert("INSERT INTO term (value) VALUES (?)", (value,))
        )

    def _add_up(self, rows: list[Any], sign: int) -> None:
        """Add rows of `event` to the sums, or with sign -1 take them out."""
        sums: dict[tuple[int, int, int, int], list[int]] = {}
        for _, provider, action, _, n, scale, unit, effort_n, effort_scale, effort_unit, *_ in rows:
            quantities = [(n, scale, unit)] if unit else []
            quantities += [(effort_n, effort_scale, effort_unit)] if effort_unit else []
            count = 1
            for n, scale, unit in quantities or [(0, 0, 0)]:
                one = sums.setdefault((provider, action, unit, scale), [0, 0, 0])
                one[0] += count
                one[1] += n >> 32
                one[2] += n & 0xFFFFFFFF
                count = 0
        self._store.change_many(
            "INSERT INTO total VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " events = events + excluded.events, high = high + excluded.high,"
            " low = low + excluded.low",
            [(*group, *(sign * part for part in parts)) for group, parts in sums.items()],
        )

    def _matching(
        self,
        member: bytes | None,
        action: str | None,
        scope: str | None,
        since: int | None,
        until: int | None,
    ) -> tuple[list[str], list[object]]:
        asked = (
            ("AND provider = (SELECT id FROM term WHERE value = ?)", member),
            ("AND action = (SELECT id FROM term WHERE value = ?)", action),
            ("AND scope = (SELECT id FROM term WHERE value = ?)", scope),
            ("AND claimed_at >= ?", since),
            ("AND claimed_at < ?", until),
        )
        given = [(condition, value) for condition, value in asked if value is not None]
        return [condition for condition, _ in given], [value for _, value in given]


_EVENTS = """
    SELECT opening, tail, author, seq, claimed_at, action.value, provider.value, receiver.value,
        resource_n, resource_scale, resource.value, effort_n, effort_scale, effort.value,
        scope.value, spec.value
    FROM event JOIN held USING (key)
    JOIN term AS action ON action.id = event.action
    JOIN term AS provider ON provider.id = event.provider
    LEFT JOIN term AS receiver ON receiver.id = event.receiver
    LEFT JOIN term AS resource ON resource.id = resource_unit
    LEFT JOIN term AS effort ON effort.id = effort_unit
    LEFT JOIN term AS scope ON scope.id = event.scope
    LEFT JOIN term AS spec ON spec.id = event.spec
    WHERE TRUE"""

_SUMS: dict[By, str] = {
    "provider": """
        SELECT name.value, unit.value, scale, sum(events), sum(high), sum(low)
        FROM total JOIN term AS name ON name.id = provider
        LEFT JOIN term AS unit ON unit.id = total.unit
        WHERE TRUE""",
    "action": """
        SELECT name.value, unit.value, scale, sum(events), sum(high), sum(low)
        FROM total JOIN term AS name ON name.id = action
        LEFT JOIN term AS unit ON unit.id = total.unit
        WHERE TRUE""",
    "unit": """
        SELECT name.value, name.value, scale, sum(events), sum(high), sum(low)
        FROM total LEFT JOIN term AS name ON name.id = total.unit
        WHERE TRUE""",
}


def event_of(record: Record) -> EventRow | None:
    """Return what a record claims as an event; None when it is none, or cannot be read."""
    claim = _claim(record.data) if record.kind == "event" else None
    if claim is None:
        return None
    return EventRow(record.id, record.author, record.seq, record.claimed_at, *claim)


def _fields(wire: bytes) -> tuple[int, str, dict[str, Any]] | None:
    """Return when a record claims to be written, its kind and data; None when it is damaged."""
    try:
        header = msgpack.unpackb(wire[:-SIGNATURE_BYTES])
    except (ValueError, msgpack.UnpackException):
        return None
    if type(header) is not list or len(header) != 12:
        return None
    claimed_at, kind, data = header[8:11]
    if type(claimed_at) is not int or not 0 <= claimed_at <= INT_MAX or type(data) is not dict:
        return None
    return claimed_at, kind, data


def _claim(data: dict[str, Any]) -> _Claim | None:
    """Return what the data of an event says, or None when it cannot be read."""
    action: Any = data.get("action")
    provider: Any = data.get("provider")
    receiver = data.get("receiver")
    scope, spec = data.get("inScopeOf"), data.get("resourceConformsTo")
    resource, effort = data.get("resourceQuantity"), data.get("effortQuantity")
    readable = (
        type(action) is str
        and type(provider) is bytes
        and len(provider) in AGENT_BYTES
        and (receiver is None or (type(receiver) is bytes and len(receiver) in AGENT_BYTES))
        and (scope is None or type(scope) is str)
        and (spec is None or (type(spec) is bytes and len(spec) == SPEC_BYTES))
        and (resource is None or _is_quantity(resource))
        and (effort is None or _is_quantity(effort))
    )
    if not readable:
        return None
    return _Claim(action, provider, receiver, _quantity(resource), _quantity(effort), scope, spec)


def _is_quantity(value: object) -> bool:
    if type(value) is not dict:
        return False
    n, scale, unit = value.get("n"), value.get("scale"), value.get("unit")
    return (
        (type(n) is int and INT_MIN <= n <= INT_MAX)
        and (type(scale) is int and 0 <= scale <= SCALE_MAX)
        and type(unit) is str
    )


def _quantity(value: dict[str, Any] | None) -> Quantity | None:
    return None if value is None else Quantity(value["n"], value["scale"], value["unit"])


def _event_row(row: tuple[Any, ...]) -> EventRow:
    opening, tail, author, seq, claimed_at, action, provider, receiver = row[:8]
    record_id = RecordId(keys.hash32(keys.RECORD, whole(opening, tail)))
    resource, effort = (
        None if unit is None else Quantity(n, scale, unit)
        for n, scale, unit in (row[8:11], row[11:14])
    )
    return EventRow(
        record_id, author, seq, claimed_at, action, provider, receiver, resource, effort, *row[14:]
    )


def _shortest(n: int, scale: int) -> tuple[int, int]:
    """Return the same number with as few decimals as it needs."""
    while scale and n % 10 == 0:
        n, scale = n // 10, scale - 1
    return n, scale
