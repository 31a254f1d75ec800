"""Layer 1: who may meet."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.matching.candidates import CANDIDATES_MAX, PER_MEMBER_MAX, Candidates
from commonweal.protocol.matching.market import (
    INTENTS_MAX,
    INTENTS_PER_MEMBER_MAX,
    ONE,
    MarketMember,
    Price,
    newest,
)
from tests.protocol.matching.markets import (
    ANA,
    BO,
    CY,
    DAY_MS,
    LESSON,
    NOW_MS,
    REPAIR,
    fits,
    intent,
    market,
    pairs,
)

HOUR_MS = 3_600_000


def member(number: int) -> bytes:
    """Return the id of one of many members."""
    return number.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("offer", "need", "met"),
    [
        ({}, {}, True),
        ({"action": "use"}, {}, False),
        ({"unit": "day"}, {}, False),
        ({"spec": LESSON}, {}, False),
        ({"spec": b"", "tags": frozenset({"bike"})}, {"tags": frozenset({"bike"})}, False),
        (
            {"spec": REPAIR, "tags": frozenset({"bike", "home"})},
            {"spec": b"", "tags": frozenset({"bike", "school"})},
            True,
        ),
        ({"tags": frozenset({"home"})}, {"spec": b"", "tags": frozenset({"bike"})}, False),
        ({}, {"spec": b""}, False),
        ({"resource": b"r" * 32}, {"spec": b"", "resource": b"r" * 32}, True),
        ({"resource": b"q" * 32}, {"resource": b"r" * 32}, False),
        ({"end_ms": NOW_MS}, {}, False),
        ({"end_ms": NOW_MS + 1}, {}, True),
        ({}, {"end_ms": NOW_MS}, False),
        ({"end_ms": NOW_MS + HOUR_MS}, {"begin_ms": NOW_MS + HOUR_MS}, False),
        ({"end_ms": NOW_MS + HOUR_MS + 1}, {"begin_ms": NOW_MS + HOUR_MS}, True),
        ({"begin_ms": NOW_MS + DAY_MS}, {"end_ms": NOW_MS + DAY_MS}, False),
        ({"left": 15 * ONE, "minimum": 16 * ONE}, {"left": 20 * ONE}, False),
        ({"left": 40 * ONE, "minimum": 16 * ONE}, {"left": 15 * ONE}, False),
        ({"left": 40 * ONE, "minimum": 16 * ONE}, {"left": 16 * ONE}, True),
        ({}, {"left": 4 * ONE, "minimum": 2 * ONE}, False),
        ({"proposed_to": frozenset({CY})}, {}, False),
        ({"proposed_to": frozenset({BO, CY})}, {}, True),
        ({"proposed_to": frozenset()}, {}, False),
        ({}, {"proposed_to": frozenset({CY})}, False),
        ({}, {"proposed_to": frozenset({ANA})}, True),
    ],
)
def test_the_hard_rules(offer: dict[str, Any], need: dict[str, Any], met: bool) -> None:
    assert fits(intent("o", ANA, **offer), intent("n", BO, **need)) is met


def test_nobody_is_suggested_to_themselves() -> None:
    assert not fits(intent("o", ANA), intent("n", ANA))


def test_two_with_an_open_dispute_are_not_suggested_to_each_other() -> None:
    offer, need = intent("o", BO), intent("n", ANA)
    assert fits(offer, need)
    assert not fits(offer, need, disputes=frozenset({(ANA, BO)}))
    assert fits(offer, need, disputes=frozenset({(ANA, CY)}))


@pytest.mark.parametrize(
    ("price", "room", "amount"),
    [
        (Price("hour", 5 * ONE), 5, 3),
        (Price("hour", 5 * ONE), 4, 0),
        (Price("hour", 2 * ONE, per_unit=True), 6, 3),
        (Price("hour", 2 * ONE, per_unit=True), 3, 1.5),
        (Price("hour", 2 * ONE, per_unit=True), 0, 0),
        (Price("hour", 2 * ONE, per_unit=True), -4, 0),
        (Price("EUR", 2 * ONE, per_unit=True), 0, 3),
        (Price("hour", 0), 0, 3),
    ],
)
@pytest.mark.parametrize("by_offer", [True, False])
def test_a_suggestion_is_no_larger_than_its_taker_can_pay(
    price: Price, room: int, amount: float, by_offer: bool
) -> None:
    members = {BO: MarketMember(headroom={"hour": room * ONE})}
    offer = intent("o", ANA, 3, prices=(price,) if by_offer else ())
    need = intent("n", BO, 3, prices=() if by_offer else (price,))
    found = pairs([offer], [need], members=members)
    assert [pair.amount for pair in found] == ([amount * ONE] if amount else [])


def test_the_newest_candidates_are_taken_then_those_of_the_smaller_id() -> None:
    offers = [
        intent(f"{number:03}", member(number), clock=1_000 - number // 2)
        for number in range(CANDIDATES_MAX + 1)
    ]
    need = intent("n", BO)
    candidates = Candidates(market(offers[::-1], [need]))
    assert [pair.offer for pair in candidates.of_need(need)] == offers[:CANDIDATES_MAX]
    other = Candidates(market([intent("o", BO)], [*offers]))
    assert len(other.of_offer(other.offers[0])) == CANDIDATES_MAX


def test_nobody_fills_the_list_of_another() -> None:
    many = [intent(f"{number:03}", ANA) for number in range(PER_MEMBER_MAX + 1)]
    older = intent("cy", CY, clock=0)
    found = pairs([*many, older], [intent("n", BO)])
    assert [pair.offer.member for pair in found] == [ANA] * PER_MEMBER_MAX + [CY]


def test_nobody_fills_the_market() -> None:
    many = [intent(f"{number:03}", ANA) for number in range(INTENTS_PER_MEMBER_MAX + 1)]
    older = intent("cy", CY, clock=0)
    assert newest((*many, older)) == [*many[:-1], older]
    full = tuple(intent(f"{number:05}", member(number)) for number in range(INTENTS_MAX + 1))
    assert newest(full[::-1]) == [*full[:-1]]


def test_a_market_says_who_wants_something_of_whom() -> None:
    candidates = Candidates(
        market(
            [intent("a", ANA), intent("b", BO, spec=LESSON)],
            [intent("c", BO), intent("d", ANA, spec=LESSON), intent("e", CY, spec=LESSON)],
        )
    )
    assert candidates.wants(ANA, BO)
    assert candidates.wants(BO, ANA)
    assert candidates.wants(CY, BO)
    assert not candidates.wants(BO, CY)
