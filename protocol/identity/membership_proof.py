"""Membership proofs ("credentials"): a few records that prove a membership without the ledger.

A reader needs only the community's id: the founding record hashes to it and names the founder's
keys; an enrolment is signed by a member's keys; a request under an invite, or a vouch, leads to
the member who admitted this one, and so on to the founder or to a member that the reader knows;
records about keys show which ones are valid.

A proof lets a peer connect. What the member may do is decided by the fold, once the ledgers are
equal. A reader that already knows the member's keys must refuse a proof that omits a change of
them: see `ProvenMembership.continues`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from commonweal.protocol.errors import Malformed, NotPermitted
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import (
    Enrolment,
    Inception,
    check_enrolment,
    is_signed_by_peer,
)
from commonweal.protocol.identity.key_rotation import REKEY, SPONSORS, MemberKeys
from commonweal.protocol.keys import (
    INVITE_CONTEXT,
    DeviceKey,
    MemberId,
    MemberKey,
    PeerKey,
    is_signed,
    signed_array,
)
from commonweal.protocol.records.record import (
    FOUND,
    CommunityId,
    Record,
    RecordId,
    community_of,
    from_bytes,
)

ENROL = "device.enrol"
VOUCH = "member.vouch"
INVITE = "invite.create"
REQUEST = "member.request"
KINDS = (FOUND, ENROL, VOUCH, INVITE, REQUEST, REKEY, SPONSORS)
"""Kinds of records that credentials consist of."""
CREDENTIALS_MAX = 24
"""Records. A member invited by the founder needs four, a recovery by seven sponsors eight more."""
CREDENTIALS_BYTES_MAX = 7 * 1024
"""All records together: a hello fits the 8 KiB frame that an unknown peer may send."""

KeySet: TypeAlias = tuple[tuple[MemberKey, ...], int]
"""The keys of a member, and how many of them must sign."""

ActiveMemberOf: TypeAlias = Callable[[DeviceKey], "MemberId | None"]
"""Returns the active member of a device; None when the reader knows none."""


@dataclass(frozen=True, slots=True)
class ProvenMembership:
    """The member that credentials prove for a device.

    key_sets: the member's successive key sets, up to the one that enrolled the device. invites:
    those under which the member, and the members who admitted them, were admitted.
    """

    member: MemberId
    key_sets: tuple[KeySet, ...]
    invites: tuple[RecordId, ...] = ()

    def continues(self, known: KeySet, rekeys: int) -> bool:
        """Whether the proof includes the keys known here after `rekeys` changes."""
        return len(self.key_sets) > rekeys and self.key_sets[rekeys] == known


@dataclass(slots=True)
class _Reading:
    """The state of reading credentials."""

    community: CommunityId
    keys: dict[MemberId, MemberKeys] = field(default_factory=dict)
    past: dict[MemberId, list[KeySet]] = field(default_factory=dict)
    devices: dict[DeviceKey, tuple[ProvenMembership, bytes]] = field(default_factory=dict)
    founder: MemberId | None = None
    vouches: list[Record] = field(default_factory=list)
    requests: list[Record] = field(default_factory=list)
    invites: dict[bytes, Record] = field(default_factory=dict)

    def read(self, record: Record) -> None:
        if community_of(record) != self.community:
            raise NotPermitted("credentials of another community")
        if record.kind in (FOUND, ENROL):
            if record.seq:
                raise NotPermitted("an enrolment that is not the first record of its log")
            member = self._enrolled(record)
            claim = ProvenMembership(member, tuple(self.past[member]))
            self.devices[record.author] = (claim, record.data["peer"])
            self.founder = member if record.kind == FOUND else self.founder
        elif record.kind == VOUCH:
            self.vouches.append(record)
        elif record.kind == REQUEST:
            self.requests.append(record)
        elif record.kind == INVITE:
            self.invites[record.id] = record
        elif record.kind in (REKEY, SPONSORS):
            self._changed(record)

    def way_in(self, member: MemberId, active: ActiveMemberOf) -> tuple[RecordId, ...] | None:
        """Return the invites on the path by which a member was admitted; None when none is shown.

        The path ends at the founder or at a member that the reader knows.
        """
        asking: list[tuple[MemberId, tuple[RecordId, ...]]] = [(member, ())]
        seen = {member: None}
        for candidate, invites in asking:
            if candidate == self.founder:
                return invites
            for author, invite in self._letting_in(candidate):
                if active(author) is not None:
                    return (*invites, *invite)
                claim, _ = self.devices.get(author, (None, b""))
                if claim is not None and claim.member not in seen:
                    seen[claim.member] = None
                    asking.append((claim.member, (*invites, *invite)))
        return None

    def _letting_in(self, member: MemberId) -> Iterator[tuple[DeviceKey, tuple[RecordId, ...]]]:
        """Yield the devices that vouched for a member or made the invite of the request."""
        for vouch in self.vouches:
            if vouch.data.get("member") == member:
                yield vouch.author, ()
        for request in self.requests:
            claim, _ = self.devices.get(request.author, (None, b""))
            named = request.data.get("invite")
            invite = self.invites.get(named) if type(named) is bytes else None
            if claim is not None and claim.member == member and invite is not None:
                signed = signed_array(INVITE_CONTEXT, self.community, member, request.author)
                key, proof = invite.data.get("key"), request.data.get("proof")
                if type(key) is bytes and type(proof) is bytes and is_signed(key, signed, proof):
                    yield invite.author, (invite.id,)

    def _changed(self, record: Record) -> None:
        old = self.keys.get(record.data.get("member", b""))
        if old is None:
            raise NotPermitted("other keys of a member whose first ones are not shown")
        step = key_rotation.apply_rekey if record.kind == REKEY else key_rotation.apply_sponsors
        self._put(step(old, self.community, record.data))

    def _put(self, new: MemberKeys) -> None:
        self.keys[new.member] = new
        past = self.past.setdefault(new.member, [])
        if len(past) == new.rekeys:
            past.append(new.key_set)

    def _enrolled(self, record: Record) -> MemberId:
        data: dict[str, Any] = record.data
        if isinstance(data.get("inception"), bytes):
            inception = Inception.from_bytes(data["inception"])
            if inception.member not in self.keys:
                self._put(MemberKeys.first(inception))
        match data:
            case {"peer": bytes(peer), "proof": bytes(proof), "signatures": list(pairs)}:
                member = _founder(data) if record.kind == FOUND else data.get("member")
                known = self.keys.get(MemberId(member)) if isinstance(member, bytes) else None
                place = data.get("nonce") if record.kind == FOUND else record.community
                if known is None or not isinstance(place, bytes):
                    raise NotPermitted("an enrolment without the keys of its member")
                enrolment = Enrolment(place, known.member, record.author, PeerKey(peer))
                check_enrolment(enrolment, *known.key_set, _signatures(pairs), proof)
                return known.member
            case _:
                raise Malformed("not an enrolment")


def no_member(_device: DeviceKey) -> MemberId | None:
    """Return None: the reader knows no member."""
    return None


def check(
    wires: Sequence[bytes],
    community: CommunityId,
    device: DeviceKey,
    peer: PeerKey,
    active: ActiveMemberOf = no_member,
) -> ProvenMembership:
    """Return the membership that the credentials prove for `device` with host key `peer`.

    wires: records, in an order in which each follows what it needs. active: returns the active
    member of a device that the reader knows. Raises `NotPermitted` when nothing is proven, or
    `Malformed`, `InvalidRecord` or `BadSignature` for bad records.
    """
    if not is_within_limits(wires):
        raise NotPermitted("more credentials than are ever needed")
    reading = _Reading(community)
    for record in map(from_bytes, wires):
        reading.read(record)
    claim, bound = reading.devices.get(device, (None, b""))
    if claim is None or bound != peer or reading.founder is None:
        raise NotPermitted("these credentials belong to another node")
    invites = reading.way_in(claim.member, active)
    if invites is None:
        raise NotPermitted("nobody who may admit has vouched for this member")
    return replace(claim, invites=invites)


def is_within_limits(wires: Sequence[bytes]) -> bool:
    """Whether these credentials are within the limits of a hello."""
    return len(wires) <= CREDENTIALS_MAX and sum(map(len, wires)) <= CREDENTIALS_BYTES_MAX


def is_bound_to_peer(
    record: Record, community: CommunityId, device: DeviceKey, peer: PeerKey
) -> bool:
    """Whether the first record of `device` names the host key `peer`, and that key signed it.

    It proves nothing about the member. record: one with a valid signature. Raises `Malformed`
    when the record does not have the form of its kind.
    """
    if record.seq or record.author != device or community_of(record) != community:
        return False
    data: dict[str, Any] = record.data
    place: Any = data.get("nonce") if record.kind == FOUND else community
    member: Any = _founder(data) if record.kind == FOUND else data.get("member")
    match data:
        case {"peer": bytes(bound), "proof": bytes(proof)} if (
            record.kind in (FOUND, ENROL) and bound == peer
        ):
            return is_signed_by_peer(Enrolment(place, member, device, peer), proof)
        case _:
            return False


def is_enrolled(
    record: Record,
    community: CommunityId,
    device: DeviceKey,
    peer: PeerKey,
    keys_of: Callable[[MemberId], tuple[Sequence[MemberKey], int] | None],
) -> bool:
    """Whether `record` enrols `device`, with host key `peer`, for a member known here.

    keys_of: returns the present keys and threshold of an active member, else None. Raises
    `BadSignature` or `Malformed` for a bad record.
    """
    match record.data:
        case {
            "member": bytes(member),
            "peer": bytes(bound),
            "proof": bytes(proof),
            "signatures": list(pairs),
        } if (
            record.kind == ENROL
            and (record.community, record.seq) == (community, 0)
            and (record.author, bound) == (device, peer)
        ):
            known = keys_of(MemberId(member))
            if known is None:
                return False
            enrolment = Enrolment(community, MemberId(member), device, peer)
            check_enrolment(enrolment, *known, _signatures(pairs), proof)
            return True
        case _:
            return False


def _founder(data: dict[str, Any]) -> MemberId:
    if not isinstance(data.get("inception"), bytes):
        raise Malformed("a founding record without the founder's inception")
    return Inception.from_bytes(data["inception"]).member


def _signatures(pairs: list[Any]) -> list[Any]:
    for pair in pairs:
        if not (type(pair) is list and len(pair) == 2 and all(type(x) is bytes for x in pair)):
            raise Malformed("a signature is not [key, signature]")
    return [(key, signature) for key, signature in pairs]
