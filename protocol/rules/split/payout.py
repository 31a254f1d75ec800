"""The result of a split: payout lines, each of which explains its own amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from commonweal.protocol.rules.split.inputs import PastSplit

CORRECTION = "correction"
"""The sort of a line that no split gave: an income of an earlier one was corrected."""


class PayoutLine(NamedTuple):
    """Why a member gets `amount`.

    sort: "share", "arrears", "role", "community", "commission" or "correction". `weight` of
    `weights` of `of` is the amount before commissions; `commissions` were taken from it; of
    a commission, `source` is whose line it was taken from, `of` that line. inputs:
    contributions. income: the income that the share was traced from, or that was corrected;
    else empty. corrects: the height of the split that a correction corrects, else 0; only a
    correction may be less than nothing.
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
    """The lines of one pool at one height. `total` = what the lines sum to + `carried`.

    taken: by (bucket, contribution), what it has got now, in all. past: what to remember
    of each bucket, by (bucket, height): of this split, and of those that somebody caught up with.
    """

    pool: str
    height: int
    total: int
    lines: tuple[PayoutLine, ...]
    carried: int
    taken: Mapping[tuple[str, bytes], int]
    past: Mapping[tuple[str, int], PastSplit]
