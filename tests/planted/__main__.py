"""`make faults`: plant what no test is known to see, and note which test does.

Each is planted in a copy of this tree, never in the tree itself; the tests that it names run there,
and each of them must fail by an assertion or an error of its own. `--all` plants every one again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.planted.faults import ROOT, Fault, Seen, keep, read, results, unseen

LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "build", "dist", ".*_cache", ".hypothesis")
RUN_S_MAX = 600
SAID_MAX = 120
FAILED = 1
"""How pytest ends when tests failed; any other end is a fault of the fault."""
CRUDE = ("ImportError", "NameError", "SyntaxError", "Failed: Timeout")
"""How a test fails where not a guard was taken away but the code was broken."""


def copied(folder: Path) -> Path:
    """A copy of this tree in a folder that is not there yet."""
    shutil.copytree(ROOT, folder, symlinks=True, ignore=LEFT_OUT)
    return folder


def plant(fault: Fault, copy: Path) -> Seen:
    """Run each test of a fault in a copy that has it; what passed is not in `said`.

    Raises ValueError where the fault cannot be planted, or the tests do not even begin.
    """
    file = copy / fault.file
    sound = file.read_text("utf-8")
    began = time.monotonic()
    file.write_text(fault.planted_in(sound), "utf-8")
    try:
        each = {test: _said(fault, test, copy) for test in fault.red}
    finally:
        file.write_text(sound, "utf-8")
    said = {test: words for test, words in each.items() if words}
    return Seen(fault.digest(copy), said, round(time.monotonic() - began))


def _said(fault: Fault, test: str, copy: Path) -> str:
    """Which test failed and what it said; empty when all passed."""
    code, printed = _tested(fault, test, copy)
    failed = [line for line in printed.splitlines() if line.startswith("FAILED ")]
    if code == 0:
        return ""
    if code != FAILED or not failed or any(f" - {crude}" in failed[0] for crude in CRUDE):
        raise ValueError(f"{fault.name}: pytest ended with {code}:\n{printed[-2_000:]}")
    return failed[0].partition("::")[2][:SAID_MAX]


def _tested(fault: Fault, test: str, copy: Path) -> tuple[int, str]:
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-rf", "--no-header"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "COMMONWEAL_PLANTED": "1"}
    environment["COLUMNS"] = "400"
    if fault.runs is not None:
        environment["COMMONWEAL_RUNS"] = str(fault.runs)
    try:
        ended = subprocess.run(
            [*pytest, "-p", "no:cacheprovider", test],
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=RUN_S_MAX,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{fault.name}: {test} came to no end in {RUN_S_MAX} s") from error
    return ended.returncode, ended.stdout


def main() -> int:
    """Plant, note, and say what nobody saw; 1 when there is such a fault."""
    parser = argparse.ArgumentParser(description="plant faults and see which test is red")
    parser.add_argument("names", nargs="*", help="these faults, whatever is known of them")
    parser.add_argument("--all", action="store_true", help="every fault, whatever is known of it")
    parser.add_argument("--jobs", type=int, default=1, help="copies of the tree, side by side")
    given = parser.parse_args()
    faults = read()
    seen = {name: one for name, one in results().items() if name in faults}
    names = given.names or list(faults if given.all else unseen(faults, seen))
    lock, copies, broken = threading.Lock(), SimpleQueue[Path](), []

    def one(name: str) -> None:
        copy = copies.get()
        try:
            found = plant(faults[name], copy)
        except ValueError as error:
            broken.append(str(error))
            return
        finally:
            copies.put(copy)
        with lock:
            seen[name] = found
            keep(seen)
        told = "; ".join(found.said.values()) or "NOT SEEN"
        sys.stdout.write(f"{found.seconds:4} s  {name}: {told}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="weal-planted-") as folder:
        for number in range(given.jobs):
            copies.put(copied(Path(folder) / str(number)))
        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(one, names))
    left = unseen(faults, seen)
    sys.stdout.writelines(f"NOT SEEN  {name}: {why}\n" for name, why in left.items())
    sys.stdout.writelines(f"BROKEN  {text}\n" for text in broken)
    sys.stdout.write(f"{len(faults) - len(left)} of {len(faults)} planted faults are seen\n")
    return int(bool(left or broken))


if __name__ == "__main__":
    raise SystemExit(main())
