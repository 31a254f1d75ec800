"""A running node with 100,000 fresh rows: time, memory, and whether it answers meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bench.nodes.processes import wait_for
from commonweal.client import Member
from commonweal.commands.node import cluster as commands
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.held_records import Wait
from commonweal.node.control.messages.node_status import Status
from commonweal.node.control.messages.submission import Submit
from commonweal.node.service.events import Wish
from commonweal.storage.home.home import Home

ROWS = 100_000
SEALED_S_MAX, MEMORY_MIB_MAX = 30.0, 250.0
STATUS_S_MAX, HELD_S_MAX = 0.3, 1.0
LEFT_MAX = 500
"""Records that may wait at the end: those that the other member wrote meanwhile."""
WAIT_S = 300.0
EQUAL_S = 60.0
WRITE_EACH_S, ASK_EACH_S, TYPE_EACH_S = 0.5, 0.1, 3.0


def figures() -> list[Figure]:
    """Return what sealing the rows takes beside the limits, while another member writes."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        folder = Path(name)
        commands.found(folder, 2)
        cluster = Cluster(folder)
        try:
            cluster.start(cluster.names())
            cluster.wait_equal(EQUAL_S)
            cluster.stop("n1")
            _import(cluster.home("n1"), folder / "hours.csv")
            begun = time.perf_counter()
            cluster.start(["n1"])
            return _watched(cluster, begun)
        finally:
            cluster.down()


def _import(home: Home, sheet: Path) -> None:
    """Take in a sheet of the founder's hours, while the node rests."""
    with sheet.open("w") as file:
        file.write("Datum;Stunden;Tätigkeit\n")
        for n in range(ROWS):
            day, month, year = n % 28 + 1, n % 12 + 1, n % 20 + 2005
            what = f"Beet {n} gegossen und gejätet"
            file.write(f"{day:02d}.{month:02d}.{year};{n % 8 + 1},{n % 10};{what}\n")
    with Member(home.path) as member:
        assert member.import_csv(member.sheet_preview(sheet)).written == ROWS


def _watched(cluster: Cluster, begun: float) -> list[Figure]:
    """Return the figures of a node that just started and seals."""
    home, other = cluster.home("n1"), cluster.home("n2")
    pid = home.holder()
    assert pid is not None, "the node runs"
    with LocalClient(home.socket) as call:

        def is_sealed() -> bool:
            sealing = call.ask(Status()).sealing
            left = sealing.unsealed
            return sealing.height > 1 and left is not None and left < LEFT_MAX

        with (
            _repeated(lambda: _ask(home), ASK_EACH_S) as answered,
            _repeated(lambda: _acknowledged(other), WRITE_EACH_S) as acknowledged,
            _repeated(lambda: _typed(home), TYPE_EACH_S) as typed,
        ):
            wait_for(is_sealed, "the rows are not sealed", WAIT_S)
            sealed_s = time.perf_counter() - begun
    peak = _peak_mib(pid)
    told = quantiles(answered, n=100)
    return [
        _limited(f"{ROWS:,} rows on a running node, until final", sealed_s, "s", SEALED_S_MAX),
        _limited("its memory at most", peak, "MiB", MEMORY_MIB_MAX),
        _limited("a question to it meanwhile, p99", told[98], "s", STATUS_S_MAX),
        _limited("`weal status` meanwhile, median", median(typed), "s", STATUS_S_MAX),
        _limited("a record of another, until held", max(acknowledged), "s", HELD_S_MAX),
    ]


@contextmanager
def _repeated(act: Callable[[], object], each_s: float) -> Iterator[list[float]]:
    """Do something again and again in a thread; give the list of the seconds that it took."""
    took: list[float] = []
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            start = time.perf_counter()
            act()
            took.append(time.perf_counter() - start)
            is_over.wait(each_s)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield took
    finally:
        is_over.set()
        thread.join()


def _ask(home: Home) -> None:
    with LocalClient(home.socket) as call:
        call.ask(Status())


def _acknowledged(home: Home) -> None:
    """Let a member write a record and wait until the founder's node holds it."""
    with LocalClient(home.socket) as call:
        (written,) = call.ask(Submit((Wish("event", {"action": "work"}),))).records
        call.ask(Wait((bytes(written.id),), 1))


def _typed(home: Home) -> None:
    command = [sys.executable, "-m", "commonweal", "status", "--home", str(home.path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _peak_mib(pid: int) -> float:
    """Return the largest resident memory of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return peak / 1024


def _limited(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, "the limit", most, value / most, 1, low=True)
