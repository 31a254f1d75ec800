"""Local queries at 100,000 records: the list of contributions, and whole commands."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import community as made
from bench.figures import ROUNDS, Figure, rate
from bench.nodes import processes
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.contribution_filter import ContributionFilter
from commonweal.storage.ledger.contributions.contribution_list import contributions, count
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store

RECORDS = 100_000
COMMANDS = ((["--help"], 8), (["ledger", "--limit", "20"], 10))
"""Commands, and the bare interpreters of processor time that each may take."""


def figures() -> list[Figure]:
    """Return how long queries take, and the processor time of commands beside a bare Python's."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        folder = Path(name)
        store = Store(folder / "made.db")
        community = made.make(store, 10)
        made.work(community, RECORDS, 50)
        store.commit()
        store.checkpoint()
        home = processes.make_home(folder / "home", community, community.people[0], whole=True)
        kept = LedgerState(store, StateDb(folder / "state.db"), community.id)
        person = ContributionFilter(provider=community.people[0].inception.member)
        of_one_ms = 1e3 / rate(100, lambda: [count(kept, person) for _ in range(100)])
        page_ms = 1e3 / rate(100, lambda: [list(contributions(kept, limit=20)) for _ in range(100)])
        scan = "SELECT provider, count(*) FROM event_row GROUP BY provider, action"
        scan_ms = 1e3 / rate(5, lambda: [kept.layers.rows(scan) for _ in range(5)])
        bare = _cpu_s([sys.executable, "-c", "pass"], home)
        commands = [
            (words, aim, _cpu_s([sys.executable, "-m", "commonweal", *words], home))
            for words, aim in COMMANDS
        ]
    return [
        Figure(
            "contributions of a member, counted", of_one_ms, "ms", "", 1, of_one_ms, 2, low=True
        ),
        Figure("newest 20 contributions", page_ms, "ms", "", 1, page_ms, 2, low=True),
        Figure("newest 20 contributions", page_ms, "ms", "a scan", scan_ms, page_ms / scan_ms),
        *(
            Figure(
                f"weal {' '.join(words)}, CPU",
                cpu * 1e3,
                "ms",
                "a bare interpreter",
                bare * 1e3,
                cpu / bare,
                aim,
                low=True,
            )
            for words, aim, cpu in commands
        ),
    ]


def _cpu_s(command: list[str], home: Home) -> float:
    """Return the least processor time of some runs of a command; the first is not counted."""
    environment = dict(os.environ, COMMONWEAL_HOME=str(home.path))
    figures = []
    for _ in range(ROUNDS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(figures[1:])
