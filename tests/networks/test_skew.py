"""Real nodes whose clocks differ by minutes and by a day: no state differs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.ledger.ledger_view import folded
from commonweal.commands.node import cluster as command
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.node_status import Peers, Status
from commonweal.protocol.ledger.state.state import State
from commonweal.storage.home.home import Home
from tests.builders.local_rows import without_order
from tests.builders.weal import good
from tests.cluster.test_rules_cluster import (
    BACK_S_MAX,
    RULES,
    VOTE_S_MAX,
    knows,
    rules_of,
    wait_until,
)
from tests.networks.conftest import Note

DAY_S = 86_400
CLOCKS_S = {"n1": 180, "n2": 0, "n3": -180, "n4": DAY_S, "n5": -DAY_S}
"""n1 founded, and is the witness: with a clock a day off, of two that agree, it would not seal."""
LIBRARIES = ("usr/lib*/*/faketime/libfaketimeMT.so.1", "usr/lib*/faketime/libfaketimeMT.so.1")
NEAR_S = 60
LINKED_S_MAX = 40.0
"""Longer than the longest pause between two dials."""
VOTERS = ("n2", "n3", "n4")


def shifted(seconds: int) -> dict[str, str]:
    """Return the variables by which a process has another wall clock; steady clocks stay.

    Without the fix that is switched off, every timed wait of a thread ends at the wrong time.
    """
    return {
        "LD_PRELOAD": library(),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


@cache
def library() -> str:
    """Return where libfaketime is; empty when it is not here."""
    found = [str(path) for pattern in LIBRARIES for path in Path("/").glob(pattern)]
    return found[0] if found else ""


@cache
def lacking() -> str:
    """Return what this machine lacks for such clocks, in one line; empty when nothing."""
    if not library():
        return "libfaketime is missing: apt install faketime"
    code = "import time; print(time.time(), time.monotonic())"
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **shifted(DAY_S)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    said = [float(word) for word in ran.stdout.split()]
    if len(said) != 2 or abs(said[0] - time.time() - DAY_S) > NEAR_S or said[1] - began > NEAR_S:
        return f"libfaketime does not shift the clock of this Python: {ran.stdout}{ran.stderr}"
    return ""


@pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}")
@pytest.mark.timeout(240)
def test_nodes_whose_clocks_differ_by_a_day_agree_on_every_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Note
) -> None:
    command.found(tmp_path, len(CLOCKS_S))
    cluster = Cluster(tmp_path)
    homes = {name: tmp_path / name for name in CLOCKS_S}
    try:
        for name, seconds in CLOCKS_S.items():
            with monkeypatch.context() as clock:
                for variable, value in shifted(seconds).items():
                    clock.setenv(variable, value)
                cluster.start([name])
        cluster.wait_equal(60)
        for name, seconds in CLOCKS_S.items():
            seen = partial(is_seen_from_n2, cluster, name, seconds)
            wait_until(seen, LINKED_S_MAX, f"the clock of {name} is not {seconds} s ahead")
            good("record", "work", "3", "hour", "--home", homes[name])
        before = rules_of(homes["n2"])
        (tmp_path / "rules.toml").write_text(RULES)
        typed = ("rules", "propose", tmp_path / "rules.toml", "--home", homes["n5"], "-o", "json")
        proposed = good(*typed).json["id"]
        for name in VOTERS:
            wait_until(partial(knows, homes[name], proposed), BACK_S_MAX, "a proposal is lost")
            good("rules", "vote", proposed, "yes", "--home", homes[name])
        for home in homes.values():
            wait_until(partial(differs, home, before), VOTE_S_MAX, "the vote was not counted")
        cluster.wait_equal(15)
        wait_until(lambda: len(states(homes)) == 1, BACK_S_MAX, "states differ")
        ((height, final, _),) = states(homes)
        assert height > 0 and final
    finally:
        cluster.down()
    record_property("clocks", f"a day ahead to a day behind: one state at height {height}")


def differs(home: Path, before: str) -> bool:
    """Say whether other rules than before are in force."""
    return rules_of(home) != before


def is_seen_from_n2(cluster: Cluster, name: str, seconds: int) -> bool:
    """Say whether n2 is linked with a node and was told of a clock so far ahead of its own."""
    if name == "n2":
        return seconds == 0
    with LocalClient(cluster.home(name).socket, patience_s=10) as line:
        device = line.ask(Status()).device
    with LocalClient(cluster.home("n2").socket, patience_s=10) as line:
        skews = {peer.device: peer.skew_ms for peer in line.ask(Peers()).peers}
    skew_ms = skews.get(device)
    return skew_ms is not None and abs(skew_ms / 1000 - seconds) < NEAR_S


def states(homes: dict[str, Path]) -> set[tuple[int, str, str]]:
    """Return what the nodes make of the ledger: height, final and provisional state, each once."""
    found = set()
    for path in homes.values():
        with folded(Home(path)) as ledger:
            pairs = [repr(_pairs(state)) for state in (ledger.final, ledger.state)]
            found.add((ledger.kept.cut.height, pairs[0], pairs[1]))
    return found


def _pairs(state: State) -> list[tuple[bytes, Any]]:
    pairs = (pair for table in range(128) for pair in state.items(bytes([table])))
    return [*without_order(pairs).items()]
