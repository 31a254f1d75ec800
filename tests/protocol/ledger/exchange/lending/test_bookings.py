"""Who gets a thing for which time: asked, accepted, lost, lapsed, cancelled, blocked."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, LENGTH_MS_MAX
from commonweal.protocol.ledger.exchange.lending.terms import AHEAD_MS_MAX, TERMS
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, Role
from tests.protocol.ledger.bakery import amount, effort
from tests.protocol.ledger.library import HOUR_MS, MINUTE_MS, START, Booking, Library, at
from tests.protocol.ledger.village import outcome

BY_ROLE = replace(DEFAULT_PARAMS, roles={**DEFAULT_PARAMS.roles, "rider": Role()})


def library() -> Library:
    made = Library()
    made.terms()
    return made


def test_a_booking_is_asked_then_accepted() -> None:
    made = library()
    booking = made.ask(made.lin, at(1, 9), at(1, 17))
    assert (booking.status, booking.commitment.status) == ("asked", "asked")
    assert booking.row.lapses_ms == at(1, 17), "it ends before six days are over"
    assert (booking.row.number, booking.row.deal) == (0, booking.agreement.id)
    assert made.verdict(booking.say(made.jun)) is None
    assert (booking.status, booking.commitment.status) == ("agreed", "agreed")
    assert (booking.row.number, booking.row.until) == (1, at(1, 17))


def test_a_clash_is_lost_to_the_one_that_was_accepted_first() -> None:
    made = library()
    first = made.ask(made.lin, at(1, 9), at(1, 17))
    second = made.ask(made.ana, at(1, 16), at(1, 18))
    first.say(made.jun)
    assert made.verdict(second.say(made.jun)) is None
    assert (first.status, second.status) == ("agreed", "lost")
    assert second.cause == first.agreement.id
    assert second.commitment.status == "asked"


def test_touching_ends_are_free() -> None:
    made = library()
    assert made.booked(made.lin, at(1, 9), at(1, 12)).status == "agreed"
    assert made.booked(made.ana, at(1, 12), at(1, 15)).status == "agreed"
    assert made.booked(made.ana, at(1, 8), at(1, 9)).status == "agreed"


def test_of_three_two_fit_two_places() -> None:
    made = Library()
    made.terms(capacity=2)
    one, two, three = (
        made.booked(pen, at(1, 9), at(1, 17)) for pen in (made.lin, made.ana, made.lin)
    )
    assert [one.status, two.status, three.status] == ["agreed", "agreed", "lost"]
    assert three.cause == two.agreement.id, "the one that took the last place"


def test_a_buffer_of_half_an_hour_keeps_them_apart() -> None:
    made = Library()
    made.terms(buffer_ms=30 * MINUTE_MS)
    assert made.booked(made.lin, at(1, 12), at(1, 15)).status == "agreed"
    assert made.booked(made.ana, at(1, 15, 29), at(1, 16)).status == "lost"
    assert made.booked(made.ana, at(1, 15, 30), at(1, 16)).status == "agreed"
    assert made.booked(made.ana, at(1, 11), at(1, 11, 31)).status == "lost"
    assert made.booked(made.ana, at(1, 11), at(1, 11, 30)).status == "agreed"


def test_a_repair_refuses_and_a_hint_does_not() -> None:
    made = library()
    hint = made.block(at(1), at(2), "hint")
    assert made.verdict(hint) is None
    assert made.booked(made.lin, at(1, 9), at(1, 12)).status == "agreed"
    repair = made.block(at(2), at(3))
    lost = made.booked(made.lin, at(2, 23), at(3, 1))
    assert (lost.status, lost.cause) == ("lost", repair.id)
    assert made.booked(made.lin, at(3), at(3, 1)).status == "agreed"


def test_a_repair_without_an_end_refuses_until_it_is_lifted() -> None:
    made = library()
    repair = made.block(at(2))
    assert made.booked(made.lin, at(300), at(301)).status == "lost"
    data = {"resource": made.bike.id, "sort": "lifted", "replaces": repair.id}
    assert made.verdict(made.jun.write("resource.block", data, [repair])) is None
    assert made.booked(made.lin, at(300), at(301)).status == "agreed"


def test_a_repair_after_the_accept_voids_nothing() -> None:
    made = library()
    booking = made.booked(made.lin, at(1, 9), at(1, 17))
    made.block(at(1), at(2))
    assert booking.status == "agreed"
    assert made.verdict(booking.hand_out()) is None


REFUSED = {
    "shorter than the terms allow": (at(1, 9), at(1, 9, 59), Reason.TOO_SHORT),
    "as short as they allow": (at(1, 9), at(1, 10), None),
    "as long as they allow": (at(1), at(4), None),
    "longer than they allow": (at(1), at(4) + 1, Reason.TOO_LONG),
    "as far ahead as they allow": (at(30), at(30, 2), None),
    "further ahead than they allow": (at(30) + 1, at(30, 2), Reason.TOO_FAR_AHEAD),
    "from the last seal on": (at(0), at(0, 2), None),
    "before the last seal": (at(0) - 1, at(0, 2), Reason.IN_THE_PAST),
    "inverted": (at(1, 10), at(1, 9), Reason.SHAPE),
    "empty": (at(1, 10), at(1, 10), Reason.SHAPE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_terms_do_not_allow_is_refused(case: str) -> None:
    begin, end, reason = REFUSED[case]
    made = Library()
    made.terms(min_ms=HOUR_MS, max_ms=3 * DAY_MS, ahead_ms=30 * DAY_MS)
    clause = made.clause(made.lin, begin, end)
    if reason is Reason.SHAPE:
        assert made.verdict(clause) is Reason.SHAPE
    else:
        assert made.verdict(made.agreement(made.lin, clause)) == reason


def test_a_booking_is_with_who_has_the_thing() -> None:
    made = library()
    clause = made.clause(made.lin, at(1), at(2), provider=made.mei.owner.id)
    assert made.verdict(made.agreement(made.lin, clause)) is Reason.NOT_THE_LENDER


def test_more_at_once_than_the_terms_lend_is_not_asked() -> None:
    made = Library()
    made.terms(capacity=2)
    two = [made.clause(made.lin, at(1), at(2)) for _ in range(2)]
    assert made.verdict(made.agreement(made.lin, *two)) is None
    three = [made.clause(made.lin, at(1), at(2)) for _ in range(3)]
    assert made.verdict(made.agreement(made.lin, *three)) is Reason.TOO_MANY_AT_ONCE
    # One after the other they take one place.
    row = [made.clause(made.lin, at(day), at(day + 1)) for day in range(3)]
    assert made.verdict(made.agreement(made.lin, *row)) is None


def test_two_clauses_take_their_places_together() -> None:
    made = Library()
    made.terms(capacity=2)
    made.booked(made.ana, at(1), at(2))
    clauses = [made.clause(made.lin, at(1), at(2)) for _ in range(2)]
    both = Booking(made, clauses[0], made.agreement(made.lin, *clauses))
    both.say(made.jun)
    assert both.status == "lost"
    assert made.booked(made.lin, at(1), at(2)).status == "agreed", "nothing of the lost one stands"


def test_without_terms_nothing_clashes() -> None:
    made = Library()
    assert made.booked(made.lin, at(1), at(2)).status == "agreed"
    assert made.booked(made.ana, at(1), at(2)).status == "agreed"
    assert dict(made.state.items(Table.BOOKING.prefix)) == {}


def test_terms_that_came_since_hold_at_the_last_yes() -> None:
    made = Library()
    first, second = (made.ask(pen, at(1), at(2)) for pen in (made.lin, made.ana))
    made.terms()
    first.say(made.jun)
    second.say(made.jun)
    assert (first.status, second.status) == ("agreed", "lost")


def by_role(**terms: Any) -> Library:
    made = Library(BY_ROLE)
    made.terms(accepts=["rider"], **terms)
    made.lin.write("role.claim", {"role": "rider"}, made.records[-1:])
    return made


def test_the_terms_accept_the_holder_of_a_role() -> None:
    made = by_role()
    assert made.ask(made.lin, at(1, 9), at(1, 17)).status == "agreed"
    assert made.ask(made.ana, at(2, 9), at(2, 17)).status == "asked", "who does not hold it asks"


def test_of_two_that_the_terms_accept_the_later_is_lost() -> None:
    made = by_role()
    first = made.ask(made.lin, at(1, 9), at(1, 17))
    second = made.ask(made.lin, at(1, 10), at(1, 11))
    assert (first.status, second.status) == ("agreed", "lost")
    assert second.cause == first.agreement.id


def test_the_terms_accept_who_pays_their_fee() -> None:
    made = by_role(fee={"quantity": {"n": 2, "scale": 0, "unit": "coin"}, "per_ms": HOUR_MS})
    outcomes = []
    # Two hours and a minute are three started hours: 6 coins, here also as 6.0.
    for paid in (made.pay_clause(made.lin, 5), made.pay_clause(made.lin, 6)):
        clause = made.clause(made.lin, at(1, 9), at(1, 11, 1))
        agreement = made.agreement(made.lin, clause, back=[paid])
        outcomes.append(Booking(made, clause, agreement).status)
    assert outcomes == ["asked", "agreed"]
    assert made.ask(made.lin, at(3, 9), at(3, 11)).status == "asked", "without any fee"


def test_the_terms_say_no_yes_to_more_than_a_booking() -> None:
    made = by_role()
    clause = made.clause(made.lin, at(1), at(2))
    gift = made.lin.write(
        "commitment",
        {"action": "work", "provider": made.jun.owner.id, "receiver": made.lin.owner.id}
        | {"clause": True}
        | effort(1),
        made.records[-1:],
    )
    assert Booking(made, clause, made.agreement(made.lin, clause, gift)).status == "asked"


def test_use_for_hours_is_a_booking_too() -> None:
    made = library()
    use = made.booked(made.lin, at(1, 9), at(1, 11), action="use", **effort(2))
    assert use.status == "agreed"
    assert made.booked(made.ana, at(1, 10), at(1, 12)).status == "lost"
    data = {"action": "use", "provider": made.jun.owner.id, "receiver": made.lin.owner.id}
    data |= {"resourceInventoriedAs": made.bike.id, "fulfills": use.clause.id} | effort(2)
    used = made.lin.write("event", data, made.records[-1:])
    assert made.verdict(used) is None
    assert use.commitment.met == [2, 0, "hour"]


def test_whose_membership_ended_answers_nothing() -> None:
    made = library()
    booking, agreed = made.ask(made.lin, at(1), at(2)), made.booked(made.ana, at(3), at(4))
    made.jun.write("member.leave", {}, made.records[-1:])
    assert (booking.status, booking.cause) == ("declined", made.jun.owner.id)
    assert agreed.status == "agreed"


def common_bike() -> Library:
    """Return a library whose bike is the community's, with terms that Mei wrote."""
    made = Library()
    data = {"receiver": made.community, "resourceConformsTo": made.book.id}
    data |= {"newInventoriedResource": {}} | amount(1, "one")
    made.bike = made.event(made.mei, "raise", data, *made.records[-1:])
    made.jun.write("attest", {"event": made.bike.id, "say": "yes"}, [made.bike])
    made.terms(pen=made.mei)
    return made


