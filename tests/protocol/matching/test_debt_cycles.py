"""Clearing: the most that goes round is set off, nobody's net changes, and the work has an end."""

from __future__ import annotations

import time
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.matching.debt_cycles import DEBTS_MAX, Clearing, DebtCycle, Pair, clear

A, B, C, D, E = b"a", b"b", b"c", b"d", b"e"


def remaining(debts: dict[Pair, int], clearing: Clearing) -> dict[Pair, int]:
    """Return what is still owed after a set-off."""
    left = dict(debts)
    for cycle in clearing.cycles:
        for pair in cycle.pairs:
            left[pair] -= cycle.amount
            assert left[pair] >= 0, "no more is set off than is owed"
    return left


def nets(debts: dict[Pair, int]) -> dict[bytes, int]:
    """Return what each owes less what they are owed."""
    sums: dict[bytes, int] = {}
    for (debtor, creditor), amount in debts.items():
        sums[debtor] = sums.get(debtor, 0) + amount
        sums[creditor] = sums.get(creditor, 0) - amount
    return sums


def most(debts: dict[Pair, int]) -> int:
    """Return the most that any set-off takes off, by trying all of them."""
    pairs = list(debts)
    totals = [
        sum(amounts)
        for amounts in product(*(range(debts[pair] + 1) for pair in pairs))
        if not any(nets(dict(zip(pairs, amounts, strict=True))).values())
    ]
    return max(totals)


def test_three_who_owe_in_a_ring_set_off_the_smallest_debt() -> None:
    debts = {(A, B): 10, (B, C): 8, (C, A): 5}
    clearing = clear(debts)
    assert clearing == Clearing((DebtCycle((A, B, C), 5),), is_most=True)
    left = remaining(debts, clearing)
    assert left == {(A, B): 5, (B, C): 3, (C, A): 0}
    assert (sum(debts.values()), sum(left.values())) == (23, 8)
    assert nets(left) == nets(debts) == {A: 5, B: -2, C: -3}


def test_two_who_owe_each_other_keep_the_difference() -> None:
    assert clear({(A, B): 7, (B, A): 4}).cycles == (DebtCycle((A, B), 4),)


@pytest.mark.parametrize("debts", [{}, {(A, B): 5}, {(A, B): 5, (B, C): 5, (A, C): 1}])
def test_what_does_not_go_round_is_not_set_off(debts: dict[Pair, int]) -> None:
    assert clear(debts) == Clearing((), is_most=True)


def test_two_rings_that_share_a_debt_take_the_longer_one_first() -> None:
    """A to B can go round by A, B or by A, B, C, D: the longer way takes off more."""
    debts = {(A, B): 1, (B, A): 1, (B, C): 1, (C, D): 1, (D, A): 1}
    assert clear(debts).cycles == (DebtCycle((A, B, C, D), 1),)


def test_who_owes_nobody_in_a_ring_changes_nothing() -> None:
    debts = {(A, B): 3, (B, C): 3, (C, A): 3}
    more = {**debts, (D, A): 9, (C, E): 9}
    assert clear(more) == clear(debts)


DEBTS = st.dictionaries(
    st.sampled_from([(x, y) for x in (A, B, C, D) for y in (A, B, C, D) if x != y]),
    st.integers(1, 3),
    max_size=7,
)


@given(DEBTS)
@settings(max_examples=150, deadline=None)
def test_no_other_set_off_takes_off_more(debts: dict[Pair, int]) -> None:
    clearing = clear(debts)
    left = remaining(debts, clearing)
    before, after = nets(debts), nets(left)
    assert before == after
    assert clearing.is_most
    assert clearing.total == sum(debts.values()) - sum(left.values()) == most(debts)


def random_debts(number: int, members: int, pairs: int) -> dict[Pair, int]:
    """Return debts between members that a seed chose."""
    numbers = Random(number)
    people = [bytes([place // 256, place % 256]) for place in range(members)]
    debts: dict[Pair, int] = {}
    while len(debts) < pairs:
        debtor, creditor = numbers.sample(people, 2)
        debts[debtor, creditor] = numbers.randint(1, 10**12)
    return debts


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_any_order_of_the_debts_gives_the_same_cycles(
    number: int, members: int, pairs: int
) -> None:
    debts = random_debts(number, members, min(pairs, members * (members - 1)))
    shuffled = list(debts.items())
    Random(number).shuffle(shuffled)
    clearing = clear(debts)
    assert clear(dict(shuffled)) == clearing
    left = remaining(debts, clearing)
    assert nets(left) == nets(debts)
    assert clear({pair: amount for pair, amount in left.items() if amount}).total == 0


def test_as_many_debts_as_there_may_be_are_cleared_in_bounded_time() -> None:
    debts = random_debts(7, 200, DEBTS_MAX)
    began = time.process_time()
    clearing = clear(debts)
    assert clearing.is_most
    assert time.process_time() - began < 20
    assert nets(remaining(debts, clearing)) == nets(debts)
    with pytest.raises(AssertionError):
        clear(random_debts(7, 200, DEBTS_MAX + 1))


def test_beyond_the_paths_allowed_cycles_are_set_off_one_after_another() -> None:
    debts = random_debts(3, 10, 40)
    exact, hasty = clear(debts), clear(debts, paths_max=1)
    assert not hasty.is_most
    left = remaining(debts, hasty)
    assert nets(left) == nets(debts)
    assert 0 < hasty.total <= exact.total
    assert clear({pair: amount for pair, amount in left.items() if amount}).total == 0
