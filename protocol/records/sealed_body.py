"""Sealed bodies: what every node keeps and only the devices that are named can read.

The bytes are the canonical array `[version, [[device, box] ...], nonce, content]`. A device's box
holds one fresh secret key, sealed (X25519, XSalsa20-Poly1305: libsodium's sealed box) to the
Curve25519 key that follows from the device's Ed25519 key; `content` is a SecretBox under that
secret key. (docs/protocol.md, "The record".) Which devices may read is the ledger's to say. Nothing
here makes randomness: it is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import InvalidRecord, Malformed, NotForThisDevice
from commonweal.protocol.keys import KEY_BYTES, DeviceKey, Signer
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, BodyRef

VERSION = 1
SEALED_DEVICES_MAX = 16
SECRET_BYTES = 32
NONCE_BYTES = 24
MAC_BYTES = 16
BOX_BYTES = KEY_BYTES + MAC_BYTES + SECRET_BYTES
"""A sealed box of the secret key: the fresh public key, and the secret with its MAC."""
SEALED_VALUES_MAX = 8 + 4 * SEALED_DEVICES_MAX
"""Values in the bytes of a sealed body: more than the largest has."""

Chance = Callable[[int], bytes]
"""Returns so many random bytes."""


class SealedBody(NamedTuple):
    """A sealed body, read. boxes: (device, box), ascending by device, each device once."""

    boxes: tuple[tuple[DeviceKey, bytes], ...]
    nonce: bytes
    content: bytes

    @property
    def devices(self) -> tuple[DeviceKey, ...]:
        """The devices that can read it, ascending."""
        return tuple(device for device, _ in self.boxes)


def seal(content: bytes, devices: Iterable[DeviceKey], chance: Chance) -> tuple[bytes, BodyRef]:
    """Return the bytes of a body that only `devices` can read, and the reference to it.

    devices: 1 to 16, in any order. Raises `InvalidRecord` for other numbers, for a key that is no
    point of the curve, and when the body exceeds 64 KiB.
    """
    from nacl.bindings import crypto_secretbox

    named = sorted(set(devices))
    if not 0 < len(named) <= SEALED_DEVICES_MAX:
        raise InvalidRecord(f"sealed to {len(named)} devices, not 1 to {SEALED_DEVICES_MAX}")
    secret, nonce = chance(SECRET_BYTES), chance(NONCE_BYTES)
    boxes: list[Value] = [
        [bytes(device), _box(secret, device, chance(SECRET_BYTES))] for device in named
    ]
    ciphertext = crypto_secretbox(content, nonce, secret)
    data = codec.encode([VERSION, boxes, nonce, ciphertext])
    if len(data) > ERASABLE_BYTES_MAX:
        raise InvalidRecord(f"a sealed body of {len(data)} bytes; at most {ERASABLE_BYTES_MAX} fit")
    return data, sealed_ref(data)


def can_seal_to(device: DeviceKey) -> bool:
    """Whether something can be sealed to this key.

    Not to one with a part of small order, though it can sign: a member who enrols such a key only
    keeps themselves from reading.
    """
    from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
    from nacl.exceptions import CryptoError

    try:
        crypto_sign_ed25519_pk_to_curve25519(device)
    except CryptoError:
        return False
    return True


def sealed_ref(data: bytes) -> BodyRef:
    """Return the reference to the bytes of a sealed body."""
    return BodyRef(keys.hash32(keys.BODY, data), len(data), permanent=False, sealed=True)


def from_bytes(data: bytes) -> SealedBody:
    """Return the sealed body in `data`, whose boxes are not opened. Raises `Malformed`."""
    if len(data) > ERASABLE_BYTES_MAX:
        raise Malformed("a sealed body has at most 64 KiB")
    match codec.decode(data, values_max=SEALED_VALUES_MAX):
        case [1 as version, list(pairs), bytes(nonce), bytes(content)] if (
            type(version) is int
            and 0 < len(pairs) <= SEALED_DEVICES_MAX
            and len(nonce) == NONCE_BYTES
            and len(content) >= MAC_BYTES
        ):
            boxes = tuple(map(_read_box, pairs))
        case [int(version), *_] if type(version) is int and version > VERSION:
            raise Malformed(f"a sealed body of version {version}; this program reads {VERSION}")
        case _:
            raise Malformed("not a sealed body")
    named = [device for device, _ in boxes]
    if named != sorted(set(named)):
        raise Malformed("the devices of a sealed body ascend, each once")
    return SealedBody(boxes, nonce, content)


def opened(body: SealedBody, signer: Signer) -> bytes:
    """Return what was sealed, with the key of one of its devices.

    Raises `NotForThisDevice` when it names other devices, `Malformed` when its boxes do not open.
    """
    from nacl.bindings import crypto_secretbox_open
    from nacl.exceptions import CryptoError

    box = dict(body.boxes).get(DeviceKey(signer.key))
    if box is None:
        raise NotForThisDevice(f"it names {len(body.boxes)} others")
    secret = signer.unsealed(box)
    if len(secret) != SECRET_BYTES:
        raise Malformed("the box of this device holds no key")
    try:
        return crypto_secretbox_open(body.content, body.nonce, secret)
    except CryptoError as error:
        raise Malformed("the content does not open with its own key") from error


def _box(secret: bytes, device: DeviceKey, seed: bytes) -> bytes:
    """Return libsodium's sealed box of `secret`, whose fresh key pair follows from `seed`."""
    from nacl.bindings import (
        crypto_box,
        crypto_box_seed_keypair,
        crypto_sign_ed25519_pk_to_curve25519,
    )
    from nacl.exceptions import CryptoError

    try:
        public = crypto_sign_ed25519_pk_to_curve25519(device)
        fresh, fresh_secret = crypto_box_seed_keypair(seed)
        nonce = blake2b(fresh + public, digest_size=NONCE_BYTES).digest()
        return fresh + crypto_box(secret, nonce, public, fresh_secret)
    except CryptoError as error:
        raise InvalidRecord(f"nothing seals to the key {keys.short(device)}") from error


def _read_box(pair: Value) -> tuple[DeviceKey, bytes]:
    match pair:
        case [bytes(device), bytes(box)] if len(device) == KEY_BYTES and len(box) == BOX_BYTES:
            return DeviceKey(device), box
        case _:
            raise Malformed("a box of a sealed body is [device, 80 bytes]")
