"""A long git history: what a commit costs at its beginning and end, after a kill, and memory."""

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
from bench.nodes.history_commits import PART
from commonweal.client import Member, create_home

COMMITS = 4 * PART
MEMORY_MIB_MAX = 200
RATIO_MAX = 1.2
AUTHORS = 40


def figures() -> list[Figure]:
    """Return the cost of the last commits beside the first ones, and the memory of the process."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        home, folder = Path(name) / "home", Path(name) / "history"
        create_home(home, "Mei")
        with Member(home) as member:
            member.found("Lanxi", rules="cooperative")
        _make(folder)
        killed = _taken_in(home, folder, COMMITS // 2)
        resumed = _taken_in(home, folder)
        assert _counts(resumed, "here") == _counts(killed, "written"), "a kill loses nothing"
        again = _taken_in(home, folder)
        assert _counts(again, "here") == COMMITS, "every commit is here, once"
    looked = _times(killed, "commits")
    written = [*_times(killed, "written"), *_times(resumed, "written")]
    memory = max(line["memory_mib"] for line in [*killed, *resumed, *again])
    return [
        _flat("commits looked at", looked[COMMITS // PART - 1], looked[0]),
        _flat("commits written, after a kill", written[-1], written[0]),
        Figure(
            f"memory of an import of {COMMITS:,} commits",
            memory,
            "MiB",
            "the limit",
            MEMORY_MIB_MAX,
            memory / MEMORY_MIB_MAX,
            1,
            low=True,
        ),
    ]


def _make(folder: Path) -> None:
    """Make a repository whose history has so many commits; each tenth one has a co-author."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    with subprocess.Popen(
        ["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE, text=True
    ) as making:
        assert making.stdin is not None
        making.stdin.writelines(_commits())
    assert making.returncode == 0


def _commits() -> Iterator[str]:
    for n in range(COMMITS):
        who = f"A{n % AUTHORS} <a{n % AUTHORS}@example.org> {1_500_000_000 + 60 * n} +0000"
        message = f"change number {n}\n"
        if n % 10 == 0:
            message += "\nCo-authored-by: Bo <bo@example.org>\n"
        yield f"commit refs/heads/main\nmark :{n + 1}\nauthor {who}\ncommitter {who}\n"
        yield f"data {len(message)}\n{message}" + (f"from :{n}\n\n" if n else "\n")


def _taken_in(home: Path, folder: Path, stop: int | None = None) -> list[dict[str, Any]]:
    """Take in a history in a process of its own; return what it told. stop: where it is killed."""
    command = [sys.executable, "-m", "bench.nodes.history_commits", str(home), str(folder)]
    ran = subprocess.run(
        [*command, *([] if stop is None else [str(stop)])], stdout=subprocess.PIPE, text=True
    )
    assert ran.returncode == (0 if stop is None else -signal.SIGKILL), ran.returncode
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _times(lines: list[dict[str, Any]], what: str) -> list[float]:
    """Return what each part cost, in seconds for each commit."""
    parts = [line for line in lines if line["what"] == what]
    return [part["cpu_s"] / (PART if what == "commits" else part["rows"]) for part in parts]


def _counts(lines: list[dict[str, Any]], what: str) -> int:
    return sum(line["rows"] for line in lines if line["what"] == what)


def _flat(what: str, last_s: float, first_s: float) -> Figure:
    """Return what a commit costs in the last part, beside the first part."""
    return Figure(
        f"{what}, the last {PART:,}",
        last_s * 1e6,
        "us of CPU",
        f"the first {PART:,}",
        first_s * 1e6,
        last_s / first_s,
        RATIO_MAX,
        low=True,
    )
