"""What modify, dropoff and separate give back was accepted, picked up or combined before."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.pairs import TAKER_OF
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import Bakery, amount, between

PAIRS = sorted(TAKER_OF.items())


def step(bakery: Bakery, action: str, thing: Record, n: int, *where: Record) -> Record:
    """Write an action of a pair, of `n` loaves, in the process `where` if there is one."""
    side = "outputOf" if action in TAKER_OF else "inputOf"
    named = {side: where[0].id} if where else {}
    return bakery.event(
        bakery.jun, action, {"resourceInventoriedAs": thing.id} | named | amount(n), thing, *where
    )


def in_hand(bakery: Bakery) -> list[Any]:
    """Return what was taken and is not given back, of all resources."""
    return [value for _, value in bakery.ledger().state.items(Table.HANDED_IN.prefix)]


def test_nothing_is_made_by_giving_back_what_nobody_took() -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 1)
    for action in TAKER_OF:
        assert bakery.verdict(step(bakery, action, bread, 1_000)) == Reason.NOT_TAKEN
    assert bakery.balance(bread) == (1, 1)
    assert not in_hand(bakery)


@pytest.mark.parametrize(("gives", "takes"), PAIRS)
def test_a_pair_gives_back_at_most_what_it_took(gives: str, takes: str) -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    process = bakery.mei.write("process", {})
    bakery.row(step(bakery, takes, bread, 6, process))
    assert bakery.verdict(step(bakery, gives, bread, 7, process)) == Reason.NOT_TAKEN
    bakery.row(step(bakery, gives, bread, 2, process))
    assert (bakery.balance(bread), in_hand(bakery)) == ((10, 6), [[4, 0]])
    assert bakery.verdict(step(bakery, gives, bread, 5, process)) == Reason.NOT_TAKEN
    bakery.row(step(bakery, gives, bread, 4, process))
    assert (bakery.balance(bread), in_hand(bakery)) == ((10, 10), [])


@pytest.mark.parametrize(("gives", "takes"), PAIRS)
def test_only_its_own_pair_gives_back(gives: str, takes: str) -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    bakery.row(step(bakery, takes, bread, 6))
    for other in TAKER_OF:
        if other != gives:
            assert bakery.verdict(step(bakery, other, bread, 1)) == Reason.NOT_TAKEN
    cake = bakery.make(bakery.jun, bakery.bread, 10)
    assert bakery.verdict(step(bakery, gives, cake, 1)) == Reason.NOT_TAKEN


@pytest.mark.parametrize(("gives", "takes"), PAIRS)
def test_what_is_unpacked_elsewhere_was_packed_and_the_rest_stays_in_its_process(
    gives: str, takes: str
) -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    here, there = (bakery.mei.write("process", {}) for _ in range(2))
    bakery.row(step(bakery, takes, bread, 6, here))
    elsewhere = step(bakery, gives, bread, 6, there)
    unnamed = step(bakery, gives, bread, 6)
    if gives == "separate":
        assert bakery.verdict(elsewhere) is None
        assert bakery.verdict(unnamed) == Reason.NOT_TAKEN
    else:
        assert bakery.verdict(elsewhere) == bakery.verdict(unnamed) == Reason.NOT_TAKEN
        bakery.row(step(bakery, gives, bread, 6, here))
    assert (bakery.balance(bread), in_hand(bakery)) == ((10, 10), [])


@pytest.mark.parametrize(("gives", "takes"), PAIRS)
def test_a_correction_keeps_the_balance(gives: str, takes: str) -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    taken, back = step(bakery, takes, bread, 6), step(bakery, gives, bread, 4)
    for action, record, n, reason in (
        (takes, taken, -3, Reason.NOT_TAKEN),
        (gives, back, 3, Reason.NOT_TAKEN),
        (takes, taken, -2, None),
        (gives, back, 1, Reason.NOT_TAKEN),
        (gives, back, -4, None),
        (takes, taken, -4, None),
    ):
        correction = bakery.event(
            bakery.jun, action, {"corrects": record.id} | amount(n), bakery.jun.log[-1]
        )
        assert bakery.verdict(correction) == reason, (action, n)
    assert (bakery.balance(bread), in_hand(bakery)) == ((10, 10), [])


def test_a_finer_scale_gives_back_exactly() -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 10)
    source = {"resourceInventoriedAs": bread.id}
    bakery.row(bakery.event(bakery.jun, "accept", source | amount(6), bread))
    too_much = source | amount(6_000_000_001, "loaf", 9)
    assert bakery.verdict(bakery.event(bakery.jun, "modify", too_much)) == Reason.NOT_TAKEN
    bakery.row(bakery.event(bakery.jun, "modify", source | amount(6_000_000_000, "loaf", 9)))
    assert not in_hand(bakery)


def test_what_is_taken_beyond_64_bits_is_refused() -> None:
    bakery = Bakery()
    bread = bakery.make(bakery.jun, bakery.bread, 2**63 - 1)
    taken = step(bakery, "combine", bread, 2**63 - 1)
    bakery.row(taken)
    less = {"resourceInventoriedAs": bread.id} | amount(2**63 - 1)
    gone = bakery.event(bakery.jun, "transferAllRights", between(bread, None, bakery.lin) | less)
    bakery.row(gone)
    lent = bakery.make(bakery.jun, bakery.bread, 5)
    bakery.row(bakery.event(bakery.jun, "transfer", between(lent, bread, bakery.jun) | amount(5)))
    assert bakery.balance(bread) == (5, 5)
    assert bakery.verdict(step(bakery, "combine", bread, 5)) == Reason.TOO_LARGE
    assert in_hand(bakery) == [[2**63 - 1, 0]]


def test_a_thing_of_the_commons_is_handed_in_once_others_attest_it() -> None:
    bakery = Bakery()
    data: dict[str, Any] = {"provider": bakery.community, "receiver": bakery.community}
    data |= {"resourceConformsTo": bakery.bread.id, "newInventoriedResource": {}}
    bread = bakery.event(bakery.jun, "raise", data | amount(10))
    bakery.lin.write("attest", {"event": bread.id, "say": "yes"}, [bread])
    taken = step(bakery, "accept", bread, 6)
    assert not in_hand(bakery)
    early = step(bakery, "modify", bread, 6)
    assert bakery.verdict(early) == Reason.NOT_TAKEN
    bakery.lin.write("attest", {"event": taken.id, "say": "yes"}, [taken])
    assert in_hand(bakery) == [[6, 0]]
    backs = [step(bakery, "modify", bread, 6) for _ in range(2)]
    said = [bakery.lin.write("attest", {"event": back.id, "say": "yes"}, backs) for back in backs]
    assert [bakery.verdict(word) for word in said] == [None, Reason.NOT_TAKEN]
    assert (bakery.balance(bread), in_hand(bakery)) == ((10, 10), [])


Steps = list[tuple[str, int, int, int]]
ACTIONS = sorted({*TAKER_OF, *TAKER_OF.values()})
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1), st.integers(0, 2), st.integers(0, 12)),
    max_size=14,
)


class Shelf:
    """What the page of kinds says of pairs, written once more with fractions."""

    def __init__(self) -> None:
        self.onhand = {0: Fraction(10), 1: Fraction(10)}
        self.taken: dict[tuple[int, str, int], Fraction] = {}

    def does(self, action: str, thing: int, place: int, n: int) -> bool:
        """Apply an action; return whether it counts."""
        taker = TAKER_OF.get(action, action)
        key = (thing, taker, -1 if taker == "combine" else place)
        more = n if action == taker else -n
        onhand, taken = self.onhand[thing] - more, self.taken.get(key, Fraction(0)) + more
        if onhand < 0 or taken < 0:
            return False
        self.onhand[thing], self.taken[key] = onhand, taken
        return True


@given(STEPS)
def test_whatever_is_typed_on_hand_and_in_hand_are_the_whole(steps: Steps) -> None:
    bakery, shelf = Bakery(), Shelf()
    things = [bakery.make(bakery.jun, bakery.bread, 10) for _ in range(2)]
    places: list[tuple[Record, ...]] = [
        (),
        *((bakery.mei.write("process", {}),) for _ in range(2)),
    ]
    for action, kind, place, n in steps:
        record = step(bakery, action, things[kind], n, *places[place])
        expected = shelf.does(action, kind, place, n)
        assert (bakery.verdict(record) is None) == expected, (action, n)
    for number, thing in enumerate(things):
        accounting, onhand = bakery.balance(thing)
        handed = sum(handed_in(bakery, thing), Fraction(0))
        assert accounting == onhand + handed == 10
        assert onhand == shelf.onhand[number]


def handed_in(bakery: Bakery, thing: Record) -> Iterator[Fraction]:
    """Yield what was taken of a thing and is not given back."""
    for _, (n, scale) in bakery.ledger().state.items(Table.HANDED_IN.prefix + thing.id):
        yield Fraction(n, 10**scale)
