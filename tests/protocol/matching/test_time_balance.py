"""Balanced rounds: everybody gives what they receive, and as much as can be is exchanged."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TypeAlias

import pytest
from hypothesis import given

from commonweal.protocol import keys
from commonweal.protocol.matching.candidates import Candidates
from commonweal.protocol.matching.market import ONE, MarketState
from commonweal.protocol.matching.rounds import Assignment
from commonweal.protocol.matching.time_balance import balanced_round
from tests.protocol.matching.markets import (
    ANA,
    BO,
    CY,
    SEAL,
    SEEDS,
    intent,
    market,
    random_market,
    shuffled,
)

Accepted: TypeAlias = Mapping[tuple[int, int], int]
"""By (who receives, who gives): how many hours are accepted at most."""

A, B, C = 0, 1, 2


def member(number: int) -> bytes:
    """Return the id of one of few members."""
    return bytes([number + 1]) * 32


def time_bank(accepted: Accepted, hours: list[int], seal: bytes = SEAL) -> MarketState:
    """Return a market in which each gives `hours` of one sort, with a quota for each other.

    A need with one giver and a need's amount are the quota; each member has one offer.
    """
    specs = [bytes([100 + number]) * 32 for number in range(len(hours))]
    offers = [
        intent(f"o{number}", member(number), hours[number], spec=specs[number])
        for number in range(len(hours))
        if hours[number]
    ]
    needs = [
        intent(f"n{taker}{giver}", member(taker), most, spec=specs[giver])
        for (taker, giver), most in accepted.items()
        if most
    ]
    return market(offers, needs, seal=seal)


def hours_of(of: MarketState) -> dict[int, int]:
    """Return how many hours each member gives in the balanced round; all receive as many."""
    given, taken = balance(balanced_round(Candidates(of), "hour").assignments)
    assert given == taken
    return {number: given[member(number)] // ONE for number in range(4) if given[member(number)]}


def balance(
    assignments: tuple[Assignment, ...],
) -> tuple[defaultdict[bytes, int], defaultdict[bytes, int]]:
    """Return what each member gives and receives."""
    given: defaultdict[bytes, int] = defaultdict(int)
    taken: defaultdict[bytes, int] = defaultdict(int)
    for pair, amount, _ in assignments:
        given[pair.offer.member] += amount
        taken[pair.need.member] += amount
    return given, taken


def allocations(accepted: Accepted, hours: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield what each member exchanges in every allocation that is rational and balanced."""
    ways = list(accepted)
    for amounts in product(*(range(accepted[way] + 1) for way in ways)):
        given, taken = [0] * len(hours), [0] * len(hours)
        for (taker, giver), amount in zip(ways, amounts, strict=True):
            given[giver] += amount
            taken[taker] += amount
        if given == taken and all(one <= most for one, most in zip(given, hours, strict=True)):
            yield tuple(given)


def by_priority(accepted: Accepted, hours: list[int], seal: bytes = SEAL) -> dict[int, int]:
    """Return what the mechanism lets each exchange, by trying all allocations."""
    priority = sorted(
        range(len(hours)),
        key=lambda number: keys.hash32(keys.HashPurpose(b"cw1/match"), seal, member(number)),
    )
    best = max(
        allocations(accepted, hours),
        key=lambda exchanged: (sum(exchanged), *(exchanged[number] for number in priority)),
    )
    return {number: amount for number, amount in enumerate(best) if amount}


def test_a_wants_b_who_wants_c_who_wants_a() -> None:
    """The example of a bank in which no two can trade (coalitiontheory.net, "Time banks")."""
    assert hours_of(time_bank({(A, B): 1, (B, C): 1, (C, A): 1}, [1, 1, 1])) == {A: 1, B: 1, C: 1}


def test_who_only_takes_or_only_gives_has_no_part() -> None:
    assert hours_of(time_bank({(A, B): 2, (B, A): 1, (C, A): 2}, [2, 2, 0])) == {A: 1, B: 1}


def test_most_hours_come_before_priority() -> None:
    """Two could trade, or three: the three do, whoever comes first."""
    accepted = {(A, B): 1, (B, A): 1, (B, C): 1, (C, A): 1}
    for number in range(8):
        found = hours_of(time_bank(accepted, [1, 1, 1], bytes([number]) * 32))
        assert found == {A: 1, B: 1, C: 1}


