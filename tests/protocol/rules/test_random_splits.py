"""Random splits are exact, explained, and independent of the order of their input."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from commonweal.protocol.rules.document import Pool, from_map
from commonweal.protocol.rules.environment import EMPTY_EVENT
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
from commonweal.protocol.rules.split.parts import units
from tests.protocol.ledger.council import DAY, SAID
from tests.protocol.rules.payouts import is_explained
from tests.protocol.rules.pools import COMMONS, JUN, MEI, NOW, bucket, facts, gave, pool

SOURCES = (bytes(32), b"s" * 32)


def random_part(rng: random.Random) -> Fraction:
    """Return a part above 0 and at most 1, the whole most of the time."""
    return rng.choice([Fraction(1), Fraction(1), Fraction(rng.randint(1, 99), 10**30 + 7)])


def random_case(rng: random.Random) -> tuple[Pool, SplitInputs]:
    """Return a pool and facts of any sort, small ones most of the time."""
    buckets = random_buckets(rng)
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
            rng.choice([None, {id: random_part(rng) for id in rng.sample(ids, 3)}]),
            rng.choice(SOURCES),
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
        parts={
            (rng.choice(names), one.id): {rng.choice(SOURCES): units(random_part(rng))}
            for one in contributions
            if rng.random() < 0.3
        },
        past={name: (PastSplit(4, rng.randint(0, limit), rng.randint(1, 50)),) for name in names},
    )


def random_buckets(rng: random.Random) -> list[dict[str, Any]]:
    """Return one to four buckets of any sort, whose shares of the whole sum to at most all."""
    left = 100
    buckets: list[dict[str, Any]] = []
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
            if one["claim"] == "debt" and rng.random() < 0.5:
                one["points_in"] = rng.choice(["smallest", "thousandths", "whole"])
            if one["claim"] != "debt":
                one["divide"] = rng.choice(
                    ["proportional", "recent", "half_life", "balanced", "equal"]
                )
            if rng.random() < 0.2:
                one["scope"] = "garden"
        buckets.append(one | SAID)
    return buckets


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


CASES = 2_500
"""In each batch."""
BATCHES = 8 if "COMMONWEAL_EXAMPLES" in os.environ else 2


@pytest.mark.many
@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_split_is_exact_and_explained(batch: int) -> None:
    rng = random.Random(batch)
    sorts: set[str] = set()
    for _ in range(CASES):
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
