"""The secure channel: Noise over a carrier. It proves the key of the other end, and encrypts.

The handshake is libp2p's (Noise XX, Ed25519 identities), and nothing but Noise is ever offered:
with plaintext anybody could claim any key. Afterwards one task reads and one task writes, so no
lock is held and no cancelled caller can leave a half-written message behind. Whether the proven
key may come in is not decided here.
"""

from __future__ import annotations

from typing import Final

import trio
from libp2p.abc import IRawConnection
from libp2p.connection_types import ConnectionType
from libp2p.crypto.ed25519 import Ed25519PublicKey
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.peer.id import ID
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from multiaddr import Multiaddr

from commonweal.node.network.channel.carrier import Carrier
from commonweal.node.network.channel.multistream import NoAgreement, choose, offer
from commonweal.node.transport import PeerKey
from commonweal.protocol.errors import Malformed

YAMUX: Final = "/yamux/1.0.0"
SEAL_BYTES: Final = 16
PACKET_BYTES_MAX: Final = 0xFFFF
PLAIN_BYTES_MAX: Final = PACKET_BYTES_MAX - SEAL_BYTES
"""Largest plaintext of one Noise message."""
GULP_BYTES: Final = 4 * (PACKET_BYTES_MAX + 2)
HANDSHAKE_BYTES_MAX: Final = 8 * 1024
"""Bytes read from a connection before its other end has proven a key."""
WRITE_STALL_S: Final = 20.0
"""Longest time that a write may make no progress; then the connection is closed."""


class WrongPeer(Exception):
    """The other end proved another key than the one that was dialled, or one of another kind."""


class Stalled(Exception):
    """The other end has taken no bytes for WRITE_STALL_S."""


def peer_id(peer: PeerKey) -> ID:
    """Return the libp2p peer id of this key."""
    return ID.from_pubkey(Ed25519PublicKey.from_bytes(peer))


def peer_key(identity: ID) -> PeerKey:
    """Return the raw Ed25519 key in a peer id. Raises WrongPeer for any other kind of key."""
    raw = identity.to_bytes()
    if len(raw) != 38 or raw[:6] != b"\x00\x24\x08\x01\x12\x20":
        raise WrongPeer("the peer id does not hold an Ed25519 key")
    return PeerKey(raw[6:])


async def secure(
    carrier: Carrier, keys: KeyPair, expected: PeerKey | None
) -> tuple[PeerKey, SecureChannel]:
    """Return the proven key of the other end and a channel that carries yamux.

    expected: the key that was dialled, or None when the other end dialled. Raises WrongPeer,
    NoAgreement, or whatever libp2p's handshake raises.
    """
    raw = _Raw(carrier, is_initiator=expected is not None)
    noise = Noise(keys, noise_privkey=create_noise_key_pair().private_key)
    if expected is not None:
        await offer(raw, NOISE)
        conn = await noise.secure_outbound(raw, peer_id(expected))
    else:
        await choose(raw, lambda: (NOISE,))
        conn = await noise.secure_inbound(raw)
    peer = peer_key(conn.get_remote_peer())
    if expected is not None and peer != expected:
        raise WrongPeer("the other end has another key than the one that was dialled")
    channel = SecureChannel(carrier, conn, raw.rest)
    if expected is not None:
        await offer(channel, YAMUX)
    else:
        await choose(channel, lambda: (YAMUX,))
    return peer, channel


async def secure_unknown(carrier: Carrier, keys: KeyPair) -> tuple[PeerKey, SecureChannel]:
    """Return the proven key of the end that was dialled, where none was expected, and a channel.

    Whether it is the right one is shown by what is said over it. Raises what `secure` raises.
    """
    raw = _Raw(carrier, is_initiator=True)
    noise = Noise(keys, noise_privkey=create_noise_key_pair().private_key)
    await offer(raw, NOISE)
    conn = await noise.get_pattern().handshake_outbound(raw, None)
    channel = SecureChannel(carrier, conn, raw.rest)
    await offer(channel, YAMUX)
    return peer_key(conn.get_remote_peer()), channel


