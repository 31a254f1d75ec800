"""The row of an economic event in the state.

Read by every package that looks at events; written by contributions. State: e events, x the events
of a process, t those of a resource.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

EVENT, OF_PROCESS = Table.EVENT.prefix, Table.OF_PROCESS.prefix
OF_RESOURCE = Table.OF_RESOURCE.prefix
INPUT, OUTPUT = b"i", b"o"
TAKEN, GIVEN = "from", "to"


class EventRow(NamedTuple):
    """An economic event in the state; its quantities [n, scale, unit] are as corrected.

    source, target: the resources that it takes from or changes, and gives to. yes, no: how many
    members attested or denied it since the last correction, whose record is `corrected_by`.
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


def event_row(state: State, event: bytes) -> EventRow | None:
    """Return the row of an event; None when there is no such event."""
    value = state.get(EVENT + event)
    return None if value is None else EventRow(*value)