def test_two_keepers_accept_one_slot_apart_and_one_booking_holds() -> None:
    won = []
    for number in range(8):
        made = common_bike()
        sides = {"provider": made.community}
        both = [made.ask(pen, at(1), at(2), **sides) for pen in (made.lin, made.ana)]
        made.seal(at(0, 1))
        last = made.records[-1]
        yes = []
        for keeper, booking in zip((made.mei, made.jun), both, strict=True):
            data = {"agreement": booking.agreement.id, "say": "yes", "for": made.community}
            yes.append(keeper.write("agreement.sign", data, [last, booking.agreement]))
        assert yes[0].clock == yes[1].clock, "they know nothing of each other"
        states = {outcome(made.open(*order), made.records)[0] for order in permutations(yes)}
        assert len(states) == 1, "one state in either order of arrival"
        made.seal(at(0, 2), *reversed(yes), root=bytes([number]) * 32)
        assert [made.verdict(record) for record in yes] == [None, None]
        assert sorted(booking.status for booking in both) == ["agreed", "lost"]
        winner, loser = sorted(both, key=lambda booking: booking.status)
        assert loser.cause == winner.agreement.id, "the loser is told who won"
        won.append(winner is both[0])
    assert {*won} == {True, False}, "the seal decides, not who writes"


