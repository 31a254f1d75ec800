"""What `make soak` calls flat: it must see a leak of a kibibyte a second, and a node that ended."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from bench.soak import LASTING, NODES, SAMPLE_EACH_S, Sample, Soak

NAMES = [f"n{number + 1}" for number in range(NODES)]
MINUTES = 20


def judged(kib_per_second: float, files_per_minute: float = 0.0) -> list[str]:
    """Return what is complained of when one node grows so, on top of what comes and goes."""
    cluster: Any = SimpleNamespace(names=lambda: NAMES, nodes=list)
    soak = Soak(cluster, Random(1))
    for step in range(int(MINUTES * 60 / SAMPLE_EACH_S)):
        at_s = step * SAMPLE_EACH_S
        for name in NAMES[:LASTING]:
            comes_and_goes_kib = 300 * (at_s % 60) / 60 + soak.chance.randint(0, 200)
            filled_kib = 1_000 * min(1.0, at_s / 240)
            grown_kib = kib_per_second * at_s if name == "n3" else 0
            rss_kib = int(100_000 + comes_and_goes_kib + filled_kib + grown_kib)
            files = 30 + int(files_per_minute * at_s / 60)
            soak.samples.append(Sample(at_s, name, 7, rss_kib, files, 0))
    soak.judge()
    return soak.faults


def test_what_comes_and_goes_and_what_is_full_soon_is_flat() -> None:
    assert judged(0) == []


@pytest.mark.parametrize("kib_per_second", [1.25, 15])
def test_a_node_that_keeps_a_little_of_each_record_is_found(kib_per_second: float) -> None:
    (fault,) = judged(kib_per_second)
    assert "n3 grows" in fault


def test_files_that_stay_open_are_found() -> None:
    assert len(judged(0, files_per_minute=0.5)) == LASTING
