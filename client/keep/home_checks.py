"""Checks of a home itself: its folder, its files, and room on the disk.

They read and never change anything. What concerns other nodes is in `health.py`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.language.words import N_, Words
from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
)
from commonweal.protocol.keys import short
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home import keystore
from commonweal.storage.home.contents import Contents
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import LogRow, Store

if TYPE_CHECKING:
    from commonweal.node.control.messages.node_status import NodeStatus
    from commonweal.node.reach_state import ReachState


FREE_BYTES_MIN = 256 * 1024 * 1024
RECORDS_CHECKED_MAX = 1_000
"""Newest records of each log that are hashed again."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """What was checked, whether it is well, what is the case, and what to do about it.

    name: in English, the same in every language. what, advice: in the member's language.
    """

    name: str
    is_well: bool
    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class CheckedHome:
    """What the checks look at. status, reach: answers of the running node, None without one.

    words: the language of the findings.
    """

    home: Home
    store: Store
    settings: Settings
    status: NodeStatus | None
    reach: ReachState | None
    words: Words


def check_folder(checked: CheckedHome) -> HealthFinding:
    """Say whether other users can read the home, or take it away."""
    name = N_("folder")
    if checked.home.path.stat().st_mode & 0o077:
        return HealthFinding(
            name,
            False,
            checked.words("others on this machine can look into {path}").format(
                path=checked.home.path
            ),
            checked.words("Type `chmod 700 {path}`.").format(path=checked.home.path),
        )
    if (folder := checked.home.open_to_others()) is not None:
        return HealthFinding(
            name,
            False,
            checked.words("Other users can write in {path}, and so take this home away.").format(
                path=folder
            ),
            checked.words("Type `chmod go-w {path}`.").format(path=folder),
        )
    return HealthFinding(name, True, str(checked.home.path))


def check_keystore(checked: CheckedHome) -> HealthFinding:
    """Say whether the keystore is whole, and whether a passphrase protects it."""
    name = N_("keystore")
    try:
        protected = keystore.needs_passphrase(checked.home.keystore)
    except CommonwealError as error:
        return HealthFinding(name, False, checked.words.error(error), str(error))
    return HealthFinding(
        name,
        True,
        checked.words("whole, under a passphrase")
        if protected
        else checked.words("whole, without passphrase"),
    )


def check_settings(checked: CheckedHome) -> HealthFinding:
    """Say whether the settings of the node can be read."""
    from commonweal.node.runtime import config

    name = N_("settings")
    try:
        config.read(config.system_file(), checked.home.config)
    except CommonwealError as error:
        return HealthFinding(name, False, checked.words.error(error), str(error))
    return HealthFinding(name, True, checked.words("can be read"))


def check_disk(checked: CheckedHome) -> HealthFinding:
    """Say whether there is room for new records."""
    name = N_("disk")
    free = shutil.disk_usage(checked.home.path).free
    amount = checked.words("{n} MiB are free").format(n=f"{free // MIB:,}")
    if free < FREE_BYTES_MIN:
        return HealthFinding(
            name,
            False,
            amount,
            checked.words(
                "Free some space: on a full disk nothing new is kept; reading and serving go on."
            ),
        )
    return HealthFinding(name, True, amount)


def check_contents(checked: CheckedHome) -> HealthFinding:
    """Say whether the contents that stay in this home are whole, and private."""
    name = N_("contents")
    kept = Contents(checked.home)
    for _digest, why in kept.damaged():
        return HealthFinding(
            name,
            False,
            checked.words("a content is not as it was added: {why}").format(why=why),
            checked.words("Restore a backup, or add the file again by `weal data add`."),
        )
    if not kept.are_private():
        return HealthFinding(
            name,
            False,
            checked.words("others on this machine can read {path}").format(path=kept.folder),
            checked.words("Type `chmod -R go= {path}`.").format(path=kept.folder),
        )
    whole = checked.words.plural(
        "{n} content stays in this home, whole",
        "{n} contents stay in this home, whole",
        len(kept.hashes()),
    )
    return HealthFinding(name, True, whole.format(n=f"{len(kept.hashes()):,}"))


def check_ledger(checked: CheckedHome) -> HealthFinding:
    """Say whether the database is sound, and hash the newest records again."""
    name = N_("ledger")
    try:
        (verdict,) = checked.store.row("PRAGMA quick_check(1)") or ("",)
        if verdict != "ok":
            raise DamagedDatabase(str(verdict))
        count = sum(_hashed(checked.store, row) for row in checked.store.logs())
    except CommonwealError as error:
        return damaged(error, checked.words)
    newest = checked.words.plural(
        "the newest {n} record is whole", "the newest {n} records are whole", count
    )
    return HealthFinding(name, True, newest.format(n=f"{count:,}"))


def damaged(error: Exception, words: Words) -> HealthFinding:
    """Return the finding of a ledger that cannot be read."""
    return HealthFinding(
        N_("ledger"),
        False,
        words("a part of it is damaged: {why}").format(why=error),
        words("Type `weal verify` to see all of it; then restore a backup, or your words."),
    )


def _hashed(store: Store, row: LogRow) -> int:
    """Return how many of the newest records of a log were hashed. Raises DamagedDatabase."""
    start = min(row.length, max(row.base, row.length - RECORDS_CHECKED_MAX))
    head = None
    seq = start
    while wires := store.wires(row.author, seq, row.length, MIB):
        for wire in wires:
            record = from_bytes_unchecked(wire)
            if record.seq != seq or head not in (None, record.prev):
                raise DamagedDatabase(f"{short(row.author)}#{seq}")
            head, seq = record.id, seq + 1
    if seq != row.length or head not in (None, row.head):
        raise DamagedDatabase(f"{short(row.author)}#{row.length - 1}")
    return seq - start
