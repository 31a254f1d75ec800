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
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, read
from commonweal.protocol.records.record import BodyRef, Record, RecordId
from commonweal.storage.ledger.contributions.contribution_filter import (
    NOTHING_LEFT,
    ContributionFilter,
    Standing,
    conditions,
    conditions_of_time,
)
from commonweal.storage.ledger.contributions.event_times import EVENT_KIND, event_time
from commonweal.storage.ledger.contributions.points_in_time import PointInTime
from commonweal.storage.ledger.ledger import LedgerState

if TYPE_CHECKING:  # loaded when a contribution counts for nothing
    from commonweal.protocol.ledger.state.rejections import Reason

AGENT_BYTES = (32, 16)
"""A member's id; the random name of an agent outside the community."""


ALL = ContributionFilter()

Corrected: TypeAlias = "tuple[Quantity | None, Quantity | None]"


class ContributionRow(NamedTuple):
    """A contribution as its author wrote it.

    author, seq, claimed_at_ms, when: None while the record is not here, after a state sync. when:
    it happened, as its author states; else it was recorded.
    provider, receiver: agent ids, 32 or 16 bytes. body: of its note or evidence.
    reason: why it counts for nothing, else None. is_sealed: whether the last cut covers it.
    corrected: the quantities of resource and effort as corrected; None where nothing was.
    factor: as its author states it. place: where it stands in the list.
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
    corrected: Corrected | None = None
    factor: str | None = None
    place: ListPlace | None = None


class ListPlace(NamedTuple):
    """Where a contribution stands in the list; it does not change when others come.

    when_ms: it happened, UNKNOWN_MS while its record is not here. clock: 0 for what counts for
    nothing.
    """

    when_ms: int
    clock: int
    id: bytes


def contributions(
    kept: LedgerState,
    wanted: ContributionFilter = ALL,
    limit: int | None = None,
    after: ListPlace | None = None,
) -> Iterator[ContributionRow]:
    """Yield the contributions that fit, the last to happen first, at most `limit`.

    after: only those that stand after this place. They are read as they are asked for: refresh
    and write nothing before the end.
    """
    return islice(_listed(kept, wanted, after), limit)


def count(kept: LedgerState, wanted: ContributionFilter = ALL) -> int:
    """Return how many contributions fit and count; those corrected to nothing do not."""
    where, values = conditions(wanted)
    # Two counts by indices, in place of a look at each row; of a table alone SQLite counts pages.
    of_all = f"SELECT count(*) FROM event_row WHERE TRUE {where}"  # noqa: S608
    if not where:
        of_all = "SELECT count(*) FROM event_entry"
    of_nothing = f"SELECT count(*) FROM event_row WHERE {NOTHING_LEFT} {where}"  # noqa: S608
    ((number,),), ((nothing,),) = (kept.layers.rows(q, values) for q in (of_all, of_nothing))
    return int(number) - int(nothing)


def given_by_outsiders(kept: LedgerState) -> list[tuple[bytes, int, bytes]]:
    """Return the agents outside who gave: each with how much, and the first by clock and id.

    They are in the order of what they gave first. Members' contributions cost nothing.
    """
    from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES  # loads the fold's words

    agents = kept.layers.rows(
        "SELECT number, id FROM agent WHERE length(id) = ?"
        " AND EXISTS (SELECT 1 FROM event_entry WHERE provider = agent.number)",
        (OUTSIDE_BYTES,),
    )
    given = []
    for number, agent in agents:
        ((count,),) = kept.layers.rows(
            "SELECT count(*) FROM event_entry WHERE provider = ?", (number,)
        )
        ((clock, first),) = kept.layers.rows(
            "SELECT clock, id FROM event_entry JOIN local_id USING (number)"
            " WHERE provider = ? ORDER BY clock, id LIMIT 1",
            (number,),
        )
        given.append((clock, bytes(first), bytes(agent), int(count)))
    return [(agent, count, first) for _, first, agent, count in sorted(given)]


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
    return ContributionRow(
        *(*place, action, provider, receiver, *quantities, scope, record.body),
        factor=factor if type(factor := data.get("factor")) is str else None,
    )


_Entry = tuple[int, int, bytes, str, int]
"""When an event happened, clock, id, reason and corrections; it sorts the list, newest last."""

UNKNOWN_MS = -(1 << 63)
"""Where an event stands in the list while its record is not here."""


def _listed(
    kept: LedgerState, wanted: ContributionFilter, after: ListPlace | None
) -> Iterator[ContributionRow]:
    sealed = kept.last.lengths
    entries = merge(_counted(kept, wanted, after), _refused(kept, wanted, after), reverse=True)
    for when_ms, clock, id, reason, corrections in entries:
        record = kept.store.record(RecordId(id))
        if record is None and reason:
            continue  # the disk corrupted it, and it is fetched again
        row = _absent(kept, id) if record is None else contribution_in(record)
        if row is None or (reason and not wanted.fits(row)):
            continue  # a refused event; what it states is known only now
        is_sealed = row.author is None or (row.seq or 0) < sealed.get(row.author, 0)
        row = row._replace(
            reason=_reason(reason) if reason else None,
            is_sealed=is_sealed,
            place=ListPlace(when_ms, clock, id),
        )
        yield row._replace(corrected=_corrected(kept, id)) if corrections else row


def _reason(value: str) -> Reason:
    from commonweal.protocol.ledger.state.rejections import Reason

    return Reason(value)


def _counted(
    kept: LedgerState, wanted: ContributionFilter, after: ListPlace | None
) -> Iterator[_Entry]:
    where, values = conditions(wanted)
    if after is not None:
        where += " AND (coalesce(when_start, ?), clock, id) < (?, ?, ?)"
        values += [UNKNOWN_MS, *after]
    statement = (
        "SELECT coalesce(when_start, ?), clock, id, '', corrections FROM event_row"  # noqa: S608
        f" WHERE TRUE {where} ORDER BY when_start DESC, clock DESC, id DESC"
    )
    yield from kept.layers.each(statement, [UNKNOWN_MS, *values])


def _refused(
    kept: LedgerState, wanted: ContributionFilter, after: ListPlace | None
) -> Iterator[_Entry]:
    """Yield the refused events of the time that is wanted; they are few."""
    if wanted.standing not in (None, Standing.VOID):
        return
    where, values = conditions_of_time(wanted)
    if after is not None:
        where += " AND (when_start, 0, id) < (?, ?, ?)"
        values += after
    statement = (
        "SELECT when_start, 0, id, reason, 0 FROM refused JOIN said_at USING (id)"  # noqa: S608
        f" WHERE TRUE {where} ORDER BY when_start DESC, id DESC"
    )
    yield from kept.layers.each(statement, values)


def _corrected(kept: LedgerState, id: bytes) -> Corrected:
    """Return the quantities of an event as the state has them."""
    row = EventRow(*kept.layers.get(EVENT + id))
    return _quantity(row.quantity), _quantity(row.effort)


def _quantity(had: list[Any] | None) -> Quantity | None:
    return None if had is None else Quantity(*had)


def _absent(kept: LedgerState, id: bytes) -> ContributionRow:
    """Return a contribution that a state sync brought and that no record here states yet."""
    row = EventRow(*kept.layers.get(EVENT + id))
    resource, effort = _quantity(row.quantity), _quantity(row.effort)
    place = (RecordId(id), None, None, None, None)
    return ContributionRow(
        *place, row.action, row.provider, row.receiver, resource, effort, row.scope, None
    )


def _is_agent(value: object) -> bool:
    return isinstance(value, bytes) and len(value) in AGENT_BYTES
