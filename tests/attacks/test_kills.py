"""Real nodes are killed while they write and take in what others write.

At the moment of each death, before anybody can help, the killed node's own disk must hold all
that it acknowledged, and every byte of it must be whole.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import CommonwealError, NotReachable
from commonweal.protocol.records.record import RecordId
from tests.builders.weal import good
from tests.cluster.test_cluster import clustered, holds, write

NODES = 3
DEATHS = int(os.environ.get("COMMONWEAL_RUNS") or 3)
LIFE_S_MAX = 0.7
"""A node that was started is killed after at most so long: often while it catches up."""
BATCH = 5
PAUSE_S = 0.05
EQUAL_S_MAX = 15.0
JOIN_S_MAX = 30.0


class Writer:
    """A thread that writes through one node whenever it runs."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        """Start writing."""
        self.name, self.home = name, cluster.home(name)
        self.acknowledged: list[RecordId] = []
        self.failed: list[CommonwealError] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Write no more."""
        self._over.set()
        self._thread.join(JOIN_S_MAX)

    def _run(self) -> None:
        while not self._over.wait(PAUSE_S):
            try:
                self.acknowledged += write(self.home, *range(BATCH))
            except NotReachable:
                pass  # it is dead just now
            except CommonwealError as error:
                self.failed.append(error)
                return


@contextmanager
def writers(cluster: Cluster) -> Iterator[list[Writer]]:
    """One writer for each node."""
    found = [Writer(cluster, name) for name in cluster.names()]
    try:
        yield found
    finally:
        for writer in found:
            writer.end()
    assert not [writer.failed for writer in found if writer.failed]


@pytest.mark.timeout(600)
def test_a_killed_node_holds_all_that_it_acknowledged_and_nothing_broken(tmp_path: Path) -> None:
    chance = Random(9)
    with clustered(tmp_path, NODES) as cluster:
        with writers(cluster) as at_work:
            for _ in range(DEATHS):
                time.sleep(chance.uniform(0.05, LIFE_S_MAX))
                victim = chance.choice(at_work)
                before = list(victim.acknowledged)
                cluster.kill(victim.name)
                assert holds(victim.home, before), "acknowledged, and not on the disk"
                good("verify", "--home", victim.home.path)
                cluster.start([victim.name])
        cluster.wait_equal(EQUAL_S_MAX)
        for writer in at_work:
            assert writer.acknowledged
            good("verify", "--home", writer.home.path)
            for name in cluster.names():
                assert holds(cluster.home(name), writer.acknowledged), f"{name} lacks some"
