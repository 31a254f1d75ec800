"""How the demo types and speaks: commands, the steps of the story, and what must hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
NODES = 4
NAMES = [f"n{number}" for number in range(1, NODES + 1)]
WAIT_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.1
COMMAND_SECONDS_MAX = 180.0
BEGAN = time.monotonic()


class NotAsPromised(Exception):
    """A step of the demo did not hold."""


_steps = count(1)


def step(words: str) -> None:
    """Say what comes."""
    print(f"\n{next(_steps)}. {words}  [{time.monotonic() - BEGAN:.0f} s]", flush=True)


def say(words: str) -> None:
    """Say a detail."""
    print(f"   {words}", flush=True)


def proven(words: str) -> None:
    """Say what a step proved."""
    print(f"   => {words}", flush=True)


def expect(holds: bool, words: str) -> None:
    """Go on only when `words` is true."""
    if not holds:
        raise NotAsPromised(f"expected that {words}")


def home(cluster: Path, name: str) -> str:
    """Return the home of a node."""
    return str(cluster / name)


def type_in(*words: str) -> None:
    """Run `weal` and show what was typed and what it says."""
    shown = " ".join(word.replace(tempfile.gettempdir(), "$TMP") for word in words)
    say(f"weal {shown}")
    for line in weal(*words).splitlines():
        say(f"    {line}")


def weal(*words: str) -> str:
    """Run `weal`; return what it prints. Raises NotAsPromised when it fails."""
    command = [sys.executable, "-m", "commonweal", *words]
    environment = {**os.environ, "LANG": "C.UTF-8", "LANGUAGE": "", "PYTHONUTF8": "1"}
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as error:
        raise NotAsPromised(f"weal {' '.join(words)} did not end") from error
    if ended.returncode:
        raise NotAsPromised(f"weal {' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def ledger(cluster: Path, name: str, limit: str = "1") -> dict[str, Any]:
    """Return what a node's ledger says."""
    listed = weal("ledger", "--limit", limit, "-o", "json", "--home", home(cluster, name))
    answer: dict[str, Any] = json.loads(listed)
    return answer


def wait_equal(cluster: Path, names: list[str], total: int) -> None:
    """Wait until these nodes count `total` contributions and hold the same."""

    def look() -> bool:
        said = json.loads(weal("cluster", "status", "--dir", str(cluster), "-o", "json"))
        nodes = [node for node in said["nodes"] if node["name"] in names]
        same = (
            all(node["running"] for node in nodes)
            and len({node["frontier"] for node in nodes}) == 1
        )
        return same and all(ledger(cluster, name)["total"] == total for name in names)

    until(look, f"{', '.join(names)} agree on {total} contributions")
    said = json.loads(weal("cluster", "status", "--dir", str(cluster), "-o", "json"))
    for state in said["nodes"]:
        if state["name"] in names:
            digest = state["frontier"][:16]
            records = state["records"]
            say(f"{state['name']}  {total} contributions  {records} records  digest {digest}")


def until(holds: Callable[[], bool], words: str) -> None:
    """Look until something holds; give up after a while."""
    began = time.monotonic()
    while not holds():
        expect(
            time.monotonic() - began < WAIT_SECONDS_MAX, f"{words} within {WAIT_SECONDS_MAX:.0f} s"
        )
        time.sleep(LOOK_SECONDS)