class SecureChannel:
    """Encrypted messages over one carrier; `read` and `write` only serve to agree on yamux."""

    def __init__(self, carrier: Carrier, conn: object, rest: bytes) -> None:
        state = conn.conn.noise_state.noise_protocol  # type: ignore[attr-defined]
        self._encrypt = state.cipher_state_encrypt.encrypt_with_ad
        self._decrypt = state.cipher_state_decrypt.decrypt_with_ad
        self._carrier = carrier
        self._buffer = bytearray(GULP_BYTES)
        self._buffer[: len(rest)] = rest
        self._end = len(rest)
        self._plain: list[bytes] = []

    async def read(self, n: int | None = None) -> bytes:
        """Return up to n bytes of plaintext; b"" at the end."""
        while not self._plain:
            packets = await self.receive()
            if packets is None:
                return b""
            self._plain = packets
        first = self._plain.pop(0)
        if n is not None and len(first) > n:
            self._plain.insert(0, first[n:])
            return first[:n]
        return first

    async def write(self, data: bytes) -> None:
        """Send `data` as one encrypted message."""
        await self.send([data])

    async def receive(self) -> list[bytes] | None:
        """Return the plaintexts of one read of the carrier; None when the other end closed."""
        if self._plain:
            rest, self._plain = self._plain, []
            return rest
        packets = self._unseal()
        if packets:
            return packets
        view = memoryview(self._buffer)
        size = await self._carrier.receive_into(view[self._end :])
        if size == 0:
            return None
        self._end += size
        return self._unseal()

    async def send(self, plains: list[bytes]) -> None:
        """Encrypt each plaintext (<= PLAIN_BYTES_MAX) and write them in turn. Raises Stalled.

        Empties the list: a connection that does not take them holds one copy, not three.
        """
        out = bytearray()
        for plain in plains:
            sealed = self._encrypt(None, plain)
            out += len(sealed).to_bytes(2, "big")
            out += sealed
        plains.clear()
        left = memoryview(out)
        while left:
            with trio.move_on_after(WRITE_STALL_S) as stall:
                left = left[await self._carrier.send_some(left) :]
            if stall.cancelled_caught:
                raise Stalled

    def read_less(self) -> None:
        """Take one message from the carrier at a time: a quarter of the memory, more calls.

        Call it before anything but the handshake was read.
        """
        assert self._end <= PACKET_BYTES_MAX, "nothing but the handshake was read"
        self._buffer = self._buffer[: PACKET_BYTES_MAX + 2]

    def close(self) -> None:
        """Close the carrier now; never waits, and wakes both the reader and the writer.

        The receive buffer is released at once: the rest of a connection is a reference cycle, and
        stays until Python collects it.
        """
        self._carrier.close()
        self._buffer, self._end = bytearray(), 0

    def _unseal(self) -> list[bytes]:
        buffer, end, at = self._buffer, self._end, 0
        packets: list[bytes] = []
        with memoryview(buffer) as view:
            while end - at >= 2:
                size = (buffer[at] << 8) | buffer[at + 1]
                if end - at - 2 < size:
                    break
                packets.append(self._decrypt(None, bytes(view[at + 2 : at + 2 + size])))
                at += 2 + size
        if at:
            buffer[: end - at] = buffer[at:end]
            self._end = end - at
        return packets


def why(error: BaseException) -> str:
    """Return why a dial failed, in words for the member."""
    match error:
        case trio.TooSlowError():
            return "no answer in time"
        case WrongPeer() | PeerIDMismatchesPubkey():
            return "another node answers at this address"
        case OSError() | ValueError() | NoAgreement() | Malformed():
            return str(error) or type(error).__name__
        case _:
            return f"the handshake failed ({type(error).__name__})"


class _Raw(IRawConnection):
    """The carrier as libp2p's handshake needs it: buffered, and bounded in what it reads."""

    def __init__(self, carrier: Carrier, *, is_initiator: bool) -> None:
        self.is_initiator = is_initiator
        self.rest = b""
        self._carrier = carrier
        self._left = HANDSHAKE_BYTES_MAX

    async def read(self, n: int | None = None) -> bytes:
        while not self.rest:
            if self._left <= 0:
                raise NoAgreement("the handshake is too long")
            data = bytearray(self._left)
            size = await self._carrier.receive_into(memoryview(data))
            if not size:
                raise NoAgreement("closed during the handshake")
            self._left -= size
            self.rest = bytes(data[:size])
        taken = self.rest if n is None else self.rest[:n]
        self.rest = self.rest[len(taken) :]
        return taken

    async def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[await self._carrier.send_some(left) :]

    async def close(self) -> None:
        self._carrier.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        return None

    def get_transport_addresses(self) -> list[Multiaddr]:
        return []

    def get_connection_type(self) -> ConnectionType:
        return ConnectionType.DIRECT
