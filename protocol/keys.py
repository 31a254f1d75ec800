"""Ed25519 signatures (RFC 8032), BLAKE2b hashes (RFC 7693) and HKDF seeds (RFC 5869).

Domain separation: a signature is over a canonical array whose first string is in
`SIGNED_CONTEXTS`; a hash and a derived seed name their purpose. A value made for one purpose is
therefore never accepted for another. Verification is libsodium's strict one (S below the group
order, no small-order or non-canonical keys). Nothing here makes randomness: seeds are passed in.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import blake2b
from typing import NewType, NoReturn

from commonweal.protocol import codec
from commonweal.protocol.errors import BadSignature, Malformed

KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64
HASH_BYTES = 32

DeviceKey = NewType("DeviceKey", bytes)
"""The Ed25519 public key of a device: the author of one log."""

MemberId = NewType("MemberId", bytes)
"""The hash of a member's inception document; it stays the same when the keys change."""

MemberKey = NewType("MemberKey", bytes)
"""An Ed25519 public key of a member."""

PeerKey = NewType("PeerKey", bytes)
"""The Ed25519 public key of a device's libp2p host; it never signs records."""

HashPurpose = NewType("HashPurpose", bytes)
"""The BLAKE2b personalisation of a hash, at most 16 bytes."""

RECORD = HashPurpose(b"cw1/record")
BODY = HashPurpose(b"cw1/body")
INCEPTION = HashPurpose(b"cw1/inception")
INVITE = HashPurpose(b"cw1/invite")
HELLO = HashPurpose(b"cw1/hello")
FRONTIER = HashPurpose(b"cw1/frontier")
BUCKET = HashPurpose(b"cw1/bucket")
EVIDENCE = HashPurpose(b"cw1/evidence")
SEAL = HashPurpose(b"cw1/seal")
CUT = HashPurpose(b"cw1/cut")
STATE_LEAF = HashPurpose(b"cw1/leaf")
STATE_NODE = HashPurpose(b"cw1/node")
KEYSTORE = HashPurpose(b"cw1/keystore")
RULESET = HashPurpose(b"cw1/ruleset")
TIE = HashPurpose(b"cw1/tie")
BACKTEST = HashPurpose(b"cw1/backtest")
STATE_KEY = HashPurpose(b"cw1/key")
STATE_VALUE = HashPurpose(b"cw1/value")
WITNESSES = HashPurpose(b"cw1/witnesses")
SEAT = HashPurpose(b"cw1/seat")
PROPOSAL = HashPurpose(b"cw1/proposal")
CLAIM = HashPurpose(b"cw1/claim")
ORDER = HashPurpose(b"cw1/order")
FACT = HashPurpose(b"cw1/fact")
HELD = HashPurpose(b"cw1/held")
CODE_ASK = HashPurpose(b"cw1/code-ask")
CODE_BOX = HashPurpose(b"cw1/code-box")
MATCH = HashPurpose(b"cw1/match")
CONTENT = HashPurpose(b"cw1/content")
REVIEW = HashPurpose(b"cw1/review")
REWARD = HashPurpose(b"cw1/reward")

HASH_PURPOSES = frozenset(
    {RECORD, BODY, INCEPTION, INVITE, HELLO, FRONTIER}
    | {BUCKET, EVIDENCE, SEAL, CUT, STATE_LEAF, STATE_NODE, KEYSTORE}
    | {RULESET, TIE, BACKTEST}
    | {STATE_KEY, STATE_VALUE, WITNESSES, SEAT, PROPOSAL, ORDER, FACT, CLAIM, HELD}
    | {CODE_ASK, CODE_BOX, MATCH, CONTENT, REVIEW, REWARD}
)

_HASHERS = {name: blake2b(digest_size=HASH_BYTES, person=name) for name in sorted(HASH_PURPOSES)}

SeedPurpose = NewType("SeedPurpose", bytes)
"""The `info` input of HKDF for a derived seed."""

RECORD_SEED = SeedPurpose(b"record")
PEER_SEED = SeedPurpose(b"peer")
MEMBER_SEED = SeedPurpose(b"member")
INCEPTION_NONCE = SeedPurpose(b"inception nonce")

SEED_PURPOSES = frozenset({RECORD_SEED, PEER_SEED, MEMBER_SEED, INCEPTION_NONCE})

SignedContext = NewType("SignedContext", str)
"""The first string of an array that a key may sign."""

RECORD_CONTEXT = SignedContext("commonweal/1")
ENROL_CONTEXT = SignedContext("commonweal/1/enrol")
PEER_CONTEXT = SignedContext("commonweal/1/peer")
REVOKE_CONTEXT = SignedContext("commonweal/1/revoke")
REKEY_CONTEXT = SignedContext("commonweal/1/rekey")
SPONSORS_CONTEXT = SignedContext("commonweal/1/sponsors")
INVITE_CONTEXT = SignedContext("commonweal/1/invite")
HELLO_CONTEXT = SignedContext("commonweal/1/hello")
ADDRESS_CONTEXT = SignedContext("commonweal/1/address")
HEADS_CONTEXT = SignedContext("commonweal/1/heads")
VOTE_CONTEXT = SignedContext("commonweal/1/vote")
PROPOSAL_CONTEXT = SignedContext("commonweal/1/proposal")
HAVE_CONTEXT = SignedContext("commonweal/1/have")

