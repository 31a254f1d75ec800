"""When bookings lapse, are cancelled or given up, and which days of them count."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS
from commonweal.protocol.ledger.exchange.lending.quotas import BOOKED_DAY
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.exchange.lending.test_bookings import library
from tests.protocol.ledger.library import START, Booking, Library, at

# Sharetribe, default booking process: a request expires at the least of 6 days after it, 1 day
# after the beginning of the booking, and its end.
LAPSES = {
    "six days after it was asked": (at(20), at(21), at(6)),
    "a day after its beginning": (at(1), at(5), at(2)),
    "its end": (at(1), at(1, 8), at(1, 8)),
}


@pytest.mark.parametrize("case", LAPSES)
def test_a_booking_lapses_by_the_time_of_the_seal(case: str) -> None:
    begin, end, lapse = LAPSES[case]
    assert bookings.lapses_ms(START, begin, end) == lapse
    for late, verdict, status in ((1, None, "agreed"), (0, Reason.TOO_LATE, "asked")):
        made = library()
        booking = made.ask(made.lin, begin, end)
        made.seal(START + 1)
        lapses = bookings.lapses_ms(START + 1, begin, end)
        assert booking.row.lapses_ms == lapses
        yes = booking.say(made.jun)
        made.seal(lapses - late)
        assert (made.verdict(yes), booking.status) == (verdict, status)


def test_an_ask_that_is_sealed_after_its_end_counts_for_nothing() -> None:
    made = library()
    late = made.ask(made.lin, at(0, 1), at(0, 2))
    assert made.verdict(late.agreement) is None, "by the last seal there is time"
    made.seal(at(0, 2))
    assert made.verdict(late.agreement) is Reason.TOO_LATE


def test_an_ask_for_now_counts_though_its_seal_comes_later() -> None:
    made = library()
    now = made.ask(made.lin, START, at(0, 8))
    made.seal(at(0, 1))
    assert made.verdict(now.agreement) is None


def test_either_cancels_before_the_beginning() -> None:
    for who in ("jun", "lin"):
        made = library()
        booking = made.booked(made.lin, at(1, 9), at(1, 17))
        assert made.verdict(booking.end(getattr(made, who))) is None
        assert (booking.status, booking.commitment.status) == ("given up", "ended")
        assert made.booked(made.ana, at(1, 9), at(1, 17)).status == "agreed"


@pytest.mark.parametrize(("before", "status"), [(1, "given up"), (0, "agreed")])
def test_from_the_beginning_on_both_end_it(before: int, status: str) -> None:
    made = library()
    booking = made.booked(made.lin, at(1, 9), at(1, 17))
    booking.end(made.lin)
    made.seal(at(1, 9) - before)
    assert booking.status == status
    if status == "agreed":
        booking.end(made.jun)
        assert booking.status == "given up"


def test_what_is_out_is_not_cancelled_by_one() -> None:
    made = library()
    booking = made.booked(made.lin, at(1, 9), at(1, 17))
    booking.hand_out()
    booking.end(made.lin)
    assert booking.status == "agreed"


def test_a_fee_clause_in_return_does_not_keep_one_from_cancelling() -> None:
    made = library()
    clause = made.clause(made.lin, at(1, 9), at(1, 17))
    pay = made.pay_clause(made.lin, 5)
    booking = Booking(made, clause, made.agreement(made.lin, clause, back=[pay]))
    booking.say(made.jun)
    booking.end(made.lin)
    assert booking.status == "given up"


def test_two_days_in_thirty_and_not_a_third() -> None:
    # CommonsBooking, testCheckMaxBookingDays.
    made = Library()
    made.terms(days_max=2, per=30)
    assert made.booked(made.lin, at(1), at(2)).status == "agreed"
    assert made.booked(made.lin, at(4), at(5)).status == "agreed"
    third = made.ask(made.lin, at(6), at(7))
    assert made.verdict(third.agreement) is Reason.QUOTA
    assert made.booked(made.ana, at(6), at(7)).status == "agreed", "each member has a quota"


def test_a_quota_holds_at_the_last_yes_too() -> None:
    made = Library()
    made.terms(days_max=2, per=30)
    asked = [made.ask(made.lin, at(day), at(day + 1)) for day in (1, 4, 6)]
    assert [made.verdict(booking.say(made.jun)) for booking in asked] == [None, None, Reason.QUOTA]
    assert [booking.status for booking in asked] == ["agreed", "agreed", "asked"]


def test_a_booking_that_was_cancelled_before_it_began_counts_no_day() -> None:
    # CommonsBooking, testCheckMaxBookingDays_earlyCancel: 4 days in 30.
    made = Library()
    made.terms(days_max=4, per=30)
    booking = made.booked(made.lin, at(7), at(10))
    made.seal(at(1))
    booking.end(made.lin)
    made.seal(at(2))
    assert dict(made.state.items(BOOKED_DAY)) == {}
    assert made.booked(made.lin, at(6), at(9)).status == "agreed"


def test_of_a_booking_that_both_gave_up_the_days_until_then_count() -> None:
    made = Library()
    made.terms(days_max=4, per=30)
    booking = made.booked(made.lin, at(7), at(10))
    made.seal(at(1))
    booking.end(made.lin)
    booking.end(made.jun)
    made.seal(at(8, 12))
    assert len(dict(made.state.items(BOOKED_DAY))) == 2
    assert made.booked(made.ana, at(8, 12), at(9)).status == "agreed"


def test_a_leap_day_counts_in_february() -> None:
    made = Library()
    made.seal(1_834_531_200_000)  # 2028-02-19
    made.terms(days_max=2, per="month")
    leap = 1_835_395_200_000
    assert made.booked(made.lin, leap - DAY_MS, leap + DAY_MS).status == "agreed"
    refused = made.ask(made.lin, leap - 3 * DAY_MS, leap - 2 * DAY_MS)
    assert made.verdict(refused.agreement) is Reason.QUOTA
    assert made.booked(made.lin, leap + DAY_MS, leap + 2 * DAY_MS).status == "agreed", "in March"


def test_a_clause_that_is_asked_again_lapses_when_it_would_have() -> None:
    made = library()
    booking = made.ask(made.lin, at(20), at(21))
    made.seal(at(1))
    again = made.agreement(made.lin, booking.clause)
    made.seal(at(2))
    assert (booking.row.deal, booking.row.asked_ms) == (again.id, at(1))
