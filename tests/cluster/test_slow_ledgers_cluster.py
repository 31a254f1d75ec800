"""Four real nodes whose ledgers take longer for a seal than a proposal is waited for."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from commonweal.node.control.cluster import Cluster
from tests.cluster.test_sealing_cluster import (
    BACK_S_MAX,
    NODES,
    cluster,  # noqa: F401  a fixture
    roots,
    seals,
    until,
    write_and_seal,
)

SLOW_S = 6
"""Longer than a proposal is waited for in the first rounds."""
SEALED_S_MAX = 90
SITE = f"""
import os
import sys

if "up" in sys.orig_argv:
    import time

    from commonweal.storage.consensus.proposals import SealApplication

    def slow(method):
        def run(self, *about):
            before = self.kept.ready and self.kept.ready.seal.id
            told = method(self, *about)
            folded = self.kept.ready
            if folded is not None and folded.seal.id != before:
                with open(os.environ["BUILT"], "a") as log:
                    log.write(f"{{method.__name__}} {{folded.seal.height}} {{os.getpid()}}\\n")
                time.sleep({SLOW_S})
            return told

        return run

    SealApplication.build = slow(SealApplication.build)
    SealApplication.judge = slow(SealApplication.judge)
"""


def test_what_four_slow_nodes_build_is_sealed_and_not_built_again(
    cluster: Cluster,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = tmp_path / "built"
    (tmp_path / "sitecustomize.py").write_text(SITE)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    with monkeypatch.context() as slow:
        slow.setenv("PYTHONPATH", os.pathsep.join(paths))
        slow.setenv("BUILT", str(built))
        for name in cluster.names():
            cluster.stop(name)
        cluster.start(cluster.names())
    cluster.wait_equal(60)
    homes = [cluster.folder / name for name in cluster.names()]
    heights = [write_and_seal(homes[number], SEALED_S_MAX) for number in (0, 1)]
    until(lambda: roots(homes[3]) == roots(homes[1]), BACK_S_MAX, "the nodes keep different seals")
    lines = [tuple(line.split()) for line in built.read_text().splitlines()]
    builds = Counter((int(height), pid) for what, height, pid in lines if what == "build")
    assert set(builds.values()) == {1}, "a seal is built once for a turn"
    for height in heights:
        assert 1 <= sum(count for (at, _), count in builds.items() if at == height) <= NODES
    by_height = {one["height"]: one["round"] for one in seals(homes[1])}
    assert by_height[heights[0]] <= NODES, "a draft waits for the next turn"
    assert by_height[heights[1]] <= by_height[heights[0]], "they know their pace"
