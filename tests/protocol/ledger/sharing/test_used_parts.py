"""What an income was earned by counts with the part of it that was used."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from commonweal.protocol.ledger.sharing import flows
from commonweal.protocol.ledger.sharing.flows import Flows
from commonweal.protocol.ledger.sharing.used_parts import GRAIN, bounded, used_parts
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import Bakery, amount, between, effort
from tests.protocol.ledger.sharing.stories import Carried, Deed, Teller, Written

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_are_what_a_reckoning_forwards_comes_to(seed: int) -> None:
    story = Teller(seed).story
    written = Written(story)
    for number, event in enumerate(written.events):
        if event.id in {resource.id for resource in written.resources.values()}:
            continue
        expected = {id: part for id, part in Carried(story, number).parts.items() if part}
        assert written.parts(event.id) == expected, (number, story.deeds[number])
    for resource, event in written.resources.items():
        expected = {k: v for k, v in Carried(story, ("resource", resource)).parts.items() if v}
        assert written.parts(event.id) == expected, resource
    for process, event in enumerate(written.processes):
        expected = {k: v for k, v in Carried(story, ("process", process)).parts.items() if v}
        assert written.parts(event.id) == expected, process


@pytest.mark.parametrize("seed", SEEDS)
def test_the_parts_of_all_that_went_out_sum_to_the_whole(seed: int) -> None:
    story = Teller(seed).story
    written = Written(story)
    sums: dict[int, Fraction] = {}
    for deed, event in zip(story.deeds, written.events, strict=True):
        if deed.action == "lower":
            for number, part in written.parts(event.id).items():
                sums[number] = sums.get(number, Fraction(0)) + part
    unit_out = {
        number: part for number, part in sums.items() if story.deeds[number].action != "lower"
    }
    assert {*unit_out.values()} == {1}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_in_which_records_come_changes_nothing(seed: int) -> None:
    written = Written(Teller(seed).story)
    late = written.bakery.ledger(written.bakery.records[::-1])
    source = written.events[-1].id
    assert used_parts(Flows(late.state, source, lambda _: 1)) == used_parts(
        Flows(written.state, source, lambda _: 1)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_other_units_change_nothing(seed: int) -> None:
    story = Teller(seed).story
    plain, fine = Written(story), Written(story, {"loaf": 1000, "one": 7})
    for number in range(len(story.deeds)):
        a, b = plain.events[number].id, fine.events[number].id
        assert plain.parts(a) == fine.parts(b)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_use_written_down_in_two_pieces_is_the_same_use(seed: int) -> None:
    story = Teller(seed).story
    pieces: list[Deed] = []
    places: list[int] = []
    for deed in story.deeds:
        places.append(len(pieces))
        is_split = deed.amount > 1 and deed.action in ("consume", "transfer", "accept", "combine")
        first = replace(deed, amount=deed.amount // 3) if is_split else deed
        pieces.append(first)
        if is_split:
            pieces.append(replace(deed, amount=deed.amount - first.amount))
    whole, split = Written(story), Written(replace(story, deeds=pieces))
    source = len(story.deeds) - 1
    a = whole.parts(whole.events[source].id)
    b = split.parts(split.events[places[source]].id)
    for number, deed in enumerate(story.deeds):
        if pieces[places[number]] == deed:
            assert a.get(number, 0) == b.get(places[number], 0), (number, deed)


class Mill(Bakery):
    """A bakery in which Jun does everything, and parts are asked for."""

    def does(self, action: str, n: int = 1, unit: str = "loaf", **data: Any) -> Record:
        """Record an event that counts; what is named is a record, or its value."""
        plain = {
            key: value.id if isinstance(value, Record) else value for key, value in data.items()
        }
        quantity = effort(n) if action in ("work", "use") else amount(n, unit)
        if action in ("transfer", "move", "transferCustody", "transferAllRights", "copy"):
            plain = {"receiver": self.jun.owner.id} | plain
        event = self.event(self.jun, action, quantity | plain, *self.lin.log[-1:])
        self.row(event)
        return event

    def begin(self, n: int, **data: Any) -> Record:
        """Produce or raise something new."""
        action = "produce" if "outputOf" in data else "raise"
        return self.does(action, n, newInventoriedResource={}, **data)

    def process(self) -> Record:
        """Begin a process."""
        return self.jun.write("process", {})

    def parts(self, source: Record) -> dict[bytes, Fraction]:
        """Return the parts behind a source."""
        return used_parts(Flows(self.ledger().state, source.id, lambda _: 1))


def test_one_kilogram_of_a_hundred_is_a_hundredth_of_the_milling() -> None:
    mill = Mill()
    milling, baking = mill.process(), mill.process()
    work = mill.does("work", 100, inputOf=milling)
    flour = mill.begin(100, outputOf=milling)
    used = mill.does("consume", 1, resourceInventoriedAs=flour, inputOf=baking)
    baked = mill.does("work", 1, inputOf=baking)
    bread = mill.begin(1, outputOf=baking)
    hundredth = Fraction(1, 100)
    assert mill.parts(bread) == {
        work.id: hundredth,
        flour.id: hundredth,
        used.id: 1,
        baked.id: 1,
        bread.id: 1,
    }


def test_what_came_in_after_a_use_was_not_used() -> None:
    mill = Mill()
    flour = mill.begin(10)
    first = mill.does("lower", 4, resourceInventoriedAs=flour)
    more = mill.does("raise", 6, resourceInventoriedAs=flour)
    second = mill.does("lower", 12, resourceInventoriedAs=flour)
    assert mill.parts(first) == {first.id: 1, flour.id: Fraction(2, 5)}
    assert mill.parts(second) == {second.id: 1, flour.id: Fraction(3, 5), more.id: 1}


def test_work_that_is_written_down_late_counts_for_all_that_a_process_gave() -> None:
    mill = Mill()
    flour, baking = mill.begin(10), mill.process()
    bread = mill.begin(3, outputOf=baking)
    cake = mill.begin(1, outputOf=baking)
    work = mill.does("work", 1, inputOf=baking)
    used = mill.does("consume", 5, resourceInventoriedAs=flour, inputOf=baking)
    parts = mill.parts(bread)
    assert (parts[work.id], parts[used.id], parts[flour.id]) == (
        Fraction(3, 4),
        Fraction(3, 4),
        Fraction(3, 8),
    )
    assert mill.parts(cake)[work.id] == Fraction(1, 4)


def test_outputs_in_several_units_share_alike_by_unit() -> None:
    mill = Mill()
    milling = mill.process()
    work = mill.does("work", 1, inputOf=milling)
    _, loaves = (mill.begin(n, outputOf=milling) for n in (30, 60))
    husks = mill.begin(1, unit="one", outputOf=milling)
    assert mill.parts(loaves)[work.id] == Fraction(1, 3)
    assert mill.parts(husks)[work.id] == Fraction(1, 2)


def test_what_a_process_takes_goes_into_what_it_gives_afterwards() -> None:
    mill = Mill()
    flour, baking = mill.begin(10), mill.process()
    first = mill.begin(1, outputOf=baking)
    mill.does("consume", 5, resourceInventoriedAs=flour, inputOf=baking)
    second = mill.begin(1, outputOf=baking)
    assert flour.id not in mill.parts(first)
    assert mill.parts(second)[flour.id] == Fraction(1, 2)


def test_seed_that_comes_from_the_harvest_makes_no_circle() -> None:
    mill = Mill()
    garden = mill.process()
    work = mill.does("work", 1, inputOf=garden)
    harvest = mill.begin(10, outputOf=garden)
    mill.does("consume", 5, resourceInventoriedAs=harvest, inputOf=garden)
    mill.does("produce", 20, resourceInventoriedAs=harvest, outputOf=garden)
    sold = mill.does("lower", 25, resourceInventoriedAs=harvest)
    assert mill.parts(sold)[work.id] == 1


def test_a_circle_that_was_written_down_backwards_ends() -> None:
    mill = Mill()
    garden = mill.process()
    work = mill.does("work", 1, inputOf=garden)
    harvest = mill.begin(10, outputOf=garden)
    seeds = mill.does("consume", 5, resourceInventoriedAs=harvest, inputOf=garden)
    sold = mill.does("lower", 5, resourceInventoriedAs=harvest)
    parts = mill.parts(sold)
    assert parts[work.id] == Fraction(1, 2)
    assert seeds.id not in parts


def test_a_thing_that_is_mended_keeps_what_it_is_and_gains_the_mending() -> None:
    mill = Mill()
    mending = mill.process()
    bikes, others = mill.begin(10), mill.begin(10)
    for lot in (bikes, others):
        mill.does("accept", 6, resourceInventoriedAs=lot, inputOf=mending)
    work = mill.does("work", 1, inputOf=mending)
    mill.does("modify", 6, resourceInventoriedAs=bikes, outputOf=mending)
    mill.does("modify", 2, resourceInventoriedAs=others, outputOf=mending)
    sold = mill.does("lower", 5, resourceInventoriedAs=bikes)
    parts = mill.parts(sold)
    assert parts[work.id] == Fraction(6, 8) * Fraction(1, 2)
    # All six came back; of the other lot four did not, and went into what was given back.
    assert parts[bikes.id] == Fraction(1, 2)
    assert parts[others.id] == Fraction(6, 10) * Fraction(4, 6) * Fraction(6, 8) * Fraction(1, 2)


def test_what_was_packed_goes_with_the_box_until_it_is_unpacked() -> None:
    mill = Mill()
    packing, unpacking = mill.process(), mill.process()
    apples = mill.begin(10)
    packed = mill.does("combine", 8, resourceInventoriedAs=apples, inputOf=packing)
    box = mill.begin(1, unit="one", outputOf=packing)
    assert mill.parts(box)[apples.id] == Fraction(4, 5)
    work = mill.does("work", 1, inputOf=unpacking)
    mill.does("separate", 2, resourceInventoriedAs=apples, outputOf=unpacking)
    assert mill.parts(box)[apples.id] == Fraction(4, 5) * Fraction(6, 8)
    sold = mill.does("lower", 4, resourceInventoriedAs=apples)
    parts = mill.parts(sold)
    assert parts[apples.id] == Fraction(2, 10) + Fraction(8, 10) * Fraction(2, 8)
    assert (parts[work.id], parts[packed.id]) == (Fraction(1), Fraction(2, 8))


def test_what_is_used_or_cited_is_not_used_up() -> None:
    mill = Mill()
    building, baking = mill.process(), mill.process()
    work = mill.does("work", 100, inputOf=building)
    oven = mill.begin(1, outputOf=building)
    used = mill.does("use", 3, resourceInventoriedAs=oven, inputOf=baking)
    cited = mill.does("cite", 1, resourceInventoriedAs=oven, inputOf=baking)
    bread = mill.begin(1, outputOf=baking)
    parts = mill.parts(bread)
    assert parts[used.id] == parts[cited.id] == 1
    assert not {work.id, oven.id} & {*parts}


def test_a_copy_has_all_that_was_in_the_first() -> None:
    mill = Mill()
    book = mill.begin(1)
    copies = [
        mill.does("copy", 1, resourceInventoriedAs=book, newInventoriedResource={})
        for _ in range(3)
    ]
    assert mill.parts(copies[2])[book.id] == 1


def test_what_is_lent_comes_back_with_what_was_done_to_it() -> None:
    mill = Mill()
    cart, mending = mill.begin(4), mill.process()
    data: dict[str, Any] = {"resourceInventoriedAs": cart, "receiver": mill.lin.owner.id}
    lent = mill.does("transferCustody", 2, newInventoriedResource={}, **data)
    for action, side in (("accept", "inputOf"), ("modify", "outputOf")):
        event = mill.event(
            mill.lin, action, {"resourceInventoriedAs": lent.id, side: mending.id} | amount(2), lent
        )
        mill.row(event)
    work = mill.does("work", 1, inputOf=mending)
    back = between(lent, cart, mill.jun) | amount(2)
    mill.row(mill.event(mill.lin, "transferCustody", back, mill.lin.log[-1]))
    sold = mill.does("lower", 1, resourceInventoriedAs=cart)
    parts = mill.parts(sold)
    assert (parts[work.id], parts[cart.id]) == (Fraction(1, 4), Fraction(1, 4))


def test_rights_alone_bring_along_what_they_are_rights_to() -> None:
    mill = Mill()
    house = mill.begin(10)
    sides: dict[str, Any] = {"resourceInventoriedAs": house, "receiver": mill.lin.owner.id}
    rights = mill.does("transferAllRights", 4, newInventoriedResource={}, **sides)
    assert mill.parts(rights)[house.id] == Fraction(2, 5)
    again = mill.event(
        mill.lin, "transferAllRights", between(rights, None, mill.mei) | amount(3), rights
    )
    mill.row(again)
    assert mill.parts(again)[house.id] == Fraction(2, 5) * Fraction(3, 4)
    sold = mill.does("lower", 5, resourceInventoriedAs=house)
    assert mill.parts(sold)[house.id] == Fraction(1, 2), "the house is where it was"


def test_a_walk_ends_before_a_list_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    mill = Mill()
    flour, baking = mill.begin(10), mill.process()
    for _ in range(5):
        mill.does("consume", 1, resourceInventoriedAs=flour, inputOf=baking)
    bread = mill.begin(1, outputOf=baking)
    whole = mill.parts(bread)
    steps = 1 + (1 + 1) + (1 + 5) + (1 + 1) + (1 + 6)
    monkeypatch.setattr(flows, "WALK_STEPS_MAX", steps)
    walk = Flows(mill.ledger().state, bread.id, lambda _: 1)
    assert (used_parts(walk), walk.steps) == (whole, steps)
    for most in range(steps):
        monkeypatch.setattr(flows, "WALK_STEPS_MAX", most)
        walk = Flows(mill.ledger().state, bread.id, lambda _: 1)
        assert flour.id not in used_parts(walk)
        assert walk.steps <= max(1, most + 1)


def test_a_fraction_that_becomes_too_fine_is_rounded_down() -> None:
    assert bounded(Fraction(1, GRAIN)) == Fraction(1, GRAIN)
    assert bounded(Fraction(1, GRAIN + 1)) == 0
    assert bounded(Fraction(2, 2 * GRAIN + 1)) == 0
    assert bounded(Fraction(GRAIN, GRAIN + 1)) == Fraction(GRAIN - 1, GRAIN)


def test_a_long_chain_of_odd_amounts_stays_bounded() -> None:
    mill = Mill()
    stock = first = mill.begin(1_000_003)
    for _ in range(40):
        stock = mill.does(
            "transfer", 999_983, resourceInventoriedAs=stock, newInventoriedResource={}
        )
        mill.does("raise", 20, resourceInventoriedAs=stock)
    part, exact = mill.parts(stock)[first.id], Fraction(999_983, 1_000_003) ** 40
    assert part.denominator <= GRAIN < exact.denominator
    assert 0 <= exact - part < Fraction(100, GRAIN)
