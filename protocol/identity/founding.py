"""The first records of a log, which are written before there is a ledger that could judge them.

A founder's first record creates the community; a newcomer's first two enrol the device and ask
for admission. Keys, salts and the time are passed in. Whether anybody is admitted is the ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.identity.identity import Enrolment, Inception, sign_as_peer, sign_enrolment
from commonweal.protocol.identity.invite import Invite, RekeyedMember
from commonweal.protocol.identity.parent import INHERIT
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.records.log import Tip, next_position
from commonweal.protocol.records.record import (
    FOUND,
    NO_ID,
    CommunityId,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    erasable_body,
    permanent_body,
    sign,
)

FOUNDING_CLOCK = 1
"""The clock of every founding record, which follows no record."""

NAME_MEDIA_TYPE = "text/plain"

NO_RULES: Mapping[str, codec.Value] = MappingProxyType({})
"""The founding document of a community that keeps the default rules."""


class RecordWithBody(NamedTuple):
    """A record with the bytes of its body."""

    record: Record
    body: bytes


def found(
    member_signer: Signer,
    inception: Inception,
    device_signer: Signer,
    peer_signer: Signer,
    nonce: bytes,
    name: str,
    now_ms: int,
    rules: Mapping[str, codec.Value] = NO_RULES,
) -> RecordWithBody:
    """Return the founding record of a community called `name`, and its document.

    The record's id is the community's id. The document is a permanent body: the canonical map of
    `rules`, a checked ruleset, with this name. nonce: 32 random bytes. Raises `InvalidRecord`
    when the document is too large.
    """
    document = codec.encode({**rules, "name": name})
    who = (member_signer, inception, device_signer, peer_signer)
    return _founded(*who, nonce, document, now_ms)


def refound(
    member_signer: Signer,
    inception: Inception,
    device_signer: Signer,
    peer_signer: Signer,
    nonce: bytes,
    document: bytes,
    parent: Sequence[codec.Value],
    now_ms: int,
) -> RecordWithBody:
    """Return the founding record of a community that continues another, and its document.

    document: the founding document of the parent. parent: `Parent.to_value()`.
    """
    who = (member_signer, inception, device_signer, peer_signer)
    return _founded(*who, nonce, document, now_ms, {"parent": list(parent)})


def inherit(
    device_signer: Signer, community: CommunityId, tip: Tip, chunk: bytes, now_ms: int
) -> RecordWithBody:
    """Return the record after `tip` whose permanent body is a chunk of the parent's state.

    Raises `InvalidRecord` when the chunk exceeds 1 MiB.
    """
    place = next_position(community, tip, RecordId(community), (), FOUNDING_CLOCK)
    draft = RecordDraft(INHERIT, {}, now_ms, body=permanent_body(chunk))
    return RecordWithBody(sign(device_signer, place, draft), chunk)


def _founded(
    member_signer: Signer,
    inception: Inception,
    device_signer: Signer,
    peer_signer: Signer,
    nonce: bytes,
    document: bytes,
    now_ms: int,
    more: Mapping[str, codec.Value] = NO_RULES,
) -> RecordWithBody:
    device, peer = DeviceKey(device_signer.key), PeerKey(peer_signer.key)
    enrolment = Enrolment(nonce, inception.member, device, peer)
    data: dict[str, codec.Value] = {
        **more,
        "nonce": nonce,
        "inception": inception.to_bytes(),
        "peer": bytes(peer),
        "proof": sign_as_peer(enrolment, peer_signer),
        "signatures": _signed(member_signer, enrolment),
    }
    place = LogPosition(CommunityId(b""), 0, NO_ID, FOUNDING_CLOCK, NO_ID)
    draft = RecordDraft(FOUND, data, now_ms, body=permanent_body(document))
    return RecordWithBody(sign(device_signer, place, draft), document)


def enrol(
    member_signer: Signer,
    inception: Inception,
    device_signer: Signer,
    peer_signer: Signer,
    community: CommunityId,
    now_ms: int,
    rekeyed: RekeyedMember | None = None,
) -> Record:
    """Return the first record of a newcomer's device, or of a member's further device.

    rekeyed: the member, when `member_signer` is not one of their first keys; the record then
    cites the record that introduced this key, and `inception` is not used.
    """
    member = rekeyed.member if rekeyed else inception.member
    device, peer = DeviceKey(device_signer.key), PeerKey(peer_signer.key)
    enrolment = Enrolment(community, member, device, peer)
    data: dict[str, codec.Value] = {
        "member": bytes(member),
        "peer": bytes(peer),
        "proof": sign_as_peer(enrolment, peer_signer),
        "signatures": _signed(member_signer, enrolment),
    }
    if rekeyed is None:
        data["inception"] = inception.to_bytes()
    deps = (rekeyed.id,) if rekeyed else ()
    clocks = (rekeyed.clock,) if rekeyed else ()
    place = next_position(community, Tip(), RecordId(community), clocks, FOUNDING_CLOCK)
    return sign(device_signer, place, RecordDraft("device.enrol", data, now_ms, deps))


def request(
    device_signer: Signer,
    inception: Inception,
    community: CommunityId,
    tip: Tip,
    invite: Invite,
    now_ms: int,
) -> Record:
    """Return the record after `tip` that asks for admission under `invite`."""
    fields = (bytes(community), bytes(inception.member), device_signer.key)
    data: dict[str, codec.Value] = {
        "invite": bytes(invite.id),
        "proof": keys.sign_array(Signer(invite.seed), keys.INVITE_CONTEXT, *fields),
    }
    place = next_position(community, tip, RecordId(community), (invite.clock,), FOUNDING_CLOCK)
    return sign(device_signer, place, RecordDraft("member.request", data, now_ms, (invite.id,)))


def profile(
    device_signer: Signer,
    community: CommunityId,
    tip: Tip,
    name: str,
    salt: bytes,
    now_ms: int,
) -> RecordWithBody:
    """Return the record after `tip` whose erasable body is the member's name."""
    body, ref = erasable_body(salt, NAME_MEDIA_TYPE, name.encode())
    place = next_position(community, tip, RecordId(community), (), FOUNDING_CLOCK)
    return RecordWithBody(
        sign(device_signer, place, RecordDraft("member.profile", {}, now_ms, body=ref)), body
    )


def tip_after(record: Record) -> Tip:
    """Return the end of a log whose last record is `record`."""
    return Tip(record.seq + 1, record.id, record.clock)


def _signed(member_signer: Signer, enrolment: Enrolment) -> codec.Value:
    return [[member_signer.key, sign_enrolment(enrolment, member_signer)]]
