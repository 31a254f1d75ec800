"""Layer 3: a round for all, the assignment of offers to needs of greatest total weight.

The weight of a pair is its score, for each unit that goes from the offer to the need. An amount may
be divided among several. The sum is made unique by a tie: a pair weighs score * 2**80 + tie, where
tie is the first 64 bits of H("cw1/match", last seal, need, offer).

Why that is unique. At most 2**16 units are moved, so the ties sum to less than 2**80 and never
outweigh a score. Of two different optima some pair carries different amounts. With all other ties
fixed, the optimum as a function of the tie of that pair is convex and piecewise linear, with whole
slopes from 0 to the pair's capacity c, so it bends at no more than c ties, and only there can two
amounts be optimal. A tie is one of 2**64, so the chance of a second optimum is at most the sum of
all capacities over 2**64: the isolation lemma (Mulmuley, Vazirani and Vazirani, "Matching is as
easy as matrix inversion", 1987) as generalised to whole solutions (Klivans and Spielman,
"Randomness efficient identity testing of multivariate polynomials", 2001). With 2**18 pairs of at
most 2**16 units that is below 2**-30. The seal in the hash is known to nobody who writes an offer.

So any exact solver finds the same round. Minima are outside of this: see `above_minima`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import gcd
from typing import NamedTuple

from commonweal.protocol.matching.candidates import CandidatePair, Candidates
from commonweal.protocol.matching.market import order_hash, tie
from commonweal.protocol.matching.scores import score
from commonweal.protocol.matching.transport import UNITS_MAX, Edge, TransportProblem

ROUND_CANDIDATES_MAX = 50
"""Offers that a round considers for one need, the newest first."""

TIE_SHIFT = 80
"""Bits below the score in a weight."""

PASSES_MAX = 8
"""Times that a round of one unit is computed again, since amounts fell short of a minimum."""


class Weighed(NamedTuple):
    """A pair and its score."""

    pair: CandidatePair
    score: int


class Assignment(NamedTuple):
    """What a round suggests: so much of an offer for a need."""

    pair: CandidatePair
    amount: int
    score: int


class Round(NamedTuple):
    """Assignments in the order of suggestions. exact: no better ones exist."""

    assignments: tuple[Assignment, ...]
    exact: bool


def round_pairs(candidates: Candidates) -> list[CandidatePair]:
    """Return the pairs that a round considers, by need, newest first."""
    needs = candidates.needs
    return [pair for need in needs for pair in candidates.of_need(need, ROUND_CANDIDATES_MAX)]


def suggested_round(candidates: Candidates) -> Round:
    """Return the assignments of greatest total weight, in the order of suggestions.

    Each unit of measure is a problem of its own. Work: that of `TransportProblem`, for each unit.
    """
    seal = candidates.market.seal
    by_unit: dict[str, list[Weighed]] = defaultdict(list)
    for pair in round_pairs(candidates):
        by_unit[pair.need.unit].append(Weighed(pair, score(candidates, pair)))
    exact = True
    assignments: list[Assignment] = []
    for unit in sorted(by_unit):
        result = above_minima(by_unit[unit], lambda weighed: _assigned(seal, weighed))
        exact = exact and result.exact
        assignments += result.assignments
    return Round(in_order(seal, assignments), exact)


def weight(seal: bytes, weighed: Weighed) -> int:
    """Return what a unit of a pair weighs: its score, and below that its tie."""
    pair, points = weighed
    return (points << TIE_SHIFT) + tie(seal, pair.need.id, pair.offer.id)


def in_order(seal: bytes, assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """Return assignments in the order of suggestions."""
    return tuple(
        sorted(
            assignments,
            key=lambda given: (
                -given.score,
                order_hash(seal, given.pair.need.id, given.pair.offer.id),
            ),
        )
    )


def grain(amounts: Iterable[int], total: int, units_max: int = UNITS_MAX) -> int:
    """Return the part in which amounts are counted, so that `total` is at most `units_max` parts.

    The greatest common part; where that is too small, the smallest power of ten that is not. What
    an amount has beyond whole parts is left out.
    """
    part = gcd(*amounts)
    if total // part > units_max:
        part = 1
        while total // part > units_max:
            part *= 10
    return part


def above_minima(
    weighed: Sequence[Weighed], assigned: Callable[[Sequence[Weighed]], list[Assignment]]
) -> Round:
    """Return what `assigned` gives for pairs, none of it below a minimum.

    Pairs that got less than a minimum are taken out and all is computed again, at most
    `PASSES_MAX` times; then every pair with a minimum is taken out. That is good, but not `exact`.
    """
    exact = True
    for _ in range(PASSES_MAX):
        given = assigned(weighed)
        short = {_ids(pair) for pair, amount, _ in given if amount < _minimum(pair)}
        if not short:
            return Round(tuple(given), exact)
        exact = False
        weighed = [own for own in weighed if _ids(own.pair) not in short]
    return Round(tuple(assigned([own for own in weighed if not _minimum(own.pair)])), exact)


def _ids(pair: CandidatePair) -> tuple[bytes, bytes]:
    return pair.need.id, pair.offer.id


def _minimum(pair: CandidatePair) -> int:
    return max(pair.need.minimum, pair.offer.minimum)


def _assigned(seal: bytes, weighed: Sequence[Weighed]) -> list[Assignment]:
    """Return the assignments of one unit that weigh most."""
    if not weighed:
        return []
    sides = Sides(weighed)
    part = grain(sides.amounts(), min(sides.needed(), sides.offered()))
    solved = TransportProblem(
        [need.left // part for need in sides.needs],
        [offer.left // part for offer in sides.offers],
        sides.edges(part, [weight(seal, own) for own in weighed]),
    )
    return sides.assignments(part, solved.flow)


class Sides:
    """The needs and the offers of weighed pairs, each in the order of their ids."""

    def __init__(self, weighed: Sequence[Weighed]) -> None:
        self.weighed = weighed
        needs = {pair.need.id: pair.need for pair, _ in weighed}
        offers = {pair.offer.id: pair.offer for pair, _ in weighed}
        self.needs = [needs[id] for id in sorted(needs)]
        self.offers = [offers[id] for id in sorted(offers)]

    def amounts(self) -> list[int]:
        """Return what is left of each."""
        return [intent.left for intent in (*self.needs, *self.offers)]

    def needed(self) -> int:
        """Return how much is needed in all."""
        return sum(need.left for need in self.needs)

    def offered(self) -> int:
        """Return how much is offered in all."""
        return sum(offer.left for offer in self.offers)

    def edges(self, part: int, weights: Sequence[int]) -> list[Edge]:
        """Return an edge for each pair, of so many parts as the two could agree on."""
        need_at = {need.id: place for place, need in enumerate(self.needs)}
        offer_at = {offer.id: place for place, offer in enumerate(self.offers)}
        return [
            Edge(need_at[pair.need.id], offer_at[pair.offer.id], pair.amount // part, own)
            for (pair, _), own in zip(self.weighed, weights, strict=True)
        ]

    def assignments(self, part: int, flow: Sequence[int]) -> list[Assignment]:
        """Return what flows over the edges as amounts. flow: of the pairs, then of others."""
        return [
            Assignment(pair, parts * part, points)
            for (pair, points), parts in zip(self.weighed, flow, strict=False)
            if parts
        ]
