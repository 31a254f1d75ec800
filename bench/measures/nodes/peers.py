"""Other systems at the same work, in the same run, each where it is installed (`bench/peers`).

What is compared: a log or a table of 330-byte rows taken over loopback by an empty process; rows
appended many at a time; and one row to a neighbour. Hypercore does not wait for the disk;
Commonweal and PostgreSQL do.
"""

from __future__ import annotations

import sys
from statistics import median

from bench.figures import Figure, compare
from bench.measures import append, floor
from bench.measures.nodes import cold_sync, latency
from bench.peers import hypercore, postgres

RECORDS = 100_000
SIZE = 330
BLOCKS = 200
ROUNDS = 3
CORES = 2
"""Of the machine that the aims are set for."""


def figures() -> list[Figure]:
    """Return our figures beside those of the systems that are installed; name the others."""
    syncs = [cold_sync.cold(RECORDS) for _ in range(ROUNDS)]
    ours = median(sync.rate for sync in syncs)
    figures = []
    if hypercore.modules() is None:
        _missing(hypercore.NAME, "npm install --global hypercore@11")
    else:
        figures += _beside_hypercore(ours)
    if not postgres.is_installed():
        _missing(postgres.NAME, "apt install postgresql")
    else:
        rows = median(postgres.cold_rate(RECORDS, SIZE) for _ in range(ROUNDS))
        name = "PostgreSQL, logical replication of a table"
        figures.append(_cold(ours, name, rows, must=0.7, want=1.0))
        both_us = median(sync.cpu_us + sync.giver_us for sync in syncs)
        most = CORES * 1e6 / both_us
        cores = f"{CORES} cores by the processor time of both nodes: as if no thread ever waited"
        figures.append(Figure(cores, most, "records/s", name, rows, most / rows))
        bare = median(floor.receive_rate(RECORDS) for _ in range(ROUNDS))
        calls = "what a receiver calls in C, and nothing else"
        figures.append(Figure(calls, bare, "records/s", name, rows, bare / rows))
    return figures


def _beside_hypercore(ours: float) -> list[Figure]:
    blocks = median(hypercore.cold_rate(RECORDS, SIZE) for _ in range(ROUNDS))
    a_batch = "hypercore, one signature a batch, not durable"

    def appended() -> float:
        return hypercore.append_rate(RECORDS, SIZE, append.BATCH)

    return [
        _cold(ours, "hypercore", blocks, must=10, want=15),
        compare(
            f"append, {append.BATCH} at a time, each signed, durable",
            "records/s",
            append.batch_rate,
            a_batch,
            appended,
            must=1.0,
            want=1.5,
        ),
        compare("to sign each, and nothing else", "records/s", floor.sign_rate, a_batch, appended),
        _hop("record to a neighbour, durable there, one after the other, p50", 0, must=1.0),
        _hop(f"the same, {latency.PAUSE_S * 1e3:.0f} ms after the one before", latency.PAUSE_S),
    ]


def _hop(name: str, pause_s: float, must: float | None = None) -> Figure:
    """Return the figure of one record to a neighbour. pause_s: between two; 0: all is warm."""
    ours = latency.hop_ms(pause_s)
    theirs = hypercore.hop(BLOCKS, SIZE, pause_s * 1e3).p50
    beside = "hypercore, not durable"
    return Figure(name, ours, "ms", beside, theirs, ours / theirs, must, low=True)


def _cold(ours: float, name: str, theirs: float, *, must: float, want: float) -> Figure:
    what = f"cold sync of {RECORDS:,}"
    return Figure(what, ours, "records/s", name, theirs, ours / theirs, must, want)


def _missing(name: str, how: str) -> None:
    sys.stderr.write(f"{name} is not installed, so nothing is measured beside it: {how}\n")
