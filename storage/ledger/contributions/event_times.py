"""When each event was recorded, and when it happened: kept beside the state, which has neither.

Written while records are folded, since only records say it. Never folds and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from commonweal.protocol.records.record import Record, with_data
from commonweal.storage.ledger.contributions.points_in_time import (
    HAPPENED,
    PointInTime,
    instant,
    read_point_in_time,
)
from commonweal.storage.ledger.state.local_ids import NUMBER
from commonweal.storage.ledger.state.state_db import StateDb

EVENT_KIND = "event"


class EventTime(NamedTuple):
    """When an event happened. is_stated: its author says it; else it is when it was recorded."""

    when: PointInTime
    is_stated: bool


class TimeRow(NamedTuple):
    """A row of `said_at`; times in ms. when_end: 1 ms or a day after the start."""

    id: bytes
    claimed_at: int
    when_start: int
    when_end: int
    when_local: bool
    when_stated: bool


TIMES = TimeRow._fields[1:]
"""The last columns of an event: they come from its record, the others from the state."""


def event_time(record: Record) -> EventTime:
    """Return when the event of a record happened."""
    stated = read_point_in_time(record.data.get(HAPPENED))
    return EventTime(stated or instant(record.claimed_at), stated is not None)


def time_row(record: Record) -> TimeRow:
    """Return what is noted of an event."""
    when, is_stated = event_time(with_data(record))
    times = (when.start_ms, when.end_ms, when.is_local)
    return TimeRow(record.id, record.claimed_at, *times, is_stated)


def note_times(layers: StateDb, rows: Iterable[TimeRow]) -> None:
    """Note the times of events that are not noted; the caller commits."""
    layers.change_many("INSERT OR IGNORE INTO said_at VALUES (?, ?, ?, ?, ?, ?)", rows)


def adopt_times(layers: StateDb, beside: StateDb) -> None:
    """Take over the times that another file has, for events that came without their records."""
    columns = ", ".join(TIMES)
    rows = beside.each(
        f"SELECT id, {columns} FROM said_at UNION ALL"  # noqa: S608
        f" SELECT id, {columns} FROM event_row WHERE claimed_at NOTNULL"
    )
    note_times(layers, (TimeRow(*row) for row in rows))
    layers.change(
        "UPDATE event_entry SET (claimed_at, when_start, when_is_day, when_local, when_stated) ="
        " (SELECT claimed_at, when_start, when_end - when_start > 1, when_local, when_stated"
        " FROM said_at JOIN local_id USING (id) WHERE local_id.number = event_entry.number)"
        " WHERE claimed_at IS NULL"
    )
    layers.change(
        "DELETE FROM said_at WHERE id IN (SELECT local_id.id FROM event_entry"
        " JOIN local_id USING (number))"
    )


def time_of(layers: StateDb, id: bytes) -> EventTime | None:
    """Return when an event that counts happened; None while its record is not here."""
    rows = layers.rows(
        "SELECT when_start, when_end, when_local, when_stated FROM event_row"  # noqa: S608
        f" WHERE number = {NUMBER} AND when_start IS NOT NULL",
        (id,),
    )
    for start_ms, end_ms, is_local, is_stated in rows:
        return EventTime(PointInTime(start_ms, end_ms, bool(is_local)), bool(is_stated))
    return None
