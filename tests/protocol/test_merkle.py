"""The state root: one tree for one set of pairs, cheap to change, and paths that convince."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import merkle
from commonweal.protocol.errors import Malformed, WrongState

VECTORS = Path(__file__).parents[1] / "vectors" / "seals.json"
Pairs = dict[bytes, bytes]
PAIRS = st.dictionaries(st.binary(max_size=3), st.binary(max_size=3), max_size=40)


def _hash(person: bytes, data: bytes) -> bytes:
    return blake2b(data, digest_size=32, person=person).digest()


def plain_root(pairs: Pairs) -> bytes:
    """The root by its definition alone, without places, changes or lifting on the way."""
    leaves = {
        int.from_bytes(_hash(b"cw1/key", key), "big"): (
            _hash(b"cw1/key", key) + _hash(b"cw1/value", value)
        )
        for key, value in pairs.items()
    }

    def below(keys: list[int], bit: int) -> bytes:
        if not keys:
            return bytes(32)
        if len(keys) == 1:
            return _hash(b"cw1/leaf", b"\0" + leaves[keys[0]])
        left = [one for one in keys if not one >> bit & 1]
        right = [one for one in keys if one >> bit & 1]
        return _hash(b"cw1/node", b"\1" + below(left, bit - 1) + below(right, bit - 1))

    return below(list(leaves), 255)


def written(pages: Pairs, changed: Mapping[bytes, bytes | None]) -> Pairs:
    for place, page in changed.items():
        if page is None:
            pages.pop(place, None)
        else:
            pages[place] = page
    return pages


@given(PAIRS)
def test_a_root_is_what_its_definition_says(pairs: Pairs) -> None:
    assert merkle.root_of(pairs.items()) == plain_root(pairs)


@given(
    st.lists(st.dictionaries(st.binary(max_size=2), st.none() | st.binary(max_size=2)), max_size=9)
)
def test_a_tree_kept_up_to_date_is_the_tree_from_nothing(
    steps: list[dict[bytes, bytes | None]],
) -> None:
    pages: Pairs = {}
    pairs: Pairs = {}
    for changes in steps:
        update = merkle.update(pages, changes)
        for key, value in changes.items():
            if value is None:
                pairs.pop(key, None)
            else:
                pairs[key] = value
        written(pages, update.pages)
        assert update.root == plain_root(pairs)
        assert pages == merkle.restore(pairs.items(), update.root)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_leaves_no_trace(pairs: Pairs, chance: Random) -> None:
    shuffled = list(pairs.items())
    chance.shuffle(shuffled)
    pages: Pairs = {}
    last = merkle.EMPTY
    for key, value in shuffled:
        update = merkle.update(pages, {key: value})
        written(pages, update.pages)
        last = update.root
    assert last == merkle.root_of(pairs.items())


@given(PAIRS)
def test_each_pair_has_a_path_that_convinces_and_no_other_does(pairs: Pairs) -> None:
    top = merkle.root_of(pairs.items())
    pages = merkle.restore(pairs.items(), top)
    for key, value in pairs.items():
        beside = merkle.audit_path(pages, key)
        assert beside is not None
        assert merkle.verify_path(top, key, value, beside)
        assert not merkle.verify_path(top, key, value + b"x", beside)
        assert not merkle.verify_path(top, key + b"xxxx", value, beside)
        assert not merkle.verify_path(bytes(32), key, value, beside)
        for place in range(len(beside)):
            assert not merkle.verify_path(top, key, value, beside[:place] + beside[place + 1 :])
    assert merkle.audit_path(pages, b"absent") is None


def test_a_path_of_a_wrong_shape_convinces_nobody() -> None:
    top = merkle.root_of([(b"a", b"1")])
    assert merkle.verify_path(top, b"a", b"1", ())
    assert not merkle.verify_path(top, b"a", b"1", (bytes(31),))
    assert not merkle.verify_path(top, b"a", b"1", (bytes(32),) * 257)


def test_a_snapshot_with_another_root_is_refused() -> None:
    pairs = [(b"a", b"1"), (b"b", b"2")]
    top = merkle.root_of(pairs)
    assert merkle.restore(pairs, top)
    for bad in ([(b"a", b"1")], [(b"a", b"1"), (b"b", b"3")], [*pairs, (b"c", b"")]):
        with pytest.raises(WrongState):
            merkle.restore(bad, top)
    with pytest.raises(Malformed, match="twice"):
        merkle.restore([*pairs, (b"a", b"1")], top)


def test_a_change_costs_its_own_path_and_not_the_tree() -> None:
    pairs = {number.to_bytes(4, "big"): b"x" for number in range(20_000)}
    pages = merkle.restore(pairs.items(), merkle.root_of(pairs.items()))
    reads = 0

    class Counted:
        def get(self, place: bytes, /) -> bytes | None:
            nonlocal reads
            reads += 1
            return pages.get(place)

    for key in (b"new", (7).to_bytes(4, "big"), (9_999).to_bytes(4, "big")):
        for value in (b"y", None):
            reads = 0
            update = merkle.update(Counted(), {key: value})
            assert len(update.pages) <= 12
            assert reads <= 12
            written(pages, update.pages)


def test_roots_keep_their_golden_bytes() -> None:
    for case in json.loads(VECTORS.read_text())["roots"]:
        pairs = [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in case["pairs"]]
        assert merkle.root_of(pairs).hex() == case["root"]
