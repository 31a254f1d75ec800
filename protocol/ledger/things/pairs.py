"""Pairs of actions: what one takes from a resource on hand, the other gives back, and never more.

What a process accepted or picked up, it modifies or drops off; a process that is not named counts
as one. What was combined may be separated in any process. State: 9p what was taken and not yet
given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, total
from commonweal.protocol.vocabulary.actions import ACTIONS

HANDED_IN = Table.HANDED_IN.prefix

TAKER_OF: Mapping[str, str] = MappingProxyType(
    {"modify": "accept", "dropoff": "pickup", "separate": "combine"}
)
"""By an action that gives back, the action that takes."""

TAKERS = frozenset(TAKER_OF.values())


def pair_key(row: EventRow) -> bytes | None:
    """Return the key under which an event of a pair counts; None for any other event."""
    taker = TAKER_OF.get(row.action, row.action)
    if taker not in TAKERS or row.source is None:
        return None
    process = row.input_of if row.action == taker else row.output_of
    named = b"" if taker == "combine" or process is None else process
    return HANDED_IN + row.source + taker.encode() + b"\0" + named


def balance(state: State, row: EventRow, n: int, scale: int) -> Verdict:
    """Count n / 10**scale more of an event; refuse with NOT_TAKEN what gives back too much."""
    key = pair_key(row)
    if key is None:
        return None
    had, had_scale = state.get(key) or (0, 0)
    taken = -ACTIONS[row.action].onhand_signs[0] * n
    left = total(Quantity(had, had_scale, ""), taken, scale)
    if left is None:
        return Reason.TOO_LARGE
    if left.n < 0:
        return Reason.NOT_TAKEN
    if left.n:
        state.put(key, [left.n, left.scale])
    elif had:
        state.delete(key)
    return None