SPANS = st.tuples(st.integers(0, 40), st.integers(1, 12))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(SPANS, min_size=2, max_size=6), st.integers(1, 2), st.randoms(use_true_random=False)
)
def test_never_more_than_the_capacity_whatever_the_order_of_arrival(
    spans: list[tuple[int, int]], capacity: int, rng: Random
) -> None:
    made = Library()
    made.terms(capacity=capacity)
    pens = (made.lin, made.ana)
    asked = [
        made.ask(pens[number % 2], at(1, first), at(1, first + length))
        for number, (first, length) in enumerate(spans)
    ]
    for booking in asked:
        booking.say(made.jun)
    records = [record for record in made.records if record.kind == "agreement.sign"]
    states = set()
    for _ in range(3):
        arrival = [*made.records[-3 * len(asked) :]]
        rng.shuffle(arrival)
        states.add(outcome(made.open(*arrival), records)[0])
    assert len(states) == 1
    agreed = [booking.commitment for booking in asked if booking.status == "agreed"]
    for moment in range(60):
        at_ms = at(1, moment)
        in_use = sum(row.begin <= at_ms < row.end for row in agreed if row.begin and row.end)
        assert in_use <= capacity
    assert agreed, "the first has a place"


def test_a_booking_is_as_long_as_the_limit_and_no_longer() -> None:
    made = library()
    assert made.booked(made.lin, at(1), at(1) + LENGTH_MS_MAX).status == "agreed"
    other = made.ask(made.ana, at(200), at(200) + LENGTH_MS_MAX + 1)
    assert made.verdict(other.agreement) is Reason.TOO_LONG
    far = made.ask(made.ana, START + AHEAD_MS_MAX + 1, START + AHEAD_MS_MAX + 2)
    assert made.verdict(far.agreement) is Reason.TOO_FAR_AHEAD
    huge = made.ask(made.ana, 2**63 - 2, 2**63 - 1)
    assert made.verdict(huge.agreement) is Reason.TOO_FAR_AHEAD


