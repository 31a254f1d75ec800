"""An index of the events that stand for rows of sheets, by the digest that their data names.

It is derived from the records and brought up to date by whoever asks, so that an import reads only
what came since the last one, however much is held. 48 bits of a keyed hash of each digest are
stored; a look-up reads the few records that match and compares the whole digest. Nobody else knows
the key, so nobody can write many events that match one look-up and have other digests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from os import urandom
from typing import NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.errors import LightHome
from commonweal.protocol.records.record import Record, RecordId, from_bytes_unchecked
from commonweal.storage.ledger.contributions.event_times import EVENT_KIND
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import LogRow, Store

ROW_KEY = "row"
"""Where the data of an event names the row, or the lost record, that it was taken from."""
ROW_BYTES = 32

TABLES = ("row_log", "row_digest")

KEY_MARK = "row digest key"
HASH_BYTES, KEY_BYTES = 6, 32
PORTION_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of records that are read for one transaction of the index."""

_MARK = codec.encode(ROW_KEY) + codec.encode(bytes(ROW_BYTES))[:2]


class _IndexedLog(NamedTuple):
    """How far a log is in the index: its number there, its length then, and the head of that."""

    number: int
    length: int
    head: bytes


class RowDigests:
    """The index in the state file. Used by one thread at a time."""

    def __init__(self, layers: StateDb, store: Store) -> None:
        self._layers, self._store = layers, store
        self._key = b""

    def refresh(self) -> None:
        """Index the records that came since the last time, a portion at a time.

        Raises LightHome where some of them were dropped before they were indexed.
        """
        self._key = self._layers.mark(KEY_MARK) or self._new_key()
        for row in self._store.logs():
            while self._index_portion(row):
                pass

    def events(self, digest: bytes) -> Iterator[Record]:
        """Yield the good events that stand for a row of this digest."""
        rows = self._layers.rows(
            "SELECT author, seq FROM row_digest JOIN row_log ON row_log.id = log"
            " WHERE hash = ? ORDER BY log, seq",
            (self._hash(digest),),
        )
        for author, seq in rows:
            for wire in self._store.wires(author, seq, seq + 1, 0):
                record = from_bytes_unchecked(wire)
                if record.kind == EVENT_KIND and record.data.get(ROW_KEY) == digest:
                    yield record

    def _index_portion(self, row: LogRow) -> bool:
        """Index the next records of a log; return whether more are left."""
        known = self._known(row)
        if known.length >= row.length:
            return False
        if known.length < row.base:
            raise LightHome
        wires = self._store.wires(row.author, known.length, row.length, PORTION_BYTES_MAX)
        stop = known.length + len(wires)
        head = self._store.id_at(row.author, stop - 1)
        assert head is not None, "it was just read"
        with self._writing():
            number = known.number or self._new_log(row)
            entries = [
                (self._hash(digest), number, seq)
                for seq, wire in enumerate(wires, start=known.length)
                for digest in _digests_in(wire)
            ]
            self._layers.insert_many(
                "INSERT OR IGNORE INTO row_digest VALUES (?, ?, ?)", sorted(entries)
            )
            self._layers.change(
                "UPDATE row_log SET length = ?, head = ? WHERE id = ?", (stop, head, number)
            )
        return stop < row.length

    def _known(self, row: LogRow) -> _IndexedLog:
        """Return how far a log is indexed; not at all where it has another branch since."""
        rows = self._layers.rows(
            "SELECT id, length, head FROM row_log WHERE author = ?", (row.author,)
        )
        if not rows:
            return _IndexedLog(0, 0, b"")
        known = _IndexedLog(*rows[0])
        if known.length <= row.length and self._head(row, known.length) == known.head:
            return known
        with self._writing():
            self._layers.change("DELETE FROM row_digest WHERE log = ?", (known.number,))
            self._layers.change("DELETE FROM row_log WHERE id = ?", (known.number,))
        return _IndexedLog(0, 0, b"")

    def _head(self, row: LogRow, length: int) -> RecordId | None:
        return row.head if length == row.length else self._store.id_at(row.author, length - 1)

    def _new_log(self, row: LogRow) -> int:
        self._layers.change(
            "INSERT INTO row_log (author, length, head) VALUES (?, 0, x'')", (row.author,)
        )
        ((number,),) = self._layers.rows("SELECT last_insert_rowid()")
        return int(number)

    def _new_key(self) -> bytes:
        key = urandom(KEY_BYTES)
        with self._writing():
            for table in TABLES:
                self._layers.change(" ".join(("DELETE FROM", table)))
            self._layers.put_mark(KEY_MARK, key)
        return key

    def _hash(self, digest: bytes) -> int:
        return int.from_bytes(
            blake2b(digest, digest_size=HASH_BYTES, key=self._key).digest(), "big"
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._layers.begin()
        try:
            yield
            self._layers.commit()
        finally:
            self._layers.rollback()


@contextmanager
def row_digests(layers: StateDb, store: Store) -> Iterator[RowDigests]:
    """Give the index of `store`, up to date. layers: the state file, which may be pinned."""
    if layers.path == ":memory:":  # no other connection sees it, and nobody else writes it
        layers.rollback()
        index = RowDigests(layers, store)
        index.refresh()
        layers.pin()
        yield index
        return
    beside = StateDb(layers.path)
    try:
        index = RowDigests(beside, store)
        index.refresh()
        yield index
    finally:
        beside.close()


def _digests_in(wire: bytes) -> Iterator[bytes]:
    """Yield what stands where a digest would, in the bytes of a record."""
    at = wire.find(_MARK)
    while at >= 0:
        start = at + len(_MARK)
        yield wire[start : start + ROW_BYTES]
        at = wire.find(_MARK, start)
