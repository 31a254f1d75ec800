"""The hashes of a Merkle tree: of keys, leaves and forks, and of a subtree from its leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import TypeAlias

from commonweal.protocol import keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES

EMPTY = bytes(HASH_BYTES)
"""The root of a tree without leaves."""

DEPTH_MAX = 8 * HASH_BYTES
"""Longest path. With random hashes, paths have about log2(leaves) steps."""

HIGHEST_BIT = 0x80

LEAF_TAG, FORK_TAG = b"\x00", b"\x01"

Leaves: TypeAlias = bytes
"""H(key) and the hash of the leaf, of each leaf one after the other, sorted by H(key)."""

LEAF_BYTES = 2 * HASH_BYTES

_LEAF = keys.hasher(keys.STATE_LEAF, LEAF_TAG)
_FORK = keys.hasher(keys.STATE_NODE, FORK_TAG)
_KEY, _VALUE = keys.hasher(keys.STATE_KEY), keys.hasher(keys.STATE_VALUE)


def hash_of_key(key: bytes) -> bytes:
    """Return H(key), whose bits are the place of a leaf."""
    hasher = _KEY.copy()
    hasher.update(key)
    return hasher.digest()


def hash_of_leaf(key: bytes, value: bytes) -> bytes:
    """Return the hash of a leaf. key: hashed already."""
    of_value = _VALUE.copy()
    of_value.update(value)
    hasher = _LEAF.copy()
    hasher.update(key + of_value.digest())
    return hasher.digest()


def hash_of_fork(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    hasher = _FORK.copy()
    hasher.update(left + right)
    return hasher.digest()


def prefix_of(key: bytes, depth: int) -> int:
    """Return the first `depth` bits of the hash of `key`."""
    return prefix_above(hash_of_key(key), depth)


def prefix_above(hashed: bytes, depth: int) -> int:
    """Return the first `depth` bits of a hashed key."""
    return int.from_bytes(hashed, "big") >> (DEPTH_MAX - depth)


def leaves_of(pairs: Iterable[tuple[bytes, bytes]]) -> Leaves:
    """Return the leaves of pairs. Raises `Malformed` when a key occurs twice."""
    listed = sorted(pairs)
    for (key, _), (other, _) in pairwise(listed):
        if key == other:
            raise Malformed(f"the key {key[:40].hex()} comes twice")
    hashed = ((hash_of_key(key), value) for key, value in listed)
    return b"".join(chain.from_iterable(sorted((key, hash_of_leaf(key, v)) for key, v in hashed)))


def subtree_hash(leaves: Leaves, depth: int) -> bytes:
    """Return the hash of the subtree at `depth` that has exactly these leaves.

    leaves: each key once, equal in the first `depth` bits. Costs a look at each leaf on each level
    above it, which for the few of a page is less than to find where neighbours part.
    """
    if len(leaves) <= LEAF_BYTES:
        return leaves[HASH_BYTES:] or EMPTY
    return _forked(leaves, 0, len(leaves), depth // 8, HIGHEST_BIT >> depth % 8)


def _forked(leaves: Leaves, start: int, stop: int, byte: int, bit: int) -> bytes:
    """Return the hash above two leaves or more. byte, bit: of their keys, that decides there."""
    assert byte < HASH_BYTES, "each key is there once"
    middle = start
    while middle < stop and not leaves[middle + byte] & bit:
        middle += LEAF_BYTES
    byte, bit = (byte, bit >> 1) if bit > 1 else (byte + 1, HIGHEST_BIT)
    left = right = EMPTY  # not by a function for both: a call costs as much as the hash
    if middle - start > LEAF_BYTES:
        left = _forked(leaves, start, middle, byte, bit)
    elif middle > start:
        left = leaves[start + HASH_BYTES : middle]
    if stop - middle > LEAF_BYTES:
        right = _forked(leaves, middle, stop, byte, bit)
    elif stop > middle:
        right = leaves[middle + HASH_BYTES : stop]
    hasher = _FORK.copy()
    hasher.update(left + right)
    return hasher.digest()


def root_above(below: bytes, number: int, beside: Sequence[bytes]) -> bytes:
    """Return the root from the hash at a place. number: the bits of the path to it."""
    for sibling in reversed(beside):
        below = hash_of_fork(sibling, below) if number & 1 else hash_of_fork(below, sibling)
        number >>= 1
    return below
