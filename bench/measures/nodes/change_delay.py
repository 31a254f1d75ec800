"""Watching a running cluster: how long after a commit its watcher is told, and what watchers weigh.

A change is timed from the moment the commit that holds the record returned at the watched node,
as that one notes it (`bench.nodes.commit_times`), until its watcher has it in Python.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bench.nodes import commit_times, processes
from bench.nodes.processes import NodeProcess
from commonweal.client.home.live import NodeWatch
from commonweal.commands.node import cluster as commands
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.node_status import Peers
from commonweal.node.control.messages.submission import Submit
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import NotReachable
from commonweal.storage.home.home import Home, Settings

NODES = 5
RECORDS = 200
PAUSE_S_MIN, PAUSE_S_MAX = 0.02, 0.4
TOLD_S_MAX = 10.0
WATCHERS = 8


class _Follower:
    """Follows the changes of a node in a thread, and notes when each new record was told."""

    def __init__(self, home: Home) -> None:
        self.told: dict[bytes, float] = {}
        self.changes = 0
        self._watch = NodeWatch(home)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._watch.close()
        self._thread.join()

    def _follow(self) -> None:
        try:
            with self._watch:
                for change in self._watch:
                    now = time.monotonic()
                    self.changes += 1
                    self.told.update((id, now) for id in change.records if id not in self.told)
        except NotReachable:
            pass


def figures() -> list[Figure]:
    """Return how late changes are told in a cluster of five, and the memory of eight watchers."""
    with _cluster() as nodes:
        author, neighbour, watched, bare, _ = nodes
        followers = [_Follower(node.home) for node in (author, neighbour)]
        for node in (watched, bare):
            node.settle()
        before = watched.rss_mib(), bare.rss_mib()
        eight = [_Follower(watched.home) for _ in range(WATCHERS)]
        ids = _write(author.home)
        processes.wait_for(
            lambda: all(ids <= follower.told.keys() for follower in (*followers, *eight)),
            "changes",
            TOLD_S_MAX,
        )
        after = watched.rss_mib(), bare.rss_mib()
        more = (after[0] - before[0]) - (after[1] - before[1])
        for follower in (*followers, *eight):
            follower.end()
        own, others = (
            _late(node.home, follower, ids)
            for node, follower in zip((author, neighbour), followers, strict=True)
        )
        asked = ("a question to the node", _question_ms(neighbour.home))
    return [
        _beside("change of an own record told after its commit, p50", own, 50, *asked),
        _beside("change of another's record told after its commit, p50", others, 50, *asked),
        _aim("change of an own record told after its commit, p99", own, 99),
        _aim("change of another's record told after its commit, p99", others, 99),
        Figure(
            *(f"memory that {WATCHERS} watchers add to a node", more, "MiB"),
            *("a node without, at the end", after[1], more),
            *(2.0, 1.0),
            low=True,
        ),
    ]


@contextmanager
def _cluster() -> Iterator[list[NodeProcess]]:
    """Give the running nodes of a new community that notes when records are durable."""
    with TemporaryDirectory(prefix="weal-bench-") as name, ExitStack() as stack:
        commands.found(Path(name), NODES)
        cluster = Cluster(name)
        nodes = [
            stack.enter_context(
                processes.running(cluster.home(node), "bench.nodes.commit_times", known_port=True)
            )
            for node in cluster.names()
        ]
        cluster.wait_equal(60)
        yield nodes


def _write(home: Home) -> set[bytes]:
    """Write records one by one, after pauses of any length; return their ids."""
    with home.store(readonly=True) as store:
        member = Settings.read(store).member
    hour: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    wish = Wish("event", {"action": "work", "provider": member, "effortQuantity": hour})
    ids: set[bytes] = set()
    rng = Random(1)
    with LocalClient(home.socket) as call:
        for _ in range(RECORDS):
            (written,) = call.ask(Submit((wish,))).records
            ids.add(written.id)
            time.sleep(rng.uniform(PAUSE_S_MIN, PAUSE_S_MAX))
    return ids


def _late(home: Home, follower: _Follower, ids: set[bytes]) -> list[float]:
    """Return the ms from each commit until it was told."""
    noted = commit_times.notes(home)
    return [(follower.told[id] - noted[id]) * 1e3 for id in sorted(ids)]


def _question_ms(home: Home) -> float:
    samples = []
    with LocalClient(home.socket) as call:
        for _ in range(RECORDS):
            start = time.monotonic()
            call.ask(Peers())
            samples.append((time.monotonic() - start) * 1e3)
    return median(samples)


def _at(times: list[float], percent: int) -> float:
    return quantiles(times, n=100)[percent - 1]


def _aim(name: str, times: list[float], percent: int) -> Figure:
    ms = _at(times, percent)
    return Figure(name, ms, "ms", "", 1, ms, 500, 250, low=True)


def _beside(name: str, times: list[float], percent: int, baseline: str, bare: float) -> Figure:
    ms = _at(times, percent)
    return Figure(name, ms, "ms", baseline, bare, ms / bare)
