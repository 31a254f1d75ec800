"""Commissions: on which income a seller owes how much, and what a correction changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.exchange.commitments import AGREED, ENDED
from commonweal.protocol.ledger.exchange.promotion.commissions import due
from commonweal.protocol.ledger.exchange.promotion.referrals import referral_row
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import SUPPLIER
from tests.protocol.ledger.workshop import euros


def test_the_seller_owes_the_promoter_a_part_of_what_the_buyer_paid() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000)
    row = town.owed(paid)
    assert row is not None
    assert (row.provider, row.receiver) == (town.id("Ana"), town.id("Jun"))
    assert (row.action, row.quantity, row.status) == ("transfer", [500, 2, "EUR"], AGREED)


def test_it_is_rounded_down_and_the_rest_stays_with_the_seller() -> None:
    """5 % of 19.99 is 0.99 (EXCHANGE.md, section 7)."""
    town = Promoting()
    town.refer("Bo", "Jun")
    assert town.cents(town.sell("Bo", 1999)) == 99


@pytest.mark.parametrize(
    ("rate", "quantity", "expected"),
    [
        (500, [1999, 2, "EUR"], [99, 2, "EUR"]),
        (500, [19, 0, "EUR"], [95, 2, "EUR"]),
        (500, [1999, 0, "JPY"], [99, 0, "JPY"]),
        (1, [9999, 2, "EUR"], [0, 2, "EUR"]),
        (1, [10_000, 2, "EUR"], [1, 2, "EUR"]),
        (10_000, [19_999, 3, "EUR"], [19_999, 3, "EUR"]),
        (10_000, [INT_MAX, 0, "EUR"], [INT_MAX, 0, "EUR"]),
    ],
)
def test_a_commission_has_the_decimals_of_its_unit(
    rate: int, quantity: list[Any], expected: list[Any]
) -> None:
    assert due(rate, quantity) == expected


@given(st.integers(1, 10_000), st.integers(0, INT_MAX), st.integers(0, 9))
def test_a_commission_is_never_more_than_its_rate(rate: int, n: int, scale: int) -> None:
    got, finer, _ = due(rate, [n, scale, "EUR"])
    whole = n * 10 ** (finer - scale)
    assert finer >= scale
    assert 0 <= got <= INT_MAX
    assert got * 10_000 <= whole * rate < (got + 1) * 10_000


def test_nothing_is_owed_until_others_attest_the_income() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="")
    assert town.cents(paid) is None
    town.attest(paid, "Ana")
    assert town.cents(paid) == 500


def test_the_promoter_does_not_make_an_income_count() -> None:
    """A buyer who only says that they paid, and the promoter, cannot make a seller owe."""
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="Jun")
    assert town.cents(paid) is None
    town.attest(paid, "Mei")
    assert town.cents(paid) == 500


def test_nothing_is_owed_while_the_income_is_disputed() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="")
    town.write("Ana", "dispute", {"event": paid.id})
    town.attest(paid, "Mei")
    assert town.cents(paid) is None
    town.write("Ana", "dispute", {"event": paid.id, "say": "withdraw"})
    assert town.cents(paid) == 500


def test_the_dispute_of_a_member_who_leaves_keeps_nobody_from_their_commission() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="")
    town.write("Ana", "dispute", {"event": paid.id})
    town.attest(paid, "Mei")
    town.write("Ana", "member.leave", {})
    assert town.cents(paid) == 500


def test_a_yes_that_is_taken_back_during_a_dispute_leaves_nothing_owed() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="")
    town.write("Ana", "dispute", {"event": paid.id})
    town.attest(paid, "Mei")
    town.write("Mei", "attest", {"event": paid.id, "say": "withdraw"})
    town.write("Ana", "dispute", {"event": paid.id, "say": "withdraw"})
    assert town.cents(paid) is None


def test_what_is_owed_once_only_a_correction_changes() -> None:
    """A seller cannot take a commission back by taking back a yes or by a later dispute."""
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000, by="Ana")
    town.write("Ana", "attest", {"event": paid.id, "say": "withdraw"})
    town.write("Ana", "dispute", {"event": paid.id})
    assert town.cents(paid) == 500


def test_a_correction_of_the_income_changes_it_at_a_later_height() -> None:
    """Income corrected from 100 to 80: the commission of 5 is 4 (EXCHANGE.md, section 7)."""
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000)
    town.seal_after(1)
    assert town.cents(paid) == 500
    town.correct(paid, -2_000)
    town.seal_after(1)
    assert town.cents(paid) == 400


def test_a_commission_of_an_income_of_nothing_is_ended_and_comes_back() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000)
    town.correct(paid, -10_000)
    row = town.owed(paid)
    assert row is not None
    assert (row.quantity[0], row.status) == (0, ENDED)
    town.correct(paid, 4_000, number=2)
    row = town.owed(paid)
    assert row is not None
    assert (row.quantity[0], row.status) == (200, AGREED)


def test_an_income_too_small_for_the_smallest_amount_owes_nothing() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 19)
    assert town.cents(paid) is None
    town.correct(paid, 1)
    assert town.cents(paid) == 1


@pytest.mark.parametrize(("late_ms", "expected"), [(0, 500), (1, None)])
def test_the_time_ends_at_the_seal_of_the_income(late_ms: int, expected: int | None) -> None:
    """The window is three days from the seal of the referral to that of the income."""
    town = Promoting()
    brought = town.refer("Bo", "Jun")
    town.seal_after(1)
    town.seal_after(70)
    paid = town.sell("Bo", 10_000)
    town.seal_after(2, late_ms)
    row = referral_row(town.history.state, brought.id)
    assert row is not None
    assert row.until_ms is not None
    assert town.now_ms - row.until_ms == late_ms
    assert town.cents(paid) == expected


def test_an_income_in_time_counts_though_it_is_attested_later() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    town.seal_after(1)
    paid = town.sell("Bo", 10_000, by="")
    town.seal_after(1)
    town.seal_after(1_000)
    town.attest(paid, "Mei")
    assert town.cents(paid) == 500


def test_what_was_paid_before_the_referral_owes_nothing() -> None:
    town = Promoting()
    paid = town.sell("Bo", 10_000)
    town.refer("Bo", "Jun")
    assert town.cents(paid) is None


def test_who_came_by_nobody_owes_the_seller_no_commission() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    assert town.cents(town.sell("Mei", 10_000, by="Ana")) is None


def test_a_deal_on_another_offer_owes_nothing() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    pears = town.offers("Ana", 5)
    paid = town.pay("Bo", 10_000, town.deal("Bo", 10_000, given=pears))
    assert town.verdict(paid) is None
    assert town.cents(paid) is None


def test_a_payment_without_a_deal_owes_nothing() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    data = {"action": "transfer", "provider": town.id("Bo"), "receiver": town.id("Ana")}
    paid = town.write("Bo", "event", data | {"resourceQuantity": euros(10_000)})
    town.attest(paid, "Mei")
    assert town.cents(paid) is None


def test_each_part_of_a_payment_has_its_commission() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    promise = town.deal("Bo", 10_000)
    parts = [town.pay("Bo", n, promise) for n in (3_000, 7_000)]
    assert [town.cents(part) for part in parts] == [150, 350]


def test_an_offer_that_took_the_place_of_the_promoted_one_is_promoted_on() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    honey = town.offers("Ana", 50, replaces=None)
    newer = town.publish("Ana", honey, town.price, replaces=town.sale.id)
    assert town.verdict(newer) is None
    paid = town.pay("Bo", 10_000, town.deal("Bo", 10_000, given=honey))
    assert town.cents(paid) == 500


def test_an_ended_promotion_still_pays_for_whom_it_brought() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    town.write("Ana", "promotion.end", {"promotion": town.promotion.id})
    assert town.cents(town.sell("Bo", 10_000)) == 500


def test_a_promoter_who_left_is_still_owed_what_was_promised() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    town.write("Jun", "member.leave", {})
    assert town.cents(town.sell("Bo", 10_000)) == 500


def test_there_is_one_step() -> None:
    """Who brought the promoter gets nothing: no pay on the sales of one's downline."""
    town = Promoting()
    town.holds("Bo")
    town.refer("Bo", "Jun")
    town.refer("Mei", "Bo")
    paid = town.sell("Mei", 10_000, by="Ana")
    row = town.owed(paid)
    assert row is not None
    assert row.receiver == town.id("Bo")
    owed = town.history.state.items(b"k")
    assert not [key for key, value in owed if town.id("Jun") in (value[3], value[4])]


