"""Calendar slots: for which times a thing is taken, found by thing and day.

A slot is a half-open interval [begin, end) in ms since 1970. It stands in the row of each day of
UTC that it touches, so that what overlaps an interval is found by its days, however long the
history. A thing of capacity n may be taken n times at once; between two uses of one place its
buffer passes. State: 9S slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

SLOT = Table.SLOT.prefix

DAY_MS = 24 * 60 * 60 * 1000
LENGTH_MS_MAX = 92 * DAY_MS
"""Longest booking: so many days, and one, are read and written for it."""

DAYS_MAX = 2**32
"""Days since 1970 that a key has room for; a booking that ends later has no place."""

BUFFER_MS_MAX = 7 * DAY_MS
DAY_SLOTS_MAX = 512
"""Slots of one thing on one day; another is refused."""


class Slot(NamedTuple):
    """A time for which a thing is taken. booking: the commitment. number: 1 + that of the last
    slot of the thing before it, by which the one that came last is known.
    """

    begin: int
    end: int
    booking: bytes
    number: int


def days(begin: int, end: int) -> range:
    """Return the numbers of the days of UTC since 1970 that [begin, end) touches."""
    return range(max(0, begin) // DAY_MS, -(-max(0, end) // DAY_MS))


def has_room(begin: int, end: int) -> bool:
    """Return whether slots can be kept, and looked for, from `begin` to `end`."""
    return days(begin, end).stop <= DAYS_MAX


def slots_at(state: State, thing_id: bytes, begin: int, end: int) -> list[Slot]:
    """Return the slots of a thing that overlap [begin, end), by begin and booking.

    At most LENGTH_MS_MAX + 2 BUFFER_MS_MAX long; one key is read for each day.
    """
    assert end - begin <= LENGTH_MS_MAX + 2 * BUFFER_MS_MAX, "a longer time is not looked at"
    overlapping: dict[bytes, Slot] = {}
    for day in days(begin, end):
        for slot in _of_day(state, thing_id, day):
            if slot.begin < end and slot.end > begin:
                overlapping[slot.booking] = slot
    return sorted(overlapping.values())


def clash(
    taken: Iterable[Slot], begin: int, end: int, capacity: int, buffer_ms: int
) -> bytes | None:
    """Return the booking for which [begin, end) has no place; None when there is one.

    taken: the slots that overlap [begin - buffer_ms, end + buffer_ms). Somewhere in [begin, end)
    `capacity` of them are in use at once: of those there, the one that came last. A place is in
    use from begin to end + buffer_ms. A set of intervals of which no more than n overlap fits n
    places (interval graphs are perfect), so counting the most at once is enough.
    """
    near = [slot for slot in taken if slot.begin < end + buffer_ms and slot.end + buffer_ms > begin]
    near.sort()
    # The most at once is reached where an interval begins. In use then, by when that ends:
    in_use: list[tuple[int, int, bytes]] = []
    coming = 0
    for start in dict.fromkeys([begin, *(slot.begin for slot in near if slot.begin > begin)]):
        while coming < len(near) and near[coming].begin <= start:
            slot = near[coming]
            heappush(in_use, (slot.end + buffer_ms, slot.number, slot.booking))
            coming += 1
        while in_use and in_use[0][0] <= start:
            heappop(in_use)
        if len(in_use) >= capacity:
            return max(in_use, key=lambda used: used[1])[2]
    return None


def is_full(state: State, thing_id: bytes, begin: int, end: int) -> bool:
    """Return whether a day of [begin, end) has as many slots of the thing as are kept."""
    return any(len(_row(state, thing_id, day)) >= DAY_SLOTS_MAX for day in days(begin, end))


def take(state: State, thing_id: bytes, slot: Slot) -> None:
    """Enter a slot on each of its days."""
    for day in days(slot.begin, slot.end):
        state.put(_key(thing_id, day), sorted([*_row(state, thing_id, day), [*slot]]))


def release(state: State, thing_id: bytes, slot: Slot, from_ms: int) -> None:
    """End a slot at `from_ms`: what of it lies before stays taken."""
    left = None if from_ms <= slot.begin else slot._replace(end=min(slot.end, from_ms))
    for day in days(slot.begin, slot.end):
        others = [row for row in _row(state, thing_id, day) if row[2] != slot.booking]
        if left is not None and day in days(left.begin, left.end):
            others.append([*left])
        if others:
            state.put(_key(thing_id, day), sorted(others))
        else:
            state.delete(_key(thing_id, day))


def _of_day(state: State, thing_id: bytes, day: int) -> Iterator[Slot]:
    return (Slot(*row) for row in _row(state, thing_id, day))


def _row(state: State, thing_id: bytes, day: int) -> list[list[Any]]:
    return state.get(_key(thing_id, day)) or []


def _key(thing_id: bytes, day: int) -> bytes:
    return SLOT + thing_id + day.to_bytes(4, "big")
