"""Things that go out for a booking, through other hands, and come back, in time or late."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.lending.late_fees import LATE_UNITS_MAX
from commonweal.protocol.ledger.exchange.lending.quotas import BOOKED_DAY
from commonweal.protocol.ledger.exchange.lending.terms import HANDED_ON, custodian_of, thing_of
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import amount, between
from tests.protocol.ledger.exchange.lending.test_bookings import BY_ROLE, common_bike
from tests.protocol.ledger.library import HOUR_MS, Booking, Library, at


def lent(**terms: Any) -> tuple[Library, Booking, Record]:
    """Return the library with a bike that is out for Lin, from 9 to 17 on day 1."""
    made = Library()
    made.terms(**terms)
    booking = made.booked(made.lin, at(1, 9), at(1, 17))
    made.seal(at(0, 1))
    out = booking.hand_out()
    made.seal(at(1, 9))
    return made, booking, out


def late() -> dict[str, Any]:
    """Return a late fee of 3 coins for each started hour."""
    return {"late_fee": {"quantity": {"n": 3, "scale": 0, "unit": "coin"}, "per_ms": HOUR_MS}}


def fee(made: Library, back: Record) -> CommitmentRow | None:
    """Return the late fee that a return was charged."""
    return commitment_row(made.state, back.id)


def test_a_thing_goes_out_and_comes_back() -> None:
    made, booking, out = lent()
    assert booking.row.out == out.id
    assert booking.commitment.met == [1, 0, "one"]
    assert made.balance(made.bike) == (1, 0)
    back = booking.hand_back(out)
    made.seal(at(1, 17))
    assert made.verdict(back) is None
    assert (booking.row.back, booking.row.back_ms) == (back.id, at(1, 17))
    assert made.balance(made.bike) == (1, 1)
    assert fee(made, back) is None


def test_only_an_accepted_booking_is_handed_out() -> None:
    made = Library()
    made.terms()
    booking = made.ask(made.lin, at(1, 9), at(1, 17))
    assert made.verdict(booking.hand_out()) is Reason.NOT_AGREED


@pytest.mark.parametrize(
    ("back_at", "owed"),
    [
        (at(1, 17), None),
        (at(1, 17) + 1, 3),
        (at(1, 18), 3),
        (at(1, 18) + 1, 6),
        (at(1, 19, 30), 9),
        (at(1, 17) + (LATE_UNITS_MAX + 5) * HOUR_MS, 3 * LATE_UNITS_MAX),
    ],
)
def test_a_late_return_owes_each_started_unit(back_at: int, owed: int | None) -> None:
    made, booking, out = lent(**late())
    back = booking.hand_back(out)
    made.seal(back_at)
    row = fee(made, back)
    assert (None if row is None else row.quantity) == (owed and [owed, 0, "coin"])
    if row is not None:
        assert (row.provider, row.receiver) == (made.lin.owner.id, made.jun.owner.id)
        assert (row.action, row.status) == ("transfer", "agreed")
        assert row.agreement == booking.agreement.id
        assert row.given == [0, 0, "coin"]


def test_a_late_fee_is_paid_by_a_transfer_that_fulfils_it() -> None:
    made, booking, out = lent(**late())
    back = booking.hand_back(out)
    made.seal(at(1, 18))
    coins = made.make(made.lin, made.coin, 10)
    data = between(coins, None, made.jun) | amount(3, "coin") | {"fulfills": back.id}
    paid = made.event(made.lin, "transfer", data, coins, back)
    assert made.verdict(paid) is None
    row = fee(made, back)
    assert row is not None
    assert row.met == [3, 0, "coin"]


def test_the_late_fee_is_that_of_the_terms_at_the_accept() -> None:
    made, booking, out = lent()
    first = next(record for record in made.records if record.kind == "resource.terms")
    made.terms(replaces=first.id, **late())
    back = booking.hand_back(out)
    made.seal(at(1, 20))
    assert fee(made, back) is None


def test_the_lender_says_when_it_came_back_and_the_borrower_does_not() -> None:
    # Back at 17:00, sealed at 19:00. Jun says so, Lin only could.
    for writer, owed in (("jun", None), ("lin", 6)):
        made, booking, out = lent(**late())
        back = booking.hand_back(out, getattr(made, writer), at(1, 17))
        made.seal(at(1, 19))
        row = fee(made, back)
        assert (None if row is None else row.quantity[0]) == owed


def test_the_lender_says_no_time_before_the_last_seal_or_after_the_next() -> None:
    for claimed, counted in ((at(0, 1), at(1, 18)), (at(9), at(1, 20)), (at(1, 19), at(1, 19))):
        made, booking, out = lent(**late())
        made.lin.write("member.profile", {}, made.records[-1:])
        made.seal(at(1, 18))
        booking.hand_back(out, made.jun, claimed)
        made.seal(at(1, 20))
        assert booking.row.back_ms == counted


def test_an_early_return_frees_the_rest() -> None:
    made, booking, out = lent()
    booking.hand_back(out)
    made.seal(at(1, 12))
    assert booking.row.until == at(1, 12)
    assert made.booked(made.ana, at(1, 12), at(1, 17)).status == "agreed"


def test_days_after_an_early_return_do_not_count() -> None:
    made = Library()
    made.terms()
    booking = made.booked(made.lin, at(1), at(5))
    made.seal(at(0, 1))
    out = booking.hand_out()
    made.seal(at(1))
    booking.hand_back(out)
    made.seal(at(2, 12))
    assert len(dict(made.state.items(BOOKED_DAY))) == 2


def test_a_third_hand_brings_it_back() -> None:
    made, booking, out = lent(**late())
    on = made.event(
        made.lin, "transferCustody", between(out, None, made.ana) | amount(1, "one"), out
    )
    assert thing_of(made.state, on.id) == made.bike.id
    assert booking.row.back is None
    data = between(on, made.bike, made.jun) | amount(1, "one")
    back = made.event(made.ana, "transferCustody", data, on, made.bike)
    made.seal(at(1, 18))
    assert made.verdict(back) is None
    assert booking.row.back == back.id
    row = fee(made, back)
    assert row is not None
    assert row.provider == made.lin.owner.id, "whose booking it is owes the fee"


def test_a_thing_is_back_once_all_of_it_is() -> None:
    made = Library()
    made.bike = made.make(made.jun, made.book, 3)
    made.terms()
    booking = made.booked(made.lin, at(1, 9), at(1, 17), **amount(3, "one"))
    made.seal(at(0, 1))
    out = made.event(
        made.jun,
        "transferCustody",
        between(made.bike, None, made.lin) | amount(3, "one") | {"fulfills": booking.clause.id},
        made.bike,
        booking.agreement,
        *made.records[-1:],
    )
    part = booking.hand_back(out, **amount(2, "one"))
    assert made.verdict(part) is None
    assert booking.row.back is None
    rest = booking.hand_back(out, **amount(1, "one"))
    assert booking.row.back == rest.id


def test_a_correction_of_the_return_takes_it_back() -> None:
    made, booking, out = lent(**late())
    back = booking.hand_back(out, made.jun, at(1, 20))
    made.seal(at(1, 20))
    assert fee(made, back) is not None
    undo = made.jun.write(
        "event",
        {"action": "transferCustody", "corrects": back.id} | amount(-1, "one"),
        [back],
    )
    made.lin.write("attest", {"event": undo.id, "say": "yes"}, [undo])
    assert made.verdict(undo) is None
    assert (booking.row.out, booking.row.back) == (out.id, None)
    row = fee(made, back)
    assert row is not None
    assert row.status == "ended"
    again = booking.hand_back(out)
    made.seal(at(1, 22))
    assert booking.row.back == again.id


def test_a_correction_of_the_handing_out_takes_it_back() -> None:
    made, booking, out = lent()
    data = {"action": "transferCustody", "corrects": out.id} | amount(-1, "one")
    undo = made.jun.write("event", data, [out])
    made.lin.write("attest", {"event": undo.id, "say": "yes"}, [undo])
    assert made.verdict(undo) is None
    assert booking.row.out is None


def test_who_gives_up_a_deal_forgives_its_late_fee_and_who_is_done_does_not() -> None:
    for why, status in (("given up", "ended"), ("done", "agreed")):
        made, booking, out = lent(**late())
        back = booking.hand_back(out)
        made.seal(at(1, 18))
        booking.end(made.jun, why)
        booking.end(made.lin, why)
        row = fee(made, back)
        assert row is not None
        assert row.status == status


def test_of_the_commons_a_return_is_noted_before_it_is_attested() -> None:
    made = common_bike()
    sides = {"provider": made.community}
    booking = made.ask(made.lin, at(1, 9), at(1, 17), **sides)
    booking.say(made.mei, speaks=True)
    made.seal(at(0, 1))
    data = {"provider": made.community, "fulfills": booking.clause.id} | amount(1, "one")
    data |= between(made.bike, None, made.lin)
    out = made.event(made.mei, "transferCustody", data, made.bike, booking.agreement)
    assert made.verdict(out) is None
    assert booking.row.out == out.id
    made.ana.write("attest", {"event": out.id, "say": "yes"}, [out])
    assert made.balance(made.bike) == (1, 0)
    back_data = {"action": "transferCustody", "provider": made.lin.owner.id}
    back_data |= {"resourceInventoriedAs": out.id, "receiver": made.community}
    back_data |= {"toResourceInventoriedAs": made.bike.id} | amount(1, "one")
    back = made.lin.write("event", back_data, [made.book, *made.records[-1:]])
    assert made.verdict(back) is None
    assert booking.row.back == back.id
    assert made.balance(made.bike) == (1, 0), "nobody attested that it is back"


def moved() -> tuple[Library, Booking, Booking, Record]:
    """Return the library after Jun gave the bike to Mei to keep, with two bookings of it."""
    made = Library()
    made.terms()
    one, two = (made.booked(made.lin, at(day, 9), at(day, 17)) for day in (1, 2))
    made.seal(at(0, 1))
    data = between(made.bike, None, made.mei) | amount(1, "one")
    move = made.event(made.jun, "transferCustody", data, made.bike)
    return made, one, two, move


def test_a_thing_that_moves_takes_its_terms_and_bookings_along() -> None:
    made, one, _, move = moved()
    assert made.verdict(move) is None
    assert custodian_of(made.state, made.bike.id) == made.mei.owner.id
    assert one.status == "agreed"
    first = next(record for record in made.records if record.kind == "resource.terms")
    assert made.verdict(made.terms(replaces=first.id)) is Reason.NOT_YOURS
    new = made.terms(thing=move, pen=made.mei, replaces=first.id)
    assert made.verdict(new) is None
    # Who asks now asks Mei, and the time that is taken is taken.
    other = made.ask(
        made.ana, at(1, 9), at(1, 17), provider=made.mei.owner.id, resourceInventoriedAs=move.id
    )
    other.say(made.mei)
    assert (other.status, other.cause) == ("lost", one.agreement.id)
    stale = made.ask(made.ana, at(3, 9), at(3, 17))
    assert made.verdict(stale.agreement) is Reason.NOT_THE_LENDER


def test_the_new_custodian_takes_a_booking_over_or_gives_it_up() -> None:
    made, one, two, move = moved()
    assert made.verdict(one.say(made.ana)) is Reason.NOT_YOURS
    assert made.verdict(one.say(made.mei, "withdraw")) is Reason.ALREADY_AGREED
    assert made.verdict(one.say(made.mei)) is None
    assert one.commitment.provider == made.mei.owner.id
    assert made.verdict(two.say(made.mei, "no")) is None
    assert (two.status, two.cause) == ("given up", made.mei.owner.id)
    data = between(move, None, made.lin) | amount(1, "one") | {"fulfills": one.clause.id}
    out = made.event(made.mei, "transferCustody", data, move, *made.records[-1:])
    assert made.verdict(out) is None
    assert one.row.out == out.id
    again = made.ask(
        made.ana, at(2, 9), at(2, 17), provider=made.mei.owner.id, resourceInventoriedAs=move.id
    )
    again.say(made.mei)
    assert again.status == "agreed", "what was given up is free"


def test_the_new_custodian_cancels_it_and_the_one_before_does_not() -> None:
    made, one, _, _ = moved()
    one.say(made.mei)
    assert made.verdict(one.end(made.jun)) is Reason.NOT_YOURS
    assert made.verdict(one.end(made.mei)) is None
    assert one.status == "given up"


def test_a_thing_that_moves_back_is_where_it_was() -> None:
    made, one, _, move = moved()
    data = between(move, made.bike, made.jun) | amount(1, "one")
    made.event(made.mei, "transferCustody", data, move, made.bike)
    assert custodian_of(made.state, made.bike.id) == made.jun.owner.id
    assert made.verdict(one.hand_out()) is None


def test_a_part_that_moves_moves_no_home() -> None:
    made = Library()
    made.bike = made.make(made.jun, made.book, 3)
    made.terms(capacity=3)
    data = between(made.bike, None, made.mei) | amount(2, "one")
    made.event(made.jun, "transferCustody", data, made.bike)
    assert custodian_of(made.state, made.bike.id) == made.jun.owner.id


def test_a_thing_that_is_out_does_not_move_with_nothing() -> None:
    made, booking, out = lent()
    data = between(made.bike, None, made.mei) | amount(0, "one")
    move = made.event(made.jun, "transferCustody", data, made.bike, *made.records[-1:])
    assert made.verdict(move) is None
    assert custodian_of(made.state, made.bike.id) == made.jun.owner.id
    assert made.verdict(booking.say(made.mei, "no")) is Reason.NOT_YOURS
    assert made.verdict(booking.hand_back(out)) is None
    assert booking.row.back is not None


def test_nothing_is_handed_out_or_brought_back_with_nothing() -> None:
    made = Library()
    made.terms()
    booking = made.booked(made.lin, at(1, 9), at(1, 17))
    data = between(made.bike, None, made.lin) | amount(0, "one") | {"fulfills": booking.clause.id}
    empty = made.event(made.jun, "transferCustody", data, made.bike, *made.records[-1:])
    assert made.verdict(empty) is None
    assert booking.row.out is None, "Lin still cancels it alone"
    out = booking.hand_out()
    further = between(out, None, made.ana) | amount(1, "one")
    made.event(made.lin, "transferCustody", further, out, *made.records[-1:])
    assert made.verdict(booking.hand_back(out, **amount(0, "one"))) is None
    assert booking.row.back is None, "Ana has it"


def test_a_sale_moves_the_home_too() -> None:
    made, *_ = moved()
    assert len(dict(made.state.items(HANDED_ON))) == 1
    made = Library()
    made.terms()
    data = between(made.bike, None, made.ana) | amount(1, "one")
    made.event(made.jun, "transfer", data, made.bike)
    assert custodian_of(made.state, made.bike.id) == made.ana.owner.id


def test_a_thing_merged_into_another_with_terms_moves_no_home() -> None:
    made = Library()
    made.terms()
    other = made.make(made.lin, made.book, 1)
    made.terms(thing=other, pen=made.lin)
    data = between(made.bike, other, made.lin) | amount(1, "one")
    assert made.verdict(made.event(made.jun, "transfer", data, made.bike, other)) is None
    assert custodian_of(made.state, made.bike.id) == made.jun.owner.id
    assert custodian_of(made.state, other.id) == made.lin.owner.id


def test_terms_say_no_yes_for_the_next_custodian_who_did_not_write_them() -> None:
    made = Library(BY_ROLE)
    first = made.terms(accepts=["rider"])
    made.lin.write("role.claim", {"role": "rider"}, made.records[-1:])
    data = between(made.bike, None, made.mei) | amount(1, "one")
    move = made.event(made.jun, "transferCustody", data, made.bike, *made.records[-1:])
    with_mei = {"provider": made.mei.owner.id, "resourceInventoriedAs": move.id}
    assert made.ask(made.lin, at(1, 9), at(1, 17), **with_mei).status == "asked"
    second = made.terms(thing=move, pen=made.mei, accepts=["rider"], replaces=first.id)
    assert made.verdict(second) is None
    assert made.ask(made.lin, at(2, 9), at(2, 17), **with_mei).status == "agreed"