def test_a_commission_is_paid_as_any_promise_and_corrected_after() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    paid = town.sell("Bo", 10_000)
    data: dict[str, Any] = {"action": "transfer", "provider": town.id("Ana")}
    data |= {"receiver": town.id("Jun"), "fulfills": paid.id, "resourceQuantity": euros(500)}
    given_ = town.write("Ana", "event", data)
    assert town.verdict(given_) is None
    town.correct(paid, -2_000)
    row = town.owed(paid)
    assert row is not None
    assert (row.quantity[0], row.given[0], row.open.n) == (400, 500, 0)


class TestIncomeFromOutside:
    """What customers outside pay: the seller's event names the offer."""

    def brought(self) -> Promoting:
        town = Promoting()
        town.attest(town.refer("Ana", "Jun", buyer=SUPPLIER), "Mei")
        return town

    def test_it_owes_a_commission(self) -> None:
        town = self.brought()
        assert town.cents(town.income(10_000)) == 500

    def test_a_correction_changes_it_once_others_attest_what_is_left(self) -> None:
        town = self.brought()
        came = town.income(10_000)
        town.correct(came, -2_000, by="")
        assert town.cents(came) == 500
        town.write("Mei", "attest", {"event": came.id, "say": "yes", "corrections": 1})
        assert town.cents(came) == 400

    def test_it_owes_none_unless_it_names_the_offer(self) -> None:
        town = self.brought()
        data = {"action": "transfer", "provider": SUPPLIER, "receiver": town.id("Ana")}
        came = town.write("Ana", "event", data | {"resourceQuantity": euros(10_000)})
        town.attest(came, "Mei")
        assert town.cents(came) is None

    def test_it_owes_none_before_its_referral_is_attested(self) -> None:
        town = Promoting()
        brought = town.refer("Ana", "Jun", buyer=SUPPLIER)
        early = town.income(10_000)
        town.attest(brought, "Mei")
        assert town.cents(early) is None
        assert town.cents(town.income(10_000)) == 500

    def test_only_the_seller_says_that_it_is_for_the_offer(self) -> None:
        """A promoter and a friend cannot make a seller owe by inventing a customer."""
        town = self.brought()
        assert town.verdict(town.income(10_000, writer="Jun")) is Reason.NOT_YOURS

    @pytest.mark.parametrize(
        ("over", "reason"),
        [
            ({"offer": b"x"}, Reason.SHAPE),
            ({"offer": bytes(32)}, Reason.UNKNOWN_PLAN),
            ({"provider": "Bo"}, Reason.DOES_NOT_FIT),
            ({"receiver": "Mei"}, Reason.DOES_NOT_FIT),
            ({"action": "work"}, Reason.DOES_NOT_FIT),
        ],
    )
    def test_what_names_the_offer_wrongly_is_refused(
        self, over: dict[str, Any], reason: Reason
    ) -> None:
        town = self.brought()
        for side in ("provider", "receiver"):
            if side in over:
                over = over | {side: town.id(over[side])}
        if over.get("action") == "work":
            data = {"action": "work", "provider": SUPPLIER, "offer": town.sale.id}
            effort = {"n": 1, "scale": 0, "unit": "hour"}
            came = town.write("Ana", "event", data | {"effortQuantity": effort})
        else:
            came = town.income(10_000, by="", **over)
        assert town.verdict(came) is reason

    def test_a_customer_who_turns_out_to_be_the_promoter_brings_nothing(self) -> None:
        town = self.brought()
        claimed = town.write("Jun", "agent.claim", {"agent": SUPPLIER})
        town.attest(claimed, "Mei")
        assert town.cents(town.income(10_000)) is None

    def test_a_customer_who_joins_was_brought_already(self) -> None:
        town = self.brought()
        claimed = town.write("Bo", "agent.claim", {"agent": SUPPLIER})
        town.attest(claimed, "Mei")
        assert town.cents(town.income(10_000)) == 500


def test_the_time_of_a_referral_begins_when_others_attest_it() -> None:
    town = Promoting()
    brought = town.refer("Ana", "Jun", buyer=SUPPLIER)
    town.seal_after(200)
    town.attest(brought, "Mei")
    town.seal_after(1)
    row = town.referral(brought)
    assert row.until_ms == town.now_ms + 72 * HOUR
