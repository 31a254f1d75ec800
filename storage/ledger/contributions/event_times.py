"""When each event was recorded, and when it happened: kept beside the state, which has neither.

Written while records are folded, since only records say it. Never folds and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

ADOPTED_AT_ONCE = 1_000
"""Events of which times are taken over at a time."""


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
    values = ((bytearray(row.id), *row[1:]) for row in rows)
    layers.insert_many("INSERT OR IGNORE INTO said_at VALUES (?, ?, ?, ?, ?, ?)", values)


def note_late_times(layers: StateDb, rows: Sequence[TimeRow]) -> None:
    """Note the times of events whose rows came without their records; the caller commits."""
    columns = "claimed_at, when_start, when_is_day, when_local, when_stated"
    layers.change_many(
        f"UPDATE event_entry SET ({columns}) = (?2, ?3, ?4 - ?3 > 1, ?5, ?6)"  # noqa: S608
        f" WHERE number = {NUMBER} AND claimed_at IS NULL",
        rows,
    )
    layers.change_many(
        "INSERT OR IGNORE INTO said_at SELECT ?1, ?2, ?3, ?4, ?5, ?6"  # noqa: S608
        f" WHERE NOT EXISTS (SELECT 1 FROM event_entry WHERE number = {NUMBER})",
        rows,
    )


def adopt_times(layers: StateDb, beside: StateDb) -> None:
    """Take over the times that another file has and that are not noted yet; the caller commits."""
    after = 0
    while missing := layers.rows(
        "SELECT number, id FROM event_row WHERE claimed_at IS NULL AND number > ?"
        " ORDER BY number LIMIT ?",
        (after, ADOPTED_AT_ONCE),
    ):
        after = missing[-1][0]
        columns = ", ".join(("id", *TIMES))
        asked = f"SELECT {columns} FROM event_row WHERE number = {NUMBER}"  # noqa: S608
        rows = (row for _, id in missing for row in beside.rows(asked, (id,)))
        note_late_times(layers, [TimeRow(*row) for row in rows if row[1] is not None])


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
