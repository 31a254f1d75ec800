"""Appending and verifying in one process: against the bare database, and a check per record."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench import community as made
from bench.figures import Figure, compare, rate
from commonweal.node.service.events import Committed, Submitted, Ticket, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import log, record
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.logs.log_store import Store

SINGLES = 300
BATCHES, BATCH = 10, 1_000
RUN = 5_000


def figures() -> list[Figure]:
    """Return the figures of writing our own records and of verifying others'."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        return [*_writing(Path(folder)), *_verifying()]


def batch_rate() -> float:
    """Return how many records a second are signed and written, BATCH at a time, durable."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        write, *_ = _writer(Path(folder))
        return rate(BATCHES * BATCH, lambda: write(BATCHES, BATCH))


def _writer(folder: Path) -> tuple[Callable[[int, int], None], Store, DeviceKey]:
    """Return what writes so many times so many of our own records, and where they come."""
    store = Store(folder / "ledger.db")
    community = made.make(store, 1)
    founder = community.people[0]
    service = Service(store, community.id, Identity(founder.device, founder.host), Random(1))
    wish = Wish(
        "event",
        {
            "action": "work",
            "provider": bytes(founder.inception.member),
            "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
        },
    )

    def write(times: int, wishes: int) -> None:
        for _ in range(times):
            service.handle(Submitted(Ticket(0), (wish,) * wishes), made.NOW_MS)
            store.commit()
            service.handle(Committed(), made.NOW_MS)
        store.checkpoint()

    write(1, 1)
    return write, store, founder.key


def _writing(folder: Path) -> list[Figure]:
    write, store, author = _writer(folder)
    wire = store.wires(author, store.log(author).length - 1, 1 << 40, 1)[0]
    bare = _Bare(folder / "bare.db", wire)
    return [
        compare(
            "append, one by one, durable",
            "records/s",
            lambda: rate(SINGLES, lambda: write(SINGLES, 1)),
            "bare SQLite commit of the same row",
            lambda: rate(SINGLES, lambda: bare.write(SINGLES, 1)),
            must=0.7,
            want=0.9,
        ),
        compare(
            f"append, {BATCH} at a time, durable",
            "records/s",
            lambda: rate(BATCHES * BATCH, lambda: write(BATCHES, BATCH)),
            "bare SQLite insert of the same rows",
            lambda: rate(BATCHES * BATCH, lambda: bare.write(BATCHES, BATCH)),
        ),
    ]


def _verifying() -> list[Figure]:
    store = Store()
    community = made.make(store, 1)
    made.work(community, RUN)
    author = community.people[0].key
    length = store.log(author).length
    wires = store.wires(author, 0, length, 1 << 30)
    first = record.from_bytes_unchecked(wires[0])
    tip = log.Tip(1, first.id, first.clock)

    def run() -> None:
        log.read_run(community.id, author, tip, wires[1:], lambda id: 1 if id == first.id else None)

    def each() -> None:
        for wire in wires[1:]:
            record.from_bytes(wire)

    assert RecordId(community.id) == first.id
    return [
        compare(
            "verify a run by its last record",
            "records/s",
            lambda: rate(length, run),
            "one signature check per record",
            lambda: rate(length, each),
        )
    ]


class _Bare:
    """A bare table with the same row, the same durability, and one index."""

    def __init__(self, path: Path, wire: bytes) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
            "CREATE TABLE record (key INTEGER PRIMARY KEY, prefix INTEGER, wire BLOB) STRICT;"
            "CREATE INDEX record_prefix ON record (prefix);"
        )
        self._wire = wire
        self._next = 0
        self._rng = Random(1)

    def write(self, times: int, rows: int) -> None:
        """Insert `rows` rows and commit, `times` times."""
        for _ in range(times):
            start, self._next = self._next, self._next + rows
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO record VALUES (?, ?, ?)",
                [(key, self._rng.getrandbits(47), self._wire) for key in range(start, self._next)],
            )
            self._db.execute("COMMIT")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
