"""Layer 3: a round for all is the one best assignment, on every node."""

from __future__ import annotations

import random
from collections import defaultdict

from hypothesis import given

from commonweal.protocol import keys
from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE, MarketState
from commonweal.protocol.matching.rounds import (
    ROUND_CANDIDATES_MAX,
    Weighed,
    grain,
    round_pairs,
    suggested_round,
    weight,
)
from commonweal.protocol.matching.scores import score
from commonweal.protocol.matching.transport import UNITS_MAX, Edge
from tests.protocol.matching.markets import (
    ANA,
    BO,
    CY,
    DI,
    EVA,
    SEEDS,
    intent,
    market,
    random_market,
    shuffled,
)
from tests.protocol.matching.test_transport import oracle


def given_in(of: MarketState) -> dict[tuple[str, str], int]:
    """Return the whole units that a round gives, by the names of offer and need."""
    return {
        (given.pair.offer.id.decode().strip("-"), given.pair.need.id.decode().strip("-")): (
            given.amount // ONE
        )
        for given in suggested_round(Candidates(of)).assignments
    }


def test_a_round_divides_amounts() -> None:
    offers = [intent("a", ANA, 5)]
    needs = [intent("b", BO, 2), intent("c", CY, 2), intent("d", DI, 4)]
    found = suggested_round(Candidates(market(offers, needs)))
    assert found.exact
    assert sum(given.amount for given in found.assignments) == 5 * ONE
    assert {given.pair.need.member: given.amount for given in found.assignments}[DI] == 4 * ONE


def test_a_round_serves_two_where_one_after_another_would_serve_one() -> None:
    offers = [intent("a", ANA, tags=frozenset({"x"})), intent("b", BO, tags=frozenset({"x", "y"}))]
    needs = [
        intent("c", CY, spec=b"", tags=frozenset({"x", "y"})),
        intent("d", DI, spec=b"", tags=frozenset({"y"})),
    ]
    assert given_in(market(offers, needs)) == {("a", "c"): 1, ("b", "d"): 1}


@given(SEEDS)
def test_a_round_is_the_optimum_of_networkx_with_the_documented_weights(seed: int) -> None:
    of = random_market(random.Random(seed), members=4, intents=7)
    plain = of._replace(
        offers=tuple(offer._replace(minimum=0, unit="hour") for offer in of.offers),
        needs=tuple(need._replace(minimum=0, unit="hour") for need in of.needs),
    )
    candidates = Candidates(plain)
    edges = []
    for pair in round_pairs(candidates):
        hashed = keys.hash32(
            keys.HashPurpose(b"cw1/match"), plain.seal, pair.need.id, pair.offer.id
        )
        tied = score(candidates, pair) * 2**80 + int.from_bytes(hashed[:8], "big")
        assert tied == weight(plain.seal, Weighed(pair, score(candidates, pair)))
        edges.append(
            Edge(
                candidates.needs.index(pair.need),
                candidates.offers.index(pair.offer),
                pair.amount // ONE,
                tied,
            )
        )
    needed = [need.left // ONE for need in candidates.needs]
    offered = [offer.left // ONE for offer in candidates.offers]
    expected = {
        (candidates.needs[edge.need].id, candidates.offers[edge.offer].id): flow * ONE
        for edge, flow in zip(edges, oracle(needed, offered, edges)[1], strict=True)
        if flow
    }
    found = suggested_round(candidates)
    assert found.exact
    assert expected == {
        (given.pair.need.id, given.pair.offer.id): given.amount for given in found.assignments
    }


@given(SEEDS)
def test_a_round_does_not_depend_on_the_order_of_the_market(seed: int) -> None:
    rng = random.Random(seed)
    one = random_market(rng)
    found = suggested_round(Candidates(one))
    assert found == suggested_round(Candidates(shuffled(rng, one)))
    taken: dict[bytes, int] = defaultdict(int)
    for pair, amount, _ in found.assignments:
        assert max(pair.need.minimum, pair.offer.minimum) <= amount <= pair.amount
        taken[pair.need.id] += amount
        taken[pair.offer.id] += amount
    assert all(taken[intent.id] <= intent.left for intent in (*one.offers, *one.needs))


def test_what_is_below_a_minimum_goes_to_others_and_the_round_says_so() -> None:
    offers = [intent("a", ANA, 4), intent("b", BO, 2)]
    needs = [intent("c", CY, 3, minimum=3 * ONE), intent("d", DI, 3)]
    found = suggested_round(Candidates(market(offers, needs)))
    assert all(given.amount >= given.pair.need.minimum for given in found.assignments)
    assert sum(given.amount for given in found.assignments) == 6 * ONE
    crossed = [intent("e", EVA, 3, minimum=3 * ONE), intent("f", CY, 3, minimum=3 * ONE)]
    found = suggested_round(Candidates(market([intent("a", ANA, 5)], crossed)))
    assert [given.amount for given in found.assignments] == [3 * ONE]
    assert not found.exact


def test_the_seal_decides_among_equals() -> None:
    offers = [intent("a", ANA), intent("b", BO)]
    needs = [intent("c", CY), intent("d", DI)]
    rounds = [
        given_in(market(offers, needs, seal=bytes([number]) * 32)).keys() for number in range(16)
    ]
    assert all(len(found) == 2 for found in rounds)
    assert {("a", "c"), ("b", "d")} in rounds
    assert {("a", "d"), ("b", "c")} in rounds


def test_units_are_apart() -> None:
    offers = [intent("a", ANA, 2), intent("b", BO, 3000, unit="kg")]
    needs = [intent("c", CY, 2), intent("d", DI, 3000, unit="kg")]
    assert given_in(market(offers, needs)) == {("a", "c"): 2, ("b", "d"): 3000}


def test_a_need_has_so_many_candidates_in_a_round() -> None:
    offers = [
        intent(f"{number}", number.to_bytes(32, "big"))
        for number in range(ROUND_CANDIDATES_MAX + 1)
    ]
    assert len(round_pairs(Candidates(market(offers, [intent("n", BO)])))) == ROUND_CANDIDATES_MAX


def test_amounts_are_counted_in_their_common_part_or_in_tens() -> None:
    assert grain([6, 9], 15) == 3
    assert grain([1, UNITS_MAX - 1], UNITS_MAX) == 1
    assert grain([1, UNITS_MAX], UNITS_MAX + 1) == 10
    assert grain([7, 10**12], 10**12) == 10**8


def test_crumbs_are_left_out_of_large_rounds() -> None:
    offer = intent("a", ANA)._replace(left=7_000 * ONE + 1)
    need = intent("b", BO, 7_000)
    (given,) = suggested_round(Candidates(market([offer], [need]))).assignments
    assert given.amount == 7_000 * ONE
