"""A process that takes in a git history and writes what each part of it cost, as JSON lines.

`python -m bench.nodes.history_commits HOME REPOSITORY [STOP]`: it is killed once STOP commits are
written.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.nodes.sheet_rows import tell
from commonweal.client import Member
from commonweal.client.importers.git import Commit, Repository

PART = 12_500
"""Commits of which the cost is told together."""


def timed_commits(repository: Repository) -> Iterator[Commit]:
    """Yield the commits of a history, and tell the time that each part of them took."""
    start = time.process_time()
    for number, commit in enumerate(_commits(repository), start=1):
        yield commit
        if number % PART == 0:
            now = time.process_time()
            tell("commits", number, now - start)
            start = now


def main(home: Path, folder: Path, stop: int) -> None:
    """Take in a history; end by a signal at `stop` commits."""

    @contextmanager
    def progress(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
        written, told, start = 0, 0, time.process_time()

        def advance(more: int) -> None:
            nonlocal written, told, start
            written += more
            is_stopped = 0 < stop <= written
            if is_stopped or written >= told + PART:
                now = time.process_time()
                tell("written", written - told, now - start)
                told, start = written, now
            if is_stopped:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

    with Member(home) as member:
        result = member.import_git(folder, progress=progress)
        tell("here", result.preview.here, 0)
        tell("end", result.written, 0)


_commits = Repository.commits

if __name__ == "__main__":
    Repository.commits = timed_commits  # type: ignore[method-assign, assignment]
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 0)
