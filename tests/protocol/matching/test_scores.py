"""Layer 2: how well two fit, and why."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given

from commonweal.protocol import keys
from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE, MarketMember, Weights
from commonweal.protocol.matching.scores import (
    FEATURES,
    SUGGESTIONS_MAX,
    Suggestion,
    score,
    suggestion,
    suggestions,
)
from tests.protocol.matching.markets import (
    ANA,
    BO,
    CY,
    DAY_MS,
    LESSON,
    NOW_MS,
    SEAL,
    SEEDS,
    intent,
    market,
    random_market,
    shuffled,
)


def found(offer: dict[str, Any], need: dict[str, Any], **fields: Any) -> Suggestion:
    """Return the suggestion that Ana's offer is for Bo's need."""
    candidates = Candidates(
        market([intent("o", ANA, **offer)], [intent("n", BO, **need)], **fields)
    )
    (pair,) = candidates.of_need(candidates.needs[0])
    return suggestion(candidates, pair)


def tags(*names: str) -> dict[str, Any]:
    """Return fields of an intent that names tags only."""
    return {"spec": b"", "tags": frozenset(names)}


@pytest.mark.parametrize(
    ("feature", "offer", "need", "value", "ratio"),
    [
        ("kind", {}, {}, 1000, (1, 1)),
        ("kind", tags("bike", "home"), tags("bike", "school"), 333, (1, 3)),
        ("kind", tags("bike", "home"), tags("bike", "home"), 1000, (2, 2)),
        ("quantity", {"left": 3 * ONE}, {"left": 2 * ONE}, 666, (2 * ONE, 3 * ONE)),
        ("quantity", {"left": 2 * ONE}, {"left": 3 * ONE}, 666, (2 * ONE, 3 * ONE)),
        ("time", {}, {}, 1000, (1, 1)),
        ("time", {"end_ms": NOW_MS + DAY_MS}, {}, 1000, (1, 1)),
        ("time", {}, {"end_ms": NOW_MS + DAY_MS}, 1000, (DAY_MS, DAY_MS)),
        (
            "time",
            {"end_ms": NOW_MS + DAY_MS},
            {"begin_ms": NOW_MS - DAY_MS, "end_ms": NOW_MS + 3 * DAY_MS},
            333,
            (DAY_MS, 3 * DAY_MS),
        ),
        ("urgency", {}, {}, 0, (0, 0)),
        ("urgency", {}, {"due_ms": NOW_MS + 3 * DAY_MS}, 900, (27 * DAY_MS, 30 * DAY_MS)),
        ("urgency", {}, {"due_ms": NOW_MS + 30 * DAY_MS}, 0, (0, 30 * DAY_MS)),
        ("urgency", {}, {"due_ms": NOW_MS}, 1000, (30 * DAY_MS, 30 * DAY_MS)),
        ("urgency", {}, {"due_ms": NOW_MS - DAY_MS}, 1000, (30 * DAY_MS, 30 * DAY_MS)),
        (
            "urgency",
            {},
            {"begin_ms": NOW_MS - DAY_MS, "due_ms": NOW_MS + 3 * DAY_MS},
            250,
            (DAY_MS, 4 * DAY_MS),
        ),
        ("urgency", {}, {"begin_ms": NOW_MS, "due_ms": NOW_MS - 1}, 0, (0, 1)),
        ("coincidence", {}, {}, 0, (0, 1)),
        ("place", {}, {}, 0, (0, 1)),
        ("place", {"place": b"x"}, {"place": b"x"}, 1000, (1, 1)),
        ("place", {"place": b"x", "scope": b"s"}, {"place": b"y", "scope": b"s"}, 1000, (1, 1)),
        ("place", {"place": b"x"}, {"place": b"y"}, 0, (0, 1)),
    ],
)
def test_features_are_ratios(
    feature: str,
    offer: dict[str, Any],
    need: dict[str, Any],
    value: int,
    ratio: tuple[int, int],
) -> None:
    reason = found(offer, need).reasons[FEATURES.index(feature)]
    assert reason.feature == feature
    assert (reason.value, (reason.part, reason.whole)) == (value, ratio)


@pytest.mark.parametrize(
    ("feature", "giver", "taker", "value"),
    [
        ("fairness", MarketMember(), MarketMember(), 1000),
        ("fairness", MarketMember(received=9), MarketMember(given=5, received=4), 1000),
        ("fairness", MarketMember(given=9), MarketMember(given=1, received=4), 250),
        ("fairness", MarketMember(), MarketMember(received=4), 0),
        ("kept", MarketMember(kept=2, promised=2), MarketMember(), 500),
        ("kept", MarketMember(kept=2, promised=3), MarketMember(), 666),
        ("kept", MarketMember(kept=3, promised=3), MarketMember(promised=9), 1000),
        ("kept", MarketMember(promised=3), MarketMember(), 0),
    ],
)
def test_features_of_the_two_members(
    feature: str, giver: MarketMember, taker: MarketMember, value: int
) -> None:
    reasons = found({}, {}, members={ANA: giver, BO: taker}).reasons
    assert reasons[FEATURES.index(feature)].value == value


def test_a_giver_who_wants_what_the_taker_offers_is_a_double_coincidence() -> None:
    candidates = Candidates(
        market(
            [intent("a", ANA), intent("b", BO, spec=LESSON)],
            [intent("c", BO), intent("d", ANA, spec=LESSON)],
        )
    )
    for member in (ANA, BO):
        for one in suggestions(candidates, member):
            assert one.reasons[FEATURES.index("coincidence")].value == 1000


def test_a_score_is_the_weighted_mean_of_the_features() -> None:
    weights = Weights(
        kind=3, quantity=2, time=0, urgency=1, coincidence=0, fairness=0, kept=0, place=0
    )
    one = found(
        {"left": 3 * ONE}, {"left": 2 * ONE, "due_ms": NOW_MS + 3 * DAY_MS}, weights=weights
    )
    assert one.score == (3 * 1000 + 2 * 666 + 1 * 900) // 6
    assert [reason.weight for reason in one.reasons] == list(weights)


def test_suggestions_come_by_score_then_by_the_hash_with_the_seal() -> None:
    offers = [intent(f"o{number}", CY if number % 2 else ANA) for number in range(6)]
    need = intent("n", BO)
    orders = []
    for seal in (SEAL, b"t" * 32):
        candidates = Candidates(market([*offers, intent("big", CY, 9)], [need], seal=seal))
        listed = suggestions(candidates, BO)
        assert [one.pair.offer.id for one in listed[:-1]] == sorted(
            (offer.id for offer in offers),
            key=lambda id: keys.hash32(keys.HashPurpose(b"cw1/match"), seal, need.id, id),
        )
        assert listed[-1].pair.offer.left == 9 * ONE
        orders.append([one.pair.offer.id for one in listed])
    assert orders[0] != orders[1]


def test_a_member_gets_suggestions_for_needs_and_offers_up_to_a_limit() -> None:
    needs = [
        intent(f"n{number:04}", number.to_bytes(32, "big")) for number in range(SUGGESTIONS_MAX)
    ]
    candidates = Candidates(market([intent("o", ANA), intent("p", CY)], [*needs, intent("m", ANA)]))
    listed = suggestions(candidates, ANA)
    assert len(listed) == SUGGESTIONS_MAX
    assert {one.pair.offer.member for one in listed} | {one.pair.need.member for one in listed} > {
        ANA,
        CY,
    }
    assert len(suggestions(candidates, ANA, 3)) == 3
    assert suggestions(candidates, BO) == []


@given(SEEDS)
def test_suggestions_do_not_depend_on_the_order_of_the_market(seed: int) -> None:
    rng = random.Random(seed)
    one = random_market(rng)
    first, second = Candidates(one), Candidates(shuffled(rng, one))
    for member in one.members:
        listed = suggestions(first, member)
        assert listed == suggestions(second, member)
        assert all(each.score == score(first, each.pair) for each in listed)
        assert all(0 <= reason.value <= 1000 for each in listed for reason in each.reasons)
