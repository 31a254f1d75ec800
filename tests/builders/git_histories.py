"""Git histories for tests, made by git itself, and the events that stand for their commits."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from commonweal.client.importers import commits, known_events
from commonweal.protocol.records.record import Record
from commonweal.storage.home.home import Home

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
}
NOBODY = ("Zed", "zed@example.org")


def git(folder: Path, *arguments: str, author: tuple[str, str] = NOBODY, **more: str) -> str:
    """Type a git command, outside the code that is tested."""
    named = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1]}
    ran = subprocess.run(
        ["git", "-C", folder, *arguments],
        env={**GIT, **named, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def commit(folder: Path, subject: str, author: tuple[str, str] = NOBODY) -> str:
    """Make an empty commit; return its hash."""
    git(folder, "commit", "--allow-empty", "--quiet", "-m", subject, author=author)
    return git(folder, "rev-parse", "HEAD")


def events(home: Path) -> list[Record]:
    """The events that stand for commits, in the order of the log."""
    with Home(home).store(readonly=True) as store:
        found = known_events.events_naming(store, commits.COMMIT_KEY, *commits.HASH_BYTES)
        return sorted(found, key=lambda record: record.seq)
