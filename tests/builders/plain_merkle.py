"""A Merkle tree with a stored node for each place: what `protocol.merkle` is compared with.

The same tree as that of the pages, stored one node at a time and without a second way to compute
anything. Nothing else uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeAlias

from commonweal.protocol import keys
from commonweal.protocol.errors import Malformed, WrongState
from commonweal.protocol.keys import HASH_BYTES

EMPTY = bytes(HASH_BYTES)
"""The root of a tree without leaves."""

DEPTH_MAX = 8 * HASH_BYTES
"""Longest path. With random hashes, paths have about log2(leaves) steps."""

_LEAF, _FORK = b"\x00", b"\x01"


class NodeReader(Protocol):
    """The stored nodes of one tree, by place."""

    def get(self, place: bytes, /) -> bytes | None:
        """Return the node at `place`, or None."""


@dataclass(frozen=True, slots=True)
class Update:
    """A tree after a change. nodes: bytes to write, by place; None: delete."""

    root: bytes
    nodes: dict[bytes, bytes | None]


class _Leaf(NamedTuple):
    key: bytes
    value: bytes


class _Fork(NamedTuple):
    left: bytes
    right: bytes


_Node: TypeAlias = "_Leaf | _Fork | None"
_Change: TypeAlias = "tuple[bytes, bytes | None]"


def update(nodes: NodeReader, changes: Mapping[bytes, bytes | None]) -> Update:
    """Return the tree in `nodes` after `changes`; `nodes` is only read.

    changes: the new value by key; None deletes, also where there is none. Costs O(depth) node
    reads and hashes per change.
    """
    hashed = sorted(
        (_key(key), None if value is None else _value(value)) for key, value in changes.items()
    )
    growth = _Growth(nodes)
    top = growth.apply(0, 0, hashed) if hashed else growth.node(0, 0)
    return Update(_hash(top), growth.written)


def root_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the root over `pairs`. Raises `Malformed` when a key occurs twice."""
    return _built(pairs).root


def restore(pairs: Iterable[tuple[bytes, bytes]], root: bytes) -> dict[bytes, bytes]:
    """Return the nodes of the tree over a snapshot's `pairs`, by place.

    Raises `WrongState` when its root is not `root`, or `Malformed` when a key occurs twice.
    """
    built = _built(pairs)
    if built.root != root:
        raise WrongState(f"it has root {built.root.hex()}, the seal {root.hex()}")
    return _known(built.nodes)


def audit_path(nodes: NodeReader, key: bytes) -> tuple[bytes, ...] | None:
    """Return the sibling hashes on the path from the root to the leaf of `key`, root first.

    None when `key` has no value; that proves nothing.
    """
    growth, hashed = _Growth(nodes), _key(key)
    bits = int.from_bytes(hashed, "big")
    beside: list[bytes] = []
    for depth in range(DEPTH_MAX + 1):
        node = growth.node(depth, bits >> (DEPTH_MAX - depth))
        if not isinstance(node, _Fork):
            return tuple(beside) if node is not None and node.key == hashed else None
        beside.append(node.left if _bit(hashed, depth) else node.right)
    raise AssertionError("no fork lies below the last bit of a key")


def verify_path(root: bytes, key: bytes, value: bytes, beside: tuple[bytes, ...]) -> bool:
    """Whether the audit path `beside` proves that `key` has `value` in the tree of `root`.

    beside: sibling hashes, root first, as `audit_path` returns them.
    """
    if len(beside) > DEPTH_MAX or any(len(sibling) != HASH_BYTES for sibling in beside):
        return False
    hashed = _key(key)
    below = _hash(_Leaf(hashed, _value(value)))
    for depth in range(len(beside) - 1, -1, -1):
        other = beside[depth]
        right = _bit(hashed, depth)
        below = _hash(_Fork(other, below) if right else _Fork(below, other))
    return below == root


def siblings_above(nodes: NodeReader, depth: int, prefix: int) -> tuple[bytes, ...] | None:
    """Return the sibling hashes on the path from the root to a place, root first.

    prefix: the first `depth` bits of the hashed keys below the place. None when the tree ends
    above it.
    """
    growth = _Growth(nodes)
    siblings: list[bytes] = []
    for level in range(depth):
        node = growth.node(level, prefix >> (depth - level))
        if not isinstance(node, _Fork):
            return None
        right = prefix >> (depth - level - 1) & 1
        siblings.append(node.left if right else node.right)
    return tuple(siblings)


def prefix_of(key: bytes, depth: int) -> int:
    """Return the first `depth` bits of the hash of `key`."""
    return int.from_bytes(_key(key), "big") >> (DEPTH_MAX - depth)


