"""Which times of a thing are taken, and which of them leave no place for another.

The tables by day and by hour are those of the open-source Sharetribe marketplace (its tests of
listings that are booked by day and by hour).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.lending import calendar_slots
from commonweal.protocol.ledger.exchange.lending.calendar_slots import (
    BUFFER_MS_MAX,
    DAY_MS,
    DAY_SLOTS_MAX,
    LENGTH_MS_MAX,
    Slot,
    clash,
    days,
    is_full,
    release,
    slots_at,
    take,
)
from commonweal.protocol.ledger.state.state import State

HOUR_MS = DAY_MS // 24
THING = bytes(32)
BASE = 20_000
"""A day in 2024, as the first of the month of the tables."""


class CountingState(State):
    """Counts what is read and written."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.writes = 0

    def get(self, key: bytes) -> object:
        """Count a read."""
        self.reads += 1
        return super().get(key)

    def put(self, key: bytes, value: object) -> None:
        """Count a write."""
        self.writes += 1
        super().put(key, value)


def day(number: int) -> int:
    """Return the beginning of a day of the month, in ms."""
    return (BASE + number) * DAY_MS


def hour(number: int) -> int:
    """Return an hour of the first day, in ms."""
    return day(0) + number * HOUR_MS


def booked(*spans: tuple[int, int]) -> State:
    """Return a state in which the thing is taken for these times, by bookings 1, 2 ..."""
    state = State()
    for number, (begin, end) in enumerate(spans, 1):
        take(state, THING, Slot(begin, end, bytes([number]) * 32, number))
    return state


def found(state: State, begin: int, end: int, capacity: int = 1, buffer_ms: int = 0) -> int | None:
    """Return the number of the booking that leaves no place for [begin, end), if there is one."""
    taken = slots_at(state, THING, begin - buffer_ms, end + buffer_ms)
    winner = clash(taken, begin, end, capacity, buffer_ms)
    return None if winner is None else winner[0]


@pytest.mark.parametrize(
    ("begin", "end", "is_free"),
    [
        (28, 29, True),
        (20, 23, False),
        (19, 21, False),
        (23, 29, True),
        (18, 20, True),
        (10, 11, False),
        (11, 12, True),
    ],
)
def test_days_are_free_as_sharetribe_says(begin: int, end: int, is_free: bool) -> None:
    state = booked((day(20), day(23)), (day(10), day(11)), (day(12), day(13)))
    assert (found(state, day(begin), day(end)) is None) is is_free


@pytest.mark.parametrize(
    ("begin", "end", "is_free"), [(9, 11, True), (14, 16, False), (11, 12, True), (11, 16, False)]
)
def test_hours_are_free_as_sharetribe_says(begin: int, end: int, is_free: bool) -> None:
    state = booked((hour(12), hour(15)))
    assert (found(state, hour(begin), hour(end)) is None) is is_free


def test_of_three_two_fit_a_thing_of_two_places() -> None:
    state = booked((hour(9), hour(12)), (hour(10), hour(13)))
    assert found(state, hour(11), hour(14), capacity=2) == 2
    assert found(state, hour(12), hour(14), capacity=2) is None, "only the second is in use"
    assert found(state, hour(11), hour(14), capacity=3) is None


def test_two_that_follow_each_other_take_one_place_together() -> None:
    state = booked((hour(9), hour(10)), (hour(11), hour(12)))
    assert found(state, hour(9), hour(12), capacity=2) is None


def test_the_one_that_came_last_of_those_in_use_is_named() -> None:
    state = booked((hour(9), hour(12)), (hour(11), hour(13)), (hour(9), hour(10)))
    assert found(state, hour(8), hour(13), capacity=2) == 3
    assert found(state, hour(10), hour(13), capacity=2) == 2


def test_a_buffer_passes_before_and_after() -> None:
    state, half = booked((hour(12), hour(15))), HOUR_MS // 2
    assert found(state, hour(15), hour(16), buffer_ms=half) == 1
    assert found(state, hour(15) + half, hour(17), buffer_ms=half) is None
    assert found(state, hour(10), hour(12), buffer_ms=half) == 1
    assert found(state, hour(10), hour(12) - half, buffer_ms=half) is None


