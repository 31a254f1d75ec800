"""The row of an economic event in the state.

Read by every package that looks at events; written by contributions, and by the valuation of a cut.
State: e events, x the events of a process, t those of a resource. In no root: which events wait for
a value, so that a cut under new rules finds them without reading all events, which were booked in a
scope, and which that others attest give towards a promise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.state.state import LOCAL, State
from commonweal.protocol.ledger.state.tables import Table

EVENT, OF_PROCESS = Table.EVENT.prefix, Table.OF_PROCESS.prefix
OF_RESOURCE = Table.OF_RESOURCE.prefix
UNVALUED: Final = LOCAL + b"e"
"""Local: the events that have `pending`, by id."""
SCOPED: Final = LOCAL + b"s"
"""Local: the events that a cut covers, by their scope."""
FULFILLING: Final = LOCAL + b"f"
"""Local: the events that give something towards a promise and to which somebody says yes, by it."""
INPUT, OUTPUT = b"i", b"o"
TAKEN, GIVEN = "from", "to"


class EventRow(NamedTuple):
    """An economic event in the state; its quantities [n, scale, unit] are as corrected.

    source, target: the resources that it takes from or changes, and gives to. yes, no: how many
    members attested or denied it since the last correction, whose record is `corrected_by`. height,
    time_ms: of the cut that covers it; height is 0 until one does. earned_by: what the event was
    earned by, 32 bytes or none. pending: a cut covers it and it has no value; the time (ms) since
    which it had one before its correction, or True; None while it has one or no cut covers it.
    """

    member: MemberId
    clock: int
    action: str
    provider: bytes
    receiver: bytes | None
    quantity: list[Any] | None
    effort: list[Any] | None
    spec: bytes | None
    source: bytes | None
    target: bytes | None
    input_of: bytes | None
    output_of: bytes | None
    scope: str | None
    factor: str | None
    fulfills: bytes | None
    satisfies: bytes | None
    corrections: int = 0
    yes: int = 0
    no: int = 0
    disputes: int = 0
    corrected_by: bytes = b""
    height: int = 0
    time_ms: int = 0
    earned_by: bytes = b""
    pending: int | Literal[True] | None = None

    def to_value(self) -> list[Any]:
        """Return the value in the state: what no cut gave yet is left out at its end."""
        if not self.height:
            return [*self[:_COVERED_FROM]]
        return [*self[:-1]] if self.pending is None else [*self]


_COVERED_FROM = EventRow._fields.index("height")
_PENDING = EventRow._fields.index("pending")


def event_row(state: State, event: bytes) -> EventRow | None:
    """Return the row of an event; None when there is no such event."""
    value = state.get(EVENT + event)
    return None if value is None else EventRow(*value)


def put_event(state: State, event: bytes, row: EventRow) -> None:
    """Write the row of an event."""
    state.put(EVENT + event, row.to_value())
    if row.fulfills is None:
        return
    key = FULFILLING + row.fulfills + event
    gives, is_noted = _gives(row), state.get(key) is not None
    if gives and not is_noted:
        state.put(key, True)
    elif is_noted and not gives:
        state.delete(key)


def put_pending(
    state: State, event: bytes, row: EventRow, pending: int | Literal[True] | None
) -> None:
    """Write the row of an event with another `pending`, and whether it waits for a value."""
    put_event(state, event, row._replace(pending=pending))
    if pending is None:
        state.delete(UNVALUED + event)
    elif row.pending is None:
        state.put(UNVALUED + event, True)


def put_scoped(state: State, event: bytes, row: EventRow) -> None:
    """Note the scope of an event that a cut covers."""
    if row.scope is not None:
        state.put(_of_scope(row.scope) + event, True)


def events_in_scope(state: State, scope: str) -> list[bytes]:
    """Return the events of a scope that cuts cover, by id."""
    prefix = _of_scope(scope)
    return [key[len(prefix) :] for key, _ in state.items(prefix)]


def booked_in_scope(state: State, scope: str, height: int) -> bool:
    """Return whether a cut before that of a height covers an event of a scope."""
    rows = (event_row(state, event) for event in events_in_scope(state, scope))
    return any(row is not None and row.height < height for row in rows)


def _of_scope(scope: str) -> bytes:
    return SCOPED + scope.encode() + b"\0"


def fulfilling(state: State, promise: bytes) -> list[bytes]:
    """Return the events that give something towards a promise and have a yes, by id."""
    prefix = FULFILLING + promise
    return [key[len(prefix) :] for key, _ in state.items(prefix)]


def _gives(row: EventRow) -> bool:
    return row.yes > 0 and row.quantity is not None and row.quantity[0] != 0


def unvalued_events(state: State, start: bytes) -> Iterator[bytes]:
    """Yield the events from `start` on that wait for a value, by id; read a part at a time."""
    for first in range(start[0] if start else 0, 256):
        for key, _ in state.items(UNVALUED + bytes([first])):
            event = key[len(UNVALUED) :]
            if event >= start:
                yield event


def is_unvalued(value: Sequence[Any]) -> bool:
    """Whether a row in the state, decoded, waits for a value."""
    return len(value) > _PENDING and value[_PENDING] is not None


def local_rows(pairs: Collection[tuple[bytes, Any]]) -> Iterator[tuple[bytes, Any]]:
    """Yield the local rows that follow from rows of the state."""
    for key, value in pairs:
        if key[:1] == EVENT and is_unvalued(value):
            yield UNVALUED + key[1:], True
    yield from index_rows(pairs)


def index_rows(pairs: Iterable[tuple[bytes, Any]]) -> Iterator[tuple[bytes, Any]]:
    """Yield the local rows of scopes and promises that follow from rows of the state."""
    for key, value in pairs:
        if key[:1] != EVENT:
            continue
        row = EventRow(*value)
        if row.scope is not None and row.height:
            yield _of_scope(row.scope) + key[1:], True
        if row.fulfills is not None and _gives(row):
            yield FULFILLING + row.fulfills + key[1:], True
