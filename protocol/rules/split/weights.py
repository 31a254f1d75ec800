"""Weights of members in a bucket, one function per way to share. Weights are ints >= 0.

Amounts are divided in `division`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple


class WeightedContribution(NamedTuple):
    """A contribution that takes part. points: > 0. time_ms: from when it counts, ms since 1970."""

    id: bytes
    member: bytes
    points: int
    time_ms: int


def proportional(parts: Sequence[WeightedContribution]) -> dict[bytes, int]:
    """Return each member's points: shares in proportion to points."""
    return _summed((part.member, part.points) for part in parts)


def equal(parts: Sequence[WeightedContribution]) -> dict[bytes, int]:
    """Return weight 1 for every member who takes part."""
    return dict.fromkeys((part.member for part in parts), 1)


def recent(parts: Sequence[WeightedContribution], now_ms: int, window_ms: int) -> dict[bytes, int]:
    """Return each member's points, decreasing linearly to 0 over `window_ms`."""
    weighed = (
        (part.member, part.points * max(0, window_ms - max(0, now_ms - part.time_ms)))
        for part in parts
    )
    return _summed(weighed)


HALVING_BITS = 64
"""Binary places of what an age leaves of a point; weights are in units of 2**-64 points."""

HALVING_STEPS = 32
"""Binary places of an age, in half-lives, that are looked at."""


def halved(
    parts: Sequence[WeightedContribution], now_ms: int, half_life_ms: int
) -> dict[bytes, int]:
    """Return each member's points, halved with every half-life, in units of 2**-64 points."""
    roots = _half_roots()
    weighed = (
        (part.member, _halved(part.points, max(0, now_ms - part.time_ms), half_life_ms, roots))
        for part in parts
    )
    return _summed(weighed)


def _halved(points: int, age_ms: int, half_life_ms: int, roots: Sequence[int]) -> int:
    """Return points * 2**(64 - age / half-life), rounded down at each step."""
    whole, rest = divmod(age_ms, half_life_ms)
    left = 1 << HALVING_BITS
    for root in roots:
        rest *= 2
        if rest >= half_life_ms:
            rest -= half_life_ms
            left = left * root >> HALVING_BITS
    return points * left >> whole


def _half_roots() -> list[int]:
    """Return 2**(64 - 1/2), 2**(64 - 1/4), ...: each the root of the one before, rounded down."""
    roots = [math.isqrt(1 << 2 * HALVING_BITS - 1)]
    while len(roots) < HALVING_STEPS:
        roots.append(math.isqrt(roots[-1] << HALVING_BITS))
    return roots


def owed(parts: Sequence[WeightedContribution], got: Mapping[bytes, int]) -> dict[bytes, int]:
    """Return what each member is still owed: points minus `got`, by contribution."""
    return _summed((part.member, part.points - got.get(part.id, 0)) for part in parts)


def balanced(
    amount: int, points: Mapping[bytes, int], paid: Mapping[bytes, int]
) -> dict[bytes, int]:
    """Return weights that pay first the members who got least per point ("water filling").

    points: > 0 each, of all contributions of a member. paid: what each member got so far. Members
    with a weight end with equal pay per point, which is at most that of the members without.
    """
    order = sorted(
        points, key=lambda member: (Fraction(paid.get(member, 0), points[member]), member)
    )
    lifted: list[bytes] = []
    sum_points = sum_paid = 0
    for member in order:
        more_points = sum_points + points[member]
        more_paid = sum_paid + paid.get(member, 0)
        # A member takes part while the common level is above what the member has.
        rise = (amount + more_paid) * points[member] - paid.get(member, 0) * more_points
        if lifted and rise <= 0:
            break
        lifted.append(member)
        sum_points, sum_paid = more_points, more_paid
    return {
        member: max(0, (amount + sum_paid) * points[member] - paid.get(member, 0) * sum_points)
        for member in lifted
    }


def _summed(pairs: Iterable[tuple[bytes, int]]) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for member, weight in pairs:
        sums[member] = sums.get(member, 0) + weight
    return sums
