"""Budgets: how much each member has used, and how much of each log the next cut may take.

A cut takes at most a log's window (`budget.window`) of each log, and of a member's logs together at
most what the day's budget has left plus one record, so that it can be used up. Usage is paid off at
the pace of the budget: a day's worth with each day of seal time.

Everything is judged by the state before the cut, so that all nodes agree. A log that is new in a
cut has a window of its own; afterwards it counts for the member whose device wrote it, and the log
of a device without a member counts for the member who cites it first. State: % a member's usage:
[day, [used], [used in all]], each of records, bytes, documents and texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.identity.parent import parent_of
from commonweal.protocol.keys import DeviceKey, MemberId, short
from commonweal.protocol.ledger.members.registry import (
    DEVICE,
    MEMBER,
    DeviceRow,
    MemberRow,
    device_row,
    member_row,
)
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record, RecordId
from commonweal.protocol.seal.cut import Cut
from commonweal.protocol.vocabulary.budget import (
    DEFAULT_BUDGET,
    NEW_LOG_MAX,
    NO_USAGE,
    RECORD_USAGE_MAX,
    Budget,
    Usage,
    log_window,
    total_usage,
    usage_of,
)

SPENT = Table.SPENT.prefix

NOTHING_INHERITED: Mapping[DeviceKey, int] = {}


class UsageRow(NamedTuple):
    """What a member has used as of a day, and in all."""

    day: int
    used: Usage
    whole: Usage


def usage_on(state: State, member: MemberId, day: int, budget: Budget) -> UsageRow:
    """Return a member's usage, less what the days until `day` have paid off."""
    value = state.get(SPENT + member)
    if value is None:
        return UsageRow(day, NO_USAGE, NO_USAGE)
    before, used, whole = value[0], Usage(*value[1]), Usage(*value[2])
    paid = budget.daily.times(max(0, day - before))
    left = Usage(*(max(0, amount) for amount in used.less(paid)))
    return UsageRow(max(day, before), left, Usage(*whole))


def budget_shares(state: State) -> dict[DeviceKey, int]:
    """Return, for each enrolled device, how many devices share its member's budget."""
    counts = {key[1:]: MemberRow(*value).devices for key, value in state.items(MEMBER)}
    rows = ((key, DeviceRow(*value)) for key, value in state.items(DEVICE))
    return {DeviceKey(key[1:]): counts[row.member] for key, row in rows}


def inherited_records(founding: Record | None) -> Mapping[DeviceKey, int]:
    """Return, by log, the seq below which records are free: the inherited state of a community."""
    parent = None if founding is None else parent_of(founding)
    return (
        NOTHING_INHERITED
        if founding is None or parent is None
        else {founding.author: parent.chunks + 1}
    )


@dataclass(frozen=True, slots=True)
class CutLimits:
    """The limits of the next cut.

    state: before it. last: the previous cut. day: that of its time. free: by log, the seq below
    which records are free.
    """

    state: State
    last: Cut
    budget: Budget = DEFAULT_BUDGET
    day: int = 0
    free: Mapping[DeviceKey, int] = field(default_factory=lambda: NOTHING_INHERITED)

    def is_spent(self, author: DeviceKey) -> bool:
        """Return whether nothing of a log can be covered on that day."""
        return Meter(self).is_full(author)

    def charge(self, over: State, records: Sequence[Record]) -> None:
        """Write what a cut uses of the budgets into `over`, the state after the cut."""
        payers = _payers(over, records)
        of_member: dict[MemberId, Usage] = {}
        for author, usage in _by_author(records, self.free).items():
            payer = payers.get(author)
            if payer is not None:
                of_member[payer] = of_member.get(payer, NO_USAGE).plus(usage)
        for member in sorted(of_member):
            row, more = usage_on(self.state, member, self.day, self.budget), of_member[member]
            used, whole = row.used.plus(more), row.whole.plus(more)
            over.put(SPENT + member, [row.day, [*used], [*whole]])


class _MemberBudget:
    """A member's usage, before a cut and with it."""

    __slots__ = ("limits", "used")

    def __init__(self, row: UsageRow, budget: Budget) -> None:
        self.used = [row.used, row.whole]
        self.limits = (budget.daily, budget.whole)

    @property
    def is_full(self) -> bool:
        """Return whether nothing more is taken."""
        pairs = zip(self.used, self.limits, strict=True)
        return any(used.reaches(limit) for used, limit in pairs)

    @property
    def is_over(self) -> bool:
        """Return whether more was taken than the last record that began within the budget."""
        pairs = zip(self.used, self.limits, strict=True)
        return not all(used.fits(limit.plus(RECORD_USAGE_MAX)) for used, limit in pairs)

    def take(self, usage: Usage) -> None:
        """Use `usage` of the budget."""
        self.used = [used.plus(usage) for used in self.used]


