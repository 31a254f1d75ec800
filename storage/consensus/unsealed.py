"""Unsealed logs: records above the last cut, and those that budgets keep out of the next cut.

Records beyond the daily budget of their member wait, and so do records that cite them. No empty
seal is made, so records that no cut can take yet must not count as a reason for one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members.budgets import CutLimits, Meter
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.protocol.seal.cut import FULL_CUT_RECORDS, Delta
from commonweal.protocol.vocabulary.budget import Usage, day_of, log_window
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.pending_state import places
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import SEQ_BITS


class LogRange(NamedTuple):
    """Records of one log with seq in [start, stop)."""

    author: DeviceKey
    start: int
    stop: int


def has_rare(store: Store, spans: Iterable[LogRange]) -> bool:
    """Whether one of these records is a governance record."""
    asked = (
        "SELECT 1 FROM log JOIN rare ON rare.key >= (log.id << ?) + ?"
        " AND rare.key < (log.id << ?) + ? WHERE author = ? LIMIT 1"
    )
    return any(
        store.row(asked, (SEQ_BITS, start, SEQ_BITS, stop, author)) is not None
        for author, start, stop in spans
    )


def first_of(
    store: Store, spans: Iterable[LogRange], logs_max: int, records_max: int, bytes_max: int
) -> list[LogRange]:
    """Return the ranges of the first records by (clock, author) that fit a have-frontier."""
    spans = list(spans)
    starts = {author: start for author, start, _ in spans}
    first: dict[DeviceKey, int] = {}
    logs = (places(store, *span) for span in spans)
    size = 0
    for _, author, more in islice(merge(*logs), records_max):
        if size >= bytes_max or (author not in first and len(first) == logs_max):
            break
        first[author] = first.get(author, starts[author]) + 1
        size += more
    return [LogRange(author, starts[author], first[author]) for author in sorted(first)]


def waiting(kept: LedgerState, above: Sequence[LogRange], time_ms: int) -> dict[DeviceKey, None]:
    """Return the logs of which a cut at `time_ms` covers nothing, since budgets are used up.

    A log whose next record cites a waiting record waits too.
    """
    meter = Meter(_limits(kept, time_ms))
    waits = {span.author: None for span in above if meter.is_full(span.author)}
    starts = {span.author: span.start for span in above}
    is_more = bool(waits)
    while is_more:
        is_more = False
        for span in above:
            if span.author not in waits and _cites(kept.store, span, waits, starts):
                waits[span.author], is_more = None, True
    return waits


def used_up(
    kept: LedgerState,
    time_ms: int,
    delta: Delta,
    covered: Iterable[Record],
    above: Iterable[LogRange],
) -> dict[DeviceKey, int]:
    """Return where logs end in a cut that uses up the budgets of their members.

    Which logs of such a member it covers is the proposer's choice; records that cite the others
    wait with them.
    """
    meter = Meter(_limits(kept, time_ms))
    meter.check(covered)
    reached = {log.author: log.length for log in delta.logs}
    return {
        span.author: reached.get(span.author, span.start)
        for span in above
        if meter.is_full(span.author)
    }


def is_small(kept: LedgerState, above: Sequence[LogRange], shares: Mapping[DeviceKey, int]) -> bool:
    """Whether all of these records fit the next cut, and no budget can be used up by them.

    shares: by device, how many its member has enrolled. What a member has written in all is
    compared with half of a day's budget; of one who wrote more, it is not known.
    """
    if sum(stop - start for _, start, stop in above) > FULL_CUT_RECORDS:
        return False
    rows = {row.author: row for row in kept.store.logs()}
    budget = kept.ruleset.budget
    for author, _, _ in above:
        row = rows[author]
        whole = Usage(row.length, row.bytes, row.documents, row.texts)
        if not whole.plus(whole).fits(log_window(budget, shares.get(author, 1))):
            return False
    return True


def _limits(kept: LedgerState, time_ms: int) -> CutLimits:
    day = day_of(max(time_ms, kept.cut.time_ms + 1))
    return CutLimits(kept.final, kept.last.logs, kept.ruleset.budget, day)


def _cites(
    store: Store, span: LogRange, waits: Container[DeviceKey], starts: Mapping[DeviceKey, int]
) -> bool:
    """Whether the next record of a log cites a record that waits."""
    wires = store.wires(span.author, span.start, span.start + 1, 0)
    deps = from_bytes_unchecked(wires[0]).deps if wires else ()
    cited = (store.record(id) for id in deps)
    return any(
        record is not None and record.author in waits and record.seq >= starts[record.author]
        for record in cited
    )
