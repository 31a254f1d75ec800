"""Checks of a home itself, for `weal doctor`: its folder, its files, and room on the disk.

They read, and change nothing. What concerns other nodes is in `doctor.py`.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from commonweal.commands.terminal.language import N_, _, ngettext, sentence
from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
)
from commonweal.protocol.keys import short
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.log_store import LogRow, Store

if TYPE_CHECKING:
    from commonweal.node.control.messages import NodeStatus


FREE_BYTES_MIN = 256 * 1024 * 1024
RECORDS_CHECKED_MAX = 1_000
"""Newest records of each log that are hashed again."""
MIB = 1024 * 1024


class DoctorFinding(NamedTuple):
    """What was looked at, whether it is well, what is the case, and what to do about it."""

    name: str
    is_well: bool
    what: str
    advice: str = ""


class Patient(NamedTuple):
    """What the checks look at. status: the answer of the running node, None without one."""

    home: Home
    store: Store
    settings: Settings
    status: NodeStatus | None


def check_folder(at: Patient) -> DoctorFinding:
    """Say whether other users can read the home, or take it away."""
    name = N_("folder")
    if at.home.path.stat().st_mode & 0o077:
        return DoctorFinding(
            name,
            False,
            _("others on this machine can look into {path}").format(path=at.home.path),
            _("Type `chmod 700 {path}`.").format(path=at.home.path),
        )
    if (folder := at.home.open_to_others()) is not None:
        return DoctorFinding(
            name,
            False,
            _("Other users can write in {path}, and so take this home away.").format(path=folder),
            _("Type `chmod go-w {path}`.").format(path=folder),
        )
    return DoctorFinding(name, True, str(at.home.path))


def check_keystore(at: Patient) -> DoctorFinding:
    """Say whether the keystore is whole, and whether a passphrase protects it."""
    name = N_("keystore")
    try:
        protected = keystore.needs_passphrase(at.home.keystore)
    except CommonwealError as error:
        return DoctorFinding(name, False, sentence(error), str(error))
    return DoctorFinding(
        name, True, _("whole, under a passphrase") if protected else _("whole, without passphrase")
    )


def check_settings(at: Patient) -> DoctorFinding:
    """Say whether the settings of the node can be read."""
    from commonweal.node.runtime import config

    name = N_("settings")
    try:
        config.read(config.system_file(), at.home.config)
    except CommonwealError as error:
        return DoctorFinding(name, False, sentence(error), str(error))
    return DoctorFinding(name, True, _("can be read"))


def check_disk(at: Patient) -> DoctorFinding:
    """Say whether there is room for new records."""
    name = N_("disk")
    free = shutil.disk_usage(at.home.path).free
    amount = _("{n} MiB are free").format(n=f"{free // MIB:,}")
    if free < FREE_BYTES_MIN:
        return DoctorFinding(
            name,
            False,
            amount,
            _("Free some space: on a full disk nothing new is kept; reading and serving go on."),
        )
    return DoctorFinding(name, True, amount)


def check_ledger(at: Patient) -> DoctorFinding:
    """Say whether the database is sound, and hash the newest records again."""
    name = N_("ledger")
    try:
        (verdict,) = at.store.row("PRAGMA quick_check(1)") or ("",)
        if verdict != "ok":
            raise DamagedDatabase(str(verdict))
        count = sum(_checked(at.store, row) for row in at.store.logs())
    except CommonwealError as error:
        return damaged(error)
    newest = ngettext("the newest {n} record is whole", "the newest {n} records are whole", count)
    return DoctorFinding(name, True, newest.format(n=f"{count:,}"))


def damaged(error: Exception) -> DoctorFinding:
    """Return the finding of a ledger that cannot be read."""
    return DoctorFinding(
        N_("ledger"),
        False,
        _("a part of it is damaged: {why}").format(why=error),
        _("Type `weal verify` to see all of it; then restore a backup, or your words."),
    )


def _checked(store: Store, row: LogRow) -> int:
    """Return how many of the newest records of a log were hashed. Raises DamagedDatabase."""
    start = max(0, row.length - RECORDS_CHECKED_MAX)
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
