"""The list of contributions: every event that is held, newest first, and whether it counts.

The one owner of that list, for commands, exports and clients. It is read from the rows that the
fold writes (`event_row`, `refused`, `said_at`), so that nothing else has to follow the records.
Contributions are listed as their author wrote them; corrections are in the state. Never folds and
never writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, read
from commonweal.protocol.records.record import BodyRef, Record, RecordId
from commonweal.storage.ledger.event_times import EVENT_KIND, event_time
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.points_in_time import DAY_MS, PointInTime, TimeBound

AGENT_BYTES = (32, 16)
"""A member's id; the random name of an agent outside the community."""


class ContributionFilter(NamedTuple):
    """Which contributions are listed; None leaves a field open.

    provider: agent id. since, until: the period; what happened on a day is of each period that
    has a part of that day.
    """

    provider: bytes | None = None
    action: str | None = None
    scope: str | None = None
    since: TimeBound | None = None
    until: TimeBound | None = None

    def fits(self, row: ContributionRow) -> bool:
        """Whether a contribution is of those listed. row: its record is here."""
        assert row.when is not None
        return (
            self.provider in (None, row.provider)
            and self.action in (None, row.action)
            and self.scope in (None, row.scope)
            and (self.since is None or not self.since.is_after(row.when))
            and (self.until is None or not self.until.is_until(row.when))
        )


ALL = ContributionFilter()


class ContributionRow(NamedTuple):
    """A contribution as its author wrote it.

    author, seq, claimed_at_ms, when: None while the record is not here, after a state sync. when:
    it happened, as its author states; else it was recorded.
    provider, receiver: agent ids, 32 or 16 bytes. body: of its note or evidence.
    reason: why it counts for nothing, else None. is_sealed: whether the last cut covers it.
    """

    id: RecordId
    author: DeviceKey | None
    seq: int | None
    claimed_at_ms: int | None
    when: PointInTime | None
    action: str
    provider: bytes
    receiver: bytes | None
    resource: Quantity | None
    effort: Quantity | None
    scope: str | None
    body: BodyRef | None
    reason: Reason | None = None
    is_sealed: bool = False


def contributions(
    kept: LedgerState, wanted: ContributionFilter = ALL, limit: int | None = None
) -> Iterator[ContributionRow]:
    """Yield the contributions that fit, the last to happen first, at most `limit`.

    They are read as they are asked for: refresh and write nothing before the end.
    """
    return islice(_listed(kept, wanted), limit)


def count(kept: LedgerState, wanted: ContributionFilter = ALL) -> int:
    """Return how many contributions fit and count."""
    conditions, values = _conditions(wanted)
    statement = f"SELECT count(*) FROM event_row WHERE TRUE {conditions}"  # noqa: S608
    ((number,),) = kept.layers.rows(statement, values)
    return int(number)


def contribution_in(record: Record) -> ContributionRow | None:
    """Return the contribution that a record states; None when it states none that can be read."""
    data = record.data
    action: Any = data.get("action")
    provider: Any = data.get("provider")
    receiver, scope = data.get("receiver"), data.get("inScopeOf")
    resource, effort = data.get("resourceQuantity"), data.get("effortQuantity")
    is_readable = (
        record.kind == EVENT_KIND
        and type(action) is str
        and _is_agent(provider)
        and (receiver is None or _is_agent(receiver))
        and (scope is None or type(scope) is str)
        and (resource is None or read(resource) is not None)
        and (effort is None or read(effort) is not None)
    )
    if not is_readable:
        return None
    when = event_time(record).when
    place = (record.id, record.author, record.seq, record.claimed_at, when)
    quantities = (read(resource), read(effort))
    return ContributionRow(*place, action, provider, receiver, *quantities, scope, record.body)


_Place = tuple[int, int, bytes, str]
"""When an event happened, clock, id and reason; it sorts the list, newest last."""

_UNKNOWN_MS = -(1 << 63)
"""Where an event stands in the list while its record is not here."""


def _conditions(wanted: ContributionFilter) -> tuple[str, list[Any]]:
    asked = (
        ("AND provider = ?", wanted.provider),
        ("AND action = ?", wanted.action),
        ("AND scope = ?", wanted.scope),
    )
    given: list[tuple[str, list[Any]]]
    given = [(condition, [value]) for condition, value in asked if value is not None]
    # The first half of a bound's condition is what the index is asked for.
    if wanted.since is not None:
        places = [wanted.since.local_ms, wanted.since.instant_ms]
        condition = "AND when_start > ? AND when_end > iif(when_local, ?, ?)"
        given.append((condition, [min(places) - DAY_MS - 1, *places]))
    if wanted.until is not None:
        places = [wanted.until.local_ms, wanted.until.instant_ms]
        condition = "AND when_start < ? AND when_start < iif(when_local, ?, ?)"
        given.append((condition, [max(places), *places]))
    values = [value for _, bound_values in given for value in bound_values]
    return " ".join(condition for condition, _ in given), values


def _listed(kept: LedgerState, wanted: ContributionFilter) -> Iterator[ContributionRow]:
    sealed = {author: log.length for author, log in kept.last.logs.items()}
    for _, _, id, reason in merge(_counted(kept, wanted), _refused(kept, wanted), reverse=True):
        record = kept.store.record(RecordId(id))
        if record is None and reason:
            continue  # the disk corrupted it, and it is fetched again
        row = _absent(kept, id) if record is None else contribution_in(record)
        if row is None or (reason and not wanted.fits(row)):
            continue  # a refused event; what it states is known only now
        is_sealed = row.author is None or (row.seq or 0) < sealed.get(row.author, 0)
        yield row._replace(reason=Reason(reason) if reason else None, is_sealed=is_sealed)


def _counted(kept: LedgerState, wanted: ContributionFilter) -> Iterator[_Place]:
    conditions, values = _conditions(wanted)
    statement = (
        f"SELECT coalesce(when_start, ?), clock, id, '' FROM event_row WHERE TRUE {conditions}"  # noqa: S608
        " ORDER BY when_start DESC, clock DESC, id DESC"
    )
    yield from kept.layers.each(statement, [_UNKNOWN_MS, *values])


def _refused(kept: LedgerState, wanted: ContributionFilter) -> Iterator[_Place]:
    """Yield the refused events of the time that is wanted; they are few."""
    by_time = ContributionFilter(since=wanted.since, until=wanted.until)
    conditions, values = _conditions(by_time)
    statement = (
        "SELECT when_start, 0, id, reason FROM refused JOIN said_at USING (id)"  # noqa: S608
        f" WHERE TRUE {conditions} ORDER BY when_start DESC, id DESC"
    )
    yield from kept.layers.each(statement, values)


def _absent(kept: LedgerState, id: bytes) -> ContributionRow:
    """Return a contribution that a state sync brought and that no record here states yet."""
    row = EventRow(*kept.layers.get(EVENT + id))
    resource, effort = (
        None if quantity is None else Quantity(*quantity) for quantity in (row.quantity, row.effort)
    )
    place = (RecordId(id), None, None, None, None)
    return ContributionRow(
        *place, row.action, row.provider, row.receiver, resource, effort, row.scope, None
    )


def _is_agent(value: object) -> bool:
    return isinstance(value, bytes) and len(value) in AGENT_BYTES
