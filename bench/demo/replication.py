"""First part of the demo: four nodes share a ledger; one is killed, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bench.demo.shell import (
    NAMES,
    NODES,
    ROOT,
    expect,
    home,
    ledger,
    proven,
    say,
    step,
    type_in,
    wait_equal,
    weal,
)

COMMITS_MIN = 50
"""With fewer commits of its own the demo makes a repository."""
COMMITS_MADE = 300


def show(folder: Path) -> None:
    """Go through the story."""
    cluster = folder / "cluster"
    step(f"Found a community of {NODES} nodes, each a process with a home and keys of its own")
    type_in("cluster", "up", "--nodes", str(NODES), "--dir", str(cluster))

    repository, commits = history(folder)
    step(f"Import {commits} commits of a git history on n1: each is a contribution, signed by n1")
    type_in("import", "git", "--yes", str(repository), "--home", home(cluster, "n1"))
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
    if commits >= COMMITS_MIN and (ROOT / ".git").is_dir():
        return ROOT, commits
    say(f"This checkout has no history of its own of {COMMITS_MIN} commits or more:")
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
    answer = json.loads(weal("record", action, hours, "hour", *details))
    say(f"weal record {action} {hours} hour --wait 2     on {name}: {answer['id'][:12]}")
    return str(answer["id"])


def read(cluster: Path, name: str, ids: list[str]) -> None:
    """Find the records in the ledger of a node."""
    held = {row["id"] for row in ledger(cluster, name, "50")["records"]}
    expect(all(id in held for id in ids), f"{name} shows every record that was acknowledged")
