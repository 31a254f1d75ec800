"""The weights of members in a bucket: shares.md."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt
from typing import Any

from tests.second_reader.rules import HOUR

Row = dict[str, Any]


def weights_of(bucket: Row, part: list[Row], time: int) -> dict[bytes, int]:
    """Return the weight of each member. part: the contributions that take part."""
    if bucket.get("claim") == "debt":
        return _summed((entry["member"], entry["points"] - entry["taken"]) for entry in part)
    match bucket.get("divide", "proportional"):
        case "equal":
            return dict.fromkeys((entry["member"] for entry in part), 1)
        case "recent":
            window = bucket.get("recent_hours", 2160) * HOUR
            pairs = ((entry, max(0, window - max(0, time - entry["since"]))) for entry in part)
            return _summed((entry["member"], entry["points"] * left) for entry, left in pairs)
        case "half_life":
            half = bucket.get("half_life_hours", 2160) * HOUR
            ages = ((entry, max(0, time - entry["since"])) for entry in part)
            return _summed(
                (e["member"], e["points"] * _left(age, half) >> age // half) for e, age in ages
            )
    return _summed((entry["member"], entry["points"]) for entry in part)


def _left(age: int, half: int) -> int:
    """Return 2^64 times what the rest of an age within one half-life leaves."""
    left, root, rest = 2**64, isqrt(2**127), age % half
    for _ in range(32):
        rest *= 2
        if rest >= half:
            rest, left = rest - half, left * root // 2**64
        root = isqrt(root * 2**64)
    return left


def balanced(amount: int, points: dict[bytes, int], paid: dict[bytes, int]) -> dict[bytes, int]:
    """Return weights that lift first those who got least for their points."""
    order = sorted(points, key=lambda member: (Fraction(paid[member], points[member]), member))
    lifted: list[bytes] = []
    sum_points = sum_paid = 0
    for member in order:
        new_points, new_paid = sum_points + points[member], sum_paid + paid[member]
        level = (amount + new_paid) * points[member] - paid[member] * new_points
        if lifted and level <= 0:
            break
        lifted.append(member)
        sum_points, sum_paid = new_points, new_paid
    return {
        member: max(0, (amount + sum_paid) * points[member] - paid[member] * sum_points)
        for member in lifted
    }


def _summed(pairs: Iterable[tuple[bytes, int]]) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for member, weight in pairs:
        sums[member] = sums.get(member, 0) + weight
    return sums
