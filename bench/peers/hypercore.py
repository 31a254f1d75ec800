"""Hypercore 11, the log of Holepunch, in processes of Node.js; what it does is in hypercore.cjs.

It is looked for where HYPERCORE_MODULES says, a folder with node_modules, else where `npm install
--global hypercore` puts it. It does not wait for the disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

NAME = "hypercore"
SCRIPT = Path(__file__).with_name("hypercore.cjs")
WAIT_S_MAX = 120


class Hop(NamedTuple):
    """Milliseconds from asking for a block until a neighbour has it."""

    p50: float
    p99: float


def modules() -> Path | None:
    """Return the folder whose node_modules has hypercore; None where it is not installed."""
    if shutil.which("node") is None:
        return None
    places = [os.environ.get("HYPERCORE_MODULES")]
    if shutil.which("npm") is not None:
        asked = subprocess.run(["npm", "prefix", "--global"], capture_output=True, text=True)
        places.append(asked.stdout.strip() + "/lib" if asked.returncode == 0 else None)
    folders = (Path(place) for place in places if place)
    return next((place for place in folders if (place / "node_modules" / NAME).is_dir()), None)


def append_rate(blocks: int, size: int, batch: int) -> float:
    """Return how many blocks a second it appends, `batch` at a time."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        (told,) = _run("append", f"{folder}/a", blocks, size, batch)
        return blocks / float(told["seconds"])


def cold_rate(blocks: int, size: int) -> float:
    """Return how many blocks a second an empty process fetches from a full one over TCP."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        _run("append", f"{folder}/a", blocks, size, 1_000)
        with _serving(f"{folder}/a") as (_, place):
            (told,) = _run("fetch", f"{folder}/b", place["port"], place["key"], blocks)
        return blocks / float(told["seconds"])


def hop(blocks: int, size: int, pause_ms: float) -> Hop:
    """Return how long a new block takes to a neighbour, with a pause between two of them."""
    with (
        TemporaryDirectory(prefix="weal-bench-") as folder,
        _serving(f"{folder}/a", blocks, pause_ms, size) as (server, place),
    ):
        (told,) = _run("watch", f"{folder}/b", place["port"], place["key"], blocks)
        asked = _line(server)["asked"]
    steps = quantiles([came - at for at, came in zip(asked, told["came"], strict=True)], n=100)
    return Hop(steps[49], steps[98])


def _run(*words: object) -> list[dict[str, Any]]:
    ran = subprocess.run(
        _command(*words),
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
        check=True,
        timeout=WAIT_S_MAX,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


@contextmanager
def _serving(*words: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a process that serves a log; give it, and its port and key."""
    server = subprocess.Popen(
        _command("serve", *words), stdout=subprocess.PIPE, text=True, env=_environment()
    )
    try:
        yield server, _line(server)
    finally:
        server.kill()
        server.wait()


def _line(server: subprocess.Popen[str]) -> dict[str, Any]:
    assert server.stdout is not None
    line: dict[str, Any] = json.loads(server.stdout.readline())
    return line


def _command(*words: object) -> list[str]:
    return ["node", str(SCRIPT), *map(str, words)]


def _environment() -> dict[str, str]:
    folder = modules()
    assert folder is not None, "asked only where it is installed"
    return {**os.environ, "HYPERCORE_MODULES": str(folder)}
