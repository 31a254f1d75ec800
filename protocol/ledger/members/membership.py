"""Membership as others read it: members, devices, invites and requests. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey
from commonweal.protocol.ledger.members import invites as inviting
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.members.invites import InviteRow, RequestRow
from commonweal.protocol.ledger.members.registry import ACTIVE, LEFT, NEW, DeviceRow
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import RecordId

REQUESTED, REVOKED, REFUSED = "requested", "revoked", "refused: "


@dataclass(frozen=True, slots=True)
class Device:
    """A device. status: as `status_of` returns it; clock: of its enrolment."""

    key: DeviceKey
    member: MemberId
    peer: PeerKey
    status: str | None
    clock: int


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """A present or former member, or a newcomer.

    status: "new", "active", "left" or "removed", since the record of clock `since`. devices: how
    many they enrolled. profile: the record whose body holds their name. powers_ms: the seal time
    from which on they may vote, attest for others, hold seats and invite.
    """

    id: MemberId
    status: str
    since: int
    devices: int
    keys: tuple[MemberKey, ...]
    threshold: int
    rekeys: int
    profile: RecordId | None
    powers_ms: int


@dataclass(frozen=True, slots=True)
class InviteStatus:
    """An invite. expires: ms since 1970, or None. closed: why it admits nobody more, or None."""

    id: RecordId
    key: bytes
    uses: int
    used: int
    expires: int | None
    revoked: bool
    author: MemberId
    closed: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """A newcomer's request to be admitted as `member` under `invite`."""

    id: RecordId
    member: MemberId
    device: DeviceKey
    invite: RecordId
    clock: int
    vouches: int


def founder(state: State) -> MemberId | None:
    """Return the member who founded the community; None before the founding record."""
    value = state.get(registry.FOUNDING)
    return None if value is None else value[0]


def founding_document(state: State) -> bytes | None:
    """Return the hash of the founding document; None before the founding record."""
    value = state.get(registry.FOUNDING)
    return None if value is None else value[2]


def member_of(state: State, device: DeviceKey) -> MemberId | None:
    """Return the active member of a device that is not revoked; otherwise None."""
    row = registry.device_row(state, device)
    return row.member if row is not None and _status(state, device, row) == ACTIVE else None


def device_of_peer(state: State, peer: PeerKey) -> DeviceKey | None:
    """Return the device whose libp2p host is `peer`, an active one first; None without any.

    The host's key signs each enrolment that names it, so only its holder can enrol two devices with
    it; then the device that was enrolled first is returned.
    """
    ranked: list[tuple[bool, int, DeviceKey]] = []
    for key, _ in state.items(registry.PEER + peer):
        device = DeviceKey(key[1 + len(peer) :])
        row = registry.device_row(state, device)
        assert row is not None, "a peer is that of a device"
        ranked.append((_status(state, device, row) != ACTIVE, row.clock, device))
    return min(ranked)[2] if ranked else None


def peer_of(state: State, device: DeviceKey) -> PeerKey | None:
    """Return the libp2p host key that `device` was enrolled with; None when it was not enrolled."""
    row = registry.device_row(state, device)
    return None if row is None else row.peer


def devices(state: State, member: MemberId | None = None) -> list[Device]:
    """Return the devices of `member`, or all devices, by key; revoked ones too."""
    if member is None:
        return [
            _device(state, DeviceKey(key[1:]), DeviceRow(*value))
            for key, value in state.items(registry.DEVICE)
        ]
    prefix = registry.DEVICE_OF + member
    listed = []
    for key, _ in state.items(prefix):
        device = DeviceKey(key[len(prefix) :])
        row = registry.device_row(state, device)
        assert row is not None, "a member's device is known"
        listed.append(_device(state, device, row))
    return listed


def members(state: State) -> list[MemberStatus]:
    """Return every present or former member and every newcomer, by id."""
    return [_member(key[1:], value) for key, value in state.items(registry.MEMBER)]


def nameless(state: State) -> tuple[MemberId, ...]:
    """Return, by id, the active members without a profile that counts."""
    rows = (
        (MemberId(key[1:]), registry.MemberRow(*value))
        for key, value in state.items(registry.MEMBER)
    )
    return tuple(id for id, row in rows if row.status == ACTIVE and row.profile is None)


