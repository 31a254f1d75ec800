"""Seats: which devices offer to witness, and who has a seat, as the state says it.

A member offers one device: that with which he last wrote `role.claim {role: "witness"}`. The
founder holds the role, and his first device offers, from the start. Who leaves or is removed,
gives the role back, revokes the device, has its log frozen, or voted twice, offers no more.
State: 1 offers (in `roles`), 2 devices that voted twice, Kw the set for the next height.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger import joining, roles
from commonweal.protocol.ledger.context import Context, Verdict
from commonweal.protocol.ledger.cut import Cut
from commonweal.protocol.ledger.roles import OFFER, ROLE, WITNESS, OfferRow, RoleRow
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import Record
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.witnesses import (
    Candidate,
    Witness,
    next_witnesses,
    read_witnesses,
    witness_fields,
)

GUILTY = b"2"
SEATED = b"Kw"


def found(state: State, record: Record, context: Context) -> Verdict:
    """Let the founder begin the community, and his first device be its witness."""
    refused = joining.found(state, record, context)
    if refused is None:
        member: MemberId = state.get(joining.FOUNDING)[0]
        held = RoleRow(True, 0, record.clock, record.id)
        state.put(ROLE + member + WITNESS.encode(), [*held])
        state.put(OFFER + member, [*OfferRow(record.author, 0)])
        state.put(SEATED, witness_fields([Witness(record.author, member)]))
    return refused


def seated(state: State) -> tuple[Witness, ...]:
    """Return the set for the height after this state; empty before the founding record."""
    value = state.get(SEATED)
    return () if value is None else read_witnesses(value)


def candidates(state: State) -> list[Candidate]:
    """Return everybody who offers and may witness, by member."""
    found = []
    for key, value in state.items(OFFER):
        member, row = MemberId(key[len(OFFER) :]), OfferRow(*value)
        if _may_witness(state, member, row.device):
            found.append(Candidate(Witness(row.device, member), row.seen))
    return found


def renew(state: State, cut: Cut, present: Sequence[DeviceKey], seats: int) -> None:
    """Note who was present at a cut, and fill the seats for the next.

    seats: as many as the rules allow, never more than a set holds.
    """
    offered = candidates(state)
    for one in offered:
        if one.witness.device in present:
            row = OfferRow(one.witness.device, cut.height)
            state.put(OFFER + one.witness.member, [*row])
    before = seated(state)
    if before:
        now = candidates(state)
        after = next_witnesses(cut.prev, cut.height, before, now, min(seats, WITNESSES_MAX))
        state.put(SEATED, witness_fields(after))


def _may_witness(state: State, member: MemberId, device: DeviceKey) -> bool:
    row = joining.device_row(state, device)
    return (
        row is not None
        and row.member == member
        and row.last is None
        and state.get(joining.FROZEN + device) is None
        and state.get(GUILTY + device) is None
        and roles.holds(state, member, WITNESS)
    )
