"""Replication between real node processes over libp2p on loopback.

Cold sync is timed from the moment the empty node knows the other's address until it
holds all. Baselines of the same run: storing the same records with one signature check
each; a bare SQLite insert of the same rows.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import community as made
from bench import nodes
from bench.community import Community
from bench.figures import Figure
from commonweal.protocol import record
from commonweal.storage.store import Store

MEMBERS = 10
RUN = 50
CHECKED = 5_000


def figures(records: int) -> list[Figure]:
    """Return the figures of a cold sync of `records` records."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        folder = Path(name)
        store = Store(folder / "made.db")
        community = made.make(store, MEMBERS)
        made.work(community, records, RUN)
        store.checkpoint()
        bare, each = _bare_rate(folder, community), _checked_rate(folder, community)
        return _cold(folder, community, bare, each)


def _cold(folder: Path, community: Community, bare: float, each: float) -> list[Figure]:
    total = community.store.counts().records
    source = nodes.make_home(folder / "a", community, community.people[0], whole=True)
    target = nodes.make_home(folder / "b", community, community.people[1], whole=False)
    with nodes.running(source) as a:
        nodes.tell(target, a)
        with nodes.running(target) as b:
            start = time.perf_counter()
            begin = b.status()["records"]
            nodes.wait_for(lambda: b.status()["records"] >= total, "cold sync")
            seconds = time.perf_counter() - start
            assert b.status()["digest"] == a.status()["digest"]
            cpu, rss = b.cpu_s(), b.rss_mib()
        nodes.wait_for(lambda: True, "settle")
        disk = target.database.stat().st_size
    rate = (total - begin) / seconds
    wire_bytes = community.store.counts().bytes
    name = f"{total // 1000} k records"
    return [
        Figure(
            f"cold sync, {name}", rate, "records/s", "a check per record", each, rate / each, 6, 10
        ),
        Figure(
            f"cold sync, {name}", rate, "records/s", "bare SQLite insert", bare, rate / bare, 0.4, 1
        ),
        Figure(
            f"CPU of the receiver, {name}",
            cpu / total * 1e6,
            "us/record",
            "bare insert",
            1e6 / bare,
            cpu / total * bare,
        ),
        Figure(f"RSS of the receiver, {name}", rss, "MiB", "", 1, rss, 140, 110, low=True),
        Figure(
            f"disk, {name}",
            disk / total,
            "B/record",
            "wire bytes",
            wire_bytes / total,
            disk / wire_bytes,
            1.35,
            1.2,
            low=True,
        ),
    ]


def _checked_rate(folder: Path, community: Community) -> float:
    """Return how many records a second are stored with a signature check each."""
    author = community.people[0].key
    wires = community.store.wires(author, 0, CHECKED, 1 << 30)
    store = Store(folder / "checked.db")
    body = record.from_bytes_unchecked(wires[0]).body
    assert body is not None
    document = community.store.body(body.hash)
    assert document is not None
    start = time.perf_counter()
    for first in range(0, len(wires), 1_000):
        run = [record.from_bytes(wire) for wire in wires[first : first + 1_000]]
        store.append(author, run, {body.hash: document})
        store.commit()
    return len(wires) / (time.perf_counter() - start)


def _bare_rate(folder: Path, community: Community) -> float:
    """Return how many records a second a bare table with one index takes."""
    rows = []
    for person in community.people:
        log = community.store.log(person.key)
        rows += community.store.wires(person.key, 0, log.length, 1 << 30)
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
