"""The Merkle roots that a seal names: of the cut, the state, the members, and the payouts.

The first three are trees that are kept and updated at a cost proportional to the change. The
members' tree is over the rows of members and devices; the payouts of a height have their own. Local
keys are in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from commonweal.protocol import codec
from commonweal.protocol.ledger.claims.pools import LINE
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.advance import Advance
from commonweal.protocol.ledger.state.state import DEPTH_MAX
from commonweal.protocol.merkle import PageReader, update
from commonweal.protocol.seal.cut import Delta, cut_root, tree_changes

Pages: TypeAlias = dict[bytes, "bytes | None"]
"""Pages to write, by place; None: to delete."""

MEMBERS = (registry.MEMBER, registry.DEVICE)
"""The tables that the members' root is over."""


class Trees(NamedTuple):
    """Where the pages of the three trees are kept."""

    cut: PageReader
    state: PageReader
    members: PageReader


class Growth(NamedTuple):
    """What a seal writes to each tree."""

    cut: Pages
    state: Pages
    members: Pages


class Roots(NamedTuple):
    """The roots after a cut, and what changes in the trees."""

    state: bytes
    members: bytes
    distribution: bytes
    growth: Growth


def cut_roots(tree: PageReader, delta: Delta) -> tuple[bytes, Pages]:
    """Return the root of the cut that `delta` makes, and what it writes to the tree."""
    changed = update(tree, tree_changes(delta.logs))
    return cut_root(changed.root, delta.present), changed.pages


def roots_of(trees: Trees, advance: Advance, changes: Iterable[tuple[bytes, Any]]) -> Roots:
    """Return the roots after `advance`. changes: of the state, by key; None: the key is gone."""
    _, cut = cut_roots(trees.cut, advance.delta)
    encoded = {key: None if value is None else leaf(value) for key, value in changes}
    whole = update(trees.state, encoded)
    people = {key: value for key, value in encoded.items() if key[:1] in MEMBERS}
    members = update(trees.members, people)
    line = LINE + advance.cut.height.to_bytes(8)
    paid = {key: value for key, value in encoded.items() if value and key.startswith(line)}
    growth = Growth(cut, whole.pages, members.pages)
    return Roots(whole.root, members.root, update({}, dict(paid)).root, growth)


def first_trees(inherited: Mapping[bytes, Any]) -> Growth:
    """Return the trees of a community that begins with a state and has no log yet."""
    leaves: dict[bytes, bytes | None] = {key: leaf(value) for key, value in inherited.items()}
    people = {key: value for key, value in leaves.items() if key[:1] in MEMBERS}
    return Growth({}, update({}, leaves).pages, update({}, people).pages)


def leaf(value: Any) -> bytes:
    """Return the bytes of a value of the state, as in a tree."""
    return codec.encode(value, DEPTH_MAX)


def write(tree: dict[bytes, bytes], pages: Mapping[bytes, bytes | None]) -> None:
    """Apply `pages` to a tree that is kept in memory."""
    for place, page in pages.items():
        if page is None:
            tree.pop(place, None)
        else:
            tree[place] = page
