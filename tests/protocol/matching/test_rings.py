"""Layer 4: rings, and which of them are suggested."""

from __future__ import annotations

import random
from itertools import combinations, permutations

import networkx
import pytest
from hypothesis import given

from commonweal.protocol.matching import ring_choice, ring_prices, rings
from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE
from commonweal.protocol.matching.ring_choice import chosen, greedy
from commonweal.protocol.matching.ring_prices import Ring
from commonweal.protocol.matching.ring_prices import ring_prices as prices_of
from commonweal.protocol.matching.rings import (
    WAYS_MAX,
    all_rings,
    best_ways,
    ring_pairs,
    suggested_rings,
)
from commonweal.protocol.matching.scores import score
from tests.protocol.matching.markets import (
    ANA,
    BO,
    CY,
    DI,
    SEEDS,
    intent,
    market,
    random_market,
    shuffled,
)

APPLES, LODGING, TUTORING = (name.encode().ljust(32, b"_") for name in ("apples", "bed", "tutor"))


def random_rings(rng: random.Random, members: int, count: int) -> list[Ring]:
    """Return rings of 2 to 4 of so many members, with different weights."""
    found = {}
    for _ in range(count):
        chain = rng.sample(range(members), rng.randint(2, min(4, members)))
        place = chain.index(min(chain))
        ring = tuple(bytes([member]) for member in (*chain[place:], *chain[:place]))
        found[ring] = Ring(ring, (rng.randrange(1, 4) << 80) + rng.getrandbits(64))
    return list(found.values())


def heaviest(of: list[Ring]) -> list[Ring]:
    """Return the disjoint rings of greatest weight, by trying all."""
    if not of:
        return []
    first, rest = of[0], of[1:]
    without = heaviest(rest)
    used = set(first.members)
    having = [first, *heaviest([ring for ring in rest if not used & set(ring.members)])]
    return max(without, having, key=lambda picked: sum(ring.weight for ring in picked))


def test_a_ring_of_three_where_no_two_could_deal() -> None:
    offers = [
        intent("apples", ANA, 50, unit="kg", spec=APPLES),
        intent("bed", BO, spec=LODGING),
        intent("tutor", CY, spec=TUTORING),
    ]
    needs = [
        intent("n-apples", BO, 50, unit="kg", spec=APPLES),
        intent("n-bed", CY, spec=LODGING),
        intent("n-tutor", ANA, spec=TUTORING),
    ]
    candidates = Candidates(market(offers, needs))
    found = suggested_rings(candidates, 3)
    assert (found.exact, found.complete) == (True, True)
    (ring,) = found.rings
    assert [pair.offer.member for pair in ring.pairs] == [ANA, BO, CY]
    assert [pair.need.member for pair in ring.pairs] == [BO, CY, ANA]
    assert [pair.amount for pair in ring.pairs] == [50 * ONE, ONE, ONE]
    assert ring.scores == tuple(score(candidates, pair) for pair in ring.pairs)
    assert ring.score == sum(ring.scores)
    assert suggested_rings(candidates, 2).rings == ()


@pytest.mark.parametrize("members_max", [2, 3, 4])
@given(seed=SEEDS)
def test_rings_are_all_simple_cycles_from_their_smallest_member(
    members_max: int, seed: int
) -> None:
    ways = best_ways(Candidates(random_market(random.Random(seed), members=6, intents=14)))
    found, complete = all_rings(ways, members_max)
    expected = {
        chain
        for size in range(2, members_max + 1)
        for chain in permutations(ways, size)
        if chain[0] == min(chain)
        if all(
            taker in ways[giver] for giver, taker in zip(chain, chain[1:] + chain[:1], strict=True)
        )
    }
    assert complete
    assert len(found) == len(expected)
    assert set(found) == expected


def test_the_best_pair_stands_for_two_members() -> None:
    offers = [intent("small", ANA, 1), intent("large", ANA, 3)]
    candidates = Candidates(market(offers, [intent("n", BO, 3)]))
    way = best_ways(candidates)[ANA][BO]
    assert way.pair.offer.left == 3 * ONE
    assert way.score == max(score(candidates, pair) for pair in ring_pairs(candidates))


def test_a_member_gives_to_so_many_in_rings() -> None:
    needs = [
        intent(f"{number}", number.to_bytes(32, "big"), 1 + number)
        for number in range(WAYS_MAX + 1)
    ]
    candidates = Candidates(market([intent("o", ANA, WAYS_MAX + 1)], needs))
    takers = best_ways(candidates)[ANA]
    assert list(takers) == [number.to_bytes(32, "big") for number in range(WAYS_MAX, 0, -1)]


