"""Layer 2: how well a need and an offer fit, as whole numbers, each with where it comes from.

Eight features of 0 to 1,000, weighed as the rules say. No feature learns, and none is hidden: a
suggestion carries the two numbers that each feature is the ratio of, so it can be said in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from commonweal.protocol.matching.candidates import CandidatePair, Candidates, common_time
from commonweal.protocol.matching.market import (
    Intent,
    MarketMember,
    MarketState,
    Weights,
    order_hash,
)

FEATURES = Weights._fields
"""Names of the features, in the order of the weights."""

FULL = 1_000
"""The most that a feature, and a score, can be."""

PROMISES_MIN = 3
"""Promises below which nothing can be said of how they are kept."""

URGENT_MS = 30 * 86_400_000
"""Time before a need is due in which it grows more urgent."""

SUGGESTIONS_MAX = 200
"""Suggestions for one member."""


class ScoreReason(NamedTuple):
    """One feature of a pair: `value` = 1,000 * part / whole, truncated, or 0 when whole is 0."""

    feature: str
    value: int
    weight: int
    part: int
    whole: int


class Suggestion(NamedTuple):
    """A pair with its score of 0..1,000 and the reasons for it."""

    pair: CandidatePair
    score: int
    reasons: tuple[ScoreReason, ...]


def suggestions(
    candidates: Candidates, member: bytes, most: int = SUGGESTIONS_MAX
) -> list[Suggestion]:
    """Return what suits the needs and offers of a member, the best first.

    Order: score, then H("cw1/match", last seal, need, offer). At most `most`; 200 candidates for
    each of at most 128 intents are looked at.
    """
    pairs = [
        *(pair for need in candidates.needs if need.member == member
          for pair in candidates.of_need(need)),
        *(pair for offer in candidates.offers if offer.member == member
          for pair in candidates.of_offer(offer)),
    ]  # fmt: skip
    return [suggestion(candidates, pair) for pair in best(candidates, pairs)[:most]]


def best(candidates: Candidates, pairs: Iterable[CandidatePair]) -> list[CandidatePair]:
    """Return pairs in the order of suggestions."""
    seal = candidates.market.seal
    return sorted(
        pairs,
        key=lambda pair: (
            -score(candidates, pair),
            order_hash(seal, pair.need.id, pair.offer.id),
        ),
    )


def score(candidates: Candidates, pair: CandidatePair) -> int:
    """Return how well a pair fits, 0..1,000: the weighted mean of its features, truncated."""
    weights = candidates.market.weights
    summed = sum(
        weight * (FULL * part // whole)
        for weight, (part, whole) in zip(weights, features(candidates, pair), strict=True)
        if weight and whole
    )
    return summed // sum(weights)


def suggestion(candidates: Candidates, pair: CandidatePair) -> Suggestion:
    """Return a pair with its score and the reasons for it, in the order of `FEATURES`."""
    weights = candidates.market.weights
    reasons = tuple(
        ScoreReason(name, FULL * part // whole if whole else 0, weight, part, whole)
        for name, weight, (part, whole) in zip(
            FEATURES, weights, features(candidates, pair), strict=True
        )
    )
    total = sum(reason.weight * reason.value for reason in reasons) // sum(weights)
    return Suggestion(pair, total, reasons)


def features(candidates: Candidates, pair: CandidatePair) -> tuple[tuple[int, int], ...]:
    """Return (part, whole) of each feature, in the order of `FEATURES`; 0 <= part <= whole."""
    market, (need, offer, _) = candidates.market, pair
    low, high = (need.left, offer.left) if need.left < offer.left else (offer.left, need.left)
    return (
        _kind(need, offer),
        (low, high),
        _time(market, need, offer),
        _urgency(market, need),
        (1, 1) if candidates.wants(offer.member, need.member) else (0, 1),
        _fairness(market.member(need.member)),
        _kept(market.member(offer.member)),
        _place(need, offer),
    )


def _kind(need: Intent, offer: Intent) -> tuple[int, int]:
    """The thing or specification that was asked for, else shared tags of all tags (Jaccard)."""
    if need.resource or need.spec:
        return 1, 1
    shared = len(need.tags & offer.tags)
    return shared, len(need.tags) + len(offer.tags) - shared


def _time(market: MarketState, need: Intent, offer: Intent) -> tuple[int, int]:
    """Milliseconds in which both hold, of those that the need has left; all when it is open."""
    if need.end_ms is None:
        return 1, 1
    begin_ms, end_ms = common_time(market.now_ms, need, offer)
    assert end_ms is not None, "the need has an end"
    return end_ms - begin_ms, need.end_ms - max(market.now_ms, need.begin_ms or 0)


def _urgency(market: MarketState, need: Intent) -> tuple[int, int]:
    """Milliseconds gone of the time before it is due; none without a due time.

    That time is from when the need begins, or else the last `URGENT_MS`.
    """
    if need.due_ms is None:
        return 0, 0
    since_ms = need.due_ms - URGENT_MS if need.begin_ms is None else need.begin_ms
    period_ms = max(1, need.due_ms - since_ms)
    return min(period_ms, max(0, market.now_ms - since_ms)), period_ms


def _fairness(taker: MarketMember) -> tuple[int, int]:
    """What the taker gave, of what they received; all for who gave no less, or had no deal."""
    if taker.given >= taker.received:
        return 1, 1
    return taker.given, taker.received


def _kept(giver: MarketMember) -> tuple[int, int]:
    """Promises that the giver kept, of those that are over; a half while they are few."""
    if giver.promised < PROMISES_MIN:
        return 1, 2
    return giver.kept, giver.promised


def _place(need: Intent, offer: Intent) -> tuple[int, int]:
    """Whether both name the same place, or the same scope."""
    same_place = need.place != b"" and need.place == offer.place
    same_scope = need.scope != b"" and need.scope == offer.scope
    return (1, 1) if same_place or same_scope else (0, 1)