def test_an_agreement_from_before_the_terms_that_is_too_long_is_refused() -> None:
    made = Library()
    booking = made.ask(made.lin, at(1), at(1) + LENGTH_MS_MAX + 1)
    made.terms()
    assert made.verdict(booking.say(made.jun)) is Reason.TOO_LONG
    assert made.state.get(TERMS + made.bike.id) is not None


def test_the_deal_of_a_booking_is_not_that_of_a_third_member() -> None:
    made = library()
    booking = made.ask(made.lin, at(1), at(2))
    third = made.agreement(made.ana, booking.clause, back=[made.pay_clause(made.ana, 1)])
    assert made.verdict(third) is None
    assert booking.row.deal == booking.agreement.id
    said = {"stipulates": [booking.clause.id]}
    again = made.lin.write("agreement", said, [booking.clause, third])
    assert booking.row.deal == again.id, "by who borrows"
    other = made.jun.write("agreement", said, [booking.clause, again])
    assert booking.row.deal == other.id, "by who lends"


def test_a_deal_of_a_third_member_gives_way_to_that_of_who_borrows() -> None:
    made = library()
    clause = made.clause(made.lin, at(1), at(2))
    third = made.agreement(made.ana, clause, back=[made.pay_clause(made.ana, 1)])
    booking = Booking(made, clause, third)
    assert booking.row.deal == third.id
    mine = made.lin.write("agreement", {"stipulates": [clause.id]}, [clause, third])
    assert booking.row.deal == mine.id


def test_the_work_of_a_yes_does_not_grow_with_the_bookings_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = []
    get = State.get
    reads: list[bytes] = []

    def counted(state: State, key: bytes) -> object:
        reads.append(key)
        return get(state, key)

    for before in (1, 40):
        made = library()
        for day in range(10, 10 + before):
            made.booked(made.lin, at(day, 9), at(day, 10))
        booking = made.ask(made.ana, at(5, 9), at(5, 17))
        made.seal(at(0, 1))
        booking.say(made.jun)
        ledger = made.open()
        with monkeypatch.context() as patch:
            patch.setattr(State, "get", counted)
            patch.setattr(State, "items", None)
            reads.clear()
            ledger.fold()
            counts.append(len(reads))
        assert booking.status == "agreed"
    assert counts[0] == counts[1] < 100
