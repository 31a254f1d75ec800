"""Signed addresses: a device says where its node listens, and others may pass it on."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.invite import ADDRESSES_MAX, is_address
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.record import CommunityId


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """Where a device's node listens. stamp_ms: its own clock, so that the newest is kept."""

    device: DeviceKey
    peer: PeerKey
    stamp_ms: int
    addresses: tuple[str, ...]
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes that are passed on."""
        addresses: list[codec.Value] = list(self.addresses)
        return codec.encode([self.device, self.peer, self.stamp_ms, addresses, self.signature])


def sign(
    signer: Signer, community: CommunityId, peer: PeerKey, stamp_ms: int, addresses: tuple[str, ...]
) -> SignedAddress:
    """Return the statement that the signer's node, `peer`, listens at `addresses`."""
    device = DeviceKey(signer.key)
    addresses = addresses[:ADDRESSES_MAX]
    listed: codec.Value = list(addresses)
    fields = (community, device, peer, stamp_ms, listed)
    signature = keys.sign_array(signer, keys.ADDRESS_CONTEXT, *fields)
    return SignedAddress(device, peer, stamp_ms, addresses, signature)


def from_bytes(data: bytes, community: CommunityId) -> SignedAddress:
    """Return the statement in `data`, its signature checked. Raises `Malformed`, `BadSignature`."""
    match codec.decode(data):
        case [bytes(device), bytes(peer), int(stamp_ms), list(addresses), bytes(signature)] if (
            len(device) == len(peer) == 32
            and type(stamp_ms) is int
            and stamp_ms >= 0
            and len(addresses) <= ADDRESSES_MAX
        ):
            texts = tuple(text for text in addresses if isinstance(text, str))
            if len(texts) != len(addresses) or not all(map(is_address, texts)):
                raise Malformed("an address cannot be read")
            fields = (community, device, peer, stamp_ms, addresses)
            keys.check_array(device, signature, keys.ADDRESS_CONTEXT, *fields)
            return SignedAddress(DeviceKey(device), PeerKey(peer), stamp_ms, texts, signature)
        case _:
            raise Malformed("not a signed address")
