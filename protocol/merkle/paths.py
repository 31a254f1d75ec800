"""Audit paths: the hashes beside a place of a tree, and what they prove."""

from __future__ import annotations

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.merkle.hashes import (
    DEPTH_MAX,
    LEAF_BYTES,
    Leaves,
    hash_of_key,
    hash_of_leaf,
    root_above,
    subtree_hash,
)
from commonweal.protocol.merkle.pages import (
    STEP,
    PageReader,
    each_leaf,
    is_fork,
    leaves_below,
    levels,
    place_of,
    read_children,
    read_leaves,
)


def audit_path(pages: PageReader, key: bytes) -> tuple[bytes, ...] | None:
    """Return the sibling hashes on the path from the root to the leaf of `key`, root first.

    None when `key` has no value; that proves nothing.
    """
    hashed = hash_of_key(key)
    number = int.from_bytes(hashed, "big")
    if not _has(pages, hashed, number):
        return None
    return tuple(_beside(pages, number, DEPTH_MAX))


def siblings_above(pages: PageReader, depth: int, prefix: int) -> tuple[bytes, ...] | None:
    """Return the sibling hashes on the path from the root to a place, root first.

    prefix: the first `depth` bits of the hashed keys below the place. None when the tree ends
    above it.
    """
    beside = _beside(pages, prefix << (DEPTH_MAX - depth), depth)
    return tuple(beside) if len(beside) == depth else None


def verify_path(root: bytes, key: bytes, value: bytes, beside: tuple[bytes, ...]) -> bool:
    """Whether the audit path `beside` proves that `key` has `value` in the tree of `root`.

    beside: sibling hashes, root first, as `audit_path` returns them.
    """
    if len(beside) > DEPTH_MAX or any(len(sibling) != HASH_BYTES for sibling in beside):
        return False
    hashed = hash_of_key(key)
    number = int.from_bytes(hashed, "big") >> (DEPTH_MAX - len(beside))
    return root_above(hash_of_leaf(hashed, value), number, beside) == root


def _has(pages: PageReader, hashed: bytes, number: int) -> bool:
    depth = 0
    page = pages.get(place_of(0, 0))
    while page is not None and is_fork(page):
        depth += STEP
        page = pages.get(place_of(depth, number >> (DEPTH_MAX - depth)))
    return any(key == hashed for key, _ in each_leaf(read_leaves(page)))


def _beside(pages: PageReader, number: int, stop: int) -> list[bytes]:
    """Return the siblings on a path, down to depth `stop` or to where the tree ends.

    number: the bits of the path, of DEPTH_MAX.
    """
    beside: list[bytes] = []
    depth = 0
    page = pages.get(place_of(0, 0))
    while page is not None and is_fork(page):
        rows = levels(read_children(page))
        for level in range(STEP):
            row = number >> (DEPTH_MAX - depth - level)
            at = row & ((1 << level) - 1)
            if rows[level][at][0] < 2 or len(beside) == stop:
                return beside
            right = number >> (DEPTH_MAX - depth - level - 1) & 1
            beside.append(rows[level + 1][2 * at + 1 - right][1])
        depth += STEP
        page = pages.get(place_of(depth, number >> (DEPTH_MAX - depth)))
    return [*beside, *_beside_among(read_leaves(page), number, depth, stop)]


def _beside_among(leaves: Leaves, number: int, depth: int, stop: int) -> list[bytes]:
    """Return the siblings on a path from `depth` on, among the leaves of a page."""
    beside: list[bytes] = []
    while len(leaves) > LEAF_BYTES and depth < stop:
        right = number >> (DEPTH_MAX - depth - 1) & 1
        sides = dict(leaves_below(leaves, depth, 1))
        beside.append(subtree_hash(sides.get(1 - right, b""), depth + 1))
        leaves = sides.get(right, b"")
        depth += 1
    return beside
