"""A long sheet: what a row costs at its beginning and at its end, after a kill too, and memory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure
from bench.nodes.sheet_rows import PART
from commonweal.client import Member, create_home

ROWS = 4 * PART
MEMORY_MIB_MAX = 200
RATIO_MAX = 1.2


def figures() -> list[Figure]:
    """Return the cost of the last rows beside the first ones, and the memory of the process."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        home, file = Path(name) / "home", Path(name) / "hours.csv"
        create_home(home, "Mei")
        with Member(home) as member:
            member.found("Lanxi", rules="cooperative")
        with file.open("w") as sheet:
            sheet.writelines(lines(ROWS))
        killed = _taken_in(home, file, ROWS - PART)
        resumed = _taken_in(home, file)
        assert _costs(resumed, "here") == [ROWS - PART], "nothing is lost by the kill"
        again = _taken_in(home, file)
        assert _costs(again, "here") == [ROWS], "every row is here, once"
    # Each pass tells its parts: for the form, for the preview, and while it writes.
    parts = ROWS // PART
    passes = _times(killed, "rows")
    memory = max(line["memory_mib"] for line in [*killed, *resumed])
    return [
        _flat("rows looked at", passes[2 * parts - 1], passes[parts]),
        _flat("rows written, after a kill", _times(resumed, "rows")[-1], passes[2 * parts]),
        Figure(
            f"memory of an import of {ROWS:,} rows",
            memory,
            "MiB",
            "the limit",
            MEMORY_MIB_MAX,
            memory / MEMORY_MIB_MAX,
            1,
            low=True,
        ),
    ]


def lines(rows: int, who: str = "Mei") -> Iterator[str]:
    """Yield the lines of a sheet of hours, with so many rows below its heading.

    who: the name in each; "" for whoever takes them in.
    """
    yield "Datum;Wer;Stunden;Tätigkeit\n"
    for n in range(rows):
        day, month, year = n % 28 + 1, n % 12 + 1, n % 20 + 2005
        what = f"Beet {n} gegossen und gejätet"
        yield f"{day:02d}.{month:02d}.{year};{who};{n % 8 + 1},{n % 10};{what}\n"


def _taken_in(home: Path, file: Path, stop: int | None = None) -> list[dict[str, Any]]:
    """Take in a sheet in a process of its own; return what it told. stop: where it is killed."""
    command = [sys.executable, "-m", "bench.nodes.sheet_rows", str(home), str(file)]
    ran = subprocess.run(
        [*command, *([] if stop is None else [str(stop)])], stdout=subprocess.PIPE, text=True
    )
    assert ran.returncode == (0 if stop is None else -signal.SIGKILL), ran.returncode
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _times(lines: list[dict[str, Any]], what: str) -> list[float]:
    return [line["cpu_s"] for line in lines if line["what"] == what]


def _costs(lines: list[dict[str, Any]], what: str) -> list[int]:
    return [line["rows"] for line in lines if line["what"] == what]


def _flat(what: str, last_s: float, first_s: float) -> Figure:
    """Return what a row costs in the last part, beside the first part."""
    last_us, first_us = last_s / PART * 1e6, first_s / PART * 1e6
    return Figure(
        f"{what}, the last {PART:,}",
        last_us,
        "us of CPU",
        f"the first {PART:,}",
        first_us,
        last_us / first_us,
        RATIO_MAX,
        low=True,
    )