def test_priority_turns_with_the_seal() -> None:
    accepted = {(A, B): 1, (B, A): 1, (A, C): 1, (C, A): 1}
    found = [hours_of(time_bank(accepted, [1, 1, 1], bytes([number]) * 32)) for number in range(16)]
    assert {A: 1, B: 1} in found
    assert {A: 1, C: 1} in found


@given(SEEDS)
def test_the_round_is_rational_balanced_maximal_and_by_priority(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.choice([3, 3, 4])
    hours = [rng.randint(0, 3) for _ in range(count)]
    accepted = {
        (taker, giver): rng.choice([0, 1, 2] if count == 3 else [0, 1])
        for taker in range(count)
        for giver in range(count)
        if taker != giver
    }
    seal = rng.randbytes(32)
    assert hours_of(time_bank(accepted, hours, seal)) == by_priority(accepted, hours, seal)


def test_no_member_of_three_gains_by_a_lie() -> None:
    """Every list of what A could say, in every case of what the others say, of quotas to 1."""
    ways = [(A, B), (A, C), (B, A), (B, C), (C, A), (C, B)]
    hours = [2, 1, 1]
    outcomes = {
        said: hours_of(time_bank(dict(zip(ways, said, strict=True)), hours))
        for said in product(range(2), repeat=len(ways))
    }
    for honest, exchanged in outcomes.items():
        for own in product(range(2), repeat=2):
            if all(lie <= true for lie, true in zip(own, honest[:2], strict=True)):
                assert outcomes[own + honest[2:]].get(A, 0) <= exchanged.get(A, 0)


def received_in(accepted: Accepted, hours: list[int], taker: int) -> dict[int, int]:
    """Return how much a member receives, by who gives it."""
    found = balanced_round(Candidates(time_bank(accepted, hours)), "hour")
    return {
        pair.offer.member[0] - 1: amount // ONE
        for pair, amount, _ in found.assignments
        if pair.need.member == member(taker)
    }


@given(SEEDS)
def test_a_lie_of_any_sort_gains_nothing_that_is_accepted(seed: int) -> None:
    rng = random.Random(seed)
    hours = [rng.randint(1, 3) for _ in range(4)]
    others = {
        (taker, giver): rng.randint(0, 2)
        for taker in range(4)
        for giver in range(4)
        if taker not in (giver, A)
    }
    honest = {(A, giver): rng.randint(0, 2) for giver in (1, 2, 3)}
    lie = {(A, giver): rng.randint(0, 2) for giver in (1, 2, 3)}
    gets = received_in({**others, **lie}, hours, A)
    if all(amount <= honest[A, giver] for giver, amount in gets.items()):
        best = received_in({**others, **honest}, hours, A)
        assert sum(gets.values()) <= sum(best.values())


@given(SEEDS)
def test_a_round_of_any_market_is_balanced_and_the_same_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    one = random_market(rng, members=4, intents=10)
    found = balanced_round(Candidates(one), "hour")
    assert found == balanced_round(Candidates(shuffled(rng, one)), "hour")
    given, taken = balance(found.assignments)
    assert given == taken
    for pair, amount, _ in found.assignments:
        assert max(pair.need.minimum, pair.offer.minimum) <= amount <= pair.amount


@pytest.mark.parametrize("unit", ["kg", "day"])
def test_a_round_is_of_one_unit(unit: str) -> None:
    of = time_bank({(A, B): 1, (B, A): 1}, [1, 1])
    assert balanced_round(Candidates(of), unit).assignments == ()


def test_the_pairs_that_fit_best_are_taken_among_equal_rounds() -> None:
    offers = [intent("a", ANA, 2), intent("b", BO, 3), intent("f", BO, 1)]
    needs = [intent("c", ANA, 1), intent("d", BO, 1), intent("e", CY, 1)]
    found = balanced_round(Candidates(market(offers, needs)), "hour")
    assert [pair.offer.left for pair, _, _ in found.assignments if pair.offer.member == BO] == [ONE]
