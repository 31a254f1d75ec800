"""Referrals: who brought a buyer to an offer, which of them counts, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.promotion import referrals
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import SUPPLIER


def test_a_buyer_says_who_brought_them_and_its_time_counts_from_its_seal() -> None:
    town = Promoting()
    brought = town.refer("Bo", "Jun")
    town.seal_after(5)
    row = town.referral(brought)
    assert (row.promoter, row.buyer) == (town.id("Jun"), town.id("Bo"))
    assert (row.since_ms, row.until_ms) == (town.now_ms, town.now_ms + 72 * HOUR)


def refused(case: str) -> tuple[Promoting, Record, Reason]:
    """Return a referral that counts for nothing, and why."""
    town = Promoting()
    match case:
        case "to an unknown promotion":
            brought = town.write(
                "Bo", "referral", {"promotion": bytes(32), "referrer": town.id("Jun")}
            )
            return town, brought, Reason.UNKNOWN_PROMOTION
        case "by nobody":
            brought = town.write("Bo", "referral", {"promotion": town.promotion.id})
            return town, brought, Reason.SHAPE
        case "by a stranger":
            return town, town.refer("Bo", "Jun", referrer=bytes(32)), Reason.UNKNOWN_AGENT
        case "by who holds no role":
            return town, town.refer("Bo", "Mei"), Reason.NO_PROMOTER
        case "by oneself":
            return town, town.refer("Jun", "Jun"), Reason.SELF_REFERRED
        case "by the seller":
            town.holds("Ana")
            return town, town.refer("Bo", "Ana"), Reason.SELF_REFERRED
        case "of the seller":
            return town, town.refer("Ana", "Jun"), Reason.SELF_REFERRED
        case "of another member":
            return town, town.refer("Bo", "Jun", buyer=town.id("Mei")), Reason.SHAPE
        case "of somebody outside by a buyer":
            return town, town.refer("Bo", "Jun", buyer=SUPPLIER), Reason.NOT_YOURS
        case "after the promotion ended":
            town.write("Ana", "promotion.end", {"promotion": town.promotion.id})
            return town, town.refer("Bo", "Jun"), Reason.NOT_OPEN
        case "after the offer was withdrawn":
            town.write("Ana", "proposal.withdraw", {"offer": town.sale.id})
            return town, town.refer("Bo", "Jun"), Reason.NOT_OPEN
        case "by who left":
            town.write("Jun", "member.leave", {})
            return town, town.refer("Bo", "Jun"), Reason.UNKNOWN_AGENT
        case "a second time":
            town.refer("Bo", "Jun")
            town.holds("Mei")
            return town, town.refer("Bo", "Mei"), Reason.REFERRED_BEFORE
    raise AssertionError(case)


@pytest.mark.parametrize(
    "case",
    [
        *("to an unknown promotion", "by nobody", "by a stranger", "by who holds no role"),
        *("by oneself", "by the seller", "of the seller", "of another member"),
        *("of somebody outside by a buyer", "after the promotion ended"),
        *("after the offer was withdrawn", "by who left", "a second time"),
    ],
)
def test_a_referral_that_cannot_be_counts_for_nothing(case: str) -> None:
    town, brought, reason = refused(case)
    assert town.verdict(brought) is reason


def test_nobody_is_brought_by_their_own_second_device() -> None:
    """A second device is the same member: it brings its owner nothing."""
    town = Promoting()
    town.second_device("Jun")
    assert town.verdict(town.refer("Jun 2", "Jun")) is Reason.SELF_REFERRED


def test_a_brings_b_and_b_does_not_bring_a() -> None:
    """A brings B, B brings A to the same offer: refused (EXCHANGE.md, section 7)."""
    town = Promoting()
    town.holds("Bo")
    assert town.verdict(town.refer("Bo", "Jun")) is None
    assert town.verdict(town.refer("Jun", "Bo")) is Reason.CIRCLE


def test_a_brings_b_to_one_offer_and_b_brings_a_to_another() -> None:
    town = Promoting()
    town.holds("Bo")
    other = town.publish("Mei", town.offers("Mei", 1), town.needs("Mei", 1))
    pears = town.promote("Mei", other, "pears")
    assert town.verdict(town.refer("Bo", "Jun")) is None
    assert town.verdict(town.refer("Jun", "Bo", pears)) is None


def test_who_left_and_returned_was_brought_already() -> None:
    """B leaves and returns: the old referral stands (EXCHANGE.md, section 7)."""
    town = Promoting()
    brought = town.refer("Bo", "Jun")
    town.write("Bo", "member.leave", {})
    invite = town.mei.invite(town.invite_key)
    asked = town.pens["Bo"].request(invite, town.invite_key)
    town.learn()
    assert town.verdict(asked) is None
    town.holds("Mei")
    assert town.verdict(town.refer("Bo", "Mei")) is Reason.REFERRED_BEFORE
    assert town.referral(brought).promoter == town.id("Jun")


def test_a_promotion_can_name_a_role_beside_that_of_the_rules() -> None:
    roles = {name: {"endorsements": 1, **SAID} for name in ("promoter", "editor")}
    town = Promoting(sections={"roles": roles})
    narrow = town.promote("Ana", town.sale, "narrow", who="editor")
    assert town.verdict(town.refer("Bo", "Jun", narrow)) is Reason.NO_PROMOTER
    town.holds("Jun", "editor")
    assert town.verdict(town.refer("Bo", "Jun", narrow)) is None


def test_any_member_promotes_where_the_rules_name_no_role() -> None:
    town = Promoting(role="")
    assert town.verdict(town.refer("Bo", "Mei")) is None


def test_of_two_written_apart_the_first_in_seal_order_counts() -> None:
    town = Promoting()
    town.holds("Mei")
    town.second_device("Bo")
    deps, both = [town.records[-1]], []
    for device, promoter in (("Bo", "Jun"), ("Bo 2", "Mei")):
        data = {"promotion": town.promotion.id, "referrer": town.id(promoter)}
        both.append(town.pens[device].write("referral", data, deps))
    town.cut()
    verdicts = [town.verdict(record) for record in both]
    assert verdicts.count(None) == 1
    assert verdicts.count(Reason.REFERRED_BEFORE) == 1


@pytest.mark.parametrize(("more_ms", "reason"), [(0, Reason.REFERRED_BEFORE), (1, None)])
def test_another_promotion_of_the_offer_counts_once_the_first_is_over(
    more_ms: int, reason: Reason | None
) -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    town.seal_after(1)
    other = town.promote("Ana", town.sale, "summer")
    again = town.refer("Bo", "Jun")
    town.seal_after(70)
    brought = town.refer("Bo", "Jun", other)
    town.seal_after(2, more_ms)
    assert town.verdict(again) is Reason.REFERRED_BEFORE, "once for each promotion"
    assert town.verdict(brought) is reason


def test_an_offer_that_took_the_place_of_another_is_the_same_offer() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    newer = town.publish("Ana", town.honey, town.price, replaces=town.sale.id)
    assert town.verdict(newer) is None
    other = town.promote("Ana", newer, "summer")
    town.holds("Mei")
    assert town.verdict(town.refer("Bo", "Mei", other)) is Reason.REFERRED_BEFORE
    assert town.verdict(town.refer("Mei", "Jun")) is None, "the first promotion goes on"


def outside(town: Promoting, **over: Any) -> Record:
    """Let the seller say who brought somebody outside."""
    return town.refer("Ana", "Jun", buyer=SUPPLIER, **over)


def test_a_referral_of_somebody_outside_counts_once_it_is_attested() -> None:
    town = Promoting()
    brought = outside(town)
    assert town.referral(brought).since_ms is None
    own = town.attest(brought, "Ana")
    assert town.verdict(own) is Reason.SELF_ATTESTED, "the author"
    paid = town.attest(brought, "Jun")
    assert town.verdict(paid) is Reason.SELF_ATTESTED, "who would be paid"
    said = town.attest(brought, "Mei")
    town.seal_after(1)
    assert town.verdict(said) is None
    assert town.referral(brought).since_ms == town.now_ms


def test_of_two_outside_referrals_the_first_attested_counts() -> None:
    town = Promoting()
    town.holds("Mei")
    first, second = outside(town), town.refer("Ana", "Mei", buyer=SUPPLIER)
    town.attest(second, "Bo")
    assert town.referral(second).since_ms is not None
    assert town.verdict(town.attest(first, "Bo")) is Reason.REFERRED_BEFORE
    assert town.referral(first).since_ms is None


def test_somebody_outside_whom_a_member_claimed_speaks_for_themselves() -> None:
    town = Promoting()
    claimed = town.write("Bo", "agent.claim", {"agent": SUPPLIER})
    town.attest(claimed, "Mei")
    assert town.verdict(outside(town)) is Reason.AGENT_CLAIMED


def test_a_referral_by_the_buyer_needs_no_attestation() -> None:
    town = Promoting()
    brought = town.refer("Bo", "Jun")
    assert town.verdict(town.attest(brought, "Mei")) is Reason.UNKNOWN_EVENT


@pytest.mark.parametrize(("most", "reason"), [(1, Reason.TOO_MANY_REFERRALS), (2, None)])
def test_a_buyer_has_so_many_referrals(
    most: int, reason: Reason | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referrals, "REFERRALS_MAX", most)
    town = Promoting()
    other = town.publish("Mei", town.offers("Mei", 1), town.needs("Mei", 1))
    pears = town.promote("Mei", other, "pears")
    assert town.verdict(town.refer("Bo", "Jun")) is None
    assert town.verdict(town.refer("Bo", "Jun", pears)) is reason


def test_a_referral_that_is_over_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrals, "REFERRALS_MAX", 1)
    town = Promoting()
    other = town.publish("Mei", town.offers("Mei", 1), town.needs("Mei", 1))
    pears = town.promote("Mei", other, "pears")
    town.refer("Bo", "Jun")
    town.seal_after(1)
    town.seal_after(73)
    assert town.verdict(town.refer("Bo", "Jun", pears)) is None


def test_who_brought_a_member_to_the_community_is_another_matter() -> None:
    town = Promoting()
    here = town.write("Bo", "referral", {"referrer": town.id("Mei")})
    brought = town.refer("Bo", "Jun")
    town.cut()
    assert (town.verdict(here), town.verdict(brought)) == (None, None)
