"""The solver of rounds: exact, beside networkx."""

from __future__ import annotations

import random

import networkx
import pytest
from hypothesis import given

from commonweal.protocol.matching.transport import UNITS_MAX, Edge, TransportProblem
from tests.protocol.matching.markets import SEEDS


def random_problem(
    rng: random.Random, size: int, weights: int, ties: bool = True
) -> tuple[list[int], list[int], list[Edge]]:
    """Return needs, offers and edges; weights below `weights`, with ties in the lower 80 bits."""
    needs = [rng.randint(1, 5) for _ in range(rng.randint(1, size))]
    offers = [rng.randint(1, 5) for _ in range(rng.randint(1, size))]
    edges = [
        Edge(
            need,
            offer,
            rng.randint(0, 6),
            (rng.randrange(weights) << 80) + (rng.getrandbits(64) if ties else 1),
        )
        for need in range(len(needs))
        for offer in range(len(offers))
        if rng.random() < 0.5
    ]
    return needs, offers, rng.sample(edges, len(edges))


def oracle(needs: list[int], offers: list[int], edges: list[Edge]) -> tuple[int, list[int]]:
    """Return the weight and the flows that networkx finds by its network simplex."""
    graph = networkx.DiGraph()
    for need, amount in enumerate(needs):
        graph.add_edge("from", ("need", need), capacity=amount, weight=0)
    for offer, amount in enumerate(offers):
        graph.add_edge(("offer", offer), "to", capacity=amount, weight=0)
    graph.add_edge("to", "from", capacity=sum(needs), weight=0)
    for edge in edges:
        ends = ("need", edge.need), ("offer", edge.offer)
        graph.add_edge(*ends, capacity=edge.capacity, weight=-edge.weight)
    cost, flows = networkx.network_simplex(graph)
    return -cost, [flows["need", edge.need]["offer", edge.offer] for edge in edges]


@pytest.mark.parametrize("weights", [2, 1_000])
@given(seed=SEEDS)
def test_the_flow_is_that_of_networkx(weights: int, seed: int) -> None:
    problem = random_problem(random.Random(seed), 6, weights)
    assert TransportProblem(*problem).flow == oracle(*problem)[1]


@given(SEEDS)
def test_equal_weights_change_nothing_of_the_total(seed: int) -> None:
    problem = random_problem(random.Random(seed), 6, 3, ties=False)
    solved = TransportProblem(*problem)
    total = sum(flow * edge.weight for flow, edge in zip(solved.flow, problem[2], strict=True))
    assert total == oracle(*problem)[0]


@given(SEEDS)
def test_the_prices_prove_the_flow(seed: int) -> None:
    needs, offers, edges = random_problem(random.Random(seed), 12, 20)
    solved = TransportProblem(needs, offers, edges)
    used = [0] * (len(needs) + len(offers))
    for edge, flow in zip(edges, solved.flow, strict=True):
        need, offer = edge.need, len(needs) + edge.offer
        paid = solved.prices[need] + solved.prices[offer]
        assert 0 <= flow <= edge.capacity
        if flow < edge.capacity:
            assert paid >= edge.weight
        if flow:
            assert paid <= edge.weight
        used[need] += flow
        used[offer] += flow
    for amount, taken, price in zip([*needs, *offers], used, solved.prices, strict=True):
        assert taken <= amount
        if taken < amount:
            assert price == 0


def test_an_exchange_is_undone_when_two_other_ones_are_better() -> None:
    edges = [Edge(0, 0, 1, 900), Edge(0, 1, 1, 800), Edge(1, 0, 1, 700)]
    assert TransportProblem([1, 1], [1, 1], edges).flow == [0, 1, 1]


def test_a_need_stays_open_when_that_weighs_more() -> None:
    edges = [Edge(0, 0, 1, 100), Edge(1, 0, 1, 900)]
    assert TransportProblem([1, 1], [1], edges).flow == [0, 1]


def test_nothing_comes_of_nothing() -> None:
    assert TransportProblem([], [], []).flow == []
    assert TransportProblem([3], [2], []).flow == []


def test_the_units_of_a_problem_are_bounded() -> None:
    edge = Edge(0, 0, 2 * UNITS_MAX, 1)
    assert TransportProblem([UNITS_MAX], [2 * UNITS_MAX], [edge]).flow == [UNITS_MAX]
    with pytest.raises(AssertionError, match="bounded"):
        TransportProblem([UNITS_MAX + 1], [UNITS_MAX + 1], [edge])