def member(state: State, member: MemberId) -> MemberStatus | None:
    """Return a member, a former member or a newcomer by id; None when not known."""
    value = state.get(registry.MEMBER + member)
    return None if value is None else _member(member, value)


def active(state: State, member: MemberId) -> tuple[tuple[MemberKey, ...], int] | None:
    """Return an active member's keys, and how many of them must sign; otherwise None."""
    row = registry.member_row(state, member)
    if row is None or row.status != ACTIVE:
        return None
    return tuple(MemberKey(key) for key in row.keys), row.threshold


def status_of(state: State, device: DeviceKey) -> str | None:
    """Return the status of `device`; None when it is not enrolled.

    "active", "requested", "refused: " and the reason, "revoked", "left", "removed", or "new"
    (enrolled without a request).
    """
    row = registry.device_row(state, device)
    return None if row is None else _status(state, device, row)


def was_admitted(state: State, device: DeviceKey) -> bool:
    """Return whether `device` is or ever was a member's, so that its log is kept whole."""
    row = registry.device_row(state, device)
    if row is None or row.last is not None:
        return row is not None
    member = registry.member_row(state, row.member)
    return member is not None and member.status != NEW


def invite(state: State, invite: RecordId) -> InviteStatus | None:
    """Return an invite by the id of its record; None when there is none."""
    row = inviting.invite_row(state, invite)
    return None if row is None else _invite(state, invite, row)


def invites(state: State) -> list[InviteStatus]:
    """Return all invites, by id; used and revoked ones too."""
    return [
        _invite(state, RecordId(key[1:]), InviteRow(*value))
        for key, value in state.items(inviting.INVITE)
    ]


def pending_requests(state: State) -> list[Request]:
    """Return the requests that may still lead to an admission, in (clock, id) order."""
    requests = []
    for key, value in state.items(inviting.REQUEST):
        row = RequestRow(*value)
        if row.open and _refusal(state, row) is None and not registry.is_active(state, row.member):
            requests.append(
                Request(
                    RecordId(key[1:]), row.member, row.device, row.invite, row.clock, row.vouches
                )
            )
    return sorted(requests, key=lambda request: (request.clock, request.id))


def inviter_of(state: State, device: DeviceKey) -> MemberId | None:
    """Return the member under whose invite the newcomer of `device` asks; None without one."""
    row = registry.device_row(state, device)
    if row is None:
        return None
    for _, request in state.items(inviting.REQUEST_OF + row.member):
        asked = RequestRow(*state.get(inviting.REQUEST + request))
        invite = inviting.invite_row(state, asked.invite)
        if asked.open and invite is not None and inviting.invite_closed(state, invite) is None:
            return invite.author
    return None


def _member(id: bytes, value: Any) -> MemberStatus:
    row = registry.MemberRow(*value)
    return MemberStatus(
        MemberId(id),
        row.status,
        row.since,
        row.devices,
        tuple(MemberKey(key) for key in row.keys),
        row.threshold,
        row.rekeys,
        None if row.profile is None else RecordId(row.profile),
        row.powers_ms,
    )


def _device(state: State, device: DeviceKey, row: DeviceRow) -> Device:
    return Device(device, row.member, row.peer, _status(state, device, row), row.clock)


def _invite(state: State, id: RecordId, row: InviteRow) -> InviteStatus:
    fields = (row.key, row.uses, row.used, row.expires, row.revoked, row.author)
    return InviteStatus(id, *fields, inviting.invite_closed(state, row))


def _status(state: State, device: DeviceKey, row: DeviceRow) -> str:
    if row.last is not None:
        return REVOKED
    member = registry.member_row(state, row.member)
    assert member is not None, "a device belongs to a member"
    if member.status not in (NEW, LEFT):
        return member.status
    refusal = None
    for _, request in state.items(inviting.REQUEST_OF + row.member):
        asked = RequestRow(*state.get(inviting.REQUEST + request))
        if asked.open:
            refusal = _refusal(state, asked)
            if refusal is None:
                return REQUESTED
    return member.status if refusal is None else REFUSED + refusal


def _refusal(state: State, request: RequestRow) -> str | None:
    invite = inviting.invite_row(state, request.invite)
    assert invite is not None, "a request is under a known invite"
    return inviting.invite_closed(state, invite)
