"""The messages of circuit relay v2: read within bounds, written, and vouchers signed and checked.

Source: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from libp2p.crypto.keys import KeyPair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.envelope import Envelope, make_unsigned, unmarshal_envelope
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import (
    HopMessage,
    PeerId,
    Reservation,
    Status,
    StopMessage,
    Voucher,
)
from multiaddr import Multiaddr

from commonweal.node.network.channel.delimited import (
    UnreadableMessage,
    delimited,
    read_delimited,
)
from commonweal.node.network.channel.noise import WrongPeer, peer_id, peer_key
from commonweal.node.network.channel.stream import Stream
from commonweal.node.transport import PeerKey

HOP: Final = "/libp2p/circuit/relay/0.2.0/hop"
STOP: Final = "/libp2p/circuit/relay/0.2.0/stop"
VOUCHER_DOMAIN: Final = "libp2p-relay-rsvp"
VOUCHER_TYPE: Final = b"\x03\x02"
SHOWN_MAX: Final = 4
"""Addresses that a relay names of itself, and that are read of what it names."""

M = TypeVar("M", HopMessage, StopMessage, Identify)


class BadRelayMessage(Exception):
    """The other end of a relay's stream says what cannot be read or does not belong there."""


class RelayRefused(ConnectionError):
    """The relay gives no reservation or no circuit, and this is why."""


async def read_message(stream: Stream, kind: type[M]) -> M:
    """Return the next message. Raises BadRelayMessage, or RelayRefused when the stream ends."""
    try:
        return await read_delimited(stream, kind)
    except UnreadableMessage as error:
        raise BadRelayMessage(str(error)) from error
    except StreamError as error:
        raise RelayRefused("the relay ended the stream") from error


def write_message(stream: Stream, message: HopMessage | StopMessage | Identify) -> None:
    """Queue a message on a stream."""
    stream.push(delimited(message))


def reserve_request() -> HopMessage:
    """Return the request for a reservation."""
    return HopMessage(type=HopMessage.RESERVE)


def connect_request(peer: PeerKey) -> HopMessage:
    """Return the request for a circuit to a peer."""
    return HopMessage(type=HopMessage.CONNECT, peer=PeerId(id=peer_id(peer).to_bytes()))


def incoming(peer: PeerKey) -> StopMessage:
    """Return what a relay tells the peer to which it opens a circuit: who comes."""
    return StopMessage(type=StopMessage.CONNECT, peer=PeerId(id=peer_id(peer).to_bytes()))


def hop_status(status: Status.ValueType) -> HopMessage:
    """Return the answer of a relay to a request."""
    return HopMessage(type=HopMessage.STATUS, status=status)


def stop_status(status: Status.ValueType) -> StopMessage:
    """Return the answer of a peer to the circuit that a relay opens."""
    return StopMessage(type=StopMessage.STATUS, status=status)


def reserved(keys: KeyPair, peer: PeerKey, expires_s: int, addresses: Iterable[str]) -> HopMessage:
    """Return the answer that grants a reservation until `expires_s`, in seconds since 1970.

    addresses: where the relay itself is reached, without its peer id; at most SHOWN_MAX are told.
    """
    own = ID.from_pubkey(keys.public_key)
    shown = [Multiaddr(f"{address}/p2p/{own}").to_bytes() for address in addresses]
    reservation = Reservation(
        expire=expires_s, addrs=shown[:SHOWN_MAX], voucher=_voucher(keys, peer, expires_s)
    )
    return HopMessage(type=HopMessage.STATUS, status=Status.OK, reservation=reservation)


def peer_named(message: HopMessage | StopMessage) -> PeerKey:
    """Return the key of the peer that a message names. Raises BadRelayMessage."""
    try:
        return peer_key(ID(message.peer.id))
    except WrongPeer as error:
        raise BadRelayMessage("the peer that it names has no Ed25519 key") from error


def addresses_in(message: HopMessage) -> tuple[str, ...]:
    """Return the addresses that a relay names, at most SHOWN_MAX; junk is left out."""
    texts: list[str] = []
    for data in message.reservation.addrs[:SHOWN_MAX]:
        try:
            texts.append(str(Multiaddr(data)).partition("/p2p/")[0])
        except Exception:  # noqa: S112  the library raises whatever the bytes lead it to
            continue
    return tuple(texts)


def check_voucher(message: HopMessage, relay: PeerKey, peer: PeerKey) -> None:
    """Raise BadRelayMessage unless the voucher of a reservation, if there is one, is for us."""
    data = message.reservation.voucher
    if not data:
        return
    try:
        envelope = unmarshal_envelope(data)
        envelope.validate(VOUCHER_DOMAIN)
        voucher = Voucher()
        voucher.ParseFromString(envelope.raw_payload)
        signer = peer_key(ID.from_pubkey(envelope.public_key))
        named = peer_key(ID(voucher.relay)), peer_key(ID(voucher.peer))
    except Exception as error:  # the library raises whatever the bytes lead it to
        raise BadRelayMessage("the voucher of the relay cannot be read") from error
    if (signer, *named) != (relay, relay, peer) or envelope.payload_type != VOUCHER_TYPE:
        raise BadRelayMessage("the voucher of the relay is for another")


def _voucher(keys: KeyPair, peer: PeerKey, expires_s: int) -> bytes:
    payload = Voucher(
        relay=ID.from_pubkey(keys.public_key).to_bytes(),
        peer=peer_id(peer).to_bytes(),
        expiration=expires_s,
    ).SerializeToString()
    signature = keys.private_key.sign(make_unsigned(VOUCHER_DOMAIN, VOUCHER_TYPE, payload))
    return Envelope(keys.public_key, VOUCHER_TYPE, payload, signature).marshal_envelope()
