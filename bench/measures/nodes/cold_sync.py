"""Replication between real node processes over libp2p on loopback.

Cold sync is timed from the moment the empty node runs until it holds all. Baselines of
the same run: the same sync by a node that checks every signature; a bare SQLite insert
of the same rows; raw TCP is in `bench.measures.nodes.link`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench import community as made
from bench.community import Community
from bench.figures import Figure
from bench.nodes import processes
from commonweal.storage.records.logs.log_store import Store

MEMBERS = 10
RUN = 50
SYNC_S_MAX = 240.0
MISSING = 100


class Sync(NamedTuple):
    """One cold sync: records a second, and what the receiver needed.

    cpu_us, giver_us: processor time a record of the receiver and of the giver.
    """

    rate: float
    cpu_us: float
    giver_us: float
    rss_mib: float
    disk_bytes: float


@contextmanager
def _community(records: int) -> Iterator[tuple[Path, Community]]:
    with TemporaryDirectory(prefix="weal-bench-") as name:
        store = Store(Path(name) / "made.db")
        community = made.make(store, MEMBERS)
        made.work(community, records, RUN)
        store.checkpoint()
        yield Path(name), community
        store.close()


def figures(records: int) -> list[Figure]:
    """Return the figures of a cold sync of `records` records."""
    with _community(records) as (folder, community):
        ours = _cold(folder / "ours", community, "commonweal")
        checked = _cold(folder / "each", community, "bench.nodes.every_signature")
        bare = _bare_rate(folder, community)
        counts = community.store.counts()
    name = f"cold sync of {counts.records:,}"
    wire = counts.bytes / counts.records
    return [
        Figure(
            name,
            ours.rate,
            "records/s",
            "the same, each signature checked",
            checked.rate,
            ours.rate / checked.rate,
            6,
            10,
        ),
        Figure(
            name,
            ours.rate,
            "records/s",
            "bare SQLite insert of the rows",
            bare,
            ours.rate / bare,
        ),
        Figure(
            f"{name}, CPU of the receiver",
            ours.cpu_us,
            "us/record",
            "bare insert",
            1e6 / bare,
            ours.cpu_us * bare / 1e6,
        ),
        Figure(
            f"{name}, RSS of the receiver",
            ours.rss_mib,
            "MiB",
            "",
            1,
            ours.rss_mib,
            140,
            110,
            low=True,
        ),
        Figure(
            f"{name}, disk",
            ours.disk_bytes,
            "B/record",
            "bytes on the wire",
            wire,
            ours.disk_bytes / wire,
            1.35,
            1.2,
            low=True,
        ),
    ]


def cold(records: int) -> Sync:
    """Return what it takes an empty node to have all records of a full one."""
    with _community(records) as (folder, community):
        return _cold(folder / "ours", community, "commonweal")


def _cold(folder: Path, community: Community, module: str) -> Sync:
    """Let an empty node fetch everything from a full one; `module` is what the empty one runs."""
    folder.mkdir()
    total = community.store.counts().records
    source = processes.make_home(folder / "a", community, community.people[2], whole=True)
    target = processes.make_home(folder / "b", community, community.people[1], whole=False)
    with processes.running(source) as a:
        processes.tell(target, a)
        a.settle()
        with processes.running(target, module) as b:
            begin, cpu, giver = b.status().records, b.cpu_s(), a.cpu_s()
            start = time.perf_counter()
            processes.wait_for(lambda: b.status().records >= total, "cold sync", SYNC_S_MAX)
            seconds = time.perf_counter() - start
            processes.wait_for(lambda: b.status().digest == a.status().digest, "equal digests")
            fetched = total - begin
            cpu_us, rss = (b.cpu_s() - cpu) / fetched * 1e6, b.rss_mib()
            giver_us = (a.cpu_s() - giver) / fetched * 1e6
    disk = target.database.stat().st_size
    return Sync(fetched / seconds, cpu_us, giver_us, rss, disk / total)


def _bare_rate(folder: Path, community: Community) -> float:
    """Return how many records a second a bare table with one index takes."""
    rows: list[bytes] = []
    for person in community.people:
        length = community.store.log(person.key).length
        rows += community.store.wires(person.key, 0, length, 1 << 30)
    table = sqlite3.connect(folder / "bare.db", isolation_level=None)
    table.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE record (key INTEGER PRIMARY KEY, prefix INTEGER, wire BLOB) STRICT;"
        "CREATE INDEX record_prefix ON record (prefix);"
    )
    start = time.perf_counter()
    for first in range(0, len(rows), 1_000):
        table.execute("BEGIN")
        table.executemany(
            "INSERT INTO record VALUES (?, ?, ?)",
            [
                (first + n, int.from_bytes(wire[-6:], "big"), wire)
                for n, wire in enumerate(rows[first : first + 1_000])
            ],
        )
        table.execute("COMMIT")
    seconds = time.perf_counter() - start
    table.close()
    return len(rows) / seconds
