"""Prices of members, so that each ring costs at least what it weighs, and all together little.

No choice of disjoint rings weighs more than all prices together, so their sum bounds the search in
`ring_choice`. They come from subgradient steps on the Lagrangian dual (Held, Wolfe & Crowder,
"Validation of subgradient optimization", 1974), in whole numbers, and are then made to hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

ROUNDS_MAX = 300
"""Steps of the subgradient; the factor of the step is halved after each `ROUNDS_PER_FACTOR`."""

ROUNDS_PER_FACTOR = 20

VISITS_MAX = 260_000
"""Rings times rounds: with more rings there are fewer rounds."""


class Ring(NamedTuple):
    """Members in their order, from the smallest, and the weight with the tie; weights differ."""

    members: tuple[bytes, ...]
    weight: int


Prices: TypeAlias = dict[bytes, int]


def ring_prices(rings: Sequence[Ring], reached: int) -> Prices:
    """Return a price >= 0 for each member; no ring weighs more than its members cost together.

    rings: in the order of their members. reached: the weight of a choice that is known.
    """
    prices: Prices = {}
    for ring in rings:
        for member in ring.members:
            prices[member] = max(prices.get(member, 0), ring.weight // len(ring.members))
    best, lowest = prices, None
    for number in range(min(ROUNDS_MAX, VISITS_MAX // len(rings))):
        bound, wanted = _relaxed(rings, prices)
        if lowest is None or bound < lowest:
            best, lowest = prices, bound
        length = sum(
            (1 - wanted[member]) ** 2 for member in prices if prices[member] or wanted[member]
        )
        if not length:
            break
        step = 2 * (bound - reached) // (length << number // ROUNDS_PER_FACTOR)
        prices = {
            member: max(0, price - step * (1 - wanted[member])) for member, price in prices.items()
        }
    return _lowered(rings, _raised(rings, best))


def _relaxed(rings: Sequence[Ring], prices: Prices) -> tuple[int, Mapping[bytes, int]]:
    """Return the dual bound, and how many of the rings that weigh more than they cost want each."""
    bound, wanted = sum(prices.values()), dict.fromkeys(prices, 0)
    for ring in rings:
        gain = ring.weight
        for member in ring.members:
            gain -= prices[member]
        if gain > 0:
            bound += gain
            for member in ring.members:
                wanted[member] += 1
    return bound, wanted


def _raised(rings: Sequence[Ring], prices: Prices) -> Prices:
    """Raise prices, ring by ring, alike for all members of a ring that costs too little."""
    raised = dict(prices)
    for ring in rings:
        lacking = ring.weight - sum(raised[member] for member in ring.members)
        if lacking > 0:
            for member in ring.members:
                raised[member] += -(-lacking // len(ring.members))
    return raised


def _lowered(rings: Sequence[Ring], prices: Prices) -> Prices:
    """Lower prices, member by member in the order of their ids, as far as all rings allow."""
    lowered = dict(prices)
    own: dict[bytes, list[Ring]] = {member: [] for member in prices}
    for ring in rings:
        for member in ring.members:
            own[member].append(ring)
    for member in sorted(lowered):
        slack = min(
            sum(lowered[other] for other in ring.members) - ring.weight for ring in own[member]
        )
        lowered[member] -= min(slack, lowered[member])
    return lowered