def verify_subtree(
    root: bytes,
    depth: int,
    prefix: int,
    pairs: Iterable[tuple[bytes, bytes]],
    hashes: Sequence[bytes],
) -> bool:
    """Whether `pairs`, two or more, are all pairs below a place in the tree of `root`.

    hashes: the siblings on the path to it, as `siblings_above` returns them. Raises `Malformed`
    when a key occurs twice.
    """
    listed = list(pairs)
    if (
        len(listed) < 2
        or len(hashes) != depth
        or any(len(sibling) != HASH_BYTES for sibling in hashes)
    ):
        return False
    if any(prefix_of(key, depth) != prefix for key, _ in listed):
        return False
    growth = _Growth(_known(_built(listed).nodes))
    below = _hash(growth.node(depth, prefix))
    for level in range(depth - 1, -1, -1):
        other, right = hashes[level], prefix >> (depth - level - 1) & 1
        below = _hash(_Fork(other, below) if right else _Fork(below, other))
    return below == root


def _built(pairs: Iterable[tuple[bytes, bytes]]) -> Update:
    listed = sorted(pairs)
    for (key, _), (other, _) in pairwise(listed):
        if key == other:
            raise Malformed(f"the key {key[:40].hex()} comes twice")
    return update({}, dict(listed))


def _known(nodes: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
    return {place: node for place, node in nodes.items() if node is not None}


class _Growth:
    """One change of a tree: reads stored nodes and collects the nodes to write."""

    def __init__(self, below: NodeReader) -> None:
        self._below = below
        self.written: dict[bytes, bytes | None] = {}

    def node(self, depth: int, prefix: int) -> _Node:
        place = _place(depth, prefix)
        data = self._below.get(place)
        if data is None:
            return None
        first, second = data[1 : 1 + HASH_BYTES], data[1 + HASH_BYTES :]
        return _Leaf(first, second) if data[:1] == _LEAF else _Fork(first, second)

    def apply(self, depth: int, prefix: int, changes: list[_Change]) -> _Node:
        """Return the node at a place after `changes`, which lie below it, sorted."""
        old = self.node(depth, prefix)
        if isinstance(old, _Fork):
            new = self._below_fork(depth, prefix, old, changes)
        else:
            leaves = {} if old is None else {old.key: old.value}
            for key, value in changes:
                if value is None:
                    leaves.pop(key, None)
                else:
                    leaves[key] = value
            new = self._grow(depth, prefix, [_Leaf(*pair) for pair in sorted(leaves.items())])
        self._write(depth, prefix, old, new)
        return new

    def _below_fork(self, depth: int, prefix: int, old: _Fork, changes: list[_Change]) -> _Node:
        split = _split(depth, changes)
        sides: list[_Node] = [None, None]
        hashes = [old.left, old.right]
        parts = (changes[:split], changes[split:])
        for side, part in enumerate(parts):
            if part:
                sides[side] = self.apply(depth + 1, 2 * prefix + side, part)
                hashes[side] = _hash(sides[side])
        for side in (0, 1):
            if hashes[side] == EMPTY and hashes[1 - side] != EMPTY:
                other = sides[1 - side] or self.node(depth + 1, 2 * prefix + 1 - side)
                if isinstance(other, _Leaf):
                    self.written[_place(depth + 1, 2 * prefix + 1 - side)] = None
                    return other
        return None if hashes == [EMPTY, EMPTY] else _Fork(*hashes)

    def _grow(self, depth: int, prefix: int, leaves: list[_Leaf]) -> _Node:
        if len(leaves) < 2:
            return leaves[0] if leaves else None
        split = _split(depth, leaves)
        hashes = []
        for side, part in enumerate((leaves[:split], leaves[split:])):
            below = self._grow(depth + 1, 2 * prefix + side, part)
            self._write(depth + 1, 2 * prefix + side, None, below)
            hashes.append(_hash(below))
        return _Fork(*hashes)

    def _write(self, depth: int, prefix: int, old: _Node, new: _Node) -> None:
        if new != old:
            tag = _LEAF if isinstance(new, _Leaf) else _FORK
            self.written[_place(depth, prefix)] = None if new is None else tag + b"".join(new)


def _place(depth: int, prefix: int) -> bytes:
    return depth.to_bytes(2, "big") + prefix.to_bytes((depth + 7) // 8, "big")


def _bit(key: bytes, depth: int) -> int:
    return key[depth // 8] >> (7 - depth % 8) & 1


def _split(depth: int, items: Sequence[_Change | _Leaf]) -> int:
    """Return how many of `items`, sorted by key, have a 0 at `depth`."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if _bit(items[middle][0], depth):
            high = middle
        else:
            low = middle + 1
    return low


def _hash(node: _Node) -> bytes:
    match node:
        case None:
            return EMPTY
        case _Leaf(key, value):
            return keys.hash32(keys.STATE_LEAF, _LEAF, key, value)
        case _Fork(left, right):
            return keys.hash32(keys.STATE_NODE, _FORK, left, right)


def _key(key: bytes) -> bytes:
    return keys.hash32(keys.STATE_KEY, key)


def _value(value: bytes) -> bytes:
    return keys.hash32(keys.STATE_VALUE, value)
