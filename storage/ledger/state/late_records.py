"""Late records: those that come before records above the cut which are folded already.

A late record is folded on top of the others when that comes to the same as one fold in order:
when it is of a plain kind, no folded record of its clock or later wrote what it reads, and none
read or wrote what it writes. Otherwise all above the cut is folded again. Members can make that
happen on purpose, so it is done LATE_REFOLDS_MAX times between two cuts for each of them; then
what their devices write late waits for the next cut, as if it had not arrived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.trace import ID_BYTES, Touched, Trace
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.ledger.state.checkpoint import Checkpoint
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.records.logs.run_pages import BULK_KINDS

LATE_REFOLDS_MAX = 4
"""How often between two cuts the late records of one member make all be folded again."""

LATE = "late"
"""Mark of the cut, how often members made all be folded again since, and logs that wait for it."""


class OutOfPlace(Exception):
    """A late record comes to something else on top of the others than in its place."""

    def __init__(self, authors: Collection[DeviceKey]) -> None:
        super().__init__()
        self.authors = authors


def check_places(
    store: Store,
    layers: StateDb,
    layer: int,
    last: Checkpoint,
    late: Iterable[Record],
    trace: Trace,
) -> None:
    """Raise OutOfPlace, with their authors, when late records belong before what they do not suit.

    layer: the highest layer that they were folded on. last: the cut below. trace: of that fold.
    """
    known: dict[bytes, tuple[int, int]] = {}

    def seen(subject: bytes) -> tuple[int, int]:
        """Return the clocks at which a subject was last read and last written; 0: never.

        A record writes under its own id, which is noted nowhere else.
        """
        if subject not in known:
            named = store.record(RecordId(subject)) if len(subject) == ID_BYTES else None
            clock = 0 if named is None or last.covers(store, named) else named.clock
            read, written = layers.touched(subject, layer)
            known[subject] = max(read, clock), max(written, clock)
        return known[subject]

    def suits(record: Record, touched: Touched) -> bool:
        if record.kind not in BULK_KINDS or touched.is_scan:
            return False
        others = touched.read | touched.written | touched.tables
        at = {subject: seen(subject) for subject in others if subject != record.id}
        at[record.id] = layers.touched(record.id, layer)
        written = touched.written | touched.tables | {record.id}
        return all(
            max(clocks if subject in written else clocks[1:]) < record.clock
            for subject, clocks in at.items()
        )

    authors = {record.author: None for record in late if not suits(record, trace.late[record.id])}
    if authors:
        raise OutOfPlace(authors)


class WaitingLogs:
    """Logs whose late records wait for the next cut, and what led to it."""

    def __init__(self, layers: StateDb, seal: bytes) -> None:
        """seal: that of the last cut; what was noted below it is over."""
        self._layers, self._seal = layers, seal
        noted = layers.mark(LATE)
        is_now = noted is not None and noted[0] == seal
        self._refolds: dict[bytes, int] = noted[1] if is_now else {}
        self._lengths: dict[bytes, int] = noted[2] if is_now else {}

    def shown(self, rows: Sequence[LogRow]) -> Sequence[LogRow]:
        """Return the rows of the logs as far as they are folded before the next cut."""
        if not self._lengths:
            return rows
        return [
            row._replace(length=min(row.length, self._lengths.get(row.author, row.length)))
            for row in rows
        ]

    def may_refold(self, authors: Collection[DeviceKey], reached: Mapping[bytes, int]) -> bool:
        """Note that late records of devices make all be folded again; say whether it is done.

        reached: by author, how far logs are folded; where it is not done, these logs wait there.
        """
        counts = {member: self._refolds.get(member, 0) for member in map(self._member_of, authors)}
        is_done = min(counts.values()) < LATE_REFOLDS_MAX
        if is_done:
            self._refolds |= {member: count + 1 for member, count in counts.items()}
            self._lengths.clear()
        else:
            self._lengths |= {author: reached.get(author, 0) for author in authors}
        self._layers.put_mark(LATE, [self._seal, self._refolds, self._lengths])
        return is_done

    def _member_of(self, author: DeviceKey) -> bytes:
        device = self._layers.get(registry.DEVICE + author)
        return author if device is None else registry.DeviceRow(*device).member
