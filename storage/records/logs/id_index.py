"""The index from record ids to rows: a large sorted table, and the ids of the last runs.

48 bits of each id are stored; a look-up hashes the few records that match. The ids of a run are
one row of `fresh_id`. They are searched in memory, unpacked after some look-ups, and move to the
large table `record_id` when they are many. Never reads a record; the caller checks the hash.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from commonweal.protocol.records.record import Record
from commonweal.storage.sqlite.database import Database

PREFIX_BYTES = 6
FRESH_IDS_MAX = 524_288
"""Ids that wait in `fresh_id` until they are moved at once; each takes 6 bytes on the disk."""
FRESH_IDS_IDLE = 256
"""From this number on they are moved when the node is idle; in memory each takes 160 bytes."""
SEARCHES_MAX = 100
"""Ids that are searched for in the bytes of the last runs before these are unpacked: each search of
100,000 takes 0.3 ms, and unpacking them 35 ms."""

KEYS_BETWEEN_MAX = 64
"""Rows read for an id of which only the beginning was typed."""


class IdIndex:
    """The ids of all records of one store, as pairs (first 48 bits, key)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._searches = 0
        self.forget()

    def forget(self) -> None:
        """Drop the unpacked ids, which may be of records that are rolled back."""
        self._runs: list[tuple[int, bytes]] | None = None
        self._runs_version = 0
        self._unpacked: dict[bytes, tuple[int, ...]] = {}
        self._unpacked_runs = 0
        self._count: int | None = None

    def add(self, key: int, run: Sequence[Record]) -> None:
        """Index the ids of records that are stored at `key` and the keys after it."""
        prefixes = b"".join([record.id[:PREFIX_BYTES] for record in run])
        self._database.change("INSERT INTO fresh_id VALUES (?, ?)", (key, prefixes))
        if self._runs is not None:
            self._runs.append((key, prefixes))
        if self._count is None:
            row = self._database.row("SELECT total(length(prefixes)) FROM fresh_id")
            assert row is not None
            self._count = int(row[0]) // PREFIX_BYTES
        else:
            self._count += len(run)
        if self._count >= FRESH_IDS_MAX:
            self._move()

    def tidy(self) -> None:
        """Move the ids of the last runs to the large table when there are many; for idle times."""
        row = self._database.row("SELECT total(length(prefixes)) FROM fresh_id")
        assert row is not None
        if row[0] >= FRESH_IDS_IDLE * PREFIX_BYTES:
            self._move()

    def drop(self, start: int, stop: int) -> None:
        """Remove the ids of the keys in [start, stop); reads the whole table."""
        self._move()
        self._database.change("DELETE FROM record_id WHERE key >= ? AND key < ?", (start, stop))

    def drop_each(self, ids: Iterable[tuple[bytes, int]]) -> None:
        """Remove these ids, each with its key."""
        self._move()
        self._database.change_many(
            "DELETE FROM record_id WHERE prefix = ? AND key = ?",
            [(_number(id[:PREFIX_BYTES]), key) for id, key in ids],
        )

    def keys(self, record_id: bytes) -> Iterator[int]:
        """Yield the keys of the records with the same first 48 bits of their id, late runs first.

        None for an id that is too short to be a record's, such as `NO_ID`: the bytes of every run
        contain it.
        """
        if len(record_id) < PREFIX_BYTES:
            return
        prefix = record_id[:PREFIX_BYTES]
        yield from self._fresh_keys(prefix)
        rows = self._database.rows("SELECT key FROM record_id WHERE prefix = ?", (_number(prefix),))
        yield from (key for (key,) in rows)

    def keys_between(self, low: bytes, high: bytes) -> list[int]:
        """Return the keys of the records with an id between two ids, by id."""
        first, last = _number(low[:PREFIX_BYTES]), _number(high[:PREFIX_BYTES])
        fresh = [
            (number, key)
            for prefix, keys in self._fresh().items()
            if first <= (number := _number(prefix)) <= last
            for key in keys
        ]
        held = self._database.rows(
            "SELECT prefix, key FROM record_id WHERE prefix BETWEEN ? AND ? ORDER BY 1 LIMIT ?",
            (first, last, KEYS_BETWEEN_MAX),
        )
        return [key for _, key in sorted([*fresh, *held])]

    def _fresh_keys(self, prefix: bytes) -> Iterator[int]:
        """Yield the keys of the ids of the last runs that begin so.

        The first SEARCHES_MAX are searched for in the bytes; to unpack all of them, as more
        searches need, costs as much as so many searches.
        """
        self._searches += 1
        if self._searches > SEARCHES_MAX:
            yield from self._fresh().get(prefix, ())
            return
        for key, prefixes in reversed(self._fresh_runs()):  # mostly the newest are asked for
            for place in _places(prefix, prefixes):
                yield key + place

    def _fresh(self) -> dict[bytes, tuple[int, ...]]:
        """Return the keys of the ids of the last runs, by their beginning."""
        runs = self._fresh_runs()
        for key, prefixes in runs[self._unpacked_runs :]:
            _unpack(self._unpacked, key, prefixes)
        self._unpacked_runs = len(runs)
        return self._unpacked

    def _fresh_runs(self) -> list[tuple[int, bytes]]:
        """Return the rows of `fresh_id`: the key of each run, and the beginnings of its ids."""
        version = self._version()
        if self._runs is None or version != self._runs_version:
            self._runs = self._database.rows("SELECT key, prefixes FROM fresh_id")
            self._runs_version = version
            self._unpacked, self._unpacked_runs = {}, 0
        return self._runs

    def _version(self) -> int:
        """Return a number that changes when another connection commits; the writer sees all."""
        if not self._database.readonly:
            return 0
        row = self._database.row("PRAGMA data_version")
        assert row is not None
        return int(row[0])

    def _move(self) -> None:
        rows = self._database.rows("SELECT key, prefixes FROM fresh_id")
        pairs = [
            (_number(prefix), row_key)
            for key, prefixes in rows
            for row_key, prefix in enumerate(_prefixes(prefixes), key)
        ]
        pairs.sort()
        self._database.insert_pairs("record_id", pairs)
        self._database.change("DELETE FROM fresh_id")
        self.forget()
        self._count = 0


def _places(prefix: bytes, prefixes: bytes) -> Iterator[int]:
    """Yield which of the prefixes, one behind the other, are this one."""
    at = prefixes.find(prefix)
    while at >= 0:
        if at % PREFIX_BYTES == 0:
            yield at // PREFIX_BYTES
        at = prefixes.find(prefix, at + 1)


def _unpack(unpacked: dict[bytes, tuple[int, ...]], key: int, prefixes: bytes) -> None:
    for row_key, prefix in enumerate(_prefixes(prefixes), key):
        unpacked[prefix] = (*unpacked.get(prefix, ()), row_key)


def _prefixes(prefixes: bytes) -> tuple[bytes, ...]:
    return struct.unpack(f"{PREFIX_BYTES}s" * (len(prefixes) // PREFIX_BYTES), prefixes)


def _number(prefix: bytes) -> int:
    return int.from_bytes(prefix, "big")
