"""A balanced round for time banks: everybody gives as much as they receive.

The mechanism of Andersson, Cseh, Ehlers and Erlanson ("Organizing time exchanges: lessons from
matching markets", American Economic Journal: Microeconomics 13(1), 2021): among the allocations
that are individually rational (nobody receives what they did not ask for, or more) and balanced
(nobody receives more than they give), take those with the most hours exchanged; of these, those
that are best for the first member; of these, best for the second; and so on. Who comes first is
decided by H("cw1/match", last seal, member), so it changes with every seal and nobody chooses it.

On the domain of the paper no member gains by a lie: everybody gives time of one sort, and marks
for each other member whether, and for how many hours at most, they accept theirs. Proof. A lie
that gains may as well hide only, since what was received is also feasible when nothing else is
claimed. Let x be the outcome with the lie, y the honest one, and say that the liar exchanges less
in y. y - x is a sum of circuits, of which one lowers what the liar gives and receives; it passes
the liar once, so it raises nothing that the lie hides, and fits x too. Added to x, it makes x
better or worse in the order of outcomes (it changes the liar's hours, so it is not equal). Better
contradicts that x is best with the lie. Worse contradicts that y is best: taken from y it is
feasible. Where needs of one member compete for several givers this does not hold, and a lie can
pay: then the round is balanced and the most is exchanged, no more.

Both steps are flows of greatest weight (`transport`): what a member leaves of their needs and
their offers goes over two nodes of their own, and what flows between these is what they exchange.
Among equal rounds the pairs that fit best are taken, as in `rounds`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import order_hash
from commonweal.protocol.matching.rounds import (
    TIE_SHIFT,
    Assignment,
    Round,
    Sides,
    Weighed,
    above_minima,
    grain,
    in_order,
    weight,
)
from commonweal.protocol.matching.scores import score
from commonweal.protocol.matching.transport import Edge, TransportProblem

NEEDS_MAX = 1_000
"""Needs in a balanced round."""

CANDIDATES_MAX = 24
"""Offers that it considers for one need, the newest first."""

_MUST = 1 << (TIE_SHIFT + 32)
"""Weight of a unit that must flow: more than all that may flow weighs, 2**16 * 1,001 * 2**80."""


def balanced_round(candidates: Candidates, unit: str) -> Round:
    """Return the balanced round of a unit, in the order of suggestions.

    Considers the newest `NEEDS_MAX` needs of the unit, and `CANDIDATES_MAX` offers for each. Work:
    twice that of `TransportProblem`, and for each member searches of O(pairs).
    """
    seal = candidates.market.seal
    needs = [need for need in candidates.needs if need.unit == unit][:NEEDS_MAX]
    pairs = [pair for need in needs for pair in candidates.of_need(need, CANDIDATES_MAX)]
    weighed = [Weighed(pair, score(candidates, pair)) for pair in pairs]
    result = above_minima(weighed, lambda weighed: balanced(seal, weighed))
    return Round(in_order(seal, result.assignments), result.exact)


def balanced(seal: bytes, weighed: Sequence[Weighed]) -> list[Assignment]:
    """Return how much of each pair is exchanged, minima aside; everybody gives what they receive.

    weighed: pairs of one unit.
    """
    if not weighed:
        return []
    sides = Sides(weighed)
    network = _Network(sides)
    exchanged = network.most_exchanged()
    priority = sorted(network.members, key=lambda member: order_hash(seal, member))
    hours = _by_priority(exchanged, [network.own_edge(member) for member in priority])
    kept = dict(zip(priority, hours, strict=True))
    weights = [weight(seal, own) for own in weighed]
    return sides.assignments(network.part, network.best_fit(kept, weights).flow)


class _Network:
    """The needs and offers of members, and two nodes of each member for what they leave.

    A member's spare offer fills what is left of their needs, and their spare need takes what is
    left of their offers; what goes from their spare offer to their spare need is what they
    exchange. All nodes are served in full.
    """

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.part = grain(sides.amounts(), sides.needed() + sides.offered())
        self.needed: dict[bytes, int] = defaultdict(int)
        self.offered: dict[bytes, int] = defaultdict(int)
        for need in sides.needs:
            self.needed[need.member] += need.left // self.part
        for offer in sides.offers:
            self.offered[offer.member] += offer.left // self.part
        self.members = sorted(self.needed.keys() | self.offered.keys())
        self.place = {member: place for place, member in enumerate(self.members)}

    def most_exchanged(self) -> TransportProblem:
        """Return the flow in which most is exchanged."""
        across = [
            Edge(
                len(self.sides.needs) + place,
                len(self.sides.offers) + place,
                min(self.needed[member], self.offered[member]),
                _MUST,
            )
            for place, member in enumerate(self.members)
        ]
        return self._flow(dict.fromkeys(self.members, 0), [1] * len(self.sides.weighed), across)

    def best_fit(self, kept: dict[bytes, int], weights: Sequence[int]) -> TransportProblem:
        """Return the flow of greatest weight in which each member exchanges what is `kept`."""
        return self._flow(kept, weights, [])

    def own_edge(self, member: bytes) -> int:
        """Return the edge of `most_exchanged` on which a member's exchange flows."""
        others = len(self.sides.weighed) + len(self.sides.needs) + len(self.sides.offers)
        return others + self.place[member]

    def _flow(
        self, kept: dict[bytes, int], weights: Sequence[int], across: list[Edge]
    ) -> TransportProblem:
        needs, offers, part = self.sides.needs, self.sides.offers, self.part
        spare_offers = [self.needed[member] - kept[member] for member in self.members]
        spare_needs = [self.offered[member] - kept[member] for member in self.members]
        left_of_needs = [
            Edge(place, len(offers) + self.place[need.member], need.left // part, _MUST)
            for place, need in enumerate(needs)
        ]
        left_of_offers = [
            Edge(len(needs) + self.place[offer.member], place, offer.left // part, _MUST)
            for place, offer in enumerate(offers)
        ]
        pairs = self.sides.edges(part, [_MUST + own for own in weights])
        return TransportProblem(
            [*(need.left // part for need in needs), *spare_needs],
            [*(offer.left // part for offer in offers), *spare_offers],
            [*pairs, *left_of_needs, *left_of_offers, *across],
        )


def _by_priority(solved: TransportProblem, own: Sequence[int]) -> list[int]:
    """Let each in turn exchange as much as they can, and no less is exchanged in all.

    own: by priority, the edge on which a member's exchange flows. Only flow at prices that prove
    it is the most is moved, and nobody who came before is touched.
    """
    fixed: dict[int, None] = {}
    hours = []
    for edge in own:
        fixed[edge] = None
        while circuit := _circuit(solved, edge, fixed):
            moved = solved.ends[edge][2] - solved.flow[edge]
            for place, more in circuit:
                room = solved.ends[place][2] - solved.flow[place] if more else solved.flow[place]
                moved = min(moved, room)
            if not moved:
                break
            solved.move(edge, moved)
            for place, more in circuit:
                solved.move(place, moved if more else -moved)
        hours.append(solved.flow[edge])
    return hours


def _circuit(solved: TransportProblem, edge: int, fixed: dict[int, None]) -> list[tuple[int, bool]]:
    """Return edges that carry more or less when `edge` carries more; none: it cannot.

    Breadth first: needs are reached over edges that carry less, offers over ones that carry more.
    """
    need, offer = solved.ends[edge][:2]
    came: dict[int, tuple[int, int]] = {offer: (-1, -1)}
    queue = deque([(offer, False)])
    while queue:
        node, more = queue.popleft()
        ways = (
            solved.carrying[node] if not more else [place for _, _, place, _ in solved.ways[node]]
        )
        for place in ways:
            ends = solved.ends[place]
            other = ends[0] if node == ends[1] else ends[1]
            if other in came or place in fixed or (more and solved.flow[place] == ends[2]):
                continue
            if solved.prices[ends[0]] + solved.prices[ends[1]] != ends[3]:
                continue
            came[other] = node, place
            if other == need:
                return _back(came, need)
            queue.append((other, not more))
    return []


def _back(came: dict[int, tuple[int, int]], node: int) -> list[tuple[int, bool]]:
    """Return the edges of a path from its end; every second carries more."""
    path: list[tuple[int, bool]] = []
    while came[node][0] >= 0:
        node, place = came[node]
        path.append((place, len(path) % 2 == 1))
    return path
