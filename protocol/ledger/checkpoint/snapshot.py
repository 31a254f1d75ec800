"""Snapshots: a whole final state in chunks, each checked on its own against the state root.

A chunk is everything below one place of the state's tree, with the sibling hashes on the path to
it. So a wrong or missing pair is detected with the first chunk that should hold it, and all chunks
of one depth are the whole state, with nothing added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from commonweal.protocol import codec, merkle
from commonweal.protocol.errors import Malformed, WrongState
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.checkpoint.roots import leaf
from commonweal.protocol.ledger.state.state import DEPTH_MAX, LOCAL
from commonweal.protocol.merkle import PageReader

CHUNK_BYTES_AIM = 192 * 1024
CHUNK_BYTES_MAX = 4 * 1024 * 1024
"""Size of a chunk in memory; one value of a state has at most 1 MiB."""

CHUNK_VALUES_MAX = 400_000
"""Values in a chunk, three for each pair; a pair of the smallest rows has 32 bytes."""

DEPTH_CHUNKS_MAX = 14
"""At most 16,384 chunks: with the aim, a state of 3 GiB."""

KEY_BYTES_MAX = 1024


class Pair(NamedTuple):
    """A key of the state, and the bytes of its value as in the tree."""

    key: bytes
    value: bytes


class Chunk(NamedTuple):
    """A checked chunk: its pairs, and the subtree of them."""

    pairs: list[Pair]
    subtree: merkle.Subtree


def depth_for(size: int, keys: Iterable[bytes]) -> int:
    """Return the depth at which a state has chunks near the aim, with two pairs or more in each.

    size: of all keys and values, in bytes.
    """
    depth = depth_by_size(size)
    below = [0] * (1 << depth)
    for key in keys:
        below[merkle.prefix_of(key, depth)] += 1
    return filled_depth(below)


def depth_by_size(size: int) -> int:
    """Return the depth at which a state of so many bytes has chunks near the aim."""
    depth = 0
    while depth < DEPTH_CHUNKS_MAX and size >> depth > CHUNK_BYTES_AIM:
        depth += 1
    return depth


def filled_depth(below: Sequence[int]) -> int:
    """Return the greatest depth with two pairs or more in each chunk; 0 also for fewer.

    below: how many pairs lie below each place of one depth.
    """
    depth = len(below).bit_length() - 1
    while depth and min(below) < 2:
        depth -= 1
        below = [left + right for left, right in zip(below[::2], below[1::2], strict=True)]
    return depth


def chunk_to_bytes(tree: PageReader, depth: int, number: int, pairs: Iterable[Pair]) -> bytes:
    """Return the chunk `number` at `depth`: `pairs`, and the sibling hashes on the path to them.

    tree: of the state. Raises `WrongState` when the tree has no such place.
    """
    hashes = merkle.siblings_above(tree, depth, number)
    if hashes is None:
        raise WrongState(f"its tree ends above depth {depth}")
    return chunk_of(hashes, pairs)


def chunk_of(hashes: Iterable[bytes], pairs: Iterable[Pair]) -> bytes:
    """Return a chunk. hashes: the siblings on the path to its place, root first."""
    listed: list[codec.Value] = [[*pair] for pair in sorted(pairs)]
    return codec.encode([list(hashes), listed])


def read_chunk(data: bytes, state_root: bytes, depth: int, number: int) -> Chunk:
    """Return a chunk whose pairs are checked to be all below its place in the tree of `state_root`.

    Raises `Malformed`, or `WrongState` when they are not. A state of fewer than two pairs has no
    snapshot.
    """
    if len(data) > CHUNK_BYTES_MAX:
        raise Malformed(f"a chunk of {len(data)} bytes")
    match codec.decode(data, values_max=CHUNK_VALUES_MAX):
        case [list(hashes), list(listed)] if len(hashes) == depth <= DEPTH_CHUNKS_MAX:
            beside = tuple(
                sibling
                for sibling in hashes
                if type(sibling) is bytes and len(sibling) == HASH_BYTES
            )
            pairs = _pairs(listed)
        case _:
            raise Malformed("not a chunk of a state")
    if pairs != sorted(pairs) or len(beside) != len(hashes):
        raise Malformed("the pairs of a chunk are sorted, and hashes have 32 bytes")
    subtree = merkle.proven_subtree(state_root, depth, number, pairs, beside)
    if subtree is None:
        raise WrongState(f"chunk {number} is not of root {state_root.hex()}")
    return Chunk(pairs, subtree)


def value_of(pair: Pair) -> Any:
    """Return the value of a checked pair."""
    return codec.decode(pair.value, DEPTH_MAX)


def pairs_of(state: Iterable[tuple[bytes, Any]]) -> Iterator[Pair]:
    """Yield keys and values of a state as a chunk holds them."""
    for key, value in state:
        yield Pair(key, leaf(value))


def _pairs(listed: list[Any]) -> list[Pair]:
    """Return the pairs in a list. Raises `Malformed` for anything else."""
    if (
        set(map(type, listed)) <= {list}
        and set(map(len, listed)) <= {2}
        and set(map(type, chain.from_iterable(listed))) <= {bytes}
    ):
        pairs = list(map(Pair._make, listed))
        has_local = any(pair.key[:1] == LOCAL for pair in pairs)
        sizes = {len(pair.key) for pair in pairs}
        if not has_local and all(0 < size <= KEY_BYTES_MAX for size in sizes):
            return pairs
    raise Malformed("not a pair of a state")
