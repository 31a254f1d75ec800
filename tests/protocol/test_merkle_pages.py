"""A tree in pages is the tree of single nodes: same roots, same paths, whatever changes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol import merkle
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.merkle import hashes, pages, paths, tree
from tests.builders import plain_merkle

Stored = dict[bytes, bytes]
Changes = dict[bytes, "bytes | None"]

VALUES = st.none() | st.binary(max_size=2)
NUMBERS = st.integers(0, 300).map(lambda number: number.to_bytes(2, "big"))
SOME = st.dictionaries(NUMBERS, VALUES, max_size=8)
MANY = st.integers(1, 300).map(
    lambda step: {number.to_bytes(2, "big"): b"x" for number in range(0, 300, step)}
)

ALIKE = st.tuples(st.sampled_from([0, 1, 7, 100, 249, 252, 255]), st.integers(0, 63)).map(
    lambda alike: (alike[1] << max(0, 250 - alike[0]) & (1 << 256) - 1).to_bytes(HASH_BYTES, "big")
)
"""Hashed keys that part late, as nobody can make them: their pages go down to the last bit."""


def applied(stored: Stored, changed: Mapping[bytes, bytes | None]) -> None:
    for place, page in changed.items():
        if page is None:
            del stored[place]
        else:
            stored[place] = page


class Many(Stored):
    """Pages of which many are read at once; they are never read alone in a change."""

    def __init__(self, pages: Stored) -> None:
        super().__init__(pages)
        self.asked: list[int] = []

    def among(self, places: Sequence[bytes]) -> Stored:
        self.asked.append(len(places))
        return {place: self[place] for place in places if place in self}


def follow(steps: list[Changes]) -> None:
    """Change both trees alike, and compare all that can be asked of them after each step."""
    paged: Stored = {}
    plain: Stored = {}
    pairs: Stored = {}
    for changes in steps:
        update, expected = merkle.update(paged, changes), plain_merkle.update(plain, changes)
        assert update.root == expected.root
        applied(paged, update.pages)
        for place, node in expected.nodes.items():
            if node is None:
                plain.pop(place, None)
            else:
                plain[place] = node
        for key, value in changes.items():
            pairs.pop(key, None)
            if value is not None:
                pairs[key] = value
        assert merkle.root_of(pairs.items()) == expected.root
        assert paged == merkle.restore(pairs.items(), expected.root)
        assert merkle.update(paged, {}) == merkle.Update(expected.root, {})
        undone = {key: pairs.get(key) and b"y" for key in [*changes, *list(pairs)[:9]]}
        assert merkle.update(Many(paged), undone) == merkle.update(paged, undone)
        _compare_paths(paged, plain, pairs, [*list(changes)[:2], *list(pairs)[:2]], expected.root)


def _compare_paths(
    paged: Stored, plain: Stored, pairs: Stored, asked: list[bytes], root: bytes
) -> None:
    for key in asked:
        beside = merkle.audit_path(paged, key)
        assert beside == plain_merkle.audit_path(plain, key)
        if beside is not None:
            assert merkle.verify_path(root, key, pairs[key], beside)
        for depth in (0, 4, 9, 250):
            prefix = merkle.prefix_of(key, depth)
            siblings = merkle.siblings_above(paged, depth, prefix)
            assert siblings == plain_merkle.siblings_above(plain, depth, prefix)
            below = [(k, v) for k, v in pairs.items() if merkle.prefix_of(k, depth) == prefix]
            for some in (below, below[1:]):
                subtree = (root, depth, prefix, some, siblings or ())
                proven = merkle.proven_subtree(*subtree) is not None
                assert proven == plain_merkle.verify_subtree(*subtree)


@settings(max_examples=100)
@given(st.lists(SOME | MANY, max_size=5))
def test_pages_are_the_tree_of_single_nodes(steps: list[Changes]) -> None:
    follow(steps)


def subtrees(pairs: Stored, depth: int) -> Iterator[merkle.Subtree]:
    """Yield the subtrees at a depth, each proven; below each are two pairs or more."""
    root = merkle.root_of(pairs.items())
    stored = merkle.restore(pairs.items(), root)
    for prefix in range(1 << depth):
        below = [(k, v) for k, v in pairs.items() if merkle.prefix_of(k, depth) == prefix]
        beside = merkle.siblings_above(stored, depth, prefix)
        assert beside is not None
        subtree = merkle.proven_subtree(root, depth, prefix, below, beside)
        assert subtree is not None
        yield subtree


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("count", [0, 1, 9, 200])
def test_a_tree_is_put_together_from_its_subtrees(depth: int, count: int) -> None:
    """count: of pairs that are in the stored tree before."""
    pairs = {b"%d" % number: b"v%d" % number for number in range(300)}
    stored: Stored = {}
    applied(stored, merkle.update({}, dict([*pairs.items()][:count])).pages)
    grown = merkle.update(stored, {})
    for subtree in subtrees(pairs, depth):
        grown = merkle.graft(stored, subtree)
        applied(stored, grown.pages)
        assert merkle.graft(stored, subtree).root == grown.root
    assert grown.root == merkle.root_of(pairs.items())
    assert stored == merkle.restore(pairs.items(), grown.root)


def test_a_subtree_that_was_proven_is_not_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = {b"%d" % number: b"" for number in range(500)}
    proven = list(subtrees(pairs, 3))
    expected = merkle.root_of(pairs.items())
    for name in ("hash_of_key", "hash_of_leaf", "subtree_hash"):
        monkeypatch.setattr(tree, name, None)
    stored: Stored = {}
    grown = []
    for subtree in proven:
        grown.append(merkle.graft(stored, subtree))
        applied(stored, grown[-1].pages)
    assert grown[-1].root == expected


def test_pages_come_and_go_one_leaf_at_a_time() -> None:
    every = [number.to_bytes(2, "big") for number in range(3 * pages.LEAVES_MAX)]
    grow: list[Changes] = [{key: b""} for key in every]
    shrink: list[Changes] = [{key: None} for key in every]
    follow([*grow, *shrink])


@pytest.fixture
def unhashed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def plainly() -> None:
        for module in (tree, paths, hashes):
            monkeypatch.setattr(module, "hash_of_key", lambda key: key.rjust(HASH_BYTES, b"\0"))
        monkeypatch.setattr(plain_merkle, "_key", lambda key: key.rjust(HASH_BYTES, b"\0"))

    return plainly


def test_pages_hold_leaves_that_part_at_the_last_bit(unhashed: Callable[[], None]) -> None:
    unhashed()
    last = {number.to_bytes(HASH_BYTES, "big"): b"x" for number in range(200)}
    far = {(number << 200).to_bytes(HASH_BYTES, "big"): b"y" for number in range(1, 60)}
    odd: Changes = {key: None for number, key in enumerate(last) if number % 3}
    follow([{**last}, {**far}, odd, dict.fromkeys(far), dict.fromkeys(last)])


def test_leaves_that_part_anywhere_are_those_of_single_nodes(
    unhashed: Callable[[], None],
) -> None:
    unhashed()

    @settings(max_examples=40)
    @given(st.lists(st.dictionaries(ALIKE, VALUES, max_size=40), max_size=4))
    def compare(steps: list[Changes]) -> None:
        follow(steps)

    compare()


def test_a_full_page_is_a_row_that_needs_no_second_page_of_sqlite() -> None:
    leaves, child = bytes(2 * HASH_BYTES * pages.LEAVES_MAX), (1 << 32) - 1
    assert pages.is_few(leaves) and not pages.is_few(leaves + bytes(2 * HASH_BYTES))
    assert len(pages.leaf_page(leaves)) == 961
    assert len(pages.fork_page([(child, bytes(HASH_BYTES))] * pages.CHILDREN)) == 145
    pairs = {number.to_bytes(4, "big"): b"" for number in range(5_000)}
    stored = merkle.restore(pairs.items(), merkle.root_of(pairs.items()))
    assert max(map(len, stored.values())) <= 961
    assert sum(map(len, stored.values())) / len(pairs) <= 76


def test_pages_on_the_paths_of_some_changes_are_read_level_by_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = {number.to_bytes(4, "big"): b"x" for number in range(20_000)}
    held = Many(merkle.restore(pairs.items(), merkle.root_of(pairs.items())))
    merkle.update(held, dict.fromkeys(list(pairs)[: tree.CHANGES_AT_ONCE], b"y"))
    assert len(held.asked) == max(place[0] for place in held) + 1, "a question a level"
    most, held.asked = max(held.asked), []
    merkle.update(held, dict.fromkeys(pairs, b"y"))
    assert max(held.asked) <= tree.CHANGES_AT_ONCE, "of more changes fewer pages are in memory"
    assert most <= tree.CHANGES_AT_ONCE


def test_a_change_leaves_nothing_for_a_search_of_garbage() -> None:
    """What refers to itself stays until one: a function for each page did, and its leaves."""
    pairs = {number.to_bytes(4, "big"): b"x" for number in range(1_000)}
    stored = merkle.update({}, {**pairs}).pages
    gc.collect()
    merkle.update({**stored}, dict.fromkeys(list(pairs)[:500], b"y"))
    assert not gc.collect()


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_page_that_the_disk_filled_with_one_byte_is_no_page(byte: bytes) -> None:
    for count in (2, pages.LEAVES_MAX):
        with pytest.raises(AssertionError, match="each key is there once"):
            hashes.subtree_hash(byte * hashes.LEAF_BYTES * count, 16)
