"""Layer 4: rings, in which everybody gives to the next and the last to the first.

Members are the nodes of a graph, and the pair of greatest weight leads from giver to taker.
Without a limit on their length, disjoint rings of greatest weight can be found in polynomial time;
with one of 3 or more that is NP-hard (Abraham, Blum & Sandholm, "Clearing algorithms for barter
exchange markets", 2007). Rings are found here depth first within a number of steps, and which of
them to suggest is decided in `ring_choice`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from commonweal.protocol.matching.candidates import CandidatePair, Candidates
from commonweal.protocol.matching.market import tie
from commonweal.protocol.matching.ring_choice import RINGS_MAX, chosen
from commonweal.protocol.matching.ring_prices import Ring
from commonweal.protocol.matching.rounds import TIE_SHIFT, Weighed, weight
from commonweal.protocol.matching.scores import score

RING_MEMBERS_MIN, RING_MEMBERS_MAX = 2, 4

RING_CANDIDATES_MAX = 24
"""Offers that are considered for one need, the newest first."""

WAYS_MAX = 12
"""Members that one member may give to in a ring: those of the greatest weight."""

STEPS_MAX = 1_000_000
"""Steps of the search for rings: one for each member that is tried after another."""


class Way(NamedTuple):
    """The best pair from one member to another, its score, and its weight with the tie."""

    pair: CandidatePair
    score: int
    weight: int


Members: TypeAlias = tuple[bytes, ...]
Takers: TypeAlias = Mapping[bytes, list[bytes]]
Ways: TypeAlias = Mapping[bytes, Mapping[bytes, Way]]
"""By who gives, by who takes."""


class SuggestedRing(NamedTuple):
    """A ring: each pair's need is of the member who offers in the next pair.

    score: the sum of the scores of its pairs.
    """

    pairs: tuple[CandidatePair, ...]
    scores: tuple[int, ...]

    @property
    def score(self) -> int:
        """The sum of the scores of its pairs."""
        return sum(self.scores)


class Rings(NamedTuple):
    """Disjoint rings, the smallest member's first. exact: none of greater weight exist among all
    rings; complete: all rings were seen.
    """

    rings: tuple[SuggestedRing, ...]
    exact: bool
    complete: bool


def suggested_rings(candidates: Candidates, members_max: int) -> Rings:
    """Return disjoint rings of at most `members_max` members, 2..4, of greatest weight.

    Considers `RING_CANDIDATES_MAX` offers for each need, of these the best `WAYS_MAX` of each
    giver, and at most `STEPS_MAX` steps of search.
    """
    ways = best_ways(candidates)
    cycles, complete = all_rings(ways, members_max)
    seal = candidates.market.seal
    rings = [_weighed(seal, ways, members) for members in cycles]
    picked, exact = chosen(rings)
    return Rings(
        tuple(_suggested(ways, ring.members) for ring in picked), exact and complete, complete
    )


def ring_pairs(candidates: Candidates) -> list[CandidatePair]:
    """Return the pairs that rings are made of, by need, newest first."""
    needs = candidates.needs
    return [pair for need in needs for pair in candidates.of_need(need, RING_CANDIDATES_MAX)]


def best_ways(candidates: Candidates) -> Ways:
    """Return, for each giver, the `WAYS_MAX` takers of greatest weight, each by its best pair."""
    seal = candidates.market.seal
    best: dict[bytes, dict[bytes, Way]] = defaultdict(dict)
    for pair in ring_pairs(candidates):
        points = score(candidates, pair)
        mine = best[pair.offer.member]
        known = mine.get(pair.need.member)
        if known is None or known.score <= points:
            way = Way(pair, points, weight(seal, Weighed(pair, points)))
            if known is None or known.weight < way.weight:
                mine[pair.need.member] = way
    return {
        giver: {
            taker: best[giver][taker]
            for taker in sorted(best[giver], key=lambda taker: -best[giver][taker].weight)[
                :WAYS_MAX
            ]
        }
        for giver in sorted(best)
    }


def all_rings(ways: Ways, members_max: int) -> tuple[list[Members], bool]:
    """Return the rings of 2 to `members_max` members, and whether these are all.

    Each begins at its smallest member. Depth first, by id; ends at `STEPS_MAX` steps or
    `RINGS_MAX` rings.
    """
    assert RING_MEMBERS_MIN <= members_max <= RING_MEMBERS_MAX, "checked with the rules"
    takers = {giver: sorted(ways[giver]) for giver in sorted(ways)}
    rings: list[Members] = []
    steps = 0
    for start in takers:
        for ring in _from(start, ways, takers, members_max):
            if steps == STEPS_MAX or (ring and len(rings) == RINGS_MAX):
                return rings, False
            if ring:
                rings.append(ring)
            else:
                steps += 1
    return rings, True


def _from(start: bytes, ways: Ways, takers: Takers, members_max: int) -> Iterator[Members]:
    """Yield the rings whose smallest member is `start`; an empty one for each other step."""
    path = [start]
    waiting = [iter(takers[start])]
    while waiting:
        taker = next(waiting[-1], None)
        if taker is None:
            waiting.pop()
            path.pop()
            continue
        yield ()
        if taker <= start or taker in path or taker not in ways:
            continue
        path.append(taker)
        if start in ways[taker]:
            yield tuple(path)
        if len(path) < members_max:
            waiting.append(iter(takers[taker]))
        else:
            path.pop()


def _weighed(seal: bytes, ways: Ways, members: tuple[bytes, ...]) -> Ring:
    own = [ways[giver][taker] for giver, taker in _around(members)]
    ids = [id for way in own for id in (way.pair.need.id, way.pair.offer.id)]
    points = sum(way.score for way in own)
    return Ring(members, (points << TIE_SHIFT) + tie(seal, *ids))


def _suggested(ways: Ways, members: tuple[bytes, ...]) -> SuggestedRing:
    own = [ways[giver][taker] for giver, taker in _around(members)]
    return SuggestedRing(tuple(way.pair for way in own), tuple(way.score for way in own))


def _around(members: tuple[bytes, ...]) -> Iterable[tuple[bytes, bytes]]:
    return zip(members, (*members[1:], members[0]), strict=True)
