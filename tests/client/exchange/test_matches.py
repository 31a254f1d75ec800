"""Suggestions between homes: the same on every node, with reasons, until a deal takes them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.exchange.matching.reasons import telling
from commonweal.client.exchange.matching.rows import ListedMatch, MatchList
from commonweal.client.language.plain import plain
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons, meet
from tests.builders.credit_rules import CREDIT_RULES
from tests.client.exchange.dealing import at


def offers(home: Home, what: str, quantity: int, tag: str, **terms: Any) -> None:
    """Let the member of a home offer hours of something with a tag."""
    at(home, lambda me: me.offer(what, quantity, "hours", tags=[tag], **terms))


def needs(home: Home, what: str, quantity: int, tag: str, **terms: Any) -> None:
    """Let the member of a home need hours of something with a tag."""
    at(home, lambda me: me.need(what, quantity, "hours", tags=[tag], **terms))


def listed(home: Home, member: str | None = None) -> MatchList:
    """Return what suits a member, else the one of the home."""
    return at(home, lambda me: me.matches(member))


def told(matches: tuple[ListedMatch, ...]) -> list[tuple[str, str, str, Decimal]]:
    """Return who gives, who takes, what, and how much of it."""
    return [(one.giver_name, one.taker_name, one.title, one.amount) for one in matches]


@pytest.fixture(scope="module")
def ring_once(
    trading_once: Callable[[], Commons], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Commons]:
    lanxi = trading_once()
    offers(lanxi.mei, "apples by the hour", 2, "apples")
    needs(lanxi.bo, "apples", 3, "apples")
    offers(lanxi.bo, "lodging", 2, "bed")
    needs(lanxi.ana, "a bed", 2, "bed")
    offers(lanxi.ana, "tutoring", 1, "school")
    needs(lanxi.mei, "a tutor", 1, "school")
    lanxi.seal()
    return lanxi.copies(tmp_path_factory)


@pytest.fixture
def ring(ring_once: Callable[[], Commons]) -> Commons:
    """Mei could give to Bo, Bo to Ana, and Ana to Mei; all is sealed."""
    return ring_once()


def test_a_member_sees_what_suits_their_offers_and_needs(ring: Commons) -> None:
    found = listed(ring.bo)
    assert (found.member_name, found.height, found.provisional) == ("Bo", 2, ())
    assert told(found.matches) == [
        ("Bo", "Ana", "lodging", Decimal(2)),
        ("Mei", "Bo", "apples by the hour", Decimal(2)),
    ]
    reasons = {reason.feature: (reason.value, reason.words) for reason in found.matches[1].reasons}
    assert reasons["kind"] == (1000, "the same tags: apples")
    assert reasons["quantity"] == (666, "2 of 3")
    assert reasons["time"] == (1000, "needed at any time")
    assert reasons["kept"] == (500, "too few promises of the giver are over to judge by")


def test_reasons_are_told_in_chinese(ring: Commons) -> None:
    with Member(ring.bo, language="zh") as bo:
        found = bo.matches().matches[1]
    assert [reason.words for reason in telling(found.reasons)][:2] == [
        "标签相同：apples",
        "随时都需要",
    ]


def test_every_node_suggests_the_same_bytes_in_whatever_order_records_came(
    trading_once: Callable[[], Commons],
) -> None:
    lanxi = trading_once()
    offers(lanxi.bo, "bike repair", 2, "bike")
    offers(lanxi.ana, "repair of bikes", 2, "bike")
    meet(lanxi.bo, lanxi.mei)
    meet(lanxi.ana, lanxi.bo)
    needs(lanxi.mei, "my bike", 2, "bike")
    lanxi.seal()
    asked: list[Callable[[Member], Any]] = [
        lambda me: me.matches("Mei"),
        lambda me: me.matches("Bo"),
        lambda me: me.match_round(),
        lambda me: me.rings(),
    ]
    for act in asked:
        assert len({str(plain(at(home, act))) for home in lanxi.all}) == 1
    assert len(listed(lanxi.bo, "Mei").matches) == 2


def test_what_is_not_sealed_yet_is_listed_apart(ring: Commons) -> None:
    before = listed(ring.mei).matches
    needs(ring.ana, "apples too", 1, "apples")
    ring.meet()
    found = listed(ring.mei)
    assert found.matches == before
    assert [(one.taker_name, one.need_title) for one in found.provisional] == [
        ("Ana", "apples too")
    ]
    ring.seal()
    found = listed(ring.mei)
    assert len(found.matches) == len(before) + 1
    assert found.provisional == ()


def test_what_is_paused_withdrawn_or_taken_is_not_suggested(
    trading_once: Callable[[], Commons],
) -> None:
    lanxi = trading_once()
    needs(lanxi.ana, "bike", 9, "bike")
    with Member(lanxi.bo) as bo:
        made = [bo.offer(f"repair {n}", 1, "hour", tags=["bike"]) for n in range(4)]
    at(lanxi.bo, lambda me: me.pause_offer(made[0].id))
    at(lanxi.bo, lambda me: me.withdraw_offer(made[1].id))
    lanxi.meet()
    at(lanxi.ana, lambda me: me.propose_from(made[2].id))
    lanxi.meet()
    (deal,) = at(lanxi.bo, lambda me: me.deals())
    at(lanxi.bo, lambda me: me.accept_deal(deal.id))
    lanxi.seal()
    assert [one.title for one in listed(lanxi.ana).matches] == ["repair 3"]


def test_an_offer_is_suggested_to_those_only_that_it_is_for(
    trading_once: Callable[[], Commons],
) -> None:
    lanxi = trading_once()
    offers(lanxi.bo, "for Mei", 1, "bike", to=["Mei"])
    needs(lanxi.ana, "bike", 1, "bike")
    needs(lanxi.mei, "bike", 1, "bike")
    lanxi.seal()
    assert [one.taker_name for one in listed(lanxi.bo).matches] == ["Mei"]


def test_two_between_whom_something_is_disputed_are_not_suggested_to_each_other(
    ring: Commons,
) -> None:
    event = ring.json(ring.ana, "record", "work", "1", "hour")["id"]
    ring.meet()
    ring.good(ring.mei, "dispute", event[:12])
    ring.seal()
    assert [one.giver_name for one in listed(ring.mei).matches] == ["Mei"]


def test_a_ring_is_proposed_as_one_deal_that_all_sign(ring: Commons) -> None:
    rings = at(ring.mei, lambda me: me.rings())
    (found,) = rings.rings
    assert (rings.exact, rings.members_max, found.number) == (True, 3, 1)
    assert found.score == sum(flow.score for flow in found.flows)
    takers = [flow.taker for flow in found.flows]
    assert takers == [flow.giver for flow in (*found.flows[1:], found.flows[0])]
    made = at(ring.mei, lambda me: me.propose_ring(1))
    assert len(made.clauses) == 3
    assert sorted(made.waits_for) == ["Ana", "Bo"]
    for home in (ring.ana, ring.bo):
        ring.meet()
        at(home, lambda me: me.accept_deal(made.id))
    ring.seal()
    assert at(ring.mei, lambda me: me.deal(made.id)).state == "agreed"
    assert at(ring.mei, lambda me: me.rings()).rings == ()


@pytest.mark.parametrize("number", [0, 2])
def test_a_ring_that_is_not_listed_is_not_proposed(ring: Commons, number: int) -> None:
    with pytest.raises(UsageError, match="no ring"):
        at(ring.mei, lambda me: me.propose_ring(number))


def test_only_who_is_in_a_ring_proposes_it(trading_once: Callable[[], Commons]) -> None:
    lanxi = trading_once()
    for home, gives, takes in ((lanxi.bo, "a", "b"), (lanxi.ana, "b", "a")):
        offers(home, gives, 1, gives)
        needs(home, takes, 1, takes)
    lanxi.seal()
    with pytest.raises(UsageError, match="not in this ring"):
        at(lanxi.mei, lambda me: me.propose_ring(1))


@pytest.fixture
def bank(tmp_path: Path) -> Commons:
    """A community with balances in hours, down to -5."""
    made = Commons(tmp_path)
    made.adopt(CREDIT_RULES, tmp_path)
    return made


def test_nobody_is_suggested_more_than_they_can_pay(bank: Commons) -> None:
    at(bank.bo, lambda me: me.offer("repair", 9, "hours", tags=["x"], price=["1 hour each"]))
    needs(bank.ana, "repair", 8, "x")
    bank.seal()
    (found,) = listed(bank.ana).matches
    assert found.amount == 5
    assert found.command == f"weal deal propose {found.offer.hex()[:8]} 5 hour"
    at(bank.ana, lambda me: me.pay("Bo", 3, "hours"))
    at(bank.ana, lambda me: me.pay("Mei", 2, "hours"))
    bank.seal()
    assert listed(bank.ana).matches == ()


def test_who_received_more_than_they_gave_comes_later(bank: Commons) -> None:
    at(bank.ana, lambda me: me.pay("Bo", 3, "hours"))
    offers(bank.mei, "repair", 1, "x")
    needs(bank.ana, "repair", 1, "x")
    needs(bank.bo, "repair", 1, "x")
    bank.seal()
    found = listed(bank.mei).matches
    assert [one.taker_name for one in found] == ["Bo", "Ana"]
    assert "the receiver has received, and has not given yet" in [
        reason.words for reason in found[1].reasons
    ]


def test_a_balanced_round_gives_as_much_as_it_takes(bank: Commons) -> None:
    offers(bank.bo, "repair", 3, "x")
    needs(bank.ana, "repair", 3, "x")
    offers(bank.ana, "lessons", 2, "y")
    needs(bank.bo, "lessons", 4, "y")
    bank.seal()
    found = at(bank.mei, lambda me: me.match_round(balanced="hours"))
    assert (found.balanced, found.exact) == ("hour", True)
    assert {(one.giver_name, one.amount) for one in found.matches} == {
        ("Bo", Decimal(2)),
        ("Ana", Decimal(2)),
    }
    every = at(bank.mei, lambda me: me.match_round())
    assert {(one.giver_name, one.amount) for one in every.matches} == {
        ("Bo", Decimal(3)),
        ("Ana", Decimal(2)),
    }
    with pytest.raises(UsageError, match="no balances in EUR"):
        at(bank.mei, lambda me: me.match_round(balanced="EUR"))