@given(SEEDS)
def test_the_rings_of_greatest_weight_are_chosen(seed: int) -> None:
    rng = random.Random(seed)
    of = random_rings(rng, rng.randint(3, 9), rng.randint(1, 12))
    picked, exact = chosen(of)
    assert exact
    assert picked == sorted(heaviest(of))
    assert chosen(rng.sample(of, len(of)))[0] == picked


@given(SEEDS)
def test_rings_of_two_are_a_matching_as_networkx_finds_it(seed: int) -> None:
    rng = random.Random(seed)
    of = [
        Ring((bytes([one]), bytes([other])), (rng.randrange(1, 9) << 80) + rng.getrandbits(64))
        for one, other in combinations(range(14), 2)
        if rng.random() < 0.3
    ]
    graph = networkx.Graph()
    for ring in of:
        graph.add_edge(*ring.members, weight=ring.weight)
    expected = sorted(tuple(sorted(pair)) for pair in networkx.max_weight_matching(graph))
    picked, exact = chosen(of)
    assert exact
    assert [ring.members for ring in picked] == expected


@given(SEEDS)
def test_no_ring_weighs_more_than_its_members_cost(seed: int) -> None:
    of = sorted(random_rings(random.Random(seed), 8, 20))
    prices = prices_of(of, sum(ring.weight for ring in greedy(of)))
    assert all(price >= 0 for price in prices.values())
    assert all(sum(prices[member] for member in ring.members) >= ring.weight for ring in of)


def test_a_greedy_choice_takes_the_weight_per_member() -> None:
    a, b, c, d = b"a", b"b", b"c", b"d"
    three, two, other = Ring((a, b, c), 900), Ring((a, b), 700), Ring((c, d), 100)
    assert greedy([three, other, two]) == [two, other]
    assert chosen([three, other, two]) == ([three], True)


def test_a_search_that_does_not_end_says_so_and_is_no_worse_than_greedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = random_rings(random.Random(3), 12, 60)
    best = sum(ring.weight for ring in chosen(of)[0])
    assert chosen(of)[1]
    monkeypatch.setattr(ring_choice, "BRANCHES_MAX", 3)
    picked, exact = chosen(of)
    assert not exact
    members = [member for ring in picked for member in ring.members]
    assert len(members) == len(set(members))
    assert sum(ring.weight for ring in greedy(of)) <= sum(ring.weight for ring in picked) <= best


def test_a_search_for_rings_ends_at_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = Candidates(random_market(random.Random(1), members=6, intents=20))
    ways = best_ways(candidates)
    every, complete = all_rings(ways, 3)
    assert complete
    assert len(every) > 4
    monkeypatch.setattr(rings, "RINGS_MAX", 4)
    assert all_rings(ways, 3) == (every[:4], False)
    found = suggested_rings(candidates, 3)
    assert (found.exact, found.complete) == (False, False)
    monkeypatch.undo()
    monkeypatch.setattr(rings, "STEPS_MAX", 5)
    some, complete = all_rings(ways, 3)
    assert not complete
    assert some == every[: len(some)]


def test_prices_take_few_rounds_where_there_are_many_rings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = sorted(random_rings(random.Random(5), 10, 30))
    monkeypatch.setattr(ring_prices, "VISITS_MAX", 0)
    prices = prices_of(of, 0)
    assert all(sum(prices[member] for member in ring.members) >= ring.weight for ring in of)


@given(SEEDS)
def test_rings_do_not_depend_on_the_order_of_the_market(seed: int) -> None:
    rng = random.Random(seed)
    one = random_market(rng, members=6, intents=14)
    found = suggested_rings(Candidates(one), 3)
    assert found == suggested_rings(Candidates(shuffled(rng, one)), 3)
    members = [pair.offer.member for ring in found.rings for pair in ring.pairs]
    assert len(members) == len(set(members))


def test_a_ring_of_four_needs_the_rules_to_allow_it() -> None:
    specs = [bytes([number]) * 32 for number in range(4)]
    members = [ANA, BO, CY, DI]
    offers = [intent(f"o{place}", members[place], spec=specs[place]) for place in range(4)]
    needs = [intent(f"n{place}", members[place], spec=specs[place - 1]) for place in range(4)]
    candidates = Candidates(market(offers, needs))
    assert suggested_rings(candidates, 3).rings == ()
    assert len(suggested_rings(candidates, 4).rings[0].pairs) == 4
    with pytest.raises(AssertionError):
        suggested_rings(candidates, 5)
