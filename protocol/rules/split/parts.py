"""How much of a contribution takes part in what a bucket gives of one income.

A bucket that traces counts the part of each contribution that went into what earned the income. A
contribution that takes part once does so with each part of it once. All is exact; weights are the
smallest whole numbers that keep the proportions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final, TypeAlias

from commonweal.protocol.rules.document import Bucket
from commonweal.protocol.rules.split.inputs import Contribution, Income
from commonweal.protocol.rules.split.weights import WeightedContribution
from commonweal.protocol.vocabulary.payout_line import PART_UNITS

SCALE_MAX = 2**256
"""Points are multiplied by at most so much to become whole; what is left then is cut off."""

WHOLE: Final = Fraction(1)
"""The part of a contribution that takes part where nothing is traced; most have it."""

Earlier: TypeAlias = Mapping[tuple[str, bytes], Mapping[bytes, int]]
"""How much of contributions took part at earlier heights, by bucket and contribution, then source,
in 1 / PART_UNITS."""


def taking_part(bucket: Bucket, income: Income, id: bytes, taken: Earlier) -> Fraction:
    """Return the part of a contribution that takes part in what came of an income; at least 0."""
    is_once = bucket.trace and bucket.claim == "once"
    if income.upstream is None and not is_once:
        return WHOLE
    part = WHOLE if income.upstream is None else income.upstream.get(id, Fraction(0))
    if is_once:
        earlier = taken.get((bucket.name, id), {})
        part -= Fraction(earlier.get(income.source, 0), PART_UNITS)
        part = min(part, 1 - Fraction(sum(earlier.values()), PART_UNITS))
    return max(Fraction(0), part)


def units(part: Fraction) -> int:
    """Return a part in 1 / PART_UNITS, rounded up."""
    return -(-part.numerator * PART_UNITS // part.denominator)


def shown_units(parts: Sequence[Fraction]) -> tuple[int, ...]:
    """Return parts in 1 / PART_UNITS, rounded down; nothing where all are the whole."""
    if all(part is WHOLE or part == 1 for part in parts):
        return ()
    return tuple(part.numerator * PART_UNITS // part.denominator for part in parts)


def owed_points(
    shares: Iterable[tuple[Contribution, Fraction]], got: Mapping[bytes, int]
) -> list[WeightedContribution]:
    """Return debts with the points that they `got`, and what is owed of their parts beyond them.

    Parts are rounded down; debts of which nothing more is owed are left out.
    """
    points = [
        (
            contribution,
            min(
                contribution.points,
                got[contribution.id] + contribution.points * part.numerator // part.denominator,
            ),
        )
        for contribution, part in shares
    ]
    return [
        _weighted(contribution, owed)
        for contribution, owed in points
        if owed > got[contribution.id]
    ]


def whole_points(
    shares: Iterable[tuple[Contribution, Fraction]],
) -> list[WeightedContribution]:
    """Return contributions with the points of their parts, all multiplied to whole numbers.

    Those of which nothing is left are left out.
    """
    counted = [
        (contribution, contribution.points if part is WHOLE else contribution.points * part)
        for contribution, part in shares
    ]
    scale = 1
    for _, points in counted:
        scale = min(SCALE_MAX, math.lcm(scale, points.denominator))
        if scale == SCALE_MAX:
            break
    whole = [
        _weighted(contribution, points.numerator * scale // points.denominator)
        for contribution, points in counted
    ]
    return [share for share in whole if share.points]


def _weighted(contribution: Contribution, points: int) -> WeightedContribution:
    """Return a contribution with so many points."""
    return WeightedContribution(contribution.id, contribution.member, points, contribution.since_ms)
