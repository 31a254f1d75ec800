"""A tree that changes: its root after a change, and the pages to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from commonweal.protocol.errors import WrongState
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.merkle.hashes import (
    LEAF_BYTES,
    Leaves,
    hash_of_key,
    hash_of_leaf,
    leaves_of,
    prefix_above,
    root_above,
    subtree_hash,
)
from commonweal.protocol.merkle.pages import (
    CHILDREN,
    LEAVES_MAX,
    NO_CHILD,
    STEP,
    Child,
    PageReader,
    PagesReader,
    bits_at,
    each_leaf,
    fork_page,
    is_few,
    is_fork,
    leaf_page,
    leaves_below,
    levels,
    parent,
    parted,
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


class _Built(NamedTuple):
    """A place with exactly these leaves, and its pages and those below it."""

    leaves: Leaves
    child: Child
    pages: Mapping[bytes, bytes | None]


_Visit: TypeAlias = "tuple[bytes | None, list[tuple[int, Sequence[_Change]]]]"
"""The page of a place, and the changes below it by where they lie; none in a page of leaves."""

CHANGES_AT_ONCE = 500
"""The most changes of which all pages are in memory at once."""

_NOTHING_BUILT: Mapping[bytes, _Built] = {}


@dataclass(frozen=True, slots=True)
class Subtree:
    """All that lies below a place of a tree: its leaves, and its pages, by place."""

    leaves: Leaves
    built: Mapping[bytes, _Built]


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


def proven_subtree(
    root: bytes,
    depth: int,
    prefix: int,
    pairs: Iterable[tuple[bytes, bytes]],
    hashes: Sequence[bytes],
) -> Subtree | None:
    """Return the subtree of `pairs` if they are all pairs below a place in the tree of `root`.

    pairs: two or more. hashes: the siblings on the path to the place, as `siblings_above` returns
    them. None when that is not so. Raises `Malformed` when a key occurs twice.
    """
    leaves = leaves_of(pairs)
    first, last = leaves[:HASH_BYTES], leaves[-LEAF_BYTES:-HASH_BYTES]
    if (
        len(leaves) < 2 * LEAF_BYTES
        or len(hashes) != depth
        or any(len(sibling) != HASH_BYTES for sibling in hashes)
        or any(prefix_above(key, depth) != prefix for key in (first, last))
    ):
        return None
    more = -depth % STEP  # levels down to the next pages
    parts = dict(leaves_below(leaves, depth, more))
    built: dict[bytes, _Built] = {}
    for side in range(1 << more):
        at = depth + more, prefix << more | side
        growth, part = _Growth({}), parts.get(side, b"")
        built[place_of(*at)] = _Built(part, growth.build(*at, part, None), growth.written)
    _, below = levels([place.child for place in built.values()])[0][0]
    return Subtree(leaves, built) if root_above(below, prefix, hashes) == root else None


def graft(pages: PageReader, subtree: Subtree) -> Update:
    """Return the tree in `pages` with a subtree, as `update` does with its pairs.

    Nothing of it is hashed again, where no other leaf lies below its place.
    """
    growth = _Growth(pages, subtree.built)
    _, root = growth.apply(0, 0, [*each_leaf(subtree.leaves)])
    return Update(root, growth.written)


class _Growth:
    """One change of a tree: reads stored pages and collects the pages to write."""

    def __init__(self, stored: PageReader, built: Mapping[bytes, _Built] = _NOTHING_BUILT) -> None:
        """built: of places whose leaves may come."""
        self._stored, self._built = stored, built
        self._many = stored.among if isinstance(stored, PagesReader) else None
        self._visits: dict[bytes, _Visit] = {}
        self.written: dict[bytes, bytes | None] = {}

    def apply(self, depth: int, prefix: int, changes: Sequence[_Change]) -> Child:
        """Return a place after `changes`, which lie below it, sorted."""
        place = place_of(depth, prefix)
        if place not in self._visits:
            self._visit(depth, prefix, changes)
        old, parts = self._visits.pop(place)
        if old is None or not is_fork(old):
            return self.build(depth, prefix, _changed(read_leaves(old), changes), old)
        children = read_children(old)
        for side, part in parts:
            children[side] = self.apply(depth + STEP, prefix << STEP | side, part)
        if sum([count for count, _ in children]) <= LEAVES_MAX:  # a generator costs twice as much
            gathered = self._gathered(depth, prefix, children)
            return self.build(depth, prefix, gathered, old)
        self._write(place, old, fork_page(children))
        return parent(children)

    def _visit(self, depth: int, prefix: int, changes: Sequence[_Change]) -> None:
        """Read the page of a place; where there are few changes, all pages on their paths.

        Those are read level by level, many in one question.
        """
        is_whole = self._many is not None and len(changes) <= CHANGES_AT_ONCE
        level = [(prefix, changes)]
        while level:
            places = [place_of(depth, at) for at, _ in level]
            pages = self._pages(places)
            below: list[tuple[int, Sequence[_Change]]] = []
            for place, (at, part) in zip(places, level, strict=True):
                page = pages.get(place)
                parts = _parts(part, depth) if page is not None and is_fork(page) else []
                self._visits[place] = page, parts
                below += [(at << STEP | side, some) for side, some in parts]
            level = below if is_whole else []
            depth += STEP

    def _pages(self, places: Sequence[bytes]) -> Mapping[bytes, bytes | None]:
        if self._many is None:
            return {place: self._stored.get(place) for place in places}
        return self._many(places)

    def build(self, depth: int, prefix: int, leaves: Leaves, old: bytes | None) -> Child:
        """Return a place that has exactly these leaves. old: the page there."""
        place = place_of(depth, prefix)
        built = self._built.get(place)
        if built is not None and built.leaves == leaves:
            self.written.update(built.pages)
            return built.child
        if is_few(leaves):
            self._write(place, old, leaf_page(leaves) if leaves else None)
            return len(leaves) // LEAF_BYTES, subtree_hash(leaves, depth)
        children = [NO_CHILD] * CHILDREN
        for side, part in leaves_below(leaves, depth, STEP):
            children[side] = self.build(depth + STEP, prefix << STEP | side, part, None)
        self._write(place, old, fork_page(children))
        return parent(children)

    def _gathered(self, depth: int, prefix: int, children: list[Child]) -> Leaves:
        """Return the leaves of places that are few enough for one page, and delete their pages."""
        leaves = b""
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


def _changed(leaves: Leaves, changes: Sequence[_Change]) -> Leaves:
    """Return leaves after `changes`."""
    parts: list[bytes] = []
    at = stop = 0
    for key, hashed in changes:
        while stop < len(leaves) and leaves[stop : stop + HASH_BYTES] < key:
            stop += LEAF_BYTES
        parts.append(leaves[at:stop])
        at = stop = stop + LEAF_BYTES * leaves.startswith(key, stop)
        if hashed is not None:
            parts += key, hashed
    return b"".join((*parts, leaves[at:]))


def _parts(changes: Sequence[_Change], depth: int) -> list[tuple[int, Sequence[_Change]]]:
    """Return the changes below each place a step further down that has some, by where it lies."""
    byte, shift, mask = bits_at(depth, STEP)
    if len(changes) == 1:
        return [(changes[0][0][byte] >> shift & mask, changes)]
    parts = parted(changes, lambda change: change[0][byte] >> shift & mask)
    return [(side, changes[start:stop]) for side, start, stop in parts]
