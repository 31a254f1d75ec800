"""`make demo`: four nodes share a ledger; one is killed, and nothing is lost.

Everything goes through the command `weal`, as a member would type it. Each step says what
it proves; the first that does not hold ends the demo with exit 1. The nodes are processes
on this machine, and their homes a temporary folder that is gone at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NODES = 4
COMMITS_MIN = 50
"""With fewer commits of its own the demo makes a repository."""
COMMITS_MADE = 300
EQUAL_SECONDS_MAX = 60.0
COMMAND_SECONDS_MAX = 180.0
NAMES = [f"n{number}" for number in range(1, NODES + 1)]
BEGAN = time.monotonic()


class NotAsPromised(Exception):
    """A step of the demo did not hold."""


def main() -> int:
    """Run the demo; return the exit code."""
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="weal-demo-"))
    try:
        show(folder)
    except NotAsPromised as error:
        print(f"\nNot as promised: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded in the middle, as you asked. Homes and nodes go too.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, signal.SIG_IGN)
        with contextlib.suppress(NotAsPromised):
            weal("cluster", "down", "--dir", str(folder / "cluster"))
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nAll of it held, in {time.monotonic() - BEGAN:.0f} s. Homes and nodes are gone again.")
    return 0


def show(folder: Path) -> None:
    """Go through the story."""
    cluster = folder / "cluster"
    step(f"Found a community of {NODES} nodes, each a process with a home and keys of its own")
    type_in("cluster", "up", "--nodes", str(NODES), "--dir", str(cluster))

    repository, commits = history(folder)
    step(f"Import {commits} commits of a git history on n1: each is a contribution, signed by n1")
    type_in("import", "git", str(repository), "--home", home(cluster, "n1"))
    total = ledger(cluster, "n1")["total"]
    expect(total >= commits, f"n1 counts {total} contributions, of {commits} commits")
    wait_equal(cluster, NAMES, total)
    proven(f"all {NODES} nodes hold the same {total} contributions, byte for byte")

    step("Kill n3 with SIGKILL, as a power cut would")
    type_in("cluster", "kill", "n3", "--dir", str(cluster))
    proven("n3 is gone; nobody was asked")

    step("Write on n2 while n3 is away, each time until two other nodes hold it")
    written = [
        recorded(cluster, "n2", action, hours)
        for action, hours in (("work", "3"), ("work", "1.5"), ("work", "2"), ("work", "0.25"))
    ]
    alive = [name for name in NAMES if name != "n3"]
    wait_equal(cluster, alive, total + len(written))
    for name in ("n1", "n4"):
        read(cluster, name, written)
    proven(f"n1 and n4 show all {len(written)} new records, and everything from before")

    step("Start n3 again")
    type_in("cluster", "start", "n3", "--dir", str(cluster))
    wait_equal(cluster, NAMES, total + len(written))
    read(cluster, "n3", written)
    proven("n3 has caught up, and every node holds the same again")

    step("Check every hash, chain and signature that the killed node holds")
    type_in("cluster", "stop", "n3", "--dir", str(cluster))
    type_in("verify", "--home", home(cluster, "n3"))
    proven("what n3 kept through its death is whole")


def history(folder: Path) -> tuple[Path, int]:
    """Return a repository to import and the number of commits reachable from its HEAD."""
    counted = subprocess.run(
        ["git", "-C", str(ROOT), "rev-list", "--count", "HEAD"], capture_output=True, text=True
    )
    commits = int(counted.stdout) if counted.returncode == 0 else 0
    if commits >= COMMITS_MIN:
        return ROOT, commits
    say(f"This checkout has {commits} commits, fewer than {COMMITS_MIN}:")
    say(f"the demo makes a repository of {COMMITS_MADE} commits itself.")
    made = folder / "history"
    subprocess.run(["git", "init", "--quiet", str(made)], check=True)
    script = "".join(_commit(number) for number in range(1, COMMITS_MADE + 1))
    fast_import = ["git", "-C", str(made), "fast-import", "--quiet"]
    subprocess.run(fast_import, input=script.encode(), check=True)
    head = ["git", "-C", str(made), "symbolic-ref", "HEAD", "refs/heads/main"]
    subprocess.run(head, check=True)
    return made, COMMITS_MADE


def _commit(number: int) -> str:
    """Return a commit in the language of git fast-import, by one of five authors."""
    author = ("Ada", "Bai", "Cleo", "Dov", "Emi")[number * 7 % 5]
    who = f"{author} <{author.lower()}@example.org> {1_700_000_000 + number * 3_600} +0000"
    message, text = f"change {number}", f"line {number}\n"
    return (
        f"commit refs/heads/main\nauthor {who}\ncommitter {who}\n"
        f"data {len(message)}\n{message}\nM 100644 inline file\ndata {len(text)}\n{text}\n"
    )


def recorded(cluster: Path, name: str, action: str, hours: str) -> str:
    """Write a record on a node; return its id once two others hold it."""
    details = ("--wait", "2", "-o", "json", "--home", home(cluster, name))
    found = json.loads(weal("record", action, hours, "hour", *details))
    say(f"weal record {action} {hours} hour --wait 2     on {name}: {found['id'][:12]}")
    return str(found["id"])


def read(cluster: Path, name: str, ids: list[str]) -> None:
    """Find the records in the ledger of a node."""
    held = {one["id"] for one in ledger(cluster, name, "50")["records"]}
    expect(all(id in held for id in ids), f"{name} shows every record that was acknowledged")


def wait_equal(cluster: Path, names: list[str], total: int) -> None:
    """Wait until these nodes count `total` contributions and hold the same."""

    def look() -> bool:
        said = json.loads(weal("cluster", "status", "--dir", str(cluster), "-o", "json"))
        nodes = [one for one in said["nodes"] if one["name"] in names]
        same = all(one["running"] for one in nodes) and len({one["frontier"] for one in nodes}) == 1
        return same and all(ledger(cluster, name)["total"] == total for name in names)

    began = time.monotonic()
    while not look():
        expect(
            time.monotonic() - began < EQUAL_SECONDS_MAX,
            f"{', '.join(names)} agree on {total} contributions within {EQUAL_SECONDS_MAX:.0f} s",
        )
        time.sleep(0.1)
    said = json.loads(weal("cluster", "status", "--dir", str(cluster), "-o", "json"))
    for one in said["nodes"]:
        if one["name"] in names:
            digest = one["frontier"][:16]
            say(f"{one['name']}  {total} contributions  {one['records']} records  digest {digest}")


def ledger(cluster: Path, name: str, limit: str = "1") -> dict[str, Any]:
    """Return what a node's ledger says."""
    found = weal("ledger", "--limit", limit, "-o", "json", "--home", home(cluster, name))
    answer: dict[str, Any] = json.loads(found)
    return answer


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


_steps = iter(range(1, 100))


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


if __name__ == "__main__":
    sys.exit(main())
