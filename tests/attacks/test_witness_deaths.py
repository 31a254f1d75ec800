"""Real witnesses are killed at any moment: sealing goes on, and no sealed number changes."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from pathlib import Path
from random import Random

import pytest

from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import CommonwealError
from tests.attacks.witnesses import SAME_S_MAX, seal, sealed, seated, until
from tests.builders.weal import good
from tests.cluster.test_cluster import write
from tests.networks.test_skew import lacking, shifted

ROUNDS = int(os.environ.get("COMMONWEAL_RUNS") or 2)
LIFE_S_MAX = 0.9
"""A witness is killed at most so long after somebody asked for a seal: often amid the votes."""
YEAR_S = 365 * 86_400


def asked(cluster: Cluster, name: str) -> threading.Thread:
    """Ask a node for a seal, without waiting for it; the node may die meanwhile."""

    def ask() -> None:
        try:
            seal(cluster.home(name))
        except CommonwealError:
            pass  # it was killed

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def changes(before: dict[int, tuple[bytes, bytes]], now: dict[int, tuple[bytes, bytes]]) -> bool:
    """Say whether a height that was sealed is another now."""
    return any(now.get(height, one) != one for height, one in before.items())


@pytest.mark.timeout(120 + 40 * ROUNDS)
def test_sealing_goes_on_whoever_is_killed_and_no_sealed_number_changes(tmp_path: Path) -> None:
    chance = Random(11)
    known: dict[int, tuple[bytes, bytes]] = {}
    with seated(tmp_path, 4) as cluster:
        for number in range(ROUNDS):
            victim = chance.choice(cluster.names())
            alive = [name for name in cluster.names() if name != victim]
            for name in cluster.names():
                write(cluster.home(name), number)
            waiting = asked(cluster, chance.choice(cluster.names()))
            time.sleep(chance.uniform(0, LIFE_S_MAX))
            cluster.kill(victim)
            write(cluster.home(alive[0]), number)
            height = seal(cluster.home(alive[1]))
            assert height > max(known, default=0), "nothing was sealed without one"
            for name in cluster.names():  # the dead one's disk too
                now = sealed(cluster.home(name))
                assert not changes(known, now)
                known |= now
            cluster.start([victim])
            home = cluster.home(victim)
            until(lambda home=home, height=height: max(sealed(home)) >= height, "not followed")  # type: ignore[misc]
            waiting.join(SAME_S_MAX)
        until(lambda: len({str(sealed(cluster.home(one))) for one in cluster.names()}) == 1, "same")


@pytest.mark.timeout(180)
def test_two_of_three_seal_and_the_status_says_that_no_lie_is_survived(tmp_path: Path) -> None:
    with seated(tmp_path, 3) as cluster:
        cluster.kill("n3")
        write(cluster.home("n1"), 1)
        height = max(sealed(cluster.home("n2")))
        assert seal(cluster.home("n1")) > height
        shown = good("status", "--home", cluster.home("n1").path).out
        assert "no lie" in shown
        assert "Chen" in shown


@pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}")
@pytest.mark.timeout(180)
def test_a_witness_whose_clock_is_a_year_ahead_neither_stops_nor_leads_sealing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with seated(tmp_path, 4) as cluster:
        cluster.stop("n2")
        with monkeypatch.context() as clock:
            for variable, value in shifted(YEAR_S).items():
                clock.setenv(variable, value)
            cluster.start(["n2"])
        cluster.wait_equal(SAME_S_MAX)
        height = 0
        for number in range(6):  # its turn to propose comes every fourth height
            write(cluster.home("n2"), number)
            height = seal(cluster.home("n1"))
        until(lambda: max(sealed(cluster.home("n2"))) >= height, "n2 does not follow")
        listed = good("seals", "--home", cluster.home("n1").path, "-o", "json").json["seals"]
        soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))
        assert all(one["time"] < soon for one in listed), "a year was lost"
        same = partial(_equal, cluster, height)
        until(same, "the witnesses differ")


def _equal(cluster: Cluster, height: int) -> bool:
    return len({sealed(cluster.home(name)).get(height) for name in cluster.names()}) == 1
