"""Approximate prices of offers, by auctions among the needs (Bertsekas & Castanon 1989).

A need that lacks something bids for the offer that is worth most to it, so much that its second
choice would be as good, and a step more; who bid least loses what they hold. Auctions with smaller
and smaller steps begin at the prices of the one before. What comes out is a beginning only:
`transport` makes it exact, and would find the same flow from any other prices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TypeAlias

STEP_BITS = (4, 7)
"""Steps of the auctions: the spread of the weights / 2**bits. A last auction has the step 0."""

BIDS_PER_NEED_MAX, LAST_BIDS_PER_NEED_MAX = 16, 3
"""Bids for each need, on average, in an auction, and in the last."""

Ways: TypeAlias = Sequence[list[tuple[int, int, int, int]]]
"""By node, the heaviest first: (weight, node at the other end, edge, capacity)."""


def auction_prices(
    amounts: Sequence[int], ways: Ways, needs: int
) -> tuple[dict[int, int], list[int]]:
    """Return how much is held over which edge, and prices of all nodes; those of needs are 0.

    amounts: of `needs` needs, then of the offers. Work: at most 35 bids for each need, each of
    them linear in its edges.
    """
    weights = [way[0] for own in ways for way in own[:1] + own[-1:]]
    spread = max(weights) - min(weights) if weights else 0
    prices = [0] * len(amounts)
    for bits in STEP_BITS:
        auction = _Auction(amounts, ways, prices, spread >> bits)
        auction.run(needs, BIDS_PER_NEED_MAX)
        prices = [max(0, price - (spread >> bits)) for price in auction.prices]
    last = _Auction(amounts, ways, prices, 0)
    last.run(needs, LAST_BIDS_PER_NEED_MAX)
    return last.held(), last.prices


class _Auction:
    """One auction. lacking: by need; left: by offer; bids: by offer (level, need, edge, amount)."""

    def __init__(self, amounts: Sequence[int], ways: Ways, prices: list[int], step: int) -> None:
        self.ways = ways
        self.step = step
        self.prices = prices
        self.lacking = list(amounts)
        self.left = list(amounts)
        self.bids: list[list[tuple[int, int, int, int]]] = [[] for _ in amounts]
        self.queue: deque[int] = deque()

    def run(self, needs: int, bids_per_need: int) -> None:
        """Let the needs bid in turn, until all hold what they want or the bids are used up."""
        self.queue.extend(range(needs))
        for _ in range(bids_per_need * needs):
            if not self.queue:
                return
            self._bid(self.queue.popleft())

    def held(self) -> dict[int, int]:
        """Return how much is held over each edge."""
        held: dict[int, int] = {}
        for bids in self.bids:
            for _, _, edge, amount in bids:
                held[edge] = held.get(edge, 0) + amount
        return held

    def _bid(self, need: int) -> None:
        best, second, offer, place = 0, 0, -1, -1
        prices = self.prices
        for weight, other, edge, _ in self.ways[need]:
            if weight <= second:
                break
            gain = weight - prices[other]
            if gain > best:
                best, second, offer, place = gain, best, other, edge
            elif gain > second:
                second = gain
        if offer >= 0:
            self._take(need, offer, place, prices[offer] + best - second + self.step)

    def _take(self, need: int, offer: int, place: int, level: int) -> None:
        """Take from what is left of an offer, then from who bid less."""
        bids, wanted = self.bids[offer], self.lacking[need]
        got = min(wanted, self.left[offer])
        self.left[offer] -= got
        while got < wanted and bids and bids[0][0] < level:
            low, loser, edge, amount = heappop(bids)
            taken = min(amount, wanted - got)
            got += taken
            if amount > taken:
                heappush(bids, (low, loser, edge, amount - taken))
            if not self.lacking[loser] and loser != need:
                self.queue.append(loser)
            self.lacking[loser] += taken
        self.lacking[need] -= got
        if got:
            heappush(bids, (level, need, place, got))
        if bids and not self.left[offer]:
            self.prices[offer] = max(self.prices[offer], bids[0][0])
        if self.lacking[need]:
            self.queue.append(need)
