"""The hashes of a Merkle tree: of keys, leaves and forks, and of a subtree from its leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from commonweal.protocol import keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import HASH_BYTES

EMPTY = bytes(HASH_BYTES)
"""The root of a tree without leaves."""

DEPTH_MAX = 8 * HASH_BYTES
"""Longest path. With random hashes, paths have about log2(leaves) steps."""

LEAF_TAG, FORK_TAG = b"\x00", b"\x01"

Leaf: TypeAlias = tuple[bytes, bytes]
"""H(key), by which leaves are sorted, and the hash of the leaf."""

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


def bit_at(key: bytes, depth: int) -> int:
    """Return the bit of a hashed key that decides at `depth`."""
    return key[depth // 8] >> (7 - depth % 8) & 1


def prefix_of(key: bytes, depth: int) -> int:
    """Return the first `depth` bits of the hash of `key`."""
    return prefix_above(hash_of_key(key), depth)


def prefix_above(hashed: bytes, depth: int) -> int:
    """Return the first `depth` bits of a hashed key."""
    return int.from_bytes(hashed, "big") >> (DEPTH_MAX - depth)


def leaves_of(pairs: Iterable[tuple[bytes, bytes]]) -> list[Leaf]:
    """Return the leaves of pairs, sorted. Raises `Malformed` when a key occurs twice."""
    listed = sorted(pairs)
    for (key, _), (other, _) in pairwise(listed):
        if key == other:
            raise Malformed(f"the key {key[:40].hex()} comes twice")
    hashed = ((hash_of_key(key), value) for key, value in listed)
    return sorted((key, hash_of_leaf(key, value)) for key, value in hashed)


def subtree_hash(leaves: Sequence[Leaf], depth: int) -> bytes:
    """Return the hash of the subtree at `depth` that has exactly these leaves.

    leaves: sorted, each key once, equal in the first `depth` bits. Every pair of neighbours parts
    at one depth; the deepest are joined first, in one pass.
    """
    if len(leaves) < 2:
        return leaves[0][1] if leaves else EMPTY
    copy = _FORK.copy
    numbers = [int.from_bytes(key, "big") for key, _ in leaves]
    parting = [DEPTH_MAX - (left ^ right).bit_length() for left, right in pairwise(numbers)]
    # What waits for its right side: its hash, a key in it, its depth, and where it parts from that.
    waiting: list[tuple[bytes, int, int, int]] = []
    for number, (_, below), part in zip(numbers, leaves, [*parting, depth - 1], strict=True):
        at = 0  # of a leaf, which stands wherever it is alone
        while waiting and waiting[-1][3] > part:
            left, left_number, left_at, joint = waiting.pop()
            if left_at > joint + 1:
                left = _lifted(left, left_number, left_at, joint + 1)
            if at > joint + 1:
                below = _lifted(below, number, at, joint + 1)
            hasher = copy()  # as `hash_of_fork` does: a call costs as much as the hash
            hasher.update(left + below)
            below, at = hasher.digest(), joint
        waiting.append((below, number, at, part))
    below, number, at, _ = waiting[0]
    return _lifted(below, number, at, depth)


def root_above(below: bytes, number: int, beside: Sequence[bytes]) -> bytes:
    """Return the root from the hash at a place. number: the bits of the path to it."""
    for sibling in reversed(beside):
        below = hash_of_fork(sibling, below) if number & 1 else hash_of_fork(below, sibling)
        number >>= 1
    return below


def _lifted(below: bytes, number: int, at: int, depth: int) -> bytes:
    """Return the hash at `depth` of a subtree at depth `at` that has no neighbour on the way."""
    for level in range(at - 1, depth - 1, -1):
        right = number >> (DEPTH_MAX - level - 1) & 1
        below = hash_of_fork(EMPTY, below) if right else hash_of_fork(below, EMPTY)
    return below
