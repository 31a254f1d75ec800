"""Quota: how much of each member's log this node keeps before a seal has covered it.

What is sealed is kept, and beyond it a window that follows from the last seal alone
(`log_window`), so nodes at the same seal keep the same. Records beyond the window stay with the
nodes that hold them: they are not asked for until the log is sealed further, and no peer is
dropped for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members.budgets import NOTHING_INHERITED, inherited_records
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.vocabulary.budget import (
    DEFAULT_BUDGET,
    NEW_LOG_MAX,
    NO_USAGE,
    Budget,
    Usage,
    log_window,
    total_usage,
    usage_of_bytes,
)

if TYPE_CHECKING:
    from commonweal.node.service.replica.replica import Replica
    from commonweal.storage.records.logs.log_store import LogRow

BRANCH_RECORDS_MAX, BRANCH_BYTES_MAX = 65_536, 32 * 1024 * 1024
"""Limit of the void branches of one frozen log, beside what a seal covers of them.

They count for nothing and are kept because other logs cite them. A record that cites one beyond
the limit waits, as that one does.
"""

READ_BYTES = 1024 * 1024
START = 0, NO_USAGE
"""What a log had this node keep below its first record."""


class Quota:
    """What of each log is taken, as far as it is not sealed."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self.budget: Budget = DEFAULT_BUDGET
        """By the rules in force at the last seal, as far as was concluded."""
        self.shares: Mapping[DeviceKey, int] = {}
        """The devices that are finally enrolled: among how many a member's window is shared."""
        self.is_roomy = False
        """Whether the next cut can take all that is held, as far as was concluded."""
        self.forget()

    def forget(self) -> None:
        """Read again what is held, as after a failed commit."""
        self._below: dict[DeviceKey, tuple[int, Usage]] = {}
        """What each log had this node keep up to where it is sealed, and where that is."""
        self._shut: dict[DeviceKey, tuple[int, int, Usage]] = {}
        """Of what was not taken whole: how far it was sealed and held, and its window."""
        self._free: Mapping[DeviceKey, int] | None = None

    def left(self, author: DeviceKey) -> Usage:
        """Return how much more of a log is taken before it is sealed further."""
        return self._window(author).less(self._above(author))

    def fitting(self, author: DeviceKey, records: Sequence[Record]) -> int:
        """Return how many records are taken of those that come next in a log."""
        left = self.left(author)
        free = max(self._replica.sealed_length(author), self._free_below(author))
        is_free = records and records[-1].seq < free
        if is_free or total_usage(records).fits(left):
            return len(records)
        used = NO_USAGE
        for number, record in enumerate(records):
            if record.seq >= free:
                used = used.plus(total_usage((record,)))
                if not used.fits(left):
                    return number
        return len(records)

    def shut(self, author: DeviceKey) -> None:
        """Note that not all of a log that came is taken."""
        self._shut[author] = self._mark(author)

    def waits(self, author: DeviceKey) -> bool:
        """Whether what comes next in a log waits until it is sealed further."""
        known = self._shut.get(author)
        if known is not None and known == self._mark(author):
            return True
        return self._replica.sealed_length(author) <= self._replica.row(author).length and (
            self.left(author).records <= 0
        )

    def stop(self, author: DeviceKey) -> int:
        """Return before which number records of a log are taken, if they are not too large."""
        sealed, length = self._replica.sealed_length(author), self._replica.row(author).length
        most = max(sealed, length, self._free_below(author))
        return most + max(0, self.left(author).records)

    # Inside

    def _mark(self, author: DeviceKey) -> tuple[int, int, Usage]:
        replica = self._replica
        return replica.sealed_length(author), replica.row(author).length, self._window(author)

    def _window(self, author: DeviceKey) -> Usage:
        if not self._replica.chain.logs:
            return log_window(self.budget, 1)
        devices = self.shares.get(author)
        return NEW_LOG_MAX if devices is None else log_window(self.budget, devices)

    def _above(self, author: DeviceKey) -> Usage:
        """Return what a log has this node keep above where it is sealed."""
        replica = self._replica
        row = replica.row(author)
        base = max(replica.sealed_length(author), self._free_below(author))
        if row.length <= base:
            return NO_USAGE
        known = self._below.get(author)
        if known is None or known[0] != base:
            known = self._below[author] = base, self._usage_below(author, base, known or START)
        return _kept(row).less(known[1])

    def _usage_below(self, author: DeviceKey, base: int, known: tuple[int, Usage]) -> Usage:
        """Return what a log had this node keep below `base`, by reading as few records as may be.

        known: a smaller base, and what was kept below it; after a seal what it covered is read.
        What a light home dropped cannot be read: then what lies above `base` is.
        """
        row, (before, used) = self._replica.row(author), known
        if row.base <= before <= base and base - before <= row.length - base:
            return used.plus(self._usage(author, before, base))
        return _kept(row).less(self._usage(author, base, row.length))

    def _usage(self, author: DeviceKey, start: int, stop: int) -> Usage:
        """Return the usage of some records of a log, read in portions."""
        used = NO_USAGE
        while start < stop:
            wires = self._replica.store.wires(author, start, stop, READ_BYTES)
            used = used.plus(usage_of_bytes(wires))
            if not wires:
                break
            start += len(wires)
        return used

    def _free_below(self, author: DeviceKey) -> int:
        """Return below which number records of a log cost nothing: a state that is inherited."""
        if self._free is None:
            founding = self._replica.store.record(RecordId(self._replica.community))
            if founding is None:
                return 0
            try:
                self._free = inherited_records(founding)
            except InvalidRecord:
                self._free = NOTHING_INHERITED
        return self._free.get(author, 0)


def of_branch(replica: Replica, branch: Sequence[Record]) -> Sequence[Record]:
    """Return the beginning of a void branch for which there is room."""
    author = branch[0].author
    count, size = replica.store.branch_size(author)
    sealed = replica.sealed_length(author)
    for number, record in enumerate(branch):
        if replica.store.clock_of(record.id) is not None:
            continue
        count, size = count + 1, size + len(record.wire)
        is_over = count > BRANCH_RECORDS_MAX or size > BRANCH_BYTES_MAX
        if is_over and record.seq >= sealed:
            return branch[:number]
    return branch


def _kept(row: LogRow) -> Usage:
    return Usage(row.length, row.bytes, row.documents, row.texts)
