"""A million rows in one community: taken in, sealed, read and joined, one after the other.

It takes some 20 minutes, so it runs only where it is asked for: `python -m bench million`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import community as made
from bench.figures import Figure
from bench.measures.books.sheet import lines
from bench.measures.nodes import newcomer
from bench.nodes import processes
from bench.nodes.sheet_rows import PART
from commonweal.client.governance.rule_templates import document_of_rules
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store

ROWS = 1_000_000
RATIO_MAX = 1.2
IMPORT_MIB_MAX, MEMORY_MIB_MAX = 200, 250
SEAL_MS_MAX, FIRST_VIEW_S_MAX, NEXT_VIEW_S_MAX, DISK_BYTES_MAX = 0.2, 1.0, 0.3, 700
JOIN_S_MAX = 40.0


def figures(rows: int = ROWS) -> list[Figure]:
    """Return what each step costs beside its limit. rows: of the sheet, some times `PART`."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        folder = Path(name)
        store = Store(folder / "made.db")
        community = made.make(store, 3, rules=_rules())
        store.checkpoint()
        giver = processes.make_home(folder / "a", community, community.people[0], whole=True)
        other = processes.make_home(folder / "b", community, community.people[1], whole=False)
        store.close()
        file = folder / "hours.csv"
        with file.open("w") as sheet:
            sheet.writelines(lines(rows, who=""))
        return [
            *_imported(giver, file, rows),
            *_sealed(giver, rows),
            _limit("disk of a sealed row", _bytes(giver) / rows, "B", DISK_BYTES_MAX),
            *_read(giver),
            *newcomer.join(giver, other, rows, JOIN_S_MAX),
        ]


def _rules() -> dict[str, Any]:
    """Return the co-operative's rules with the largest budget: one member may write all rows."""
    rules = dict(document_of_rules("cooperative"))
    del rules["membership"]
    rules["budget"] = rules["budget"] | made.LARGE_BUDGET
    return rules


def _imported(home: Home, file: Path, rows: int) -> list[Figure]:
    told = _run("sheet_rows", str(home.path), str(file))
    written = [line["cpu_s"] for line in told if line["what"] == "written"]
    first, last = (seconds / PART * 1e6 for seconds in (written[0], written[-1]))
    return [
        Figure(
            f"import of {rows:,} rows, the last {PART:,}",
            *(last, "us of CPU a row", "the first", first, last / first, RATIO_MAX),
            low=True,
        ),
        _limit(
            "its memory at most", max(line["memory_mib"] for line in told), "MiB", IMPORT_MIB_MAX
        ),
    ]


def _sealed(home: Home, rows: int) -> list[Figure]:
    """Return what sealing costs, and the last part of the rows beside the second one.

    The rows of a seal are written before the next one, so that the first part pays for one less.
    """
    told = _run("sealed_backlog", str(home.path))
    seals = told[:-1]  # the end writes the rows of the last seal, as the next seal else does
    marks = [_first_with(seals, n) for n in (PART, 2 * PART, rows - PART, rows)]
    second, last = (
        (end["cpu_s"] - begin["cpu_s"]) / (end["records"] - begin["records"]) * 1e6
        for begin, end in (marks[:2], marks[2:])
    )
    each_ms = told[-1]["cpu_s"] / told[-1]["records"] * 1e3
    return [
        _limit(f"seal of {rows:,} waiting rows, each", each_ms, "ms of CPU", SEAL_MS_MAX),
        Figure(
            f"its last {PART:,}",
            *(last, "us of CPU a row", "the second", second, last / second, RATIO_MAX),
            low=True,
        ),
        _limit(
            "its memory at most", max(line["memory_mib"] for line in told), "MiB", MEMORY_MIB_MAX
        ),
    ]


def _first_with(told: list[dict[str, Any]], records: int) -> dict[str, Any]:
    return next((line for line in told if line["records"] >= records), told[-1])


def _read(home: Home) -> list[Figure]:
    """Return what reading final state takes: the first command, then another."""
    first, again, balance = (_timed(home, words) for words in (["shares"], ["shares"], ["balance"]))
    return [
        _limit("`weal shares`, first", first, "s", FIRST_VIEW_S_MAX),
        _limit("`weal shares`, next", again, "s", NEXT_VIEW_S_MAX),
        _limit("`weal balance`", balance, "s", NEXT_VIEW_S_MAX),
    ]


def _timed(home: Home, words: list[str]) -> float:
    """Return the seconds that a command takes, with the start of its process."""
    command = [sys.executable, "-m", "commonweal", *words, "--home", str(home.path)]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def _bytes(home: Home) -> int:
    return sum(path.stat().st_size for path in home.path.iterdir() if path.is_file())


def _run(module: str, *words: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"bench.nodes.{module}", *words]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _limit(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure(name, value, unit, "the limit", most, value / most, 1, low=True)


if __name__ == "__main__":
    size = int(sys.argv[1]) if sys.argv[1:] else ROWS
    sys.stdout.writelines(figure.line() + "\n" for figure in figures(size))
