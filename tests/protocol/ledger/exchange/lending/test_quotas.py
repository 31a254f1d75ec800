"""On how many days a member may book a thing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS
from commonweal.protocol.ledger.exchange.lending.quotas import (
    BOOKED_DAY,
    MONTH,
    PERIOD_DAYS_MAX,
    WEEK,
    Period,
    count,
    exceeds,
    local_days,
    monday,
    month,
    uncount,
)
from commonweal.protocol.ledger.state.state import State
from tests.protocol.ledger.exchange.lending.test_calendar_slots import CountingState

THING, MEMBER, OTHER = bytes(32), b"\1" * 32, b"\2" * 16
EPOCH = date(1970, 1, 1).toordinal()


def at(text: str) -> int:
    """Return a day since 1970 from its date."""
    return date.fromisoformat(text).toordinal() - EPOCH


def span(first: str, last: str) -> range:
    """Return the days from `first` to `last`, both included."""
    return range(at(first), at(last) + 1)


def is_over(most: int, period: Period, more: range, *booked: range) -> bool:
    """Return whether `more` is too much for a member who has booked other days."""
    state = State()
    for days in booked:
        count(state, THING, MEMBER, days)
    return exceeds(state, THING, MEMBER, more, most, period)


def test_of_two_days_in_thirty_the_third_is_refused() -> None:
    # CommonsBooking, BookingRuleTest, testCheckMaxBookingDays: 2 days in 30.
    one, two = span("2026-03-02", "2026-03-02"), span("2026-03-05", "2026-03-05")
    assert is_over(2, 30, span("2026-03-07", "2026-03-07"), one, two)
    assert not is_over(2, 30, two, one)
    # Any 30 days in a row: 2 March to 31 March.
    assert is_over(2, 30, span("2026-03-31", "2026-03-31"), one, two)
    assert not is_over(2, 30, span("2026-04-01", "2026-04-01"), one, two)
    assert is_over(2, 30, span("2026-02-04", "2026-02-04"), one, two)
    assert not is_over(2, 30, span("2026-02-03", "2026-02-03"), one, two)


def test_weeks_begin_on_monday() -> None:
    # CommonsBooking, testCheckMaxBookingDaysPerWeek: Monday and Wednesday booked, 2 a week.
    booked = (span("2026-03-02", "2026-03-02"), span("2026-03-04", "2026-03-04"))
    assert is_over(2, WEEK, span("2026-03-06", "2026-03-06"), *booked)
    assert is_over(2, WEEK, span("2026-03-08", "2026-03-08"), *booked)
    assert not is_over(2, WEEK, span("2026-03-09", "2026-03-10"), *booked)
    assert not is_over(2, WEEK, span("2026-03-01", "2026-03-01"), *booked)


def test_months_are_those_of_the_calendar() -> None:
    # CommonsBooking, testRegularMaxBookingDaysPerMonth: 5 days in May.
    booked = (span("2022-05-01", "2022-05-03"), span("2022-05-05", "2022-05-05"))
    assert is_over(5, MONTH, span("2022-05-07", "2022-05-08"), *booked)
    assert not is_over(5, MONTH, span("2022-05-07", "2022-05-07"), *booked)
    assert not is_over(5, MONTH, span("2022-04-20", "2022-04-21"), *booked)


def test_february_has_its_own_days() -> None:
    # CommonsBooking, testFebruaryMaxBookingDaysPerMonth; 2028 has a 29 February.
    booked = (span("2028-02-01", "2028-02-02"), span("2028-02-27", "2028-02-28"))
    assert is_over(4, MONTH, span("2028-02-29", "2028-02-29"), *booked)
    assert not is_over(4, MONTH, span("2028-03-01", "2028-03-01"), *booked)
    assert is_over(4, MONTH, span("2028-02-29", "2028-03-01"), *booked)


def test_a_day_counts_once_however_often_it_is_booked() -> None:
    day = span("2026-03-02", "2026-03-02")
    assert not is_over(1, WEEK, day, day, day)


def test_what_is_uncounted_counts_no_more() -> None:
    state, days = State(), span("2026-03-02", "2026-03-04")
    count(state, THING, MEMBER, days)
    count(state, THING, MEMBER, days[:1])
    uncount(state, THING, [MEMBER], days)
    assert [key[-4:] for key, _ in state.items(BOOKED_DAY)] == [days[0].to_bytes(4, "big")]
    uncount(state, THING, [OTHER, MEMBER], days[:1])
    assert dict(state.items(BOOKED_DAY)) == {}
    uncount(state, THING, [OTHER, MEMBER], days)
    assert dict(state.items(BOOKED_DAY)) == {}, "of who has none nothing is taken"


@pytest.mark.parametrize(
    ("begin", "end", "offset", "first", "last"),
    [
        ("2026-03-01T23:00", "2026-03-02T01:00", 0, "2026-03-01", "2026-03-02"),
        ("2026-03-01T23:00", "2026-03-02T01:00", 60, "2026-03-02", "2026-03-02"),
        ("2026-03-01T16:00", "2026-03-02T16:00", 480, "2026-03-02", "2026-03-02"),
        ("2026-03-01T00:00", "2026-03-01T04:00", -300, "2026-02-28", "2026-02-28"),
        ("2028-02-29T00:00", "2028-03-01T00:00", 0, "2028-02-29", "2028-02-29"),
    ],
)
def test_days_begin_at_the_offset_of_the_terms(
    begin: str, end: str, offset: int, first: str, last: str
) -> None:
    times = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end))
    begin_ms, end_ms = (int(time.timestamp()) * 1000 for time in times)
    assert local_days(begin_ms, end_ms, offset) == span(first, last)


@given(st.integers(0, 200_000))
def test_months_and_weeks_agree_with_the_calendar(day: int) -> None:
    written = date.fromordinal(EPOCH + day)
    assert month(day) == (written.year, written.month)
    assert day - monday(day) == written.weekday()


@pytest.mark.parametrize("period", [WEEK, MONTH, PERIOD_DAYS_MAX])
def test_the_work_is_bounded_by_the_period(period: Period) -> None:
    state, day = CountingState(), at("2026-03-15")
    assert not exceeds(state, THING, MEMBER, range(day, day + 1), 1, period)
    assert state.reads <= 2 * PERIOD_DAYS_MAX


def test_before_1970_no_day_is_read() -> None:
    assert local_days(0, DAY_MS, -300) == range(1)
    assert not is_over(1, 30, range(1))
    assert not is_over(1, WEEK, range(1))
    assert not is_over(1, MONTH, range(1))