class _LogBudget:
    """What is left of a log's window. budget: its member's budget; None while the log is new."""

    __slots__ = ("budget", "free", "left")

    def __init__(self, left: Usage, budget: _MemberBudget | None, free: int) -> None:
        self.left, self.budget, self.free = left, budget, free


class Meter:
    """Counts what one cut takes, record by record."""

    def __init__(self, limits: CutLimits) -> None:
        self._limits = limits
        self._logs: dict[DeviceKey, _LogBudget] = {}
        self._budgets: dict[MemberId, _MemberBudget] = {}

    def take(self, record: Record) -> bool:
        """Count a record if there is room for it; return whether there was."""
        log = self._log(record.author)
        if record.seq < log.free:
            return True
        usage = usage_of(record)
        if not usage.fits(log.left) or (log.budget is not None and log.budget.is_full):
            return False
        self._count(log, usage)
        return True

    def is_full(self, author: DeviceKey) -> bool:
        """Return whether nothing more of a log is taken, however small."""
        budget = self._log(author).budget
        return budget is not None and budget.is_full

    def check(self, records: Iterable[Record]) -> None:
        """Count what a cut covers. Raises `InvalidSeal` when that exceeds a window or a budget."""
        for author, usage in _by_author(records, self._limits.free).items():
            log = self._log(author)
            if usage == NO_USAGE:
                continue
            if self.is_full(author):
                raise _over(author, "the budget of its member is used up")
            if not usage.fits(log.left):
                raise _over(author, "it goes further than a cut takes of it")
        for author, usage in _by_author(records, self._limits.free).items():
            log = self._log(author)
            self._count(log, usage)
            if log.budget is not None and log.budget.is_over:
                raise _over(author, "its member has no budget for so much")

    def _count(self, log: _LogBudget, usage: Usage) -> None:
        log.left = log.left.less(usage)
        if log.budget is not None:
            log.budget.take(usage)

    def _log(self, author: DeviceKey) -> _LogBudget:
        log = self._logs.get(author)
        if log is None:
            log = self._logs[author] = self._opened(author)
        return log

    def _opened(self, author: DeviceKey) -> _LogBudget:
        limits = self._limits
        free = limits.free.get(author, 0)
        if not limits.last:
            return _LogBudget(log_window(limits.budget, 1), None, free)
        row = device_row(limits.state, author) if author in limits.last else None
        member = None if row is None else member_row(limits.state, row.member)
        if row is None or member is None:
            return _LogBudget(NEW_LOG_MAX, None, free)
        budget = self._budgets.get(row.member)
        if budget is None:
            before = usage_on(limits.state, row.member, limits.day, limits.budget)
            budget = self._budgets[row.member] = _MemberBudget(before, limits.budget)
        return _LogBudget(log_window(limits.budget, member.devices), budget, free)


def _over(author: DeviceKey, why: str) -> InvalidSeal:
    return InvalidSeal(f"too much of the log of {short(author)}: {why}")


def _by_author(records: Iterable[Record], free: Mapping[DeviceKey, int]) -> dict[DeviceKey, Usage]:
    """Return the usage by log, without the records that are free."""
    logs: dict[DeviceKey, list[Record]] = {}
    for record in records:
        logs.setdefault(record.author, []).append(record)
    return {
        author: total_usage(record for record in run if record.seq >= free.get(author, 0))
        for author, run in logs.items()
    }


def _payers(state: State, records: Sequence[Record]) -> dict[DeviceKey, MemberId]:
    """Return the member whose budget each log in a cut counts for. state: after the cut."""
    payers: dict[DeviceKey, MemberId] = {}
    strangers: dict[RecordId, DeviceKey] = {}
    for record in records:
        if record.author not in payers:
            row = device_row(state, record.author)
            if row is None:
                strangers[record.id] = record.author
            else:
                payers[record.author] = row.member
    if strangers:
        for record in sorted(records, key=lambda record: (record.clock, record.id)):
            for cited in record.deps:
                author = strangers.get(cited)
                if author is not None and record.author in payers:
                    payers.setdefault(author, payers[record.author])
    return payers
