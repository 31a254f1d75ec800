"""The first message of a connection, encrypted with a key that follows from the community's id.

Both sides know each other's libp2p keys, which the Noise handshake proved. The hello is a
SecretBox (XSalsa20-Poly1305) under a key made of the community's id and both peer keys: only a
peer that knows the community can open it, on this connection only. It names the sender's device
and contains either credentials, which prove a membership, or the proof that the sender holds an
invite. (docs/protocol.md, "A link".) Whether the peer is admitted is decided in the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import Malformed, NotPermitted
from commonweal.protocol.identity.membership_proof import is_within_limits
from commonweal.protocol.keys import DeviceKey, PeerKey, Signer
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.wire.messages import Hello

SEALS_VERSION = 2
"""The first version whose nodes accept messages about seals."""
LOOKUP_VERSION = 3
"""The first version whose nodes give a record by its id, and know that homes may be light."""
VERSIONS = (1, SEALS_VERSION, LOOKUP_VERSION)
LIGHT_HOME = 1_000
"""A light home names this number among its versions; nodes that do not know it pass over it."""
VERSIONS_MAX = 8
NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class InviteProof:
    """Proof of holding an invite's key: its id, and a signature for this connection."""

    invite: RecordId
    signature: bytes


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the sender states about its device and its data.

    height, seal: the sender's last seal; 0 and empty before the first. digest: of its frontier.
    clock_ms: its wall clock, to show skew; it decides nothing.
    """

    versions: tuple[int, ...]
    device: DeviceKey
    credentials: tuple[bytes, ...]
    invite: InviteProof | None
    height: int
    seal: bytes
    ruleset: bytes
    digest: bytes
    clock_ms: int


def encrypt(
    greeting: Greeting, community: CommunityId, sender: PeerKey, receiver: PeerKey, nonce: bytes
) -> Hello:
    """Return the hello that only `receiver` can decrypt, knowing the community. nonce: 24 bytes."""
    proof = greeting.invite
    data = codec.encode(
        [
            list(greeting.versions),
            greeting.device,
            list(greeting.credentials),
            [proof.invite, proof.signature] if proof else None,
            greeting.height,
            greeting.seal,
            greeting.ruleset,
            greeting.digest,
            greeting.clock_ms,
        ]
    )
    box = _box(community, sender, receiver).encrypt(data, nonce)
    return Hello(nonce, box.ciphertext)


def decrypt(hello: Hello, community: CommunityId, sender: PeerKey, receiver: PeerKey) -> Greeting:
    """Return the greeting in a hello.

    Raises `NotPermitted` when the sender does not know the community, or `Malformed`.
    """
    try:
        data = _box(community, sender, receiver).decrypt(hello.box, hello.nonce)
    except CryptoError as error:
        raise NotPermitted("a hello that does not know the community") from error
    return _greeting(codec.decode(data))


def invite_proof(
    key: Signer, community: CommunityId, invite: RecordId, sender: PeerKey, receiver: PeerKey
) -> InviteProof:
    """Return the proof, valid on this connection only, that we hold the invite's one-time key."""
    fields = (community, invite, sender, receiver)
    return InviteProof(invite, keys.sign_array(key, keys.HELLO_CONTEXT, *fields))


def check_invite_proof(
    proof: InviteProof, key: bytes, community: CommunityId, sender: PeerKey, receiver: PeerKey
) -> None:
    """Return when the sender holds the invite's key. Raises `BadSignature`."""
    fields = (community, proof.invite, sender, receiver)
    keys.check_array(key, proof.signature, keys.HELLO_CONTEXT, *fields)


def _box(community: CommunityId, sender: PeerKey, receiver: PeerKey) -> SecretBox:
    return SecretBox(keys.hash32(keys.HELLO, community, sender, receiver))


def _greeting(value: Any) -> Greeting:
    match value:
        case [
            list(versions),
            bytes(device),
            list(credentials),
            proof,
            int(height),
            bytes(seal),
            bytes(ruleset),
            bytes(digest),
            int(clock_ms),
        ] if (
            len(versions) <= VERSIONS_MAX
            and all(type(version) is int for version in versions)
            and len(device) == len(digest) == 32
            and all(type(wire) is bytes for wire in credentials)
            and is_within_limits(cast("list[bytes]", credentials))
            and type(height) is int is type(clock_ms)
            and height >= 0
            and len(seal) in (0, 32)
            and len(ruleset) in (0, 32)
        ):
            return Greeting(
                tuple(versions),
                DeviceKey(device),
                tuple(cast("list[bytes]", credentials)),
                _proof(proof),
                height,
                seal,
                ruleset,
                digest,
                clock_ms,
            )
        case _:
            raise Malformed("not a greeting")


def _proof(value: Any) -> InviteProof | None:
    match value:
        case None:
            return None
        case [bytes(invite), bytes(signature)] if len(invite) == 32:
            return InviteProof(RecordId(invite), signature)
        case _:
            raise Malformed("not the proof of an invite")
