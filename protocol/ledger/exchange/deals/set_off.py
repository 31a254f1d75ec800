"""Set-off: an agreement by which open promises to pay are reduced against each other.

`setsOff` of an agreement: 2 to 32 pairs [commitment, quantity], ascending by commitment, each once.
Each is in force, a transfer in the unit of the quantity that names neither specification nor
resource, and as much of it is open. In each unit everybody gives up as much as they are freed of,
so that nobody's net changes. Who owes and who is owed are parties; with the last yes what is set
off counts as given. Multilateral set-off: Fleischman, Dini & Littera, "Liquidity-saving through
obligation-clearing and mutual credit" (2020).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from commonweal.protocol.ledger.exchange import commitments, fulfilment
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import Quantity, is_less
from commonweal.protocol.ledger.things.quantities import read as read_quantity

PARTS_MIN, PARTS_MAX = 2, 32
"""Promises that one agreement sets off."""

ACTION = "transfer"


def read(state: State, context: Context, value: Any) -> list[list[Any]] | Reason:
    """Return what an agreement sets off, [[commitment, n, scale, unit] ...], or why it is not
    sound.
    """
    if type(value) is not list or not PARTS_MIN <= len(value) <= PARTS_MAX:
        return Reason.SHAPE
    parts: list[list[Any]] = []
    for pair in value:
        if type(pair) is not list or len(pair) != 2 or not is_bytes(pair[0]):
            return Reason.SHAPE
        quantity = read_quantity(pair[1])
        if quantity is None or quantity.n <= 0:
            return Reason.SHAPE
        parts.append([pair[0], *quantity])
    if not all(before[0] < after[0] for before, after in pairwise(parts)):
        return Reason.SHAPE
    for id, *amount in parts:
        row = commitments.commitment_row(state, id)
        if row is None:
            return Reason.UNKNOWN_PLAN
        refused = _may_be_set_off(row, Quantity(*amount))
        if refused is not None:
            return refused
    return parts if _is_balanced(state, parts) else Reason.UNBALANCED


def holds(state: State, context: Context, sets_off: list[list[Any]]) -> bool:
    """Return whether as much is still open of each commitment as an agreement sets off."""
    parts = ((_known(state, id), Quantity(*amount)) for id, *amount in sets_off)
    return all(_may_be_set_off(row, amount) is None for row, amount in parts)


def apply(state: State, context: Context, sets_off: list[list[Any]], agreement: bytes) -> Verdict:
    """Reduce what is open of each commitment, by an agreement that comes into force."""
    for id, *amount in sets_off:
        refused = fulfilment.give(state, id, _known(state, id), Quantity(*amount))
        if refused is not None:
            return refused
        completion.note_given(state, context, id)
    return None


def is_payable(row: CommitmentRow) -> bool:
    """Return whether a promise in force is to pay, so that any other payment is worth the same."""
    return row.action == ACTION and row.spec is None and row.resource is None


def _may_be_set_off(row: CommitmentRow, amount: Quantity) -> Verdict:
    if row.status != commitments.AGREED:
        return Reason.NOT_AGREED
    if not is_payable(row) or row.quantity[2] != amount.unit:
        return Reason.DOES_NOT_FIT
    return Reason.NOT_OWED if is_less(row.open, amount) else None


def _known(state: State, id: bytes) -> CommitmentRow:
    row = commitments.commitment_row(state, id)
    assert row is not None, "what is set off was known"
    return row


def _is_balanced(state: State, parts: list[list[Any]]) -> bool:
    """Return whether in each unit everybody gives up as much as they are freed of."""
    finest = max(scale for _, _, scale, _ in parts)
    nets: dict[tuple[str, bytes], int] = {}
    for id, n, scale, unit in parts:
        amount = n * 10 ** (finest - scale)
        provider, receiver = (agents.person(state, side) for side in _known(state, id).sides)
        for person, more in ((provider, amount), (receiver, -amount)):
            nets[unit, person] = nets.get((unit, person), 0) + more
    return not any(nets.values())
