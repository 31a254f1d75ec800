"""Signed addresses: a node states where it listens, and other nodes relay the statement.

Which addresses are kept and dialled is decided in the node.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.identity.invite import ADDRESSES_MAX, is_address
from commonweal.protocol.keys import PeerKey, Signer
from commonweal.protocol.records.record import CommunityId

STAMP_AHEAD_MS_MAX = 5 * 60_000
"""A stamp further ahead of the reader's clock is refused, since no later one could replace it."""


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """Where the node with a peer key listens. stamp_ms: its clock; the newest statement is kept."""

    peer: PeerKey
    stamp_ms: int
    addresses: tuple[str, ...]
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes as sent and relayed."""
        addresses: list[codec.Value] = list(self.addresses)
        return codec.encode([self.peer, self.stamp_ms, addresses, self.signature])


def sign(
    host: Signer, community: CommunityId, stamp_ms: int, addresses: tuple[str, ...]
) -> SignedAddress:
    """Return the statement that the node with key `host` listens at `addresses`, at most 16."""
    peer = PeerKey(host.key)
    addresses = addresses[:ADDRESSES_MAX]
    listed: codec.Value = list(addresses)
    signature = keys.sign_array(host, keys.ADDRESS_CONTEXT, community, peer, stamp_ms, listed)
    return SignedAddress(peer, stamp_ms, addresses, signature)


def from_bytes(data: bytes, community: CommunityId) -> SignedAddress:
    """Return the statement in `data`, verified. Raises `Malformed` or `BadSignature`."""
    match codec.decode(data, values_max=5 + ADDRESSES_MAX):
        case [bytes(peer), int(stamp_ms), list(addresses), bytes(signature)] if (
            len(peer) == keys.KEY_BYTES
            and type(stamp_ms) is int
            and stamp_ms >= 0
            and len(addresses) <= ADDRESSES_MAX
        ):
            texts = tuple(text for text in addresses if isinstance(text, str))
            if len(texts) != len(addresses) or not all(map(is_address, texts)):
                raise Malformed("an address cannot be read")
            fields = (community, peer, stamp_ms, addresses)
            keys.check_array(peer, signature, keys.ADDRESS_CONTEXT, *fields)
            return SignedAddress(PeerKey(peer), stamp_ms, texts, signature)
        case _:
            raise Malformed("not a signed address")
