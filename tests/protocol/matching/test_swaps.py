"""Swaps: top trading cycles are unique, in the core, and nobody gains by a lie."""

from __future__ import annotations

import random
from itertools import permutations, product

from hypothesis import given

from commonweal.protocol.matching.swaps import SWAPPERS_MAX, WISHES_MAX, Cycle, top_trading_cycles
from tests.protocol.matching.markets import SEEDS

A, B, C, D = b"a", b"b", b"c", b"d"
FOUR = (A, B, C, D)

ALL_WISHES = {
    thing: [
        wish
        for count in range(len(FOUR))
        for wish in permutations([other for other in FOUR if other != thing], count)
    ]
    for thing in FOUR
}
"""Every strict list of what four could like better than their own."""


def received(cycles: list[Cycle]) -> dict[bytes, bytes]:
    """Return what the owner of each thing that is swapped gets."""
    return {
        had: gets
        for cycle in cycles
        for had, gets in zip(cycle, (*cycle[1:], cycle[0]), strict=True)
    }


def rank(wish: tuple[bytes, ...], gets: bytes | None) -> int:
    """Return how much is liked better than what one gets; one's own comes after the wishes."""
    return wish.index(gets) if gets in wish else len(wish)


def test_two_who_like_each_others_things_swap() -> None:
    assert top_trading_cycles({A: [B], B: [A], C: [A]}) == [(A, B)]


def test_three_go_round_and_begin_at_the_smallest() -> None:
    assert top_trading_cycles({C: [A], B: [C], A: [B]}) == [(A, B, C)]


def test_who_likes_their_own_best_keeps_it() -> None:
    assert top_trading_cycles({A: [], B: [A]}) == []
    assert top_trading_cycles({A: [D], B: [A]}) == []


def test_the_second_wish_counts_once_the_first_is_gone() -> None:
    assert top_trading_cycles({A: [B], B: [A], C: [A, D], D: [B, C]}) == [(A, B), (C, D)]


def test_no_group_of_four_could_do_better_among_themselves() -> None:
    rng = random.Random(1)
    for _ in range(400):
        wishes = {thing: rng.choice(ALL_WISHES[thing]) for thing in FOUR}
        gets = received(top_trading_cycles(wishes))
        for size in range(1, 5):
            for group in permutations(FOUR, size):
                other = dict(zip(group, (*group[1:], group[0]), strict=True))
                better = [
                    rank(wishes[one], other[one]) < rank(wishes[one], gets.get(one))
                    for one in group
                    if other[one] != gets.get(one, one)
                ]
                assert not (better and all(better)), (wishes, group)


def test_no_member_of_four_gains_by_a_lie() -> None:
    rng = random.Random(2)
    others = list(product(*(ALL_WISHES[thing] for thing in (B, C, D))))
    for wishes in rng.sample(others, 150):
        told = dict(zip((B, C, D), wishes, strict=True))
        outcomes = {
            said: received(top_trading_cycles({A: said, **told})).get(A) for said in ALL_WISHES[A]
        }
        for honest in ALL_WISHES[A]:
            best = min(rank(honest, gets) for gets in outcomes.values())
            assert best == rank(honest, outcomes[honest])


@given(SEEDS)
def test_the_order_of_the_wishes_of_members_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    wishes = {thing: rng.choice(ALL_WISHES[thing]) for thing in FOUR}
    other = dict(rng.sample(sorted(wishes.items()), 4))
    assert top_trading_cycles(wishes) == top_trading_cycles(other)


def test_so_many_swap_and_so_many_wishes_are_read() -> None:
    things = [number.to_bytes(2, "big") for number in range(SWAPPERS_MAX + 2)]
    pairs = {thing: [things[place ^ 1]] for place, thing in enumerate(things)}
    assert len(top_trading_cycles(pairs)) == SWAPPERS_MAX // 2
    unread = [number.to_bytes(2, "big") for number in range(1000, 1000 + WISHES_MAX)]
    assert top_trading_cycles({A: [*unread, B], B: [A]}) == []
    assert top_trading_cycles({A: [*unread[1:], B], B: [A]}) == [(A, B)]
