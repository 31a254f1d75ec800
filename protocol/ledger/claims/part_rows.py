"""Parts of contributions that took part once, where a bucket traces: rows of the state.

A contribution takes part with each part of it once: the part that went into one source counts for
that source, and all of them together are at most the whole. State: 9u parts, by height and source.
"""

from __future__ import annotations

from collections.abc import Iterable

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.claims.pools import PoolId
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

PART = Table.PART.prefix

_HEIGHT_BYTES = 8


def put_part(
    state: State, pool: PoolId, bucket: str, event: bytes, height: int, source: bytes, part: int
) -> None:
    """Note which part of a contribution took part at a height, in 1 / PART_UNITS."""
    key = _of_bucket(pool, bucket) + event + height.to_bytes(_HEIGHT_BYTES) + source
    state.put(key, part)


def parts_taken(state: State, pool: PoolId, bucket: str) -> dict[bytes, dict[bytes, int]]:
    """Return how much of each contribution took part so far, by event and source."""
    parts: dict[bytes, dict[bytes, int]] = {}
    prefix = _of_bucket(pool, bucket)
    for key, part in state.items(prefix):
        event, source = key[len(prefix) :][:HASH_BYTES], key[_source_begins(prefix) :]
        by_source = parts.setdefault(event, {})
        by_source[source] = by_source.get(source, 0) + part
    return parts


def give_back_parts(state: State, pool: PoolId, bucket: str, heights: Iterable[int]) -> None:
    """Forget what took part at these heights."""
    prefix = _of_bucket(pool, bucket)
    gone = {height.to_bytes(_HEIGHT_BYTES) for height in heights}
    begins = len(prefix) + HASH_BYTES
    for key, _ in list(state.items(prefix)) if gone else ():
        if key[begins : _source_begins(prefix)] in gone:
            state.delete(key)


def _of_bucket(pool: PoolId, bucket: str) -> bytes:
    return PART + pool.to_bytes() + bucket.encode() + b"\0"


def _source_begins(prefix: bytes) -> int:
    return len(prefix) + HASH_BYTES + _HEIGHT_BYTES
