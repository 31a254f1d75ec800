"""Credentials: a handful of records from which a stranger to the ledger sees a membership.

Whoever knows the community's id can check them: the founding record hashes to that id and
names the founder's keys; an enrolment is signed by a member's keys; a vouch of the
founder admits the member. They open the door of a link; what the member may do is
decided by the fold, once the ledgers are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from commonweal.protocol.errors import Malformed, NotPermitted
from commonweal.protocol.identity import Enrolment, Inception, check_enrolment
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey
from commonweal.protocol.record import FOUND, CommunityId, Record, community_of, from_bytes

ENROL = "device.enrol"
VOUCH = "member.vouch"
CREDENTIALS_MAX = 6


def check(
    wires: Sequence[bytes], community: CommunityId, device: DeviceKey, peer: PeerKey
) -> MemberId:
    """Return the member whose device the credentials make `device`, with host key `peer`.

    Raises `NotPermitted`, or `Malformed`, `InvalidRecord` or `BadSignature` for bad records.
    """
    if len(wires) > CREDENTIALS_MAX:
        raise NotPermitted("more credentials than are ever needed")
    inceptions: dict[MemberId, Inception] = {}
    devices: dict[DeviceKey, tuple[MemberId, bytes]] = {}
    founders: list[MemberId] = []
    vouches: list[Record] = []
    for record in map(from_bytes, wires):
        if community_of(record) != community:
            raise NotPermitted("credentials of another community")
        if record.kind in (FOUND, ENROL):
            if record.seq:
                raise NotPermitted("an enrolment that is not the first record of its log")
            member = _enrolled(record, inceptions)
            devices[record.author] = (member, record.data["peer"])
            founders += [member] if record.kind == FOUND else []
        elif record.kind == VOUCH:
            vouches.append(record)
    member, bound = devices.get(device, (MemberId(b""), b""))
    if bound != peer or not founders:
        raise NotPermitted("these credentials belong to another node")
    for vouch in vouches:
        voucher = devices.get(vouch.author)
        if voucher and voucher[0] == founders[0] and vouch.data.get("member") == member:
            return member
    if member != founders[0]:
        raise NotPermitted("nobody who may admit has vouched for this member")
    return member


def is_enrolled(
    record: Record,
    community: CommunityId,
    device: DeviceKey,
    peer: PeerKey,
    keys_of: Callable[[MemberId], tuple[Sequence[MemberKey], int] | None],
) -> bool:
    """Say whether `record` enrols `device`, with host key `peer`, for a member who is known.

    keys_of: the present keys and threshold of an active member, else None. Raises
    `BadSignature` or `Malformed` for a bad record.
    """
    match record.data:
        case {"member": bytes(member), "peer": bytes(bound), "signatures": list(pairs)} if (
            record.kind == ENROL
            and (record.community, record.seq) == (community, 0)
            and (record.author, bound) == (device, peer)
        ):
            known = keys_of(MemberId(member))
            if known is None:
                return False
            enrolment = Enrolment(community, MemberId(member), device, peer)
            check_enrolment(enrolment, *known, _signatures(pairs))
            return True
        case _:
            return False


def _enrolled(record: Record, inceptions: dict[MemberId, Inception]) -> MemberId:
    data: dict[str, Any] = record.data
    if isinstance(data.get("inception"), bytes):
        inception = Inception.from_bytes(data["inception"])
        inceptions[inception.member] = inception
    match data:
        case {"peer": bytes(peer), "signatures": list(pairs)}:
            member = _founder(data) if record.kind == FOUND else data.get("member")
            known = inceptions.get(MemberId(member)) if isinstance(member, bytes) else None
            place = data.get("nonce") if record.kind == FOUND else record.community
            if known is None or not isinstance(place, bytes):
                raise NotPermitted("an enrolment without the keys of its member")
            enrolment = Enrolment(place, known.member, record.author, PeerKey(peer))
            check_enrolment(enrolment, known.keys, known.threshold, _signatures(pairs))
            return known.member
        case _:
            raise Malformed("not an enrolment")


def _founder(data: dict[str, Any]) -> MemberId:
    if not isinstance(data.get("inception"), bytes):
        raise Malformed("a founding record without the founder's inception")
    return Inception.from_bytes(data["inception"]).member


def _signatures(pairs: list[Any]) -> list[Any]:
    for pair in pairs:
        if not (type(pair) is list and len(pair) == 2 and all(type(x) is bytes for x in pair)):
            raise Malformed("a signature is not [key, signature]")
    return [(key, signature) for key, signature in pairs]
