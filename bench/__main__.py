"""`python -m bench [PART ...]`: measures, and prints a table, then the same as JSON lines.

Parts: append, cold10k, cold100k, catchup, live, queries, seals. All of them without a name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bench import append, catchup, live, queries, sealing, sync
from bench.figures import Figure, table

PARTS: dict[str, Callable[[], list[Figure]]] = {
    "append": append.figures,
    "cold10k": lambda: sync.figures(10_000),
    "cold100k": lambda: sync.figures(100_000),
    "catchup": catchup.figures,
    "live": live.figures,
    "queries": queries.figures,
    "seals": sealing.figures,
}


def main(names: list[str]) -> int:
    """Measure the named parts, or all; return 1 when an aim that must hold is missed."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.stderr.write(f"no part {unknown[0]}; there are: {', '.join(PARTS)}\n")
        return 2
    found: list[Figure] = []
    for name in names or PARTS:
        start = time.perf_counter()
        found += PARTS[name]()
        sys.stderr.write(f"{name}: {time.perf_counter() - start:.0f} s\n")
    sys.stdout.write(table(found) + "\n\n")
    sys.stdout.writelines(one.line() + "\n" for one in found)
    return int(any(one.verdict == "MISSED" for one in found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
