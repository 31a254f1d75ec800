"""Splits: exact, never negative, the same in any order, and every line adds up."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from commonweal.protocol.errors import DivisionByZero, RuleOverflow
from commonweal.protocol.rules.document import from_map
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.rules.split import (
    AMOUNT_MAX,
    Contribution,
    Income,
    PastSplit,
    Referral,
    split,
)
from commonweal.protocol.rules.split.weights import WeightedContribution, halved
from tests.protocol.ledger.council import DAY, HOUR, SAID
from tests.protocol.rules.payouts import is_explained
from tests.protocol.rules.pools import (
    ANA,
    BO,
    COMMONS,
    JUN,
    MEI,
    NOW,
    amounts,
    bucket,
    facts,
    gave,
    pool,
)


def test_a_pool_is_shared_in_proportion_to_what_was_given() -> None:
    done = split(pool(bucket()), facts(1000, gave(1, MEI, 30), gave(2, JUN, 50), gave(3, MEI, 20)))
    assert amounts(done) == {MEI: 500, JUN: 500}
    assert done.carried == 0
    (mei,) = [line for line in done.lines if line.member == MEI]
    assert (mei.of, mei.weight, mei.weights) == (1000, 50, 100)
    assert mei.inputs == (bytes([1]) * 32, bytes([3]) * 32)


def test_the_largest_remainder_gets_what_is_left() -> None:
    assert divide(100, [1, 1, 1], [b"a", b"b", b"c"]) == [34, 33, 33]
    assert divide(100, [1, 1, 1], [b"c", b"b", b"a"]) == [33, 33, 34]
    assert divide(10, [6, 3, 1, 0], [b"a", b"b", b"c", b"d"]) == [6, 3, 1, 0]
    assert divide(7, [5, 5, 4], [b"a", b"b", b"c"]) == [3, 2, 2]
    assert divide(7, [4, 5, 5], [b"a", b"b", b"c"]) == [2, 3, 2]
    assert divide(10, [1, 2, 4], [b"a", b"b", b"c"]) == [1, 3, 6]


def test_ties_change_with_the_cut_before_and_not_with_the_order_given() -> None:
    some = [gave(number, bytes([64 + number]) * 32, 1) for number in range(1, 8)]
    one = split(pool(bucket()), facts(10, *some))
    assert split(pool(bucket()), facts(10, *reversed(some))).lines == one.lines
    others = {
        split(pool(bucket()), facts(10, *some, seed=bytes([seed]))).lines for seed in range(9)
    }
    assert len(others) > 1


def test_the_remainder_is_what_the_whole_leaves() -> None:
    some = facts(1000, gave(1, MEI, 1))
    rules = pool(
        bucket("10%", of="remainder"),
        {"name": "reserve", "share": "20%", "to": "community", **SAID},
        bucket("50%", of="remainder"),
    )
    done = split(rules, some)
    by_bucket = {line.bucket[2:]: line.amount for line in done.lines if line.member == COMMONS}
    assert by_bucket == {"reserve": 200}
    assert amounts(done) == {COMMONS: 200, MEI: 80 + 360}
    assert done.carried == 360


def test_what_nobody_can_have_stays_in_the_pool() -> None:
    done = split(pool(bucket("60%", factor="capital")), facts(1000, gave(1, MEI, 5)))
    assert done.lines == ()
    assert done.carried == 1000


@pytest.mark.parametrize(
    ("over", "takes"),
    [
        ({"factor": "labour"}, {MEI}),
        ({"scope": "garden"}, {JUN}),
        ({"specification": "honey"}, {ANA}),
        ({"actions": ["use"]}, {BO}),
        ({"role": "keeper"}, {JUN, ANA}),
        ({"within_hours": 2}, {MEI, JUN}),
        ({"where": "event.effort > 1000 || event.scope == 'garden'"}, {MEI, JUN}),
        ({"scope": "garden", "factor": "labour"}, set()),
    ],
)
def test_a_bucket_takes_only_what_it_names(over: dict[str, Any], takes: set[bytes]) -> None:
    some = facts(
        1000,
        gave(1, MEI, 10, factor="labour", effort=2000),
        gave(2, JUN, 10, scope="garden"),
        gave(3, ANA, 10, age_ms=3 * HOUR, specification="honey"),
        gave(4, BO, 10, age_ms=4 * HOUR)
        if "actions" not in over
        else gave(4, BO, 10, action="use"),
        holders={"keeper": (JUN, ANA)},
    )
    done = split(pool(bucket(**over)), some) if not over.get("role") else None
    if done is None:
        table = {"unit": "EUR", "buckets": [bucket(**over)], **SAID}
        document = {"name": "x", "roles": {"keeper": SAID}, "pools": {"income": table}}
        done = split(from_map(document).pools[0], some)
    assert set(amounts(done)) == takes


def test_once_is_once() -> None:
    rules = pool(bucket(claim="once"))
    first = split(rules, facts(100, gave(1, MEI, 10)))
    again = facts(100, gave(1, MEI, 10), gave(2, JUN, 1), taken=first.taken)
    assert amounts(split(rules, again)) == {JUN: 100}


def test_what_got_nothing_has_not_had_its_turn() -> None:
    rules = pool(bucket(claim="once"))
    first = split(rules, facts(1, gave(1, MEI, 10), gave(2, JUN, 1)))
    assert amounts(first) == {MEI: 1}
    again = facts(100, gave(1, MEI, 10), gave(2, JUN, 1), taken=first.taken)
    assert amounts(split(rules, again)) == {JUN: 100}


def test_a_debt_is_paid_until_it_is_paid() -> None:
    rules = pool(bucket("50%", claim="debt"), bucket("100%", of="remainder"))
    lent, worked = gave(1, MEI, 120, factor="capital"), gave(2, JUN, 30, factor="capital")
    first = split(rules, facts(200, lent, worked))
    debts = [line for line in first.lines if line.bucket.startswith("0")]
    assert {line.member: line.amount for line in debts} == {MEI: 80, JUN: 20}
    second = split(rules, facts(200, lent, worked, taken=first.taken))
    debts = [line for line in second.lines if line.bucket.startswith("0")]
    assert {line.member: line.amount for line in debts} == {MEI: 40, JUN: 10}
    third = split(rules, facts(200, lent, worked, taken=second.taken))
    assert not [line for line in third.lines if line.bucket.startswith("0")]
    assert third.carried == 0


@pytest.mark.parametrize(
    ("points_in", "scale", "amount"),
    [
        (None, 2, 12_509),
        ("smallest", 2, 12_509),
        ("smallest", 0, 12_509),
        ("thousandths", 2, 1_250),
        ("thousandths", 0, 12),
        ("thousandths", 5, 1_250_900),
        ("whole", 2, 1_250_900),
        ("whole", 0, 12_509),
    ],
)
def test_a_debt_says_in_which_unit_its_points_are(
    points_in: str | None, scale: int, amount: int
) -> None:
    named = {} if points_in is None else {"points_in": points_in}
    rules = pool(bucket(claim="debt", **named), scale=scale)
    first = split(rules, facts(9, gave(1, MEI, 12_509)))
    assert amounts(first) == {MEI: 9}
    second = split(rules, facts(10_000_000, gave(1, MEI, 12_509), taken=first.taken))
    assert amounts(second) == {MEI: amount - 9}
    third = split(rules, facts(10_000_000, gave(1, MEI, 12_509), taken=second.taken))
    assert amounts(third) == {}, "nothing is left to pay"


def test_a_debt_below_the_smallest_amount_is_not_owed() -> None:
    rules = pool(bucket(claim="debt", points_in="thousandths"))
    done = split(rules, facts(100, gave(1, MEI, 9), gave(2, JUN, 19)))
    assert amounts(done) == {JUN: 1}
    assert done.carried == 99


def test_equity_shares_each_time() -> None:
    rules = pool(bucket(claim="equity"))
    first = split(rules, facts(100, gave(1, MEI, 10)))
    again = split(rules, facts(100, gave(1, MEI, 10), gave(2, JUN, 10), taken=first.taken))
    assert amounts(again) == {MEI: 50, JUN: 50}


def test_what_is_recent_weighs_more() -> None:
    rules = pool(bucket(divide="recent", recent_hours=100))
    some = facts(
        1000,
        gave(1, MEI, 10, age_ms=0),
        gave(2, JUN, 10, age_ms=75 * HOUR),
        gave(3, ANA, 10, age_ms=100 * HOUR),
    )
    assert amounts(split(rules, some)) == {MEI: 800, JUN: 200}


@pytest.mark.parametrize(
    ("age_hours", "weight"),
    [
        (0, 1000 << 64),
        (1, 1000 * 15511800964685064948),
        (2, 1000 * 13043817825332782212),
        (3, 1000 * 10968499650544839022),
        (4, 500 << 64),
        (6, 1000 * 13043817825332782212 >> 1),
        (8, 250 << 64),
    ],
)
def test_half_of_a_contribution_is_left_after_a_half_life(age_hours: int, weight: int) -> None:
    rules = pool(bucket(divide="half_life", half_life_hours=4))
    given = [gave(1, MEI, 1000, age_ms=age_hours * HOUR), gave(2, JUN, 1, age_ms=0)]
    for order in (given, given[::-1]):
        done = split(rules, facts(1_000_000, *order))
        weights = {line.member: line.weight for line in done.lines}
        assert weights.get(MEI, 0) == weight
        assert weights[JUN] == 1 << 64
        assert all(is_explained(line) for line in done.lines)


def test_fading_by_half_life_follows_the_power_and_never_grows() -> None:
    half = 1_000 * HOUR
    before = 2 << 64
    for age_ms in range(0, 3 * half, half // 97):
        part = WeightedContribution(b"id", MEI, 1, NOW - age_ms)
        weight = halved([part], NOW, half)[MEI]
        assert weight < before
        assert weight / 2**64 == pytest.approx(2 ** (-age_ms / half), rel=1e-9)
        before = weight


@pytest.mark.parametrize(("half_lives", "weight"), [(9, 1000 << 55), (73, 1), (74, 0), (9_999, 0)])
def test_what_is_less_than_the_last_binary_place_is_nothing(half_lives: int, weight: int) -> None:
    part = WeightedContribution(b"id", MEI, 1000, NOW)
    assert halved([part], NOW + half_lives * HOUR, HOUR) == {MEI: weight}


def test_the_underpaid_come_first() -> None:
    rules = pool(bucket(divide="balanced"))
    some = (gave(1, MEI, 10), gave(2, JUN, 10), gave(3, ANA, 20))
    paid = {("0 work", MEI): 90, ("0 work", JUN): 40}
    assert amounts(split(rules, facts(30, *some, paid=paid))) == {ANA: 30}
    assert amounts(split(rules, facts(110, *some, paid=paid))) == {JUN: 10, ANA: 100}
    # 90 + 40 + 0 + 270 = 400, at 10 for a point.
    assert amounts(split(rules, facts(270, *some, paid=paid))) == {MEI: 10, JUN: 60, ANA: 200}


def test_a_share_can_be_the_same_for_everybody() -> None:
    some = facts(100, gave(1, MEI, 1000), gave(2, JUN, 1))
    assert amounts(split(pool(bucket(divide="equal")), some)) == {MEI: 50, JUN: 50}


def test_who_serves_in_a_role_can_have_a_part() -> None:
    table: dict[str, Any] = {"unit": "EUR", **SAID}
    table["buckets"] = [{"name": "care", "share": "30%", "to": "role", "role": "keeper", **SAID}]
    document = {"name": "x", "roles": {"keeper": SAID}, "pools": {"income": table}}
    rules = from_map(document).pools[0]
    done = split(rules, facts(100, gave(1, MEI, 9), holders={"keeper": (JUN, ANA)}))
    assert amounts(done) == {JUN: 15, ANA: 15}
    assert done.carried == 70


def test_income_is_traced_to_those_who_made_what_was_sold() -> None:
    rules = pool(bucket("50%", trace=True), bucket("100%", of="remainder"))
    one, two = gave(1, MEI, 10), gave(2, JUN, 30)
    incomes = (
        Income(b"i" * 32, 600, {one.id: Fraction(1)}),
        Income(b"j" * 32, 400, {one.id: Fraction(1), two.id: Fraction(1)}),
    )
    done = split(rules, facts(0, one, two, incomes=incomes))
    traced = [line for line in done.lines if line.bucket.startswith("0")]
    assert {(line.income[:1], line.member): line.amount for line in traced} == {
        (b"i", MEI): 300,
        (b"j", MEI): 50,
        (b"j", JUN): 150,
    }
    assert amounts(done) == {MEI: 300 + 50 + 125, JUN: 150 + 375}


def referred(*pairs: tuple[bytes, bytes], age_ms: int = DAY) -> dict[bytes, Referral]:
    return {member: Referral(by, NOW - age_ms) for member, by in pairs}


@pytest.mark.parametrize(
    ("commission", "referrals", "expected"),
    [
        (["10%"], referred((MEI, JUN)), {MEI: 900, JUN: 100}),
        (["10%"], referred((MEI, JUN), (JUN, ANA)), {MEI: 900, JUN: 100}),  # depth 1
        (["10%", "5%"], referred((MEI, JUN), (JUN, ANA)), {MEI: 850, JUN: 100, ANA: 50}),
        (["10%", "5%"], referred((MEI, JUN)), {MEI: 900, JUN: 100}),
        (["10%"], referred((MEI, MEI)), {MEI: 1000}),  # no member refers themselves
        (["10%", "5%"], referred((MEI, JUN), (JUN, MEI)), {MEI: 900, JUN: 100}),  # a circle
        (  # EXCHANGE, section 7: three steps only where the rules say so
            ["5%", "3%", "2%"],
            referred((MEI, JUN), (JUN, ANA), (ANA, BO)),
            {MEI: 900, JUN: 50, ANA: 30, BO: 20},
        ),
        (["5%"], referred((MEI, JUN), (JUN, ANA), (ANA, BO)), {MEI: 950, JUN: 50}),
        (["10%"], referred((MEI, JUN), age_ms=11 * DAY), {MEI: 1000}),  # too long ago
        (["10%"], {}, {MEI: 1000}),
        (["100%"], referred((MEI, JUN)), {JUN: 1000}),
        ([], referred((MEI, JUN)), {MEI: 1000}),
    ],
)
def test_who_brought_a_member_has_a_commission(
    commission: list[str], referrals: dict[bytes, Referral], expected: dict[bytes, int]
) -> None:
    rules = pool(bucket(), commission=commission, commission_hours=240)
    done = split(rules, facts(1000, gave(1, MEI, 5), referrals=referrals))
    assert {one: part for one, part in amounts(done).items() if part} == expected
    assert all(map(is_explained, done.lines))
    assert all(line.member != line.source for line in done.lines)


def test_a_commission_can_ask_for_a_role() -> None:
    table = {"unit": "EUR", "buckets": [bucket()], **SAID}
    table |= {"commission": ["10%"], "commission_role": "promoter"}
    rules = from_map({"name": "x", "pools": {"income": table}}).pools[0]
    some = facts(1000, gave(1, MEI, 5), referrals=referred((MEI, JUN)))
    assert amounts(split(rules, some)) == {MEI: 1000}
    some = replace(some, holders={"promoter": (JUN,)})
    assert amounts(split(rules, some)) == {MEI: 900, JUN: 100}


def late(number: int, member: bytes, points: int, booked: int, **over: Any) -> Contribution:
    one = gave(number, member, points, valued=6)
    return replace(one, booked=(booked, NOW - 10 * DAY), **over)


def test_what_is_attested_late_takes_part_in_the_next_split() -> None:
    rules = pool(bucket(claim="once"))
    done = split(rules, facts(100, late(1, MEI, 10, booked=3), gave(2, JUN, 10)))
    assert amounts(done) == {MEI: 50, JUN: 50}


def test_what_is_late_can_catch_up_with_what_it_missed() -> None:
    rules = pool(bucket(claim="once"), late="catch_up")
    past = {"0 work": (PastSplit(2, 900, 10), PastSplit(4, 120, 20), PastSplit(5, 50, 40))}
    done = split(rules, facts(100, late(1, MEI, 10, booked=4), gave(2, JUN, 10), past=past))
    # 120 * 10 / 30 and 50 * 10 / 50; what was given at height 2 is before its time.
    assert amounts(done) == {MEI: 50, JUN: 50}
    assert [line.sort for line in done.lines] == ["arrears", "share"]
    less = split(rules, facts(30, late(1, MEI, 10, booked=4), gave(2, JUN, 10), past=past))
    assert amounts(less) == {MEI: 30}


def test_what_is_old_can_need_more_attestations() -> None:
    rules = pool(bucket(), late="needs_attest_if_older", late_hours=24, late_attestations=2)
    once, twice = late(1, MEI, 10, booked=3), late(2, JUN, 10, booked=3, yes=2)
    assert amounts(split(rules, facts(100, once, twice, gave(3, ANA, 10)))) == {JUN: 50, ANA: 50}


def test_an_error_in_a_condition_is_the_splits() -> None:
    rules = pool(bucket(where="1 / event.effort > 0"))
    with pytest.raises(DivisionByZero):
        split(rules, facts(100, gave(1, MEI, 10)))


def test_a_pool_that_overflows_is_not_split() -> None:
    with pytest.raises(RuleOverflow, match="income"):
        split(pool(bucket()), facts(AMOUNT_MAX, gave(1, MEI, 1), incomes=(Income(b"i" * 32, 1),)))
    most = split(pool(bucket()), facts(AMOUNT_MAX, gave(1, MEI, AMOUNT_MAX), gave(2, JUN, 1)))
    assert sum(amounts(most).values()) == AMOUNT_MAX
