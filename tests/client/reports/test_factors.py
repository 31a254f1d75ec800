"""The report of factors: counts of both readers, at every place of a period.

Cases: the essay's Y = A * F(R, L, K, E ...), "one factor is enough, others come slowly".
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from commonweal.client.reports.factors import given_points
from commonweal.client.reports.seal_periods import per_mille, seal_months
from commonweal.protocol.errors import WrongPeriod
from commonweal.protocol.records.record import Record
from tests.client.reports.books import KNOWLEDGE, LABOUR, Factory, book, compare, read_again
from tests.protocol.ledger.council import SAID

NAMES = ("Mei", "Jun", "Ana", "Bo")


def test_a_factor_of_one_giver_is_a_thousand_per_mille_and_not_distributed() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Jun", 3, "Ana")
    shop.cut()
    (labour,) = book(shop).factors().factors
    assert (labour.factor, labour.points, labour.events, labour.givers) == (LABOUR, 3000, 1, 1)
    assert (labour.largest, labour.largest_per_mille) == (3000, 1000)
    assert (labour.distributed, labour.since) == (False, None)


def test_a_factor_is_distributed_once_nobody_gave_more_than_half() -> None:
    shop = Factory(*NAMES[1:])
    heights = []
    for name, hours, by in (("Jun", 3, "Ana"), ("Ana", 2, "Jun"), ("Bo", 1, "Jun")):
        shop.give(name, hours, by)
        shop.cut()
        heights.append(shop.history.cut.height)
    told = book(shop)
    (labour,) = told.factors().factors
    assert (labour.givers, labour.largest, labour.points) == (3, 3000, 6000)
    assert (labour.largest_per_mille, labour.distributed) == (500, True), "half is not more"
    assert labour.since == heights[-1]
    (before,) = told.factors(None, heights[-2]).factors
    assert (before.largest_per_mille, before.since) == (600, None)


def test_a_factor_that_is_distributed_no_more_begins_again() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Jun", 1, "Ana")
    shop.give("Ana", 1, "Jun")
    shop.cut()
    first = shop.history.cut.height
    shop.give("Jun", 5, "Ana")
    shop.cut()
    shop.give("Bo", 7, "Ana")
    shop.cut()
    told = book(shop)
    since = [told.factors(None, first + n).factors[0].since for n in range(3)]
    assert since == [first, None, first + 2]


def test_the_core_is_what_the_rules_name_and_outside_is_never_in_it() -> None:
    shop = Factory(*NAMES[1:], reports={"core": ["owner"], **SAID}, roles={"owner": SAID})
    shop.write("Jun", "role.claim", {"role": "owner"})
    shop.give("Jun", 1, "Ana")
    shop.give("Ana", 2, "Jun")
    outside = {"provider": b"o" * 16, "factor": LABOUR}
    shop.work("Bo", 4, "Ana", **outside)
    shop.cut()
    (labour,) = book(shop).factors().factors
    assert (labour.givers, labour.points) == (3, 7000)
    assert (labour.beyond_core, labour.beyond_core_per_mille) == (6000, 857)


def test_without_a_core_only_who_is_outside_is_beyond_it() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Ana", 2, "Jun")
    shop.work("Bo", 1, "Ana", provider=b"o" * 16, factor=LABOUR)
    shop.cut()
    (labour,) = book(shop).factors().factors
    assert (labour.beyond_core, labour.beyond_core_per_mille) == (1000, 333)


def test_a_correction_counts_in_its_own_period_and_is_said_in_both() -> None:
    """A correction after the period stands in the later one, with a footnote."""
    shop = Factory(*NAMES[1:])
    done = shop.give("Jun", 8, "Ana")
    shop.cut()
    first = shop.history.cut.height
    before = book(shop).factors(None, first)
    shop.correct(done, "Jun", -3, "Ana")
    shop.cut()
    told = book(shop)
    early, late = told.factors(None, first), told.factors(first + 1)
    assert [row.points for row in early.factors] == [8000] == [row.points for row in before.factors]
    assert (early.corrected, early.corrected_later) == (0, 1)
    assert [(row.points, row.events) for row in late.factors] == [(-3000, 0)]
    assert (late.corrected, late.corrected_later) == (1, 0)
    assert late.factors[0].largest_per_mille is None, "nobody gave anything"
    (whole,) = told.factors().factors
    assert (whole.points, whole.events) == (5000, 1)


def test_income_is_corrected_where_the_correction_is() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Jun", 8, "Ana")
    came = shop.earn(10_000)
    shop.cut()
    first = shop.history.cut.height
    less = {"n": -2_000, "scale": 2, "unit": "EUR"}
    shop.write(
        "Mei", "event", {"action": "transfer", "corrects": came.id, "resourceQuantity": less}
    )
    shop.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    shop.cut()
    told = book(shop)
    (early,), (late,) = told.factors(None, first).income, told.factors(first + 1).income
    assert (early.income, early.per_points) == (Decimal("100.00"), Decimal("12.50"))
    assert (late.income, late.incomes) == (Decimal("-20.00"), 0)
    assert late.per_points is None, "there are no points: A is not shown"
    assert told.factors().income[0].income == Decimal("80.00")


def test_productivity_is_rounded_down_and_needs_points() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Jun", 7, "Ana")
    shop.earn(100)
    shop.cut()
    (income,) = book(shop).factors().income
    assert (income.income, income.per_points) == (Decimal("1.00"), Decimal("0.14"))
    none = Factory(*NAMES[1:])
    none.earn(100)
    none.cut()
    assert book(none).factors().income[0].per_points is None


def test_a_period_without_anything_is_empty_and_one_that_ends_before_it_begins_is_refused() -> None:
    shop = Factory(*NAMES[1:])
    shop.give("Jun", 7, "Ana")
    shop.cut()
    shop.give("Jun", 7, "Ana")
    shop.cut()
    told = book(shop)
    last = told.kept.cut.height
    with pytest.raises(WrongPeriod):
        told.period(last + 1)
    with pytest.raises(WrongPeriod):
        told.period(2, 1)
    assert told.period(1, 99) == told.period()
    fresh = book(Factory("Jun"))
    empty = fresh.factors()
    assert (empty.factors, empty.income, empty.points, empty.height) == ((), (), 0, 0)
    assert not fresh.period().days


def test_what_is_behind_a_number_adds_up_to_it() -> None:
    shop = Factory(*NAMES[1:])
    done = shop.give("Jun", 8, "Ana")
    shop.give("Ana", 2, "Jun", KNOWLEDGE)
    shop.cut()
    shop.correct(done, "Jun", 1, "Ana")
    shop.cut()
    told = book(shop)
    rows = given_points(told.view, told.period(), LABOUR, 10)
    assert sum(row.points for row in rows) == 9000
    assert {row.id for row in rows} == {done.id} and {row.giver_name for row in rows} == {"Jun"}
    assert len(given_points(told.view, told.period(), None, 1)) == 1
    (month,) = seal_months(told.view)
    assert (month.month, month.first, month.last) == ("2023-11", 1, told.kept.cut.height)


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(1, 3, 333), (2, 3, 666), (0, 5, 0), (5, 5, 1000), (1, 0, None)]
)
def test_a_share_is_rounded_down(part: int, whole: int, expected: int | None) -> None:
    assert per_mille(part, whole) == expected


def story(seed: int, deeds: int = 14) -> Factory:
    """Return a workshop in which things are given, corrected, paid for and sealed by chance."""
    rng = Random(seed)
    shop = Factory(*NAMES[1:], reports={"core": ["owner"], **SAID}, roles={"owner": SAID})
    shop.write("Ana", "role.claim", {"role": "owner"})
    given: list[tuple[str, Record, int]] = []
    for _ in range(deeds):
        name, by = rng.sample(NAMES, 2)
        match rng.randrange(6):
            case 0 | 1:
                done = shop.give(name, rng.randint(1, 9), by, rng.choice((LABOUR, KNOWLEDGE)))
                given.append((name, done, 0))
            case 2 if given:
                at = rng.randrange(len(given))
                whose, done, number = given[at]
                by = rng.choice([other for other in NAMES if other != whose])
                shop.correct(done, whose, rng.choice((-1, 1, 2)), by, number + 1)
                given[at] = (whose, done, number + 1)
            case 3:
                shop.earn(rng.randint(1, 999))
            case 4:
                shop.work(name, rng.randint(1, 5), by, provider=b"o" * 16, factor=LABOUR)
            case _:
                shop.write(name, "unit.define", {"unit": f"u{len(shop.records)}"})
        if rng.random() < 0.5:
            shop.cut(rng.choice((1, 24 * 20)))
    shop.write("Mei", "unit.define", {"unit": "last"})
    shop.cut()
    return shop


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**32), st.data())
def test_both_readers_come_to_the_same_figures_and_periods_add_up(
    seed: int, data: st.DataObject
) -> None:
    shop = story(seed)
    told, again = book(shop), read_again(shop)
    height = told.kept.cut.height
    first = data.draw(st.integers(1, height))
    last = data.draw(st.integers(first, height))
    compare(told, again, first, last)
    compare(told, again, 1, height)
    if last < height:
        parts = told.factors(first, last), told.factors(last + 1, height)
        whole = told.factors(first, height)
        assert whole.points == sum(part.points for part in parts)
        sums = [
            {row.factor: (row.points, row.events) for row in one.factors} for one in (*parts, whole)
        ]
        for factor, (points, events) in sums[2].items():
            both = [part.get(factor, (0, 0)) for part in sums[:2]]
            assert (points, events) == tuple(map(sum, zip(*both, strict=True)))


@pytest.mark.parametrize("seed", range(3))
def test_what_a_period_came_to_never_changes(seed: int) -> None:
    shop = story(seed, 10)
    height = shop.history.cut.height
    before = book(shop).factors(1, height)
    rng = Random(seed)
    for _ in range(3):
        shop.give(rng.choice(NAMES[:2]), 2, "Bo")
        shop.cut()
    after = book(shop).factors(1, height)
    assert (after.points, after.income) == (before.points, before.income)
    assert after.factors == before.factors
