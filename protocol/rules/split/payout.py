"""The result of a split: payout lines, each of which explains its own amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from commonweal.protocol.rules.split.inputs import PastSplit

CORRECTION = "correction"
"""The sort of a line that no split gave: an income of an earlier one was corrected."""


class PayoutLine(NamedTuple):
    """A member's part of a split, with the numbers from which it was computed.

    sort: "share", "arrears", "role", "community", "commission" or "correction". amount: of *
    weight / weights, rounded, minus commissions. of: the amount that was divided; for a
    commission, the amount of the line it was taken from, and source that line's member. inputs:
    ids of contributions. income: id of the income that the share was traced from, or that was
    corrected; else empty. corrects: height of the split that a correction corrects, else 0. Only
    a correction may be negative. All amounts in minor units of the pool.
    """

    bucket: str
    sort: str
    member: bytes
    amount: int
    of: int
    weight: int
    weights: int
    inputs: tuple[bytes, ...] = ()
    source: bytes = b""
    income: bytes = b""
    commissions: int = 0
    corrects: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """The result for one pool at one height. total: the sum of the lines + carried.

    taken: total amount by (bucket, contribution), including earlier splits. past: entries to
    store, by (bucket, height): of this split, and of earlier ones for which arrears were paid.
    """

    pool: str
    height: int
    total: int
    lines: tuple[PayoutLine, ...]
    carried: int
    taken: Mapping[tuple[str, bytes], int]
    past: Mapping[tuple[str, int], PastSplit]
