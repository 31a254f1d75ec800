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
from commonweal.storage.ledger.state.state_db import StateDb

EVENT_KIND = "event"


class EventTime(NamedTuple):
    """When an event happened. is_stated: its author says it; else it is when it was recorded."""

    when: PointInTime
    is_stated: bool


class TimeRow(NamedTuple):
    """A row of `said_at`; times in ms."""

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
    rows = beside.rows("SELECT * FROM said_at")
    note_times(layers, (TimeRow(*row) for row in rows))
    columns = ", ".join(TIMES)
    layers.change(
        f"UPDATE event_row SET ({columns}) ="  # noqa: S608
        f" (SELECT {columns} FROM said_at WHERE said_at.id = event_row.id)"
        " WHERE claimed_at IS NULL"
    )


def time_of(layers: StateDb, id: bytes) -> EventTime | None:
    """Return when an event that counts happened; None while its record is not here."""
    rows = layers.rows(
        "SELECT when_start, when_end, when_local, when_stated FROM event_row"
        " WHERE id = ? AND when_start IS NOT NULL",
        (id,),
    )
    for start_ms, end_ms, is_local, is_stated in rows:
        return EventTime(PointInTime(start_ms, end_ms, bool(is_local)), bool(is_stated))
    return None
