"""Enrolment: the founding record, devices, and profiles. How a newcomer is admitted is in
`invites`.

Records (`data`; every signature is by member keys, [[key, signature]...] ascending):
  community.found  nonce: 32 bytes, inception, peer, signatures over
                   ["commonweal/1/enrol", nonce, member, device, peer], proof; a permanent body
  device.enrol     first of its log. member, peer, inception (when the member is new),
                   signatures over ["commonweal/1/enrol", community, member, device, peer];
                   proof: signature by the peer key over the same after "commonweal/1/peer"
  device.revoke    device, seq, id: its last valid record; signatures over
                   ["commonweal/1/revoke", community, member, device, seq, id]
  member.profile   nothing; the name is in the erasable body
  member.leave     nothing; see `governance/membership_end`
A device of an active member counts at once; that of a newcomer counts with the admission. How a
member's keys change is in `member_keys`.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol import keys
from commonweal.protocol.errors import BadSignature, Malformed
from commonweal.protocol.identity.identity import (
    Enrolment,
    Inception,
    check_enrolment,
    is_signed_by_peer,
)
from commonweal.protocol.keys import MemberId, MemberKey, PeerKey, SignedContext
from commonweal.protocol.ledger.members.registry import (
    ACTIVE,
    COUNT,
    DEVICE,
    DEVICE_OF,
    FOUNDING,
    MEMBER,
    NEW,
    PEER,
    DeviceRow,
    MemberRow,
    device_row,
    member_row,
)
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record

DEVICES_PER_MEMBER_MAX = 64
REVOCATIONS_PER_DEVICE_MAX = 4
"""Each revocation may end the log earlier than the one before, and costs a fold from there on."""
SIGNATURES_MAX = 16


def found(state: State, record: Record, context: Context) -> Verdict:
    """Found the community with its founder and their first device."""
    data = record.data
    if bytes(record.id) != context.community or state.get(FOUNDING) is not None:
        return Reason.NOT_FOUNDING
    if record.body is None or not record.body.permanent:
        return Reason.NO_DOCUMENT
    inception = _inception(data.get("inception"))
    nonce = data.get("nonce")
    if inception is None or not is_bytes(nonce):
        return Reason.SHAPE
    known = member_row(state, inception.member)  # of the parent, where there was one
    row = MemberRow(ACTIVE, record.clock, [*inception.keys], inception.threshold, 0, 0, None)
    row = row if known is None else known._replace(since=record.clock)
    refused = _enrol(state, record, nonce, inception.member, row)
    if refused is None:
        state.put(FOUNDING, [inception.member, record.id, record.body.hash])
        known_now = [MemberRow(*value).status for _, value in state.items(MEMBER)]
        ever = len(known_now) - known_now.count(NEW)
        state.put(COUNT, [known_now.count(ACTIVE), ever])
    return refused


def enrol(state: State, record: Record, context: Context) -> Verdict:
    """Enrol a device for a member; a new member becomes known."""
    data = record.data
    member: Any = data.get("member")
    if record.seq:
        return Reason.NOT_FIRST
    if not is_bytes(member):
        return Reason.SHAPE
    row = member_row(state, member)
    if row is None:
        if "inception" not in data:
            return Reason.UNKNOWN_MEMBER
        inception = _inception(data["inception"])
        if inception is None:
            return Reason.SHAPE
        if inception.member != member:
            return Reason.WRONG_INCEPTION
        row = MemberRow(NEW, record.clock, [*inception.keys], inception.threshold, 0, 0, None)
    return _enrol(state, record, context.community, MemberId(member), row)


def revoke(state: State, record: Record, context: Context) -> Verdict:
    """End a device's log after its last valid record, as its member's keys signed."""
    data = record.data
    device, seq, last = data.get("device"), data.get("seq"), data.get("id")
    if not (is_bytes(device) and is_count(seq) and is_bytes(last)):
        return Reason.SHAPE
    row = device_row(state, device)
    if row is None:
        return Reason.UNKNOWN_DEVICE
    if row.last is not None and row.last <= seq:
        return Reason.ALREADY_REVOKED
    if row.revocations >= REVOCATIONS_PER_DEVICE_MAX:
        return Reason.ALREADY_REVOKED
    member = member_row(state, row.member)
    assert member is not None, "a device belongs to a member"
    fields = (context.community, row.member, device, seq, last)
    if not _is_signed(member, data.get("signatures"), keys.REVOKE_CONTEXT, *fields):
        return Reason.NOT_SIGNED
    apply_revocation(state, record)
    return None


def apply_revocation(state: State, record: Record) -> None:
    """Write the effect of a `device.revoke` that is already judged valid."""
    device, seq = record.data["device"], record.data["seq"]
    row = device_row(state, device)
    if row is not None and (row.last is None or seq < row.last):
        row = row._replace(last=seq, revocations=row.revocations + 1)
        state.put(DEVICE + device, [*row])


def profile(state: State, record: Record, context: Context) -> Verdict:
    """Name the author's member by the body of this record."""
    if record.body is None:
        return Reason.SHAPE
    row = member_row(state, context.member)
    assert row is not None, "the author's member is known"
    state.put(MEMBER + context.member, [*row._replace(profile=record.id)])
    return None


def _enrol(
    state: State, record: Record, community: bytes, member: MemberId, row: MemberRow
) -> Verdict:
    device, data = record.author, record.data
    signatures = _signatures(data.get("signatures"))
    peer, proof = data.get("peer"), data.get("proof")
    if signatures is None or not is_bytes(peer) or peer == device:
        return Reason.SHAPE
    if not is_bytes(proof, keys.SIGNATURE_BYTES):
        return Reason.SHAPE
    if row.devices >= DEVICES_PER_MEMBER_MAX:
        return Reason.TOO_MANY_DEVICES
    enrolment = Enrolment(community, member, device, PeerKey(peer))
    speaking = [MemberKey(key) for key in row.keys], row.threshold
    try:
        check_enrolment(enrolment, *speaking, signatures, proof)
    except BadSignature:
        return Reason.NOT_SIGNED if is_signed_by_peer(enrolment, proof) else Reason.NOT_BY_PEER
    state.put(MEMBER + member, [*row._replace(devices=row.devices + 1)])
    state.put(DEVICE + device, [*DeviceRow(member, None, PeerKey(peer), record.clock)])
    state.put(DEVICE_OF + member + device, True)
    state.put(PEER + peer + device, True)
    return None


def _inception(value: Any) -> Inception | None:
    if type(value) is not bytes:
        return None
    try:
        return Inception.from_bytes(value)
    except Malformed:
        return None


def _signatures(value: Any) -> list[tuple[MemberKey, bytes]] | None:
    if type(value) is not list or not 1 <= len(value) <= SIGNATURES_MAX:
        return None
    pairs = []
    for pair in value:
        match pair:
            case [bytes(key), bytes(signature)]:
                pairs.append((MemberKey(key), signature))
            case _:
                return None
    return pairs


def _is_signed(row: MemberRow, value: Any, context: SignedContext, *fields: Any) -> bool:
    pairs = _signatures(value)
    if pairs is None or len(pairs) < row.threshold:
        return False
    signers = [bytes(key) for key, _ in pairs]
    if signers != sorted(set(signers)) or not set(signers) <= set(row.keys):
        return False
    data = keys.signed_array(context, *fields)
    return all(keys.is_signed(key, data, signature) for key, signature in pairs)
