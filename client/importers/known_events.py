"""Events that stand for something written down elsewhere: its hash is in their data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from commonweal.protocol import codec
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.records.logs.log_store import Store


def events_naming(store: Store, key: str, *sizes: int) -> Iterator[Record]:
    """Yield the good events whose data has, under `key`, bytes of one of these sizes (< 256)."""
    for size in sizes:
        mark = codec.encode(key) + codec.encode(bytes(size))[:2]
        logs = [row.author for row in store.logs()]
        for wire in chain.from_iterable(store.containing(mark, author) for author in logs):
            record = from_bytes_unchecked(wire)
            named = record.data.get(key)
            if record.kind == "event" and type(named) is bytes and len(named) == size:
                yield record
