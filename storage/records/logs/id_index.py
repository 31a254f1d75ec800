"""The index from record ids to rows: a large sorted table, and the ids of the last runs.

48 bits of each id are stored; a look-up hashes the few records that match. The ids of a run are
one row of `fresh_id`. They are unpacked in memory at the first look-up, and move to the large
table `record_id` when they are many. Never reads a record; the caller checks the hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from commonweal.protocol.records.record import Record
from commonweal.storage.sqlite.database import Database

PREFIX_BYTES = 6
FRESH_IDS_MAX = 524_288
"""Ids that wait in `fresh_id` until they are moved at once; each takes 6 bytes on the disk."""
FRESH_IDS_IDLE = 256
"""From this number on they are moved when the node is idle; in memory each takes 160 bytes."""
SEARCHES_MAX = 8
"""Ids that are searched for in the bytes of the last runs before these are spread out."""

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
        self._spread: dict[int, tuple[int, ...]] | None = None
        self._unspread: list[tuple[int, bytes]] = []
        self._spread_version = 0
        self._count: int | None = None

    def add(self, key: int, run: Sequence[Record]) -> None:
        """Index the ids of records that are stored at `key` and the keys after it."""
        prefixes = b"".join([record.id[:PREFIX_BYTES] for record in run])
        self._database.change("INSERT INTO fresh_id VALUES (?, ?)", (key, prefixes))
        if self._spread is not None:
            self._unspread.append((key, prefixes))
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

    def keys(self, record_id: bytes) -> list[int]:
        """Return the keys of the records with the same first 48 bits of their id.

        None for an id that is too short to be a record's, such as `NO_ID`: the bytes of every run
        contain it.
        """
        if len(record_id) < PREFIX_BYTES:
            return []
        prefix = _number(record_id[:PREFIX_BYTES])
        fresh = self._fresh_keys(record_id[:PREFIX_BYTES])
        rows = self._database.rows("SELECT key FROM record_id WHERE prefix = ?", (prefix,))
        return [key for (key,) in rows] + list(fresh)

    def keys_between(self, low: bytes, high: bytes) -> list[int]:
        """Return the keys of the records with an id between two ids, by id."""
        first, last = _number(low[:PREFIX_BYTES]), _number(high[:PREFIX_BYTES])
        fresh = [
            (prefix, key)
            for prefix, keys in self._fresh().items()
            if first <= prefix <= last
            for key in keys
        ]
        held = self._database.rows(
            "SELECT prefix, key FROM record_id WHERE prefix BETWEEN ? AND ? ORDER BY 1 LIMIT ?",
            (first, last, KEYS_BETWEEN_MAX),
        )
        return [key for _, key in sorted([*fresh, *held])]

    def _fresh_keys(self, prefix: bytes) -> Sequence[int]:
        """Return the keys of the ids of the last runs that begin so.

        The first SEARCHES_MAX are searched for in the bytes; to spread all of them out, as more
        searches need, costs as much as so many searches.
        """
        self._searches += 1
        if self._searches > SEARCHES_MAX or self._spread is not None:
            return self._fresh().get(_number(prefix), ())
        rows = self._database.rows(
            "SELECT key, prefixes FROM fresh_id WHERE instr(prefixes, ?)", (prefix,)
        )
        return [key + place for key, prefixes in rows for place in _places(prefix, prefixes)]

    def _fresh(self) -> dict[int, tuple[int, ...]]:
        version = self._version()
        if self._spread is None or version != self._spread_version:
            self._unspread = self._database.rows("SELECT key, prefixes FROM fresh_id")
            self._spread, self._spread_version = {}, version
        for key, prefixes in self._unspread:
            _spread_out(self._spread, key, prefixes)
        self._unspread = []
        return self._spread

    def _version(self) -> int:
        """Return a number that changes when another connection commits; the writer sees all."""
        if not self._database.readonly:
            return 0
        row = self._database.row("PRAGMA data_version")
        assert row is not None
        return int(row[0])

    def _move(self) -> None:
        rows = self._database.rows("SELECT key, prefixes FROM fresh_id")
        pairs = [pair for key, prefixes in rows for pair in _pairs(key, prefixes)]
        pairs.sort()
        self._database.insert_pairs("record_id", pairs)
        self._database.change("DELETE FROM fresh_id")
        self._spread, self._unspread, self._count = None, [], 0


def _places(prefix: bytes, prefixes: bytes) -> Iterator[int]:
    """Yield which of the prefixes, one behind the other, are this one."""
    at = prefixes.find(prefix)
    while at >= 0:
        if at % PREFIX_BYTES == 0:
            yield at // PREFIX_BYTES
        at = prefixes.find(prefix, at + 1)


def _spread_out(spread: dict[int, tuple[int, ...]], key: int, prefixes: bytes) -> None:
    for prefix, row_key in _pairs(key, prefixes):
        spread[prefix] = (*spread.get(prefix, ()), row_key)


def _pairs(key: int, prefixes: bytes) -> list[tuple[int, int]]:
    size = PREFIX_BYTES
    starts = range(0, len(prefixes), size)
    return [(_number(prefixes[at : at + size]), key + at // size) for at in starts]


def _number(prefix: bytes) -> int:
    return int.from_bytes(prefix, "big")