SIGNED_CONTEXTS = frozenset(
    {RECORD_CONTEXT, ENROL_CONTEXT, PEER_CONTEXT, REVOKE_CONTEXT, REKEY_CONTEXT}
    | {SPONSORS_CONTEXT, INVITE_CONTEXT, HELLO_CONTEXT, ADDRESS_CONTEXT, HEADS_CONTEXT}
    | {VOTE_CONTEXT, PROPOSAL_CONTEXT, HAVE_CONTEXT}
)
"""The arrays that a key may sign; docs/protocol.md lists their fields."""

_HKDF_SALT = b"commonweal/1"


class Signer:
    """An Ed25519 secret key, from a 32-byte seed. Its repr shows the public key only.

    Pickling and copying raise TypeError.
    """

    __slots__ = ("_secret", "key")

    key: bytes
    """The public half, 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        assert len(seed) == SEED_BYTES, "a seed has 32 bytes"
        from nacl.bindings import crypto_sign_seed_keypair  # loaded by those who sign or check

        self.key, self._secret = crypto_sign_seed_keypair(seed)

    def __repr__(self) -> str:
        return f"Signer({short(self.key)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is not pickled or copied")

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature of `data`, which begins with a registered context."""
        from nacl.bindings import crypto_sign

        return crypto_sign(data, self._secret)[:SIGNATURE_BYTES]

    def unsealed(self, box: bytes) -> bytes:
        """Return what was sealed to the Curve25519 key that follows from this key.

        Raises `Malformed` when the box was sealed to another key, or was changed.
        """
        from nacl.bindings import (
            crypto_box_seal_open,
            crypto_sign_ed25519_pk_to_curve25519,
            crypto_sign_ed25519_sk_to_curve25519,
        )
        from nacl.exceptions import CryptoError

        secret = crypto_sign_ed25519_sk_to_curve25519(self._secret)
        try:
            return crypto_box_seal_open(box, crypto_sign_ed25519_pk_to_curve25519(self.key), secret)
        except (CryptoError, TypeError, ValueError) as error:
            raise Malformed("a box that does not open with this key") from error


def verify(key: bytes, data: bytes, signature: bytes) -> None:
    """Return when `signature` is that of `key` over `data`; else raise `BadSignature`.

    key: 32 bytes. signature: 64 bytes. Other lengths raise `BadSignature` too.
    """
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import BadSignatureError

    if len(key) == KEY_BYTES and len(signature) == SIGNATURE_BYTES:
        try:
            crypto_sign_open(signature + data, key)
            return
        except BadSignatureError:
            pass
    raise BadSignature(f"by key {short(key)}")


def is_signed(key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether `verify` accepts this signature."""
    try:
        verify(key, data, signature)
    except BadSignature:
        return False
    return True


def signed_array(context: SignedContext, *fields: codec.Value) -> bytes:
    """Return the bytes to sign: the canonical array of `context` and `fields`."""
    assert context in SIGNED_CONTEXTS, f"{context!r} is not registered for signing"
    return codec.encode([context, *fields])


def sign_array(signer: Signer, context: SignedContext, *fields: codec.Value) -> bytes:
    """Return the 64-byte signature of `signed_array(context, *fields)`."""
    return signer.sign(signed_array(context, *fields))


def check_array(key: bytes, signature: bytes, context: SignedContext, *fields: codec.Value) -> None:
    """Raise `BadSignature` unless `key` signed `signed_array(context, *fields)`."""
    verify(key, signed_array(context, *fields), signature)


def hash32(purpose: HashPurpose, *parts: bytes) -> bytes:
    """Return the 32-byte BLAKE2b hash of the joined `parts`, personalised with `purpose`.

    The parts are joined without a separator: pass parts of fixed length, or parts that contain
    their own length, as canonical MessagePack does.
    """
    state = hasher(purpose)
    for part in parts:
        state.update(part)
    return state.digest()


def hash_each(purpose: HashPurpose, items: Iterable[bytes]) -> list[bytes]:
    """Return the `hash32` of each item, in two thirds of the time."""
    hashes: list[bytes] = []
    begin, add = hasher(purpose).copy, hashes.append
    for item in items:
        state = begin()
        state.update(item)
        add(state.digest())
    return hashes


def hasher(purpose: HashPurpose, start: bytes = b"") -> blake2b:
    """Return the state of `hash32` after `start`: to copy it takes half as long as to begin."""
    assert purpose in HASH_PURPOSES, f"{purpose!r} is not a registered purpose"
    state = _HASHERS[purpose].copy()
    state.update(start)
    return state


def derive(seed: bytes, purpose: SeedPurpose) -> bytes:
    """Return the 32-byte seed for `purpose`; it reveals neither `seed` nor other derived seeds.

    HKDF-SHA256 (RFC 5869): salt "commonweal/1", info `purpose`, one block of output.
    """
    assert purpose in SEED_PURPOSES, f"{purpose!r} is not a registered purpose"
    assert len(seed) == SEED_BYTES, "a seed has 32 bytes"
    extracted = hmac.digest(_HKDF_SALT, seed, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def device_signer(device_seed: bytes) -> Signer:
    """Return the key that signs a device's records, derived from its 32-byte seed."""
    return Signer(derive(device_seed, RECORD_SEED))


def peer_seed(device_seed: bytes) -> bytes:
    """Return the Ed25519 seed of a device's libp2p host, derived from its 32-byte seed."""
    return derive(device_seed, PEER_SEED)


def peer_signer(device_seed: bytes) -> Signer:
    """Return the key of a device's libp2p host, derived from its 32-byte seed."""
    return Signer(peer_seed(device_seed))


def short(name: bytes) -> str:
    """Return the first 8 hex digits of a key or hash, for logs and tables."""
    return name[:4].hex()
