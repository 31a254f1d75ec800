"""A tree that changes: its root after a change, and the pages to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from commonweal.protocol.errors import WrongState
from commonweal.protocol.merkle.hashes import (
    DEPTH_MAX,
    Leaf,
    hash_of_key,
    hash_of_leaf,
    leaves_of,
    subtree_hash,
)
from commonweal.protocol.merkle.pages import (
    CHILDREN,
    LEAVES_MAX,
    NO_CHILD,
    STEP,
    Child,
    PageReader,
    fork_page,
    is_fork,
    leaf_page,
    levels,
    place_of,
    read_children,
    read_leaves,
)

_Change: TypeAlias = "tuple[bytes, bytes | None]"
"""A hashed key, and the hash of its leaf; None deletes."""


@dataclass(frozen=True, slots=True)
class Update:
    """A tree after a change. pages: bytes to write, by place; None: delete."""

    root: bytes
    pages: dict[bytes, bytes | None]


def update(pages: PageReader, changes: Mapping[bytes, bytes | None]) -> Update:
    """Return the tree in `pages` after `changes`; `pages` is only read.

    changes: the new value by key; None deletes, also where there is none. Costs O(depth) page
    reads and hashes per change.
    """
    hashed: list[_Change] = []
    for key, value in changes.items():
        place = hash_of_key(key)
        hashed.append((place, None if value is None else hash_of_leaf(place, value)))
    hashed.sort()
    growth = _Growth(pages)
    _, root = growth.apply(0, 0, hashed)
    return Update(root, growth.written)


def root_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the root over `pairs`. Raises `Malformed` when a key occurs twice."""
    return subtree_hash(leaves_of(pairs), 0)


def restore(pairs: Iterable[tuple[bytes, bytes]], root: bytes) -> dict[bytes, bytes]:
    """Return the pages of the tree over a snapshot's `pairs`, by place.

    Raises `WrongState` when its root is not `root`, or `Malformed` when a key occurs twice.
    """
    growth = _Growth({})
    _, built = growth.build(0, 0, leaves_of(pairs), None)
    if built != root:
        raise WrongState(f"it has root {built.hex()}, the seal {root.hex()}")
    return {place: page for place, page in growth.written.items() if page is not None}


class _Growth:
    """One change of a tree: reads stored pages and collects the pages to write."""

    def __init__(self, stored: PageReader) -> None:
        self._stored = stored
        self.written: dict[bytes, bytes | None] = {}

    def apply(self, depth: int, prefix: int, changes: list[_Change]) -> Child:
        """Return a place after `changes`, which lie below it, sorted."""
        place = place_of(depth, prefix)
        old = self._stored.get(place)
        if old is None or not is_fork(old):
            leaves = dict(read_leaves(old))
            for key, hashed in changes:
                if hashed is None:
                    leaves.pop(key, None)
                else:
                    leaves[key] = hashed
            return self.build(depth, prefix, sorted(leaves.items()), old)
        children = read_children(old)
        for side, part in groupby(changes, lambda change: _side(change[0], depth)):
            children[side] = self.apply(depth + STEP, prefix << STEP | side, list(part))
        if sum(count for count, _ in children) <= LEAVES_MAX:
            gathered = self._gathered(depth, prefix, children)
            return self.build(depth, prefix, gathered, old)
        self._write(place, old, fork_page(children))
        return levels(children)[0][0]

    def build(self, depth: int, prefix: int, leaves: list[Leaf], old: bytes | None) -> Child:
        """Return a place that has exactly these leaves, sorted. old: the page there."""
        place = place_of(depth, prefix)
        if len(leaves) <= LEAVES_MAX:
            self._write(place, old, leaf_page(leaves) if leaves else None)
            return len(leaves), subtree_hash(leaves, depth)
        children = [NO_CHILD] * CHILDREN
        for side, part in groupby(leaves, lambda leaf: _side(leaf[0], depth)):
            children[side] = self.build(depth + STEP, prefix << STEP | side, list(part), None)
        self._write(place, old, fork_page(children))
        return levels(children)[0][0]

    def _gathered(self, depth: int, prefix: int, children: list[Child]) -> list[Leaf]:
        """Return the leaves of places that are few enough for one page, and delete their pages."""
        leaves: list[Leaf] = []
        for side in range(CHILDREN):
            place = place_of(depth + STEP, prefix << STEP | side)
            if children[side][0]:
                page = self.written[place] if place in self.written else self._stored.get(place)
                leaves += read_leaves(page)
                self.written[place] = None
        return leaves

    def _write(self, place: bytes, old: bytes | None, new: bytes | None) -> None:
        if new != old:
            self.written[place] = new


def _side(key: bytes, depth: int) -> int:
    """Return below which place of the next page a hashed key lies."""
    return int.from_bytes(key, "big") >> (DEPTH_MAX - depth - STEP) & (CHILDREN - 1)
