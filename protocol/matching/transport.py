"""The transportation problem: amounts from offers to needs of greatest total weight, exactly.

Approximate prices come from an auction (`transport_prices`); from there every node that is not
served is served along a shortest augmenting path with dual prices (Kuhn 1955; Edmonds & Karp 1972;
Jonker & Volgenant 1987). Whole numbers only. Weights may have any size, so a weight with a tie in
its lower bits is solved in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from commonweal.protocol.matching.transport_prices import auction_prices

EDGES_MAX = 1 << 18
"""Edges of one problem."""

UNITS_MAX = 1 << 16
"""The most that can be moved in one problem: each augmentation moves at least 1."""


class Edge(NamedTuple):
    """What may go from one offer to one need: at most `capacity`, worth `weight` > 0 a unit."""

    need: int
    offer: int
    capacity: int
    weight: int


class TransportProblem:
    """The flow of greatest weight, and prices that prove it.

    needs, offers: how much each takes and gives at most, >= 0; the smaller of the two sums is at
    most `UNITS_MAX`. At most `EDGES_MAX` edges. flow: by edge. prices: of the needs, then of the
    offers, >= 0. For every edge the two prices sum to at least its weight where it is not full,
    and to at most its weight where it carries something; who has something left has the price 0.
    Work: at most 2 * `UNITS_MAX` augmentations of O(edges * log(edges)); as a rule an augmentation
    sees a few nodes only.
    """

    def __init__(self, needs: Sequence[int], offers: Sequence[int], edges: Sequence[Edge]) -> None:
        assert len(edges) <= EDGES_MAX, "the problem is bounded"
        assert min(sum(needs), sum(offers)) <= UNITS_MAX, "the problem is bounded"
        self.flow = [0] * len(edges)
        self.left = [*needs, *offers]
        self.ends = [
            (edge.need, len(needs) + edge.offer, edge.capacity, edge.weight) for edge in edges
        ]
        self.ways: list[list[tuple[int, int, int, int]]] = [[] for _ in self.left]
        self.carrying: list[dict[int, None]] = [{} for _ in self.left]
        for place, (need, offer, capacity, weight) in enumerate(self.ends):
            self.ways[need].append((weight, offer, place, capacity))
            self.ways[offer].append((weight, need, place, capacity))
        for ways in self.ways:
            ways.sort(reverse=True)  # the heaviest first
        self._begin(len(needs))
        for node in range(len(self.left)):
            self._serve(node)

    def _begin(self, needs: int) -> None:
        """Take the prices of offers from an auction, and what it moved where these allow it."""
        held, self.prices = auction_prices(self.left, self.ways, needs)
        for need in range(needs):
            gains = [weight - self.prices[offer] for weight, offer, _, _ in self.ways[need]]
            self.prices[need] = max(0, *gains) if gains else 0
        for place, amount in held.items():
            need, offer, capacity, weight = self.ends[place]
            if self.prices[need] + self.prices[offer] == weight and capacity:
                moved = min(amount, capacity)
                self.move(place, moved)
                self.left[need] -= moved
                self.left[offer] -= moved

    def move(self, place: int, amount: int) -> None:
        """Move so much more over an edge; negative: less."""
        self.flow[place] += amount
        for node in self.ends[place][:2]:
            if self.flow[place]:
                self.carrying[node][place] = None
            else:
                self.carrying[node].pop(place, None)

    def _serve(self, node: int) -> None:
        """Use up what a node has left, as far as it is worth it."""
        while self.left[node] and self.prices[node]:
            search = _PathSearch(self, node)
            path = search.path()
            moved = self.left[node if search.other is None else search.other]
            for place, more in path:
                room = self.ends[place][2] - self.flow[place] if more else self.flow[place]
                moved = min(moved, room)
            moved = min(moved, self.left[node])
            search.lower()
            if search.other is None and search.node == node:
                return
            for place, more in path:
                self.move(place, moved if more else -moved)
            self.left[node] -= moved
            if search.other is not None:
                self.left[search.other] -= moved
            else:
                self.left[search.node] += moved


class _PathSearch:
    """A shortest path from a node with something left, in reduced weights.

    It ends at an `other` of the other side with something left, reached from `node`; or at a `node`
    of the same side that goes without, at its price. length: of the path. nodes, others: distances.
    """

    def __init__(self, work: TransportProblem, start: int) -> None:
        self.work = work
        self.nodes: dict[int, int] = {start: 0}
        self.others: dict[int, int] = {}
        self._to_node: dict[int, int] = {}
        self._to_other: dict[int, tuple[int, int]] = {}
        self.other: int | None = None
        self.node = start
        self.length = work.prices[start]
        self._queue: list[tuple[int, int]] = []
        self._from(start, 0)
        self._search()

    def _search(self) -> None:
        """Dijkstra over others; each node is reached from one that it gives back something of."""
        work, prices = self.work, self.work.prices
        while self._queue:
            distance, other = heappop(self._queue)
            if distance >= self.length:
                return
            if distance > self.others[other]:
                continue
            for place in work.carrying[other]:
                need, offer, _, weight = work.ends[place]
                node = need if other == offer else offer
                reached = distance + weight - prices[need] - prices[offer]
                known = self.nodes.get(node)
                if known is None or reached < known:
                    self.nodes[node] = reached
                    self._to_node[node] = place
                    self._from(node, reached)

    def _from(self, node: int, distance: int) -> None:
        work = self.work
        flow, prices, left, others = work.flow, work.prices, work.left, self.others
        base, length = distance + prices[node], self.length
        if base < length:
            length = self.length = base
            self.node, self.other = node, None
        for weight, other, place, capacity in work.ways[node]:
            if base - weight >= length:
                break  # the rest weighs less, and no price is below 0
            reached = base + prices[other] - weight
            if reached >= length or flow[place] == capacity:
                continue
            known = others.get(other)
            if known is not None and known <= reached:
                continue
            others[other] = reached
            self._to_other[other] = place, node
            if left[other]:
                length = self.length = reached
                self.node, self.other = node, other
            else:
                heappush(self._queue, (reached, other))

    def path(self) -> list[tuple[int, bool]]:
        """Return the edges of the path from its end, and whether each gets more."""
        steps: list[tuple[int, bool]] = []
        node = self.node
        if self.other is not None:
            steps.append((self._to_other[self.other][0], True))
        while node in self._to_node:
            place = self._to_node[node]
            need, offer, _, _ = self.work.ends[place]
            onward, before = self._to_other[need if node == offer else offer]
            steps += (place, False), (onward, True)
            node = before
        return steps

    def lower(self) -> None:
        """Lower the prices of the nodes that were seen, and raise those of the others."""
        prices, length = self.work.prices, self.length
        for node, distance in self.nodes.items():
            if distance < length:
                prices[node] -= length - distance
        for other, distance in self.others.items():
            if distance < length:
                prices[other] += length - distance
