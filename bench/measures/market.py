"""Matching: suggestions for one member, a round for all, and rings, beside networkx and all pairs.

The market is made, not recorded: 2,000 offers and 2,000 needs of 500 members, one to eight hours
each, half of them of one of 60 kinds, the rest with one to three of 60 tags. On one core.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import networkx

from bench.figures import Figure
from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE, Intent, MarketMember, MarketState
from commonweal.protocol.matching.rings import Ways, best_ways, suggested_rings
from commonweal.protocol.matching.rounds import Weighed, round_pairs, suggested_round, weight
from commonweal.protocol.matching.scores import score, suggestions
from commonweal.protocol.matching.time_balance import balanced_round

INTENTS, MEMBERS, KINDS = 2_000, 500, 60
NOW_MS, DAY_MS = 1_700_000_000_000, 86_400_000
FOR_ONE_S, ROUND_S, RINGS_S = 0.05, 2.0, 1.0
"""The aims, in seconds."""


def figures() -> list[Figure]:
    """Return how long each takes, with its aim, and beside another way to the same result."""
    whole = market(random.Random(1), INTENTS, MEMBERS)
    member = max(whole.members, key=lambda id: sum(need.member == id for need in whole.needs))
    for_one = _seconds(lambda: suggestions(Candidates(whole), member))
    every_pair = _seconds(lambda: _all_pairs(whole, member))
    round_s = _seconds(lambda: suggested_round(Candidates(whole)))
    rings_s = _seconds(lambda: suggested_rings(Candidates(whole), 3))
    ways = best_ways(Candidates(whole))
    cycles_s = _seconds(lambda: _cycles(ways))
    oracle_s = _seconds(lambda: _networkx_round(whole))
    bank = market(random.Random(3), INTENTS // 4, MEMBERS // 4)
    balanced_s = _seconds(lambda: balanced_round(Candidates(bank), "hour"))
    return [
        _figure("suggestions for one member", for_one, FOR_ONE_S),
        Figure("same", for_one, "s", "all pairs", every_pair, for_one / every_pair, low=True),
        _figure("round for all", round_s, ROUND_S),
        Figure("same", round_s, "s", "networkx", oracle_s, round_s / oracle_s, low=True),
        _figure("rings of at most 3", rings_s, RINGS_S),
        Figure("same", rings_s, "s", "cycles by networkx", cycles_s, rings_s / cycles_s, low=True),
        Figure(
            f"balanced round, {INTENTS // 4} needs", balanced_s, "s", "", 1, balanced_s, low=True
        ),
    ]


def market(rng: random.Random, intents: int, members: int) -> MarketState:
    """Return a market of as many offers as needs."""
    ids = [rng.randbytes(32) for _ in range(members)]
    kinds = [rng.randbytes(32) for _ in range(KINDS)]
    tags = [f"tag {number}" for number in range(KINDS)]

    def intent() -> Intent:
        return Intent(
            rng.randbytes(32),
            rng.choice(ids),
            rng.randrange(10**6),
            "deliverService",
            "hour",
            rng.randint(1, 8) * ONE,
            spec=rng.choice(kinds) if rng.random() < 0.5 else b"",
            tags=frozenset(rng.sample(tags, rng.randint(1, 3))),
            due_ms=NOW_MS + rng.randrange(60) * DAY_MS if rng.random() < 0.5 else None,
            end_ms=NOW_MS + rng.randrange(1, 60) * DAY_MS if rng.random() < 0.5 else None,
        )

    known = {}
    for id in ids:
        kept = rng.randrange(8)
        known[id] = MarketMember(
            rng.randrange(20), rng.randrange(20), kept, kept + rng.randrange(3)
        )
    sides = [tuple(intent() for _ in range(intents)) for _ in range(2)]
    return MarketState(rng.randbytes(32), NOW_MS, sides[0], sides[1], known)


def _figure(name: str, seconds: float, aim_s: float) -> Figure:
    return Figure(name, seconds, "s", "aim", aim_s, seconds / aim_s, 1, low=True)


def _seconds(act: Callable[[], object]) -> float:
    """Return the least processor time of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return min(times)


def _all_pairs(whole: MarketState, member: bytes) -> None:
    """Look at every offer for every need of a member, and the other way round."""
    candidates = Candidates(whole)
    pairs = [
        pair
        for need in whole.needs
        for offer in whole.offers
        if member in (need.member, offer.member)
        if (pair := candidates.pair(need, offer)) is not None
    ]
    sorted(pairs, key=lambda pair: -score(candidates, pair))


def _networkx_round(whole: MarketState) -> None:
    candidates = Candidates(whole)
    graph = networkx.DiGraph()
    for need in candidates.needs:
        graph.add_edge("from", need.id, capacity=need.left // ONE, weight=0)
    for offer in candidates.offers:
        graph.add_edge(offer.id, "to", capacity=offer.left // ONE, weight=0)
    for pair in round_pairs(candidates):
        weighed = weight(whole.seal, Weighed(pair, score(candidates, pair)))
        graph.add_edge(pair.need.id, pair.offer.id, capacity=pair.amount // ONE, weight=-weighed)
    graph.add_edge("to", "from", capacity=10**9, weight=0)
    networkx.network_simplex(graph)


def _cycles(ways: Ways) -> None:
    graph = networkx.DiGraph()
    for giver, takers in ways.items():
        graph.add_edges_from((giver, taker) for taker in takers)
    for _ in networkx.simple_cycles(graph, length_bound=3):
        pass
