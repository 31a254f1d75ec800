"""A running cluster: how long a new record takes to its neighbours, and what nodes weigh."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.figures import Figure
from commonweal.commands import cluster as commands
from commonweal.node.call import Call, wishes_about
from commonweal.node.cluster import Cluster
from commonweal.node.events import Wish
from commonweal.storage.home import Home, Settings

NODES = 5
RECORDS = 200
PAUSE_S = 0.05


def figures() -> list[Figure]:
    """Return the latencies of a record to a neighbour, and to all other nodes of a cluster.

    From asking the author's node for a record until that node heard that the others have
    it committed: two questions to the node, two or more commits, and the way back.
    """
    one, bare = _measure(2)
    all_, _ = _measure(NODES)
    return [
        _figure("record to a neighbour and back, p50", median(one), bare, 2.5, 1.5),
        _figure("record to a neighbour and back, p99", quantiles(one, n=100)[98], bare),
        _figure(f"record to all of {NODES} nodes and back, p50", median(all_), bare),
        _figure(
            f"record to all of {NODES} nodes and back, p99",
            quantiles(all_, n=100)[98],
            bare,
            150,
            50,
        ),
    ]


def _measure(nodes: int) -> tuple[list[float], float]:
    """Return the latencies in ms to all others in a cluster, and the ms of a bare question."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        folder = Path(name)
        commands.found(folder, nodes)
        cluster = Cluster(folder)
        try:
            cluster.start(cluster.names())
            cluster.wait_equal(60)
            return _latencies(cluster.home("n1"), nodes - 1), _round_trips(cluster.home("n1"))
        finally:
            cluster.down()


def _figure(
    name: str, ms: float, bare: float, must: float | None = None, want: float | None = None
) -> Figure:
    verdict = Figure(name, ms, "ms", "", 1, ms, must, want, low=True)
    return (
        verdict
        if must is not None
        else Figure(name, ms, "ms", "a question to the node", bare, ms / bare)
    )


def _latencies(home: Home, peers: int) -> list[float]:
    """Return ms from asking for a record until so many peers have it committed, said here."""
    with home.store(readonly=True) as store:
        member = Settings.read(store).member
    wish = Wish(
        "event",
        {
            "action": "work",
            "provider": member,
            "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"},
        },
    )
    found = []
    with Call(home.socket) as call:
        for _ in range(RECORDS):
            start = time.perf_counter()
            (written,) = call.ask("submit", **wishes_about([wish]))["records"]
            for _ in call.each("wait", ids=[written["id"]], peers=peers):
                pass
            found.append((time.perf_counter() - start) * 1e3)
            time.sleep(PAUSE_S)
    return found


def _round_trips(home: Home) -> float:
    found = []
    with Call(home.socket) as call:
        for _ in range(RECORDS):
            start = time.perf_counter()
            call.ask("peers")
            found.append((time.perf_counter() - start) * 1e3)
    return median(found)
