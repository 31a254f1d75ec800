"""Enrolments, vouches and devices of which credentials consist, for tests."""

from __future__ import annotations

from typing import Any

from commonweal.protocol import codec, keys
from commonweal.protocol.identity import founding, identity, key_rotation, membership_proof
from commonweal.protocol.identity.identity import Enrolment, Inception
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey
from commonweal.protocol.records.record import CommunityId, Record, RecordId
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    FIRST,
    MEI,
    NOW_MS,
    Author,
    seed,
    write,
)


def enrolled(author: Author, community: CommunityId = COMMUNITY) -> Record:
    """Return the first record of a newcomer's device."""
    return founding.enrol(
        author.member_signer, author.inception, author.signer, author.host, community, NOW_MS
    )


def second_device(author: Author, **over: Any) -> tuple[Author, Record]:
    """Return another device of a member who is known, and its enrolment."""
    device = Author.__new__(Author)
    device.__dict__ |= author.__dict__
    device.signer = keys.device_signer(seed(author.id, "second"))
    device.device = DeviceKey(device.signer.key)
    device.host = keys.peer_signer(seed(author.id, "second"))
    device.peer = PeerKey(device.host.key)
    enrolment = Enrolment(COMMUNITY, author.id, device.device, device.peer)
    signature = identity.sign_enrolment(enrolment, author.member_signer)
    data: dict[str, codec.Value] = {
        "member": bytes(author.id),
        "peer": bytes(device.peer),
        "proof": identity.sign_as_peer(enrolment, device.host),
        "signatures": [[author.member_signer.key, signature]],
    }
    return device, write(device, None, kind="device.enrol", data=data | over)


def vouch(voucher: Author, member: MemberId, after: Record = FIRST) -> Record:
    """Return the record by which `voucher` admits a member."""
    asked = RecordId(seed("request"))
    data: dict[str, codec.Value] = {"member": bytes(member), "request": bytes(asked)}
    return write(voucher, after, kind="member.vouch", data=data, deps=(asked,))


ENROLMENT = enrolled(BO)


VOUCH = vouch(MEI, BO.id)


def check(*records: Record, author: Author = BO, community: CommunityId = COMMUNITY) -> MemberId:
    """Return whose node the records make the author's."""
    data = [one.wire for one in records]
    return membership_proof.check(data, community, author.device, author.peer).member


NEXT, LAST = keys.Signer(seed("next key")), keys.Signer(seed("last key"))


def document(*signers: keys.Signer, needed: int = 1) -> Inception:
    """Return a document of keys."""
    return Inception(tuple(sorted(MemberKey(one.key) for one in signers)), needed, bytes(32))


def by_key(signer: keys.Signer, number: int) -> tuple[Author, Record]:
    """Return a further device of Bo, enrolled by a key that is not Bo's first."""
    owner = Author.__new__(Author)
    owner.__dict__ |= BO.__dict__
    owner.member_signer = signer
    device = keys.device_signer(seed("device", number))
    owner.signer, owner.device = device, DeviceKey(device.key)
    owner.host = keys.peer_signer(seed("device", number))
    owner.peer = PeerKey(owner.host.key)
    enrolment = Enrolment(COMMUNITY, BO.id, owner.device, owner.peer)
    signature = identity.sign_enrolment(enrolment, signer)
    data: dict[str, codec.Value] = {
        "member": bytes(BO.id),
        "peer": bytes(owner.peer),
        "proof": identity.sign_as_peer(enrolment, owner.host),
        "signatures": [[signer.key, signature]],
    }
    return owner, write(owner, None, kind="device.enrol", data=data)


FIRST_KEYS = MemberKeys.first(BO.inception)


SECOND_KEYS = key_rotation.apply_rekey(
    FIRST_KEYS,
    COMMUNITY,
    key_rotation.sign_rekey(BO.member_signer, FIRST_KEYS, COMMUNITY, document(NEXT)),
)


def rekey(signer: keys.Signer, old: MemberKeys, new: keys.Signer) -> Record:
    data = key_rotation.sign_rekey(signer, old, COMMUNITY, document(new))
    return write(BO, ENROLMENT, kind="member.rekey", data=data)


def named(needed: int, *sponsors: keys.Signer) -> Record:
    circle = document(*sponsors, needed=needed)
    data = key_rotation.sign_sponsors(BO.member_signer, FIRST_KEYS, COMMUNITY, circle)
    return write(BO, ENROLMENT, kind="member.sponsors", data=data)


REKEY = rekey(BO.member_signer, FIRST_KEYS, NEXT)


NEW_DEVICE, NEW_ENROLMENT = by_key(NEXT, 1)


SPONSOR_A, SPONSOR_B = keys.Signer(seed("sponsor a")), keys.Signer(seed("sponsor b"))


def claim(*records: Record, author: Author) -> membership_proof.ProvenMembership:
    data = [one.wire for one in records]
    return membership_proof.check(data, COMMUNITY, author.device, author.peer)
