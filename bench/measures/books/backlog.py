"""Sealing a backlog of sheet rows: the cost of a record at the start and at the end, and memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.community import LARGE_BUDGET
from bench.figures import Figure
from bench.measures.books.sheet import lines
from commonweal.client import Member, create_home
from commonweal.client.governance.rule_templates import text_of_rules
from commonweal.node.service.replica import quota
from commonweal.protocol.vocabulary.budget import BUDGET_MAX

SMALL, LARGE = 10_000, 100_000
MEMORY_MIB_MAX = 250
MS_PER_RECORD_MAX = 0.2
SLOPE_MAX = 1.2


def figures(large: int = LARGE) -> list[Figure]:
    """Return what a record costs to be sealed, at two sizes of the backlog; and the memory.

    Nobody else runs: a home whose member is the only witness seals with one command. The baseline
    is to read, hash and decode each record once. large: records of the larger one.
    """
    runs = {records: _sealed(records) for records in (SMALL, large)}
    told, read_s = runs[large]
    per_record, read = told[-1]["cpu_s"] / large, read_s / large
    small = runs[SMALL][0][-1]["cpu_s"] / SMALL
    memory = max(line["memory_mib"] for line in told)
    beside = "each record read and decoded once"
    limit = Figure(
        f"seal of {large:,} waiting records",
        per_record * 1e3,
        "ms of CPU a record",
        "the limit",
        MS_PER_RECORD_MAX,
        per_record * 1e3 / MS_PER_RECORD_MAX,
        1,
        low=True,
    )
    return [
        limit,
        Figure(
            f"seal of {large:,} waiting records",
            *(per_record * 1e6, "us of CPU a record", beside, read * 1e6, per_record / read),
        ),
        Figure(
            f"seal of {large:,}, a record",
            *(per_record * 1e6, "us of CPU", f"of {SMALL:,}", small * 1e6, per_record / small),
        ),
        _slope(told, large),
        Figure(
            f"memory of a seal of {large:,} records",
            *(memory, "MiB", "the limit", MEMORY_MIB_MAX, memory / MEMORY_MIB_MAX, 1),
            low=True,
        ),
    ]


def _sealed(records: int) -> tuple[list[dict[str, Any]], float]:
    """Return what was told while so many rows were sealed, and the time to read them."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        home, file, rules = (Path(name) / part for part in ("home", "hours.csv", "rules.toml"))
        rules.write_text(_large_budget(text_of_rules("cooperative")), "utf-8")
        with file.open("w") as sheet:
            sheet.writelines(lines(records))
        create_home(home, "Mei")
        kept = vars(quota)["DEFAULT_BUDGET"]
        vars(quota)["DEFAULT_BUDGET"] = BUDGET_MAX  # a node keeps a day of it before the first seal
        try:
            with Member(home) as member:
                member.found("Lanxi", rules=str(rules))
                member.import_csv(member.sheet_preview(file))
        finally:
            vars(quota)["DEFAULT_BUDGET"] = kept
        (read,) = _run(home, "plain")
        return _run(home), read["cpu_s"]


def _large_budget(rules: str) -> str:
    """Return rules with the largest budget, so that one member may write so much in a day."""
    for field, most in LARGE_BUDGET.items():
        rules = re.sub(rf"(?m)^{field} = \d+$", f"{field} = {most}", rules)
    return rules


def _run(home: Path, *mode: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.nodes.sealed_backlog", str(home), *mode]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _slope(told: list[dict[str, Any]], records: int) -> Figure:
    """Return what a record of the last quarter costs, beside one of the second.

    The first quarter also pays for the start of the process, and writes its cut in the next.
    """
    costs = []
    for begin, end in ((records // 4, records // 2), (3 * records // 4, records)):
        first = next(line for line in told if line["records"] >= begin)
        last = next(line for line in told if line["records"] >= end)
        costs.append((last["cpu_s"] - first["cpu_s"]) / (last["records"] - first["records"]))
    second, fourth = costs
    return Figure(
        f"seal of {records:,}, a record of the last quarter",
        *(fourth * 1e6, "us of CPU", "of the second", second * 1e6, fourth / second, SLOPE_MAX),
        low=True,
    )


if __name__ == "__main__":
    size = int(sys.argv[1]) if sys.argv[1:] else LARGE
    sys.stdout.writelines(figure.line() + "\n" for figure in figures(size))
