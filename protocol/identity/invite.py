"""Links: `weal://` with the community's id, addresses of nodes, and perhaps an invite.

A link is canonical MessagePack in base64url. With an invite it contains the one-time key: its
holder may ask to join. Without one it only tells where the community is, for a member who
restores a home or adds a device. (docs/protocol.md, "Links and addresses".) Nothing here connects.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from commonweal.protocol import codec
from commonweal.protocol.errors import BadLink, Malformed
from commonweal.protocol.keys import MemberId, PeerKey
from commonweal.protocol.records.record import CommunityId, RecordId

SCHEME = "weal://"
FORM = "commonweal/1/link"
LINK_CHARS_MAX = 4096
PASTED_CHARS_MAX = 4 * LINK_CHARS_MAX
"""Size of a pasted link, with the white space that mail or a terminal added."""
PEERS_MAX = 8
ADDRESSES_MAX = 16
ADDRESS_CHARS_MAX = 256
CIRCUIT = "/p2p-circuit"
"""How an address through a relay ends: circuit relay v2 of libp2p."""
RELAY_CHARS, RELAY_BEGIN = 52, "12D3KooW"
"""The peer id of an Ed25519 key in base58."""
BASE58 = frozenset("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class Invite:
    """The right to ask for admission: the `invite.create` record, its clock and its key's seed."""

    id: RecordId
    clock: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class Contact:
    """A node that can be dialled: its peer key, and multiaddrs without its peer id."""

    peer: PeerKey
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RekeyedMember:
    """A member whose keys changed: their id, and the id and clock of the latest `member.rekey`."""

    member: MemberId
    id: RecordId
    clock: int


@dataclass(frozen=True, slots=True)
class CommunityLink:
    """Where a community is, and perhaps the right to ask to join it.

    height, seal: a recent seal of the inviter, a trusted checkpoint for the newcomer; 0 and empty
    before the first. rekeyed: the member who will use the link, when the words alone no longer
    restore their id.
    """

    community: CommunityId
    contacts: tuple[Contact, ...]
    invite: Invite | None
    height: int = 0
    seal: bytes = b""
    rekeyed: RekeyedMember | None = None


def to_text(link: CommunityLink) -> str:
    """Return the text of `link`, at most `LINK_CHARS_MAX` characters.

    When not all addresses fit, the last ones of the longest contacts are left out.
    """
    contacts = [
        (contact.peer, [*contact.addresses[:ADDRESSES_MAX]])
        for contact in link.contacts[:PEERS_MAX]
    ]
    while len(text := _text(link, contacts)) > LINK_CHARS_MAX:
        _, longest = max(contacts, key=lambda contact: sum(map(len, contact[1])))
        longest.pop()
    return text


def _text(link: CommunityLink, contacts: Sequence[tuple[PeerKey, list[str]]]) -> str:
    invite, rekeyed = link.invite, link.rekeyed
    fields: list[codec.Value] = [
        FORM,
        link.community,
        [[peer, list(addresses)] for peer, addresses in contacts],
        [invite.id, invite.clock, invite.seed] if invite else None,
        link.height,
        link.seal,
    ]
    if rekeyed is not None:
        fields.append([rekeyed.member, rekeyed.id, rekeyed.clock])
    return SCHEME + urlsafe_b64encode(codec.encode(fields)).rstrip(b"=").decode()


def from_text(text: str) -> CommunityLink:
    """Return the link in a pasted text; white space is ignored. Raises `BadLink`."""
    if len(text) > PASTED_CHARS_MAX:
        raise BadLink(f"{len(text)} characters; a link has at most {LINK_CHARS_MAX}")
    text = "".join(text.split())
    if not text.startswith(SCHEME):
        raise BadLink(f"a link starts with {SCHEME}")
    if len(text) > LINK_CHARS_MAX:
        raise BadLink(f"{len(text)} characters; a link has at most {LINK_CHARS_MAX}")
    coded = text[len(SCHEME) :].rstrip("/")
    try:
        value = codec.decode(urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    except (binascii.Error, ValueError, Malformed) as error:
        raise BadLink("a part of it is missing or changed") from error
    match value:
        case [form, bytes(community), list(contacts), invite, int(height), bytes(seal), *more] if (
            form == FORM
            and (not more or (len(more) == 1 and type(more[0]) is list))
            and len(community) == 32
            and 0 < len(contacts) <= PEERS_MAX
            and type(height) is int
            and height >= 0
            and len(seal) in (0, 32)
        ):
            read_contacts = tuple(map(_contact, contacts))
            rekeyed = _rekeyed(more[0]) if more else None
            return CommunityLink(
                CommunityId(community), read_contacts, _invite(invite), height, seal, rekeyed
            )
        case _:
            raise BadLink("it was made by another version or is not a link")


def _contact(value: codec.Value) -> Contact:
    match value:
        case [bytes(peer), list(addresses)] if len(peer) == 32 and len(addresses) <= ADDRESSES_MAX:
            texts = tuple(text for text in addresses if isinstance(text, str))
            if len(texts) == len(addresses) and all(map(is_address, texts)):
                return Contact(PeerKey(peer), texts)
    raise BadLink("an address in it cannot be read")


def _invite(value: codec.Value) -> Invite | None:
    match value:
        case None:
            return None
        case [bytes(id), int(clock), bytes(seed)] if (
            len(id) == len(seed) == 32 and type(clock) is int and clock > 0
        ):
            return Invite(RecordId(id), clock, seed)
        case _:
            raise BadLink("the invite in it cannot be read")


def _rekeyed(value: codec.Value) -> RekeyedMember:
    match value:
        case [bytes(member), bytes(id), int(clock)] if (
            len(member) == len(id) == 32 and type(clock) is int and clock > 0
        ):
            return RekeyedMember(MemberId(member), RecordId(id), clock)
        case _:
            raise BadLink("the member in it cannot be read")


def is_address(text: str) -> bool:
    """Whether `text` is a TCP multiaddr without a peer id, or one that leads through a relay."""
    return len(text) <= ADDRESS_CHARS_MAX and _is_tcp(text.removesuffix(_through(text)))


def is_circuit(address: str) -> bool:
    """Whether an address leads through a relay: /ip4/1.2.3.4/tcp/4001/p2p/RELAY/p2p-circuit."""
    return bool(_through(address))


def _through(text: str) -> str:
    """Return the end of an address that names a relay, "" where it has none."""
    head, mark, relay = text.removesuffix(CIRCUIT).rpartition("/p2p/")
    is_key = len(relay) == RELAY_CHARS and relay.startswith(RELAY_BEGIN) and set(relay) <= BASE58
    return mark + relay + CIRCUIT if head and is_key and text.endswith(CIRCUIT) else ""


def _is_tcp(text: str) -> bool:
    parts = text.split("/")
    return (
        text.isascii()
        and text.isprintable()
        and len(parts) == 5
        and parts[0] == ""
        and parts[1] in ("ip4", "ip6", "dns", "dns4", "dns6")
        and parts[2] != ""
        and parts[3] == "tcp"
        and parts[4].isdigit()
        and 0 < int(parts[4]) < 65536
    )
