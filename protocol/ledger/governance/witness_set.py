"""The witness set: which devices offer to witness, and which of them have a seat.

A member offers one device: the one with which they last wrote `role.claim {role: "witness"}`. The
founder holds the role, and their first device offers, from the start. An offer ends when its member
leaves, is removed or resigns, and when the device is revoked, its log is frozen, or it voted twice.

Below four witnesses a further witness can stop every seal, so a newcomer gets a seat there only
with the `role.endorse` of every seated member who is heard from. A record is refused that would end
so many seated devices that the rest are no quorum: no seal could ever cover it. State: 1 offers (in
`roles`), 2 devices that voted twice, Kw the set for the next height.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.governance import membership_end
from commonweal.protocol.ledger.members import enrolment, member_keys, registry, roles
from commonweal.protocol.ledger.members.permissions import Permission, denial, last_trusted_ms
from commonweal.protocol.ledger.members.roles import OFFER, ROLE, WITNESS, RoleRow, SeatOfferRow
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.quorum import WITNESSES_MAX, quorum_of
from commonweal.protocol.seal.witnesses import (
    SAFE_WITNESSES_MIN,
    Candidate,
    Witness,
    is_heard,
    next_witnesses,
    read_witnesses,
    witness_fields,
)

GUILTY, SEATED = Table.GUILTY.prefix, Table.SEATED.prefix

SEAL_ONLY_REASONS = (Reason.SEAT_NEEDED, Reason.LAST_WITNESS)
"""Reasons by which seals refuse what a ledger that folds no seals cannot judge."""


def found(state: State, record: Record, context: Context) -> Verdict:
    """Found the community; the founder's first device becomes its witness."""
    refused = enrolment.found(state, record, context)
    if refused is None:
        member: MemberId = state.get(registry.FOUNDING)[0]
        held = RoleRow(True, 0, record.clock, record.id)
        state.put(ROLE + member + WITNESS.encode(), [*held])
        state.put(OFFER + member, [*SeatOfferRow(record.author, 0)])
        if state.get(SEATED) is None:  # else a ledger without seals was told who is seated
            state.put(SEATED, witness_fields([Witness(record.author, member)]))
    return refused


def leave(state: State, record: Record, context: Context) -> Verdict:
    """End the membership of the author's member, unless the next seal needs one of their seats."""
    return _unless_seat_needed(membership_end.leave, state, record, context)


def revoke(state: State, record: Record, context: Context) -> Verdict:
    """End a device's log, unless the next seal needs its seat."""
    return _unless_seat_needed(enrolment.revoke, state, record, context)


def rekey(state: State, record: Record, context: Context) -> Verdict:
    """Change a member's keys, unless that ends a device whose seat the next seal needs."""
    return _unless_seat_needed(member_keys.rekey, state, record, context)


def resign(state: State, record: Record, context: Context) -> Verdict:
    """Give back a role of the author's member; the last seated witness who offers keeps theirs."""
    before = _offering(state)
    refused = roles.resign(state, record, context)
    if refused is None and before and not _offering(state):
        return Reason.LAST_WITNESS
    return refused


def seated(state: State) -> tuple[Witness, ...]:
    """Return the witness set for the height after this state; empty before the founding record."""
    value = state.get(SEATED)
    return () if value is None else read_witnesses(value)


def candidates(state: State) -> list[Candidate]:
    """Return everybody who offers and may witness, by member."""
    offers = []
    for key, value in state.items(OFFER):
        member, row = MemberId(key[len(OFFER) :]), SeatOfferRow(*value)
        if _may_witness(state, member, row.device):
            offers.append(Candidate(Witness(row.device, member), row.seen))
    return offers


def renew(state: State, cut: CutHeader, present: Sequence[DeviceKey], seats: int) -> None:
    """Note who was present at a cut, and fill the seats for the next height.

    seats: how many the rules allow; never more than a set holds.
    """
    offered = candidates(state)
    for candidate in offered:
        if candidate.witness.device in present:
            row = SeatOfferRow(candidate.witness.device, cut.height)
            state.put(OFFER + candidate.witness.member, [*row])
    before = seated(state)
    if before:
        waiting = unendorsed(state, cut.height)
        now = [
            candidate for candidate in candidates(state) if candidate.witness.member not in waiting
        ]
        after = next_witnesses(cut.prev, cut.height, before, now, min(seats, WITNESSES_MAX))
        state.put(SEATED, witness_fields(after))


def unendorsed(state: State, height: int) -> dict[MemberId, tuple[MemberId, ...]]:
    """Return who offers but gets no seat at `height` yet, with the members whose endorsement is
    missing.

    Empty for a set of four or more. Another device of a seated member needs no endorsement.
    """
    now = seated(state)
    if len(now) >= SAFE_WITNESSES_MIN:
        return {}
    members = dict.fromkeys(witness.member for witness in now)
    asked = [member for member in members if _is_asked(state, member, height)]
    lacking = {}
    for candidate in candidates(state):
        member = candidate.witness.member
        left = tuple(
            endorser
            for endorser in asked
            if not roles.has_endorsed(state, endorser, member, WITNESS)
        )
        if member not in members and left:
            lacking[member] = left
    return lacking


def _is_asked(state: State, member: MemberId, height: int) -> bool:
    """Return whether a seated member decides who joins: they hold the role and are heard from."""
    value = state.get(OFFER + member)
    return (
        value is not None
        and is_heard(SeatOfferRow(*value).seen, height)
        and roles.holds(state, member, WITNESS)
    )


def _unless_seat_needed(
    act: Callable[[State, Record, Context], Verdict],
    state: State,
    record: Record,
    context: Context,
) -> Verdict:
    """Apply `act`, unless it ends a seat and the remaining seats are no quorum."""
    seats, before = len(seated(state)), _able_seats(state)
    refused = act(state, record, context)
    after = _able_seats(state)
    if refused is None and after < before and after < quorum_of(seats).needed:
        return Reason.SEAT_NEEDED
    return refused


def _able_seats(state: State) -> int:
    """Return how many seated devices others still listen to.

    Proofs against their logs are left out: they have no place in the order of records.
    """
    return sum(_is_able(state, seat) for seat in seated(state))


def _is_able(state: State, seat: Witness) -> bool:
    device = registry.device_row(state, seat.device)
    member = registry.member_row(state, seat.member)
    return (
        device is not None
        and member is not None
        and device.last is None
        and member.status == registry.ACTIVE
        and state.get(GUILTY + seat.device) is None
    )


def _offering(state: State) -> int:
    """Return how many seated members still offer."""
    offered = {candidate.witness.member: None for candidate in candidates(state)}
    return sum(seat.member in offered for seat in seated(state))


def _may_witness(state: State, member: MemberId, device: DeviceKey) -> bool:
    row = registry.device_row(state, device)
    return (
        row is not None
        and row.member == member
        and row.last is None
        and state.get(registry.FROZEN + device) is None
        and state.get(GUILTY + device) is None
        and roles.holds(state, member, WITNESS)
        and denial(state, member, Permission.SEAT, last_trusted_ms(state)) is None
    )
