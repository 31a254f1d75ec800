"""The pages in which a tree is stored, each at a place: a depth, and a prefix of H(key).

The leaves below a place are one page while they are few; else the page has the counts and hashes
of the places some bits further down. So a set of pairs has one set of pages, whatever the order in
which they came. Pages are local: nothing of them is agreed on or sent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.merkle.hashes import (
    EMPTY,
    FORK_TAG,
    LEAF_BYTES,
    LEAF_TAG,
    Leaves,
    hash_of_fork,
)

STEP = 2
"""Levels of the tree from a page to the next."""

CHILDREN = 1 << STEP

LEAVES_MAX = 15
"""The most leaves in a page: 961 bytes, which SQLite keeps in one row of a b-tree page."""

T = TypeVar("T")

Child: TypeAlias = tuple[int, bytes]
"""How many leaves lie below a place, and the hash of the tree there."""

NO_CHILD: Child = (0, EMPTY)

_CHILDREN = Struct(">" + f"I{HASH_BYTES}s" * CHILDREN)
_LEAF = Struct(f"{HASH_BYTES}s{HASH_BYTES}s")
_LEAVES_BYTES_MAX = LEAVES_MAX * LEAF_BYTES


class PageReader(Protocol):
    """The stored pages of one tree, by place; a dict is one."""

    def get(self, place: bytes, /) -> bytes | None:
        """Return the page at `place`, or None."""


@runtime_checkable
class PagesReader(PageReader, Protocol):
    """Stored pages of which many are read at a lower cost than each by itself."""

    def among(self, places: Sequence[bytes], /) -> Mapping[bytes, bytes]:
        """Return the pages at those of `places` that have one."""


def place_of(depth: int, prefix: int) -> bytes:
    """Return the place of a page. prefix: the first `depth` bits of the hashed keys below it."""
    return bytes([depth // STEP]) + prefix.to_bytes((depth + 7) // 8, "big")


def is_few(leaves: Leaves) -> bool:
    """Whether leaves are few enough for one page."""
    return len(leaves) <= _LEAVES_BYTES_MAX


def leaf_page(leaves: Leaves) -> bytes:
    """Return a page of leaves."""
    return LEAF_TAG + leaves


def each_leaf(leaves: Leaves) -> Iterator[tuple[bytes, bytes]]:
    """Yield H(key) and the hash of each leaf."""
    return _LEAF.iter_unpack(leaves)


def leaves_below(leaves: Leaves, depth: int, bits: int) -> Iterator[tuple[int, Leaves]]:
    """Yield the leaves below each place `bits` further down that has some, by where it lies."""
    byte, shift, mask = bits_at(depth, bits)
    starts = range(0, len(leaves), LEAF_BYTES)
    for side, start, stop in parted(starts, lambda at: leaves[at + byte] >> shift & mask):
        yield side, leaves[start * LEAF_BYTES : stop * LEAF_BYTES]


def bits_at(depth: int, bits: int) -> tuple[int, int, int]:
    """Return where `bits` of a hashed key stand at `depth`: the byte, how far to shift, the mask.

    depth, bits: within one byte.
    """
    return depth // 8, 8 - bits - depth % 8, (1 << bits) - 1


def parted(items: Sequence[T], side_of: Callable[[T], int]) -> Iterator[tuple[int, int, int]]:
    """Yield the parts of `items`, sorted, that lie on each side: the side, start and stop."""
    at, last = 0, side_of(items[-1]) if items else 0
    while at < len(items):
        side = side_of(items[at])
        stop = len(items) if side == last else bisect_right(items, side, at, key=side_of)
        yield side, at, stop
        at = stop


def fork_page(children: Iterable[Child]) -> bytes:
    """Return a page of the places further down."""
    return FORK_TAG + _CHILDREN.pack(*chain.from_iterable(children))


def is_fork(page: bytes) -> bool:
    """Whether a page has the places further down, and not leaves."""
    return page[:1] == FORK_TAG


def read_leaves(page: bytes | None) -> Leaves:
    """Return the leaves of a page; none where there is no page."""
    return b"" if page is None else page[len(LEAF_TAG) :]


def read_children(page: bytes) -> list[Child]:
    """Return the places further down."""
    fields = _CHILDREN.unpack_from(page, len(FORK_TAG))
    return list(zip(fields[::2], fields[1::2], strict=True))


def joined(left: Child, right: Child) -> Child:
    """Return a place from its two halves; a leaf that is alone replaces it."""
    count = left[0] + right[0]
    if count < 2:
        return left if left[0] else right
    return count, hash_of_fork(left[1], right[1])


def parent(children: Sequence[Child]) -> Child:
    """Return the place of a page from those further down, which are `CHILDREN`."""
    first, second, third, fourth = children
    return joined(joined(first, second), joined(third, fourth))


def levels(children: Sequence[Child]) -> list[list[Child]]:
    """Return the levels of the tree from the place of a page down to its `children`."""
    below = list(children)
    rows = [below]
    while len(below) > 1:
        below = [joined(*below[at : at + 2]) for at in range(0, len(below), 2)]
        rows.append(below)
    return rows[::-1]
