"""What a home remembers beside its ledger: its last backup, and what a digest has told.

It is a small file of its own, since a running node alone writes to the ledger. It is no part of a
backup. A file that is missing or cannot be read counts as one that says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

from commonweal.client.home.files import put_bytes, read_bytes
from commonweal.protocol.errors import UnreadableFile
from commonweal.storage.home.home import Home

FILE_NAME = "reminders.json"
FILE_BYTES_MAX = 4 * 1024 * 1024
LATER_MAX = 1_000
"""How many things that wait are put off at once."""
TOLD_MAX = 100_000
"""How many things that wait a home remembers as told; each takes about 30 bytes."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """backup_ms: when the last backup was made; None where no backup is known.

    told: keys of what waited when the last digest was shown. later: keys of what is put off, and
    until when.
    """

    backup_ms: int | None = None
    told: tuple[str, ...] = ()
    later: dict[str, int] = field(default_factory=dict)


def read_reminders(home: Home) -> Reminders:
    """Return what a home remembers."""
    try:
        value = json.loads(read_bytes(home.path / FILE_NAME, FILE_BYTES_MAX))
    except (UnreadableFile, ValueError, RecursionError):
        return Reminders()
    if not isinstance(value, dict):
        return Reminders()
    backup_ms, told, later = (value.get(name) for name in ("backup_ms", "told", "later"))
    return Reminders(
        backup_ms if type(backup_ms) is int else None,
        tuple(key for key in told if type(key) is str) if isinstance(told, list) else (),
        {key: until for key, until in later.items() if type(until) is int}
        if isinstance(later, dict)
        else {},
    )


def remember_backup(home: Home, at_ms: int) -> None:
    """Remember that a backup was made. Raises FileRefused."""
    _write(home, replace(read_reminders(home), backup_ms=at_ms))


def remember_told(home: Home, keys: Collection[str]) -> None:
    """Remember what a digest has told, in the place of what was told before. Raises FileRefused."""
    _write(home, replace(read_reminders(home), told=tuple(keys)))


def remember_later(home: Home, later: Mapping[str, int]) -> None:
    """Remember what is put off and until when, in the place of what was. Raises FileRefused."""
    _write(home, replace(read_reminders(home), later=dict(later)))


def _write(home: Home, reminders: Reminders) -> None:
    put_bytes(home.path / FILE_NAME, json.dumps(asdict(reminders)).encode())
