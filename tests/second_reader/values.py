"""Canonical values, hashes, signatures and trees: protocol.md sections 1 and 2, seals.md."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgpack
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

EMPTY = bytes(32)


def pack(value: Any) -> bytes:
    """Return the canonical encoding: keys of maps by their UTF-8 bytes."""
    data: bytes = msgpack.packb(_ordered(value), use_bin_type=True)
    return data


def unpack(data: bytes) -> Any:
    """Return the value; refuse one that would be written otherwise."""
    value = msgpack.unpackb(data, raw=False, strict_map_key=True)
    assert pack(value) == data, "not canonical"
    return value


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=str.encode)}
    return [_ordered(part) for part in value] if isinstance(value, list) else value


def hash32(purpose: str, *parts: bytes) -> bytes:
    """Return the hash for a purpose such as "record"."""
    person = b"cw1/" + purpose.encode()
    return blake2b(b"".join(parts), digest_size=32, person=person).digest()


def is_signed(key: bytes, data: bytes, signature: bytes) -> bool:
    """Say whether the signature verifies."""
    try:
        VerifyKey(key).verify(data, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


def root(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the root of the binary radix tree over key and value."""
    leaves = sorted((hash32("key", key), hash32("value", value)) for key, value in pairs)
    return subtree(leaves, 0)


def subtree(leaves: list[tuple[bytes, bytes]], depth: int) -> bytes:
    """Return the hash of what lies below a place at that depth."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return hash32("leaf", b"\0", *leaves[0])
    sides: tuple[list[tuple[bytes, bytes]], ...] = ([], [])
    for leaf in leaves:
        sides[leaf[0][depth // 8] >> (7 - depth % 8) & 1].append(leaf)
    return hash32("node", b"\1", *(subtree(side, depth + 1) for side in sides))
