"""Members: inception documents, 24 words, and the enrolment of devices.

A member's id is the hash of the first keys, so it stays the same when the keys change. A member
with one key is restored from 24 words (BIP-39): key and inception nonce derive from their 32
bytes. Entropy is always passed in. The only file read is the word list of the `mnemonic` package,
when words are read or shown. Which keys are valid now is the subject of `key_rotation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from commonweal.protocol import codec
from commonweal.protocol.errors import (
    BadSignature,
    Malformed,
)
from commonweal.protocol.keys import (
    ENROL_CONTEXT,
    HASH_BYTES,
    INCEPTION,
    INCEPTION_NONCE,
    KEY_BYTES,
    MEMBER_SEED,
    PEER_CONTEXT,
    DeviceKey,
    MemberId,
    MemberKey,
    PeerKey,
    Signer,
    derive,
    hash32,
    is_signed,
    sign_array,
    signed_array,
    verify,
)

INCEPTION_FORM = "commonweal/1/inception"
INCEPTION_BYTES_MAX = 1024
NONCE_BYTES = 32
KEYS_MAX = 16
ENTROPY_BYTES = 32

Signatures: TypeAlias = Sequence[tuple[MemberKey, bytes]]
"""Member keys with their 64-byte signatures, keys ascending, none twice."""


@dataclass(frozen=True, slots=True)
class Inception:
    """The document whose hash is a member's id.

    keys: 1 to 16, ascending, unique. threshold: how many of them must sign for the member, 1 to
    len(keys). nonce: 32 bytes. Raises `Malformed` for anything else.
    """

    keys: tuple[MemberKey, ...]
    threshold: int
    nonce: bytes

    def __post_init__(self) -> None:
        check_keys(self.keys, self.threshold)
        if type(self.nonce) is not bytes or len(self.nonce) != NONCE_BYTES:
            raise Malformed(f"the nonce of an inception has {NONCE_BYTES} bytes")

    @property
    def member(self) -> MemberId:
        """The id of the member with this inception."""
        return MemberId(hash32(INCEPTION, self.to_bytes()))

    def to_bytes(self) -> bytes:
        """Return the canonical array `["commonweal/1/inception", [keys], threshold, nonce]`."""
        return codec.encode([INCEPTION_FORM, list(self.keys), self.threshold, self.nonce])

    @classmethod
    def from_bytes(cls, data: bytes) -> Inception:
        """Return the inception in `data`. Raises `Malformed`."""
        if len(data) > INCEPTION_BYTES_MAX:
            raise Malformed(f"an inception has at most {INCEPTION_BYTES_MAX} bytes")
        match codec.decode(data):
            case [form, list(keys), int(threshold), bytes(nonce)] if form == INCEPTION_FORM:
                member_keys = tuple(MemberKey(key) for key in keys if isinstance(key, bytes))
                if len(member_keys) != len(keys):
                    raise Malformed("a key of an inception is not bytes")
                return cls(member_keys, threshold, nonce)
            case _:
                raise Malformed("not an inception document")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The statement that a device writes for a member in one community.

    community: 32 bytes; in a founding record the nonce, since the id is its hash. The device's
    record key and its peer key differ. Raises `Malformed` for anything else.
    """

    community: bytes
    member: MemberId
    device: DeviceKey
    peer: PeerKey

    def __post_init__(self) -> None:
        names = (self.member, self.device, self.peer)
        if not all(type(name) is bytes for name in (self.community, *names)):
            raise Malformed("an enrolment is made of bytes")
        if len(self.community) not in (0, HASH_BYTES):
            raise Malformed("a community id has 32 bytes")
        if not all(len(name) == KEY_BYTES for name in names):
            raise Malformed("an enrolment names a member, a device and a peer by 32 bytes each")
        if bytes(self.device) == bytes(self.peer):
            raise Malformed("the peer key of a device is not its record key")

    def fields(self) -> tuple[codec.Value, ...]:
        """Return the fields signed in the contexts "commonweal/1/enrol" and "commonweal/1/peer"."""
        return (self.community, self.member, self.device, self.peer)


def sign_enrolment(enrolment: Enrolment, member: Signer) -> bytes:
    """Return the 64-byte signature of `enrolment` by one of the member's keys."""
    return sign_array(member, ENROL_CONTEXT, *enrolment.fields())


def sign_as_peer(enrolment: Enrolment, peer: Signer) -> bytes:
    """Return the 64-byte signature of `enrolment` by the device's peer key."""
    assert peer.key == enrolment.peer, "a peer key proves itself alone"
    return sign_array(peer, PEER_CONTEXT, *enrolment.fields())


def is_signed_by_peer(enrolment: Enrolment, proof: bytes) -> bool:
    """Whether `proof` is the signature of `enrolment` by its peer key."""
    return is_signed(enrolment.peer, signed_array(PEER_CONTEXT, *enrolment.fields()), proof)


def check_enrolment(
    enrolment: Enrolment,
    keys: Sequence[MemberKey],
    threshold: int,
    signatures: Signatures,
    proof: bytes,
) -> None:
    """Return when at least `threshold` of `keys` and the peer key signed `enrolment`.

    keys: the member's present keys. signatures: valid, by keys of the member, ascending by key;
    anything superfluous is refused. proof: the signature of the peer key, without which a device
    could be enrolled under another node's host key. Raises `BadSignature`.
    """
    signers = [key for key, _ in signatures]
    if not _ascend(signers) or not set(signers) <= set(keys):
        raise BadSignature("an enrolment is signed by the member's keys, in order, each once")
    if len(signers) < threshold:
        raise BadSignature(f"an enrolment with {len(signers)} of {threshold} signatures")
    data = signed_array(ENROL_CONTEXT, *enrolment.fields())
    for key, signature in signatures:
        verify(key, data, signature)
    if not is_signed_by_peer(enrolment, proof):
        raise BadSignature("an enrolment that its peer key did not sign")


def check_keys(keys: Sequence[MemberKey], threshold: int) -> None:
    """Raise `Malformed` unless these are 1 to 16 ascending keys with a possible threshold."""
    if not 1 <= len(keys) <= KEYS_MAX:
        raise Malformed(f"a member has 1 to {KEYS_MAX} keys")
    if not all(type(key) is bytes and len(key) == KEY_BYTES for key in keys):
        raise Malformed(f"a member key has {KEY_BYTES} bytes")
    if not _ascend(keys):
        raise Malformed("member keys stand in ascending order, each once")
    if type(threshold) is not int or not 1 <= threshold <= len(keys):
        raise Malformed("a threshold is at least 1 and at most the number of keys")


def member_signer(entropy: bytes) -> Signer:
    """Return the first member key of the member with these words, as 32 bytes of entropy.

    The seed is HKDF of the entropy: BIP-39's slow PBKDF2 would add nothing to 256 bits.
    """
    assert len(entropy) == ENTROPY_BYTES
    return Signer(derive(entropy, MEMBER_SEED))


def inception_from_entropy(entropy: bytes) -> Inception:
    """Return the inception of a member with one key; the words alone restore it."""
    key = MemberKey(member_signer(entropy).key)
    return Inception((key,), 1, derive(entropy, INCEPTION_NONCE))


def _ascend(keys: Sequence[bytes]) -> bool:
    return all(low < high for low, high in pairwise(keys))
