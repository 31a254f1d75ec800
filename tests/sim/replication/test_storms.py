"""Storms: whatever the network and the disks do, nothing acknowledged is lost, and calm heals.

Each seed is a community of 5 to 25 nodes, one kind of bad weather, and what the members do
in it. `make sim SEED=n` replays one; `make sim-long` runs many more.
"""

from __future__ import annotations

import os

import pytest

from tests.sim.world.story import Story

CHUNK = 10
RUNS = int(os.environ.get("COMMONWEAL_RUNS") or 100)
SEED = os.environ.get("COMMONWEAL_SEED")
CHUNKS = (
    [range(int(SEED), int(SEED) + 1)]
    if SEED
    else [range(first, min(first + CHUNK, RUNS)) for first in range(0, RUNS, CHUNK)]
)


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_what_is_acknowledged_survives_storms_and_reaches_all(seeds: range) -> None:
    for seed in seeds:
        Story.of(seed).run()
