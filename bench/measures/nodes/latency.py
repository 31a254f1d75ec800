"""A running cluster: how long a new record takes to its neighbours, and what nodes weigh.

One hop is timed from the moment the author's command asks for a record until the commit
that holds it has returned at the neighbour, as that one notes it (`bench.nodes.commit_times`).
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.figures import Figure
from bench.nodes import commit_times, processes
from commonweal.commands.node import cluster as commands
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.held_records import Wait
from commonweal.node.control.messages.node_status import Peers
from commonweal.node.control.messages.submission import Submit
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home, Settings

NODES = 5
RECORDS = 200
PAUSE_S = 0.05
NOTED_S_MAX = 10.0
SYNC_BYTES = 4096


class _Times(NamedTuple):
    """Milliseconds from asking for each record until it is durable here and there, and known.

    here: at the author's. there: at the neighbour's. back: the author's command heard from
    its node that the others have it. question: of a bare one, beside them.
    """

    here: list[float]
    there: list[float]
    back: list[float]
    question: float


def figures() -> list[Figure]:
    """Return the latencies of a record to a neighbour, and to all other nodes of a cluster."""
    two, five = _measure(2), _measure(NODES)
    sync = ("a page to the disk", _sync_ms())
    asked = ("a question to the node", two.question)
    return [
        _aim("record to a neighbour, durable there, p50", two.there, 50, 2.5, 1.5),
        _beside("record to a neighbour, durable there, p99", two.there, 99, *sync),
        _beside("of that, until durable at the author's, p50", two.here, 50, *sync),
        _beside("record to a neighbour and back, p50", two.back, 50, *asked),
        _beside("record to a neighbour and back, p99", two.back, 99, *asked),
        _beside(f"record to all of {NODES} nodes and back, p50", five.back, 50, *asked),
        _aim(f"record to all of {NODES} nodes and back, p99", five.back, 99, 150, 50),
    ]


def hop_ms(pause_s: float) -> float:
    """Return the median time from asking for a record until it is durable at a neighbour.

    pause_s: between two records; 0 keeps processes and caches warm.
    """
    return median(_measure(2, pause_s).there)


def _measure(count: int, pause_s: float = PAUSE_S) -> _Times:
    """Return the latencies in a cluster of `count` nodes; n1 writes, with pauses between."""
    with TemporaryDirectory(prefix="weal-bench-") as name, ExitStack() as stack:
        commands.found(Path(name), count)
        cluster = Cluster(name)
        for node in cluster.names():
            stack.enter_context(
                processes.running(cluster.home(node), "bench.nodes.commit_times", known_port=True)
            )
        cluster.wait_equal(60)
        author = cluster.home("n1")
        asked, back = _write(author, count - 1, pause_s)
        question = _question_ms(author)
        here, there = (_durable(cluster.home(node), asked) for node in ("n1", "n2"))
        return _Times(here, there, back, question)


def _write(home: Home, peers: int, pause_s: float) -> tuple[dict[bytes, float], list[float]]:
    """Write records one by one; return when each was asked for, by id, and ms until it was back.

    Back: this node says that so many peers have it committed, which is a second question.
    """
    with home.store(readonly=True) as store:
        member = Settings.read(store).member
    hour: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    wish = Wish("event", {"action": "work", "provider": member, "effortQuantity": hour})
    asked: dict[bytes, float] = {}
    back = []
    with LocalClient(home.socket) as call:
        for _ in range(RECORDS):
            start = time.monotonic()
            (written,) = call.ask(Submit((wish,))).records
            for _ in call.follow(Wait((written.id,), peers)):
                pass
            back.append((time.monotonic() - start) * 1e3)
            asked[written.id] = start
            time.sleep(pause_s)
    return asked, back


def _durable(home: Home, asked: dict[bytes, float]) -> list[float]:
    """Return ms from asking for each record until it was durable in `home`."""
    processes.wait_for(
        lambda: asked.keys() <= commit_times.notes(home).keys(), "notes", NOTED_S_MAX
    )
    noted = commit_times.notes(home)
    return [(noted[id] - start) * 1e3 for id, start in asked.items()]


def _question_ms(home: Home) -> float:
    samples = []
    with LocalClient(home.socket) as call:
        for _ in range(RECORDS):
            start = time.monotonic()
            call.ask(Peers())
            samples.append((time.monotonic() - start) * 1e3)
    return median(samples)


def _sync_ms() -> float:
    """Return how long the disk takes to make one more page durable."""
    samples = []
    with TemporaryDirectory(prefix="weal-bench-") as name, (Path(name) / "bare").open("wb") as bare:
        for _ in range(RECORDS):
            bare.write(os.urandom(SYNC_BYTES))
            bare.flush()
            start = time.monotonic()
            os.fdatasync(bare.fileno())
            samples.append((time.monotonic() - start) * 1e3)
    return median(samples)


def _at(times: list[float], percent: int) -> float:
    return quantiles(times, n=100)[percent - 1]


def _aim(name: str, times: list[float], percent: int, must: float, want: float) -> Figure:
    ms = _at(times, percent)
    return Figure(name, ms, "ms", "", 1, ms, must, want, low=True)


def _beside(name: str, times: list[float], percent: int, baseline: str, bare: float) -> Figure:
    ms = _at(times, percent)
    return Figure(name, ms, "ms", baseline, bare, ms / bare)
