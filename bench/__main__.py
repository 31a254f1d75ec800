"""`python -m bench [PART ...]`: measures, and prints a table, then the same as JSON lines.

The parts are those of `PARTS`; without a name all of them are measured, but those of `LONG`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from bench.figures import Figure, table
from bench.measures import append, market, million, page, queries
from bench.measures.books import backlog, disk, history, late, seals, sheet, state_size
from bench.measures.nodes import (
    catchup,
    change_delay,
    cold_sync,
    hole_punches,
    latency,
    light_home,
    newcomer,
    peers,
    relay_link,
    running_node,
)

PARTS: dict[str, Callable[[], list[Figure]]] = {
    "append": append.figures,
    "backlog": backlog.figures,
    "cold10k": lambda: cold_sync.figures(10_000),
    "cold100k": lambda: cold_sync.figures(100_000),
    "catchup": catchup.figures,
    "disk": disk.figures,
    "history": history.figures,
    "join": newcomer.figures,
    "light": light_home.figures,
    "late": late.figures,
    "live": latency.figures,
    "matching": market.figures,
    "page": page.figures,
    "peers": peers.figures,
    "punching": hole_punches.figures,
    "queries": queries.figures,
    "relay": relay_link.figures,
    "running": running_node.figures,
    "seals": seals.figures,
    "sheet": sheet.figures,
    "state": state_size.figures,
    "watch": change_delay.figures,
}

LONG: dict[str, Callable[[], list[Figure]]] = {"million": million.figures}
"""Parts that take a quarter of an hour and more: they are measured where they are named."""


def main(names: list[str]) -> int:
    """Measure the named parts, or all; return 1 when an aim that must hold is missed."""
    every = PARTS | LONG
    unknown = [name for name in names if name not in every]
    if unknown:
        sys.stderr.write(f"no part {unknown[0]}; there are: {', '.join(every)}\n")
        return 2
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # What is installed has its bytecode; without it each start of `weal` compiles 120 modules.
    figures: list[Figure] = []
    for name in names or PARTS:
        start = time.perf_counter()
        figures += every[name]()
        sys.stderr.write(f"{name}: {time.perf_counter() - start:.0f} s\n")
    sys.stdout.write(table(figures) + "\n\n")
    sys.stdout.writelines(figure.line() + "\n" for figure in figures)
    return int(any(figure.verdict == "MISSED" for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
