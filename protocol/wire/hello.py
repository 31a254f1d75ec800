"""The first message of a link: it shows nothing to who does not know the community.

Both sides already hold each other's libp2p keys, which the Noise handshake proved. The
hello is a SecretBox under a key made of the community's id and the two peer keys, so it
opens only for who knows the community, and only on this link. Inside, the sender names
his device and brings either credentials, from which anybody who knows the community's id
can see that the device is a member's, or the proof that he holds an invite.
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
"""From this version on a node takes the messages that concern seals."""
VERSIONS = (1, SEALS_VERSION)
VERSIONS_MAX = 8
NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class InviteProof:
    """That the sender holds the key of an invite: its id, and a signature made for this link."""

    invite: RecordId
    signature: bytes


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the sender says of himself and of what he holds.

    clock_ms: his wall clock, to show skew; it decides nothing. height, seal: his last
    seal, 0 and empty before the first.
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
    """Return the hello that only a holder of the community's id can open, on this link."""
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
    """Return what the sender says, or raise `NotPermitted` when the box is not for us."""
    try:
        data = _box(community, sender, receiver).decrypt(hello.box, hello.nonce)
    except CryptoError as error:
        raise NotPermitted("a hello that does not know the community") from error
    return _greeting(codec.decode(data))


def invite_proof(
    key: Signer, community: CommunityId, invite: RecordId, sender: PeerKey, receiver: PeerKey
) -> InviteProof:
    """Return the proof, good on this link only, that we hold the invite's one-time key."""
    fields = (community, invite, sender, receiver)
    return InviteProof(invite, keys.sign_array(key, keys.HELLO_CONTEXT, *fields))


def check_invite_proof(
    proof: InviteProof, key: bytes, community: CommunityId, sender: PeerKey, receiver: PeerKey
) -> None:
    """Raise `BadSignature` unless the sender holds the invite's key."""
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
