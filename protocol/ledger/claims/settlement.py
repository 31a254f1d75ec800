"""Settlement: events that pay claims, and the claimant's answer.

An event's `settles` is a list of 1 to 16 claims of its receiver. Its quantity pays them in the
order written, each up to what is not yet reported as paid; an amount beyond that refuses the event.
Anybody but the claimant may pay, by a transfer of rights. A payment is "said" until the claimant
attests it; then it is settled. If they deny it, it counts for nothing. For a former member, and for
a claimant who wrote the payment themselves, others answer, as many as attest a contribution, not
counting its author. A correction starts over with what is left. State: 7 events that settle, 8
those of a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.claims.claims import CLAIM, SETTLED, PaidSums, claim
from commonweal.protocol.ledger.members import agents, registry
from commonweal.protocol.ledger.state.context import Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.records.record import Record

SETTLEMENT, OF_CLAIM = Table.SETTLEMENT.prefix, Table.OF_CLAIM.prefix

CLAIMS_PER_EVENT_MAX = 16

ACTIONS = ("transfer", "transferAllRights")

SAID, CONFIRMED, DENIED = "said", "confirmed", "denied"


class SettlementRow(NamedTuple):
    """An event that settles, in the state.

    named: the claims as written. parts: [claim, amount] of each that it pays, at the scale of the
    claim's pool.
    """

    claimant: bytes
    status: str
    named: list[bytes]
    parts: list[list[Any]]


def settle(state: State, record: Record, row: EventRow) -> Verdict:
    """Note which claims an event pays, or return why it cannot. row: the event's."""
    named = record.data.get("settles")
    if named is None:
        return None
    if type(named) is not list or not 1 <= len(named) <= CLAIMS_PER_EVENT_MAX:
        return Reason.SHAPE
    if not all(is_bytes(claim) for claim in named) or len({*named}) < len(named):
        return Reason.SHAPE
    if row.action not in ACTIONS or row.receiver is None or row.quantity is None:
        return Reason.NOT_A_PAYMENT
    claimant = agents.person(state, row.receiver)
    if agents.person(state, row.provider) == claimant:
        return Reason.SELF_PAID
    return _put_settlement(state, record.id, claimant, named, row.quantity)


def correct(state: State, event: bytes, row: EventRow) -> Verdict:
    """Apply a corrected event to the claims that it pays; the claimant must answer anew."""
    was = settlement_row(state, event)
    if was is None:
        return None
    _add_to_sums(state, was, -1)
    for id, _ in was.parts:
        state.delete(OF_CLAIM + id + event)
    assert row.quantity is not None, "what pays has a quantity"
    return _put_settlement(state, event, was.claimant, was.named, row.quantity)


def count_answers(
    state: State, event: bytes, author: bytes, own: str | None, others: str | None
) -> Verdict:
    """Count the answers to a payment; refused where the sums would exceed 64 bits.

    own: the claimant's present answer. others: the answer of enough others, which counts when the
    claimant is no longer a member, or wrote the event.
    """
    was = settlement_row(state, event)
    assert was is not None, "the event settles"
    is_gone = not registry.is_active(state, was.claimant)
    word = own or (others if is_gone or was.claimant == author else None)
    status = SAID if word is None else CONFIRMED if word == "yes" else DENIED
    if status == was.status:
        return None
    _add_to_sums(state, was, -1)
    now = was._replace(status=status)
    state.put(SETTLEMENT + event, [*now])
    return _add_to_sums(state, now, 1)


def settlement_row(state: State, event: bytes) -> SettlementRow | None:
    """Return what an event settles; None when it settles nothing."""
    value = state.get(SETTLEMENT + event)
    return None if value is None else SettlementRow(*value)


def payments(state: State, claim: bytes) -> list[tuple[bytes, int, str]]:
    """Return (event, amount, status) of every payment that names a claim, by event."""
    paid: list[tuple[bytes, int, str]] = []
    prefix = OF_CLAIM + claim
    for key, _ in state.items(prefix):
        event = key[len(prefix) :]
        row = settlement_row(state, event)
        assert row is not None, "what pays a claim settles"
        (amount,) = (amount for id, amount in row.parts if id == claim)
        paid.append((event, amount, row.status))
    return paid


def _put_settlement(
    state: State, event: bytes, claimant: bytes, named: list[bytes], quantity: list[Any]
) -> Verdict:
    parts = _parts(state, claimant, named, quantity)
    if isinstance(parts, Reason):
        return parts
    row = SettlementRow(claimant, SAID, named, parts)
    for id, _ in parts:
        state.put(OF_CLAIM + id + event, True)
    state.put(SETTLEMENT + event, [*row])
    return _add_to_sums(state, row, 1)


def _parts(
    state: State, claimant: bytes, named: Sequence[bytes], quantity: Sequence[Any]
) -> list[list[Any]] | Reason:
    """Return what a quantity pays of each claim, or why it cannot."""
    n, scale, unit = quantity
    claims = [claim(state, id) for id in named]
    finest = max([scale, *(owed.row.pool.scale for owed in claims if owed is not None)])
    left = n * 10 ** (finest - scale)
    parts: list[list[Any]] = []
    for owed in claims:
        if owed is None:
            return Reason.UNKNOWN_CLAIM
        if owed.row.member != claimant:
            return Reason.NOT_THE_CLAIMANT
        if owed.row.pool.unit != unit:
            return Reason.OTHER_UNIT
        grain = 10 ** (finest - owed.row.pool.scale)
        room = max(0, owed.row.amount - owed.paid.said) * grain
        part = min(left, room)
        if part % grain:
            return Reason.TOO_FINE
        left -= part
        if part:
            parts.append([owed.id, part // grain])
    return Reason.OVER_SETTLED if left else parts


def _add_to_sums(state: State, row: SettlementRow, sign: int) -> Verdict:
    """Add what an event pays to the sums of its claims; sign -1 subtracts it.

    A denied payment may be confirmed after others have paid, so the sums have their own limit.
    """
    if row.status == DENIED:
        return None
    for id, amount in row.parts:
        assert state.get(CLAIM + id) is not None, "what is paid is owed"
        said, confirmed = PaidSums(*(state.get(SETTLED + id) or ()))
        said += sign * amount
        confirmed += sign * amount if row.status == CONFIRMED else 0
        if said > INT_MAX:
            return Reason.TOO_LARGE
        if said:
            state.put(SETTLED + id, [said, confirmed])
        else:
            state.delete(SETTLED + id)
    return None