def test_a_slot_over_midnight_is_found_from_both_days() -> None:
    state = booked((day(3) - HOUR_MS, day(3) + HOUR_MS))
    assert found(state, day(3) - 2 * HOUR_MS, day(3) - HOUR_MS // 2) == 1
    assert found(state, day(3) + HOUR_MS // 2, day(3) + 2 * HOUR_MS) == 1
    assert found(state, day(3) + HOUR_MS, day(3) + 2 * HOUR_MS) is None


def test_the_leap_day_is_a_day() -> None:
    # 2028-02-29 is day 21243.
    leap = 21_243 * DAY_MS
    state = booked((leap, leap + DAY_MS))
    assert found(state, leap, leap + 1) == 1
    assert found(state, leap - DAY_MS, leap) is None
    assert found(state, leap + DAY_MS, leap + 2 * DAY_MS) is None


def test_what_is_released_is_free_again_and_what_was_before_is_not() -> None:
    state = booked((day(1), day(5)))
    release(state, THING, Slot(day(1), day(5), b"\1" * 32, 1), day(3) + HOUR_MS)
    assert found(state, day(3), day(3) + HOUR_MS) == 1
    assert found(state, day(3) + HOUR_MS, day(5)) is None
    release(state, THING, Slot(day(1), day(3) + HOUR_MS, b"\1" * 32, 1), 0)
    assert dict(state.items(calendar_slots.SLOT)) == {}


def test_a_day_holds_so_many_slots_and_no_more() -> None:
    state = State()
    for number in range(DAY_SLOTS_MAX):
        assert not is_full(state, THING, day(1), day(2))
        slot = Slot(day(1) + number, day(1) + number + 1, number.to_bytes(32, "big"), number)
        take(state, THING, slot)
    assert is_full(state, THING, day(1) + HOUR_MS, day(3))
    assert not is_full(state, THING, day(2), day(3))


def test_the_work_does_not_grow_with_the_history() -> None:
    counts = []
    for history in (0, 400):
        state = CountingState()
        for number in range(history):
            take(state, THING, Slot(day(number), day(number + 1), number.to_bytes(32, "big"), 1))
        state.reads = state.writes = 0
        begin = day(500)
        assert slots_at(state, THING, begin, begin + LENGTH_MS_MAX) == []
        take(state, THING, Slot(begin, begin + LENGTH_MS_MAX, b"\1" * 32, 1))
        counts.append((state.reads, state.writes))
    length_days = LENGTH_MS_MAX // DAY_MS
    assert counts == [(2 * length_days, length_days)] * 2


def test_a_longer_time_is_not_looked_at() -> None:
    whole = LENGTH_MS_MAX + 2 * BUFFER_MS_MAX
    assert slots_at(State(), THING, day(0), day(0) + whole) == []
    with pytest.raises(AssertionError):
        slots_at(State(), THING, day(0), day(0) + whole + 1)


SPANS = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(SPANS, max_size=20), st.integers(1, 3), st.integers(0, 4))
def test_never_more_than_the_capacity_is_in_use_at_once(
    spans: list[tuple[int, int]], capacity: int, buffer_ms: int
) -> None:
    state, kept = State(), []
    for number, (first, last) in enumerate(spans, 1):
        begin, end = day(1) + first, day(1) + last
        if found(state, begin, end, capacity, buffer_ms) is None:
            take(state, THING, Slot(begin, end, bytes([number]) * 32, number))
            kept.append((begin, end))
        else:
            at_once = max(
                sum(one <= at < other + buffer_ms for one, other in [*kept, (begin, end)])
                for at in range(day(1), day(1) + 90)
            )
            assert at_once > capacity, "it was refused for a reason"
    for at in range(day(1), day(1) + 90):
        assert sum(begin <= at < end + buffer_ms for begin, end in kept) <= capacity


@given(st.lists(SPANS, max_size=20), SPANS, st.integers(1, 3), st.integers(0, 4))
def test_the_one_that_is_named_came_last_at_the_first_full_beginning(
    spans: list[tuple[int, int]], asked: tuple[int, int], capacity: int, buffer_ms: int
) -> None:
    taken = [Slot(*span, bytes([n]) * 32, n) for n, span in enumerate(spans, 1)]
    begin, end = asked
    starts = {begin, *(slot.begin for slot in taken if begin < slot.begin < end + buffer_ms)}
    in_use = (
        [slot for slot in taken if slot.begin <= start < slot.end + buffer_ms]
        for start in sorted(starts)
    )
    full = next((used for used in in_use if len(used) >= capacity), None)
    winner = None if full is None else max(full, key=lambda slot: slot.number).booking
    assert clash(taken, begin, end, capacity, buffer_ms) == winner


class CountedSlot(Slot):
    """A slot that counts how often a beginning is read, of all slots."""

    reads = 0

    @property
    def begin(self) -> int:
        """Return the beginning."""
        CountedSlot.reads += 1
        return self[0]


def test_a_calendar_that_is_full_of_short_times_is_searched_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CountedSlot, "reads", 0)
    minute, booked = HOUR_MS // 60, 2_000
    taken = [
        CountedSlot(at, at + minute, number.to_bytes(32, "big"), number)
        for number in range(booked)
        for at in (day(0) + 2 * minute * number,)
    ]
    assert clash(taken, day(0), day(LENGTH_MS_MAX // DAY_MS), 2, 0) is None
    assert booked < CountedSlot.reads < 10 * booked


@given(st.integers(0, 10**13), st.integers(1, LENGTH_MS_MAX))
def test_the_days_of_a_time_cover_it(begin: int, length: int) -> None:
    touched = days(begin, begin + length)
    assert touched[0] * DAY_MS <= begin < (touched[0] + 1) * DAY_MS
    assert touched[-1] * DAY_MS < begin + length <= (touched[-1] + 1) * DAY_MS
