"""A state goes in chunks from one node to another, and no wrong pair gets in."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.protocol import codec, merkle
from commonweal.protocol.errors import CommonwealError, Malformed, WrongState
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.snapshot import Pair


def state(count: int, size: int = 40) -> dict[bytes, Any]:
    rng = Random(count)
    return {
        b"M" + rng.randbytes(rng.randint(1, 32)) + bytes([n % 7]): [n, rng.randbytes(size), None]
        for n in range(count)
    }


def handed(pairs: dict[bytes, Any], depth: int | None = None) -> tuple[bytes, int, list[bytes]]:
    """The root, the depth, and every chunk."""
    listed = list(snapshot.pairs_of(pairs.items()))
    top = merkle.root_of(listed)
    nodes = merkle.restore(listed, top)
    size = sum(len(one.key) + len(one.value) for one in listed)
    if depth is None:
        depth = snapshot.depth_for(size, pairs)
    chunks = []
    for number in range(1 << depth):
        below = [one for one in listed if merkle.prefix_of(one.key, depth) == number]
        chunks.append(snapshot.chunk_to_bytes(nodes, depth, number, below))
    return top, depth, chunks


def test_all_chunks_together_are_the_state_and_nothing_else() -> None:
    pairs = state(3_000, 400)
    top, depth, chunks = handed(pairs)
    assert depth == 3, "1.3 MB in chunks of about 160 KB"
    assert max(map(len, chunks)) < 2 * snapshot.CHUNK_BYTES_AIM
    got: dict[bytes, Any] = {}
    for number, data in enumerate(chunks):
        for pair in snapshot.read_chunk(data, top, depth, number).pairs:
            got[pair.key] = snapshot.value_of(pair)
    assert got == pairs


@pytest.mark.parametrize("count", [2, 3, 10, 300])
@pytest.mark.parametrize("depth", [0, 1, 2, 4])
def test_a_chunk_is_taken_only_where_two_pairs_or_more_lie_below(count: int, depth: int) -> None:
    pairs = state(count)
    listed = list(snapshot.pairs_of(pairs.items()))
    top = merkle.root_of(listed)
    nodes = merkle.restore(listed, top)
    for number in range(1 << depth):
        below = [one for one in listed if merkle.prefix_of(one.key, depth) == number]
        try:
            data = snapshot.chunk_to_bytes(nodes, depth, number, below)
            assert snapshot.read_chunk(data, top, depth, number).pairs == sorted(below)
        except WrongState:
            assert len(below) < 2
        else:
            assert len(below) >= 2


def test_the_depth_leaves_two_pairs_in_every_chunk_and_keeps_to_the_aim() -> None:
    keys = state(40)
    assert snapshot.depth_for(10**12, keys) < 5
    assert snapshot.depth_for(snapshot.CHUNK_BYTES_AIM, keys) == 0
    assert snapshot.depth_for(snapshot.CHUNK_BYTES_AIM + 1, state(300)) == 1
    assert snapshot.depth_for(10**12, state(2)) == 0


TOP, DEPTH, CHUNKS = handed(state(200), 2)


def changed(*listed: list[Any], hashes: list[Any] | None = None) -> bytes:
    fields: Any = codec.decode(CHUNKS[1])
    return codec.encode([fields[0] if hashes is None else hashes, list(listed)])


PAIRS: Any = codec.decode(CHUNKS[1])
SPOILED: dict[str, tuple[bytes, type[CommonwealError]]] = {
    "a pair left out": (changed(*PAIRS[1][1:]), WrongState),
    "a value changed": (changed([PAIRS[1][0][0], b"\x07"], *PAIRS[1][1:]), WrongState),
    "a key changed": (changed([b"A", PAIRS[1][0][1]], *PAIRS[1][1:]), WrongState),
    "a pair added": (changed([b"A", b"\x01"], *PAIRS[1]), WrongState),
    "a pair twice": (changed(PAIRS[1][0], *PAIRS[1]), Malformed),
    "the pairs in another order": (changed(*PAIRS[1][::-1]), Malformed),
    "nothing": (changed(), WrongState),
    "another hash beside": (changed(*PAIRS[1], hashes=[PAIRS[0][0], bytes(32)]), WrongState),
    "a short hash beside": (changed(*PAIRS[1], hashes=[PAIRS[0][0], b"x"]), Malformed),
    "a hash too few": (changed(*PAIRS[1], hashes=PAIRS[0][:1]), Malformed),
    "another chunk": (CHUNKS[2], WrongState),
    "a pair that is none": (changed([1, 2]), Malformed),
    "a pair of three": (changed([*PAIRS[1][0], b""], *PAIRS[1][1:]), Malformed),
    "a value that is no bytes": (changed([b"A", "text"], *PAIRS[1]), Malformed),
    "a key that is no bytes": (changed(["A", b"\x01"], *PAIRS[1]), Malformed),
    "a key that is too long": (changed([b"A" * 1025, b"\x01"], *PAIRS[1]), Malformed),
    "a key as long as may be": (changed([b"A" * 1024, b"\x01"], *PAIRS[1]), WrongState),
    "an empty key": (changed([b"", b"\x01"], *PAIRS[1]), Malformed),
    "a local key": (changed([b"\x00e", b"\x01"], *PAIRS[1]), Malformed),
    "junk": (b"\xc1", Malformed),
    "too much": (bytes(snapshot.CHUNK_BYTES_MAX + 1), Malformed),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_chunk_is_refused_that_holds(name: str) -> None:
    assert snapshot.read_chunk(CHUNKS[1], TOP, DEPTH, 1).pairs
    data, error = SPOILED[name]
    with pytest.raises(error):
        snapshot.read_chunk(data, TOP, DEPTH, 1)


def test_a_pair_that_lies_elsewhere_is_no_part_of_a_chunk() -> None:
    fields: Any = codec.decode(CHUNKS[1])
    other: Any = codec.decode(CHUNKS[2])
    for pair in other[1]:
        with pytest.raises(WrongState):
            data = codec.encode([fields[0], sorted([*fields[1], pair])])
            snapshot.read_chunk(data, TOP, DEPTH, 1)


def test_a_chunk_of_another_root_depth_or_number_is_refused() -> None:
    for top, depth, number in ((bytes(32), 2, 1), (TOP, 1, 1), (TOP, 3, 1), (TOP, 2, 3)):
        with pytest.raises(CommonwealError):
            snapshot.read_chunk(CHUNKS[1], top, depth, number)


def test_a_pair_is_not_two_things_at_once() -> None:
    pair = Pair(b"k", snapshot.pairs_of([(b"k", {"a": [1]})]).__next__().value)
    assert snapshot.value_of(pair) == {"a": [1]}
