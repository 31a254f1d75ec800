"""Splits: exact, never negative, the same in any order, and every line adds up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol.errors import DivisionByZero, RuleOverflow
from commonweal.protocol.rules.document import Pool, from_map
from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.rules.split import (
    AMOUNT_MAX,
    Contribution,
    Income,
    PastSplit,
    PayoutLine,
    Referral,
    Split,
    SplitInputs,
    split,
)
from tests.protocol.ledger.council import DAY, HOUR, SAID
from tests.protocol.rules.payouts import is_explained

MEI, JUN, ANA, BO = (name.encode() * 8 for name in ("Mei1", "Jun2", "Ana3", "Bo44"))
COMMONS = b"C" * 32
NOW = 1_000 * DAY


def bucket(share: str = "100%", **over: Any) -> dict[str, Any]:
    return {"name": "work", "share": share, "claim": "equity", **SAID, **over}


def pool(*buckets: dict[str, Any], **over: Any) -> Pool:
    named = [one | {"name": f"{number} {one['name']}"} for number, one in enumerate(buckets)]
    table = {"unit": "EUR", "buckets": named, **SAID, **over}
    return from_map({"name": "Lanxi", "pools": {"income": table}}).pools[0]


def gave(
    number: int, member: bytes, points: int, valued: int = 5, age_ms: int = HOUR, **over: Any
) -> Contribution:
    event = {**EMPTY_EVENT, "action": "work", **over}
    at = (valued, NOW - age_ms)
    return Contribution(bytes([number]) * 32, member, points, at, at, 1, event)


def facts(amount: int, *contributions: Contribution, **over: Any) -> SplitInputs:
    base = SplitInputs(6, NOW, b"seed", COMMONS, amount, contributions=contributions)
    return replace(base, **over)


def amounts(done: Split) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for line in done.lines:
        sums[line.member] = sums.get(line.member, 0) + line.amount
    return sums


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
        Income(b"i" * 32, 600, frozenset({one.id})),
        Income(b"j" * 32, 400, frozenset({one.id, two.id})),
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
        (["10%"], referred((MEI, MEI)), {MEI: 1000}),  # nobody brings himself
        (["10%", "5%"], referred((MEI, JUN), (JUN, MEI)), {MEI: 900, JUN: 100}),  # a circle
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


def random_case(rng: random.Random) -> tuple[Pool, SplitInputs]:
    """Return a pool and facts of any sort, small ones most of the time."""
    left, buckets = 100, []
    for number in range(rng.randint(1, 4)):
        share = rng.randint(0, left)
        of = rng.choice(["whole", "remainder"])
        left -= share if of == "whole" else 0
        to = rng.choice(["contributors", "contributors", "contributors", "role", "community"])
        one: dict[str, Any] = {"name": str(number), "share": f"{share}%", "of": of, "to": to}
        if to == "role":
            one["role"] = "producer"
        if to == "contributors":
            one["claim"] = rng.choice(["once", "debt", "equity"])
            one["trace"] = rng.random() < 0.2
            if one["claim"] != "debt":
                one["divide"] = rng.choice(["proportional", "recent", "balanced", "equal"])
            if rng.random() < 0.2:
                one["scope"] = "garden"
        buckets.append(one | SAID)
    table = {
        "unit": "EUR",
        "buckets": buckets,
        "commission": rng.choice([[], ["10%"], ["1/3", "12.5%"]]),
        "late": rng.choice(["next_epoch", "catch_up", "needs_attest_if_older"]),
        **SAID,
    }
    members = [bytes([number]) * 32 for number in range(1, rng.randint(2, 7))]
    limit = rng.choice([10, 1000, AMOUNT_MAX // 40])
    contributions = tuple(random_contribution(rng, number, members, limit) for number in range(6))
    ids = [one.id for one in contributions]
    incomes = tuple(
        Income(
            rng.randbytes(32),
            rng.randint(0, limit),
            rng.choice([None, frozenset(rng.sample(ids, 3))]),
        )
        for _ in range(rng.randint(0, 3))
    )
    names = [one["name"] for one in buckets]
    return from_map({"name": "x", "pools": {"p": table}}).pools[0], SplitInputs(
        height=rng.randint(5, 9),
        time_ms=NOW,
        seed=rng.randbytes(4),
        community=COMMONS,
        carried=rng.randint(0, limit),
        incomes=incomes,
        contributions=contributions,
        holders={"producer": tuple(rng.sample(members, rng.randint(0, len(members))))},
        referrals={one: Referral(rng.choice(members), NOW - DAY) for one in members[::2]},
        taken={
            (rng.choice(names), one.id): rng.randint(0, one.points)
            for one in contributions
            if rng.random() < 0.3
        },
        paid={(rng.choice(names), one): rng.randint(0, limit) for one in members},
        past={name: (PastSplit(4, rng.randint(0, limit), rng.randint(1, 50)),) for name in names},
    )


def random_contribution(
    rng: random.Random, number: int, members: list[bytes], limit: int
) -> Contribution:
    valued = rng.randint(3, 5)
    return Contribution(
        rng.randbytes(31) + bytes([number]),
        rng.choice(members),
        rng.randint(0, limit),
        (rng.randint(2, valued), NOW - rng.randint(0, 99) * DAY),
        (valued, NOW - rng.randint(0, 99) * DAY),
        rng.randint(1, 3),
        {**EMPTY_EVENT, "action": "work", "scope": rng.choice(["", "garden"])},
    )


def shuffled(rng: random.Random, some: SplitInputs) -> SplitInputs:
    def mixed(items: Any) -> Any:
        items = list(items)
        rng.shuffle(items)
        return items

    return replace(
        some,
        incomes=tuple(mixed(some.incomes)),
        contributions=tuple(mixed(some.contributions)),
        holders={role: tuple(mixed(held)) for role, held in some.holders.items()},
        referrals=dict(mixed(some.referrals.items())),
        taken=dict(mixed(some.taken.items())),
        paid=dict(mixed(some.paid.items())),
    )


CASES, BATCHES = 20_000, 8


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_split_is_exact_and_explained(batch: int) -> None:
    rng = random.Random(batch)
    sorts: set[str] = set()
    for _ in range(CASES // BATCHES):
        rules, some = random_case(rng)
        done = split(rules, some)
        total = some.carried + sum(one.amount for one in some.incomes)
        assert done.total == total
        assert sum(line.amount for line in done.lines) + done.carried == total
        assert done.carried >= 0
        assert all(line.amount >= 0 and is_explained(line) for line in done.lines)
        lines_add_up(done)
        assert split(rules, shuffled(rng, some)).lines == done.lines
        sorts.update(line.sort for line in done.lines)
    assert sorts == {"share", "arrears", "role", "community", "commission"}


def lines_add_up(done: Split) -> None:
    """Of one bucket, one income and one sort, the lines divide what they say they divide."""
    groups: dict[tuple[str, str, bytes], list[PayoutLine]] = {}
    for line in done.lines:
        if line.sort != "commission":
            groups.setdefault((line.bucket, line.sort, line.income), []).append(line)
    for lines in groups.values():
        before = sum(line.amount + line.commissions for line in lines)
        assert {before} == {line.of for line in lines}
    off = sum(line.commissions for line in done.lines)
    assert off == sum(line.amount for line in done.lines if line.sort == "commission")


def changed(line: PayoutLine) -> list[PayoutLine]:
    return [line._replace(amount=line.amount + more) for more in (-2, 2)]


@pytest.mark.parametrize("spoil", [changed])
def test_a_line_that_does_not_add_up_is_seen(
    spoil: Callable[[PayoutLine], list[PayoutLine]],
) -> None:
    done = split(pool(bucket()), facts(100, gave(1, MEI, 2), gave(2, JUN, 1)))
    assert all(map(is_explained, done.lines))
    assert not any(is_explained(bad) for line in done.lines for bad in spoil(line))
