"""A newcomer to a quiet, sealed community: until their `weal shares` is right and final.

A giver that holds all of it and an empty home, as real nodes on loopback. Timed from the start of
the newcomer's node until the shares that it prints are the giver's, at the giver's last height.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bench import community as made
from bench.figures import Figure
from bench.nodes import processes
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store

SIZES = (10_000, 100_000)
SECONDS_MAX = 10
MEMORY_MIB_MAX = 250
WAIT_S_MAX = 240.0
ASK_EACH_S = 0.25
"""Pause between two looks: each is a process, which takes a core from the two nodes."""


class _Join(NamedTuple):
    """Seconds until shares are final, processor time of the newcomer, memory of both in MiB."""

    seconds: float
    cpu_s: float
    newcomer_mib: float
    giver_mib: float


def figures() -> list[Figure]:
    """Return how long a join takes at each size, and the memory of both nodes."""
    figures: list[Figure] = []
    for records in SIZES:
        with TemporaryDirectory(prefix="weal-bench-") as name:
            folder = Path(name)
            store = Store(folder / "made.db")
            community = made.make(store, 3)
            made.work(community, records)
            store.checkpoint()
            giver = processes.make_home(folder / "a", community, community.people[0], whole=True)
            comer = processes.make_home(folder / "b", community, community.people[1], whole=False)
            store.close()
            while _weal(giver, "seal")["waiting"]:
                pass
            figures += join(giver, comer, records, SECONDS_MAX)
    return figures


def join(giver: Home, comer: Home, records: int, seconds_max: float) -> list[Figure]:
    """Return how long it takes until the shares of an empty home are final, and the memory."""
    joined = _joined(giver, comer)
    name = f"final shares of a newcomer to {records:,} records"
    return [
        _within(name, joined.seconds, "s", seconds_max),
        _within(f"{name}, memory of the newcomer", joined.newcomer_mib, "MiB", MEMORY_MIB_MAX),
        _within(f"{name}, memory of the giver", joined.giver_mib, "MiB", MEMORY_MIB_MAX),
    ]


def _joined(giver: Home, newcomer: Home) -> _Join:
    right = _weal(giver, "shares")
    with processes.running(giver) as a:
        processes.tell(newcomer, a)
        a.settle()
        start = time.perf_counter()
        with processes.running(newcomer) as b:
            peak, giver_peak = b.rss_mib(), a.rss_mib()
            while not _is_right(_weal(newcomer, "shares"), right):
                assert time.perf_counter() - start < WAIT_S_MAX, "the shares did not come"
                peak, giver_peak = max(peak, b.rss_mib()), max(giver_peak, a.rss_mib())
                time.sleep(ASK_EACH_S)
            return _Join(time.perf_counter() - start, b.cpu_s(), peak, giver_peak)


def _is_right(answer: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether shares are those of the giver, at its height then or at a later one."""
    same = answer | {"height": 0} == right | {"height": 0}
    return bool(same and answer["height"] >= right["height"] > 0)


def _weal(home: Home, command: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "commonweal", command, "-o", "json"],
        env=dict(os.environ, COMMONWEAL_HOME=str(home.path)),
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _within(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, "the limit", limit, value / limit, 1, low=True)
