"""The result of a split of one pool at one height."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commonweal.protocol.rules.split.inputs import PastSplit
from commonweal.protocol.vocabulary.payout_line import PayoutLine


@dataclass(frozen=True, slots=True)
class Split:
    """The result for one pool at one height. total: the sum of the lines + carried.

    taken: total amount by (bucket, contribution), including earlier splits. past: entries to
    store, by (bucket, height): of this split, and of earlier ones for which arrears were paid.
    parts: how much more took part now, by (bucket, contribution, source), in 1 / PART_UNITS.
    """

    pool: str
    height: int
    total: int
    lines: tuple[PayoutLine, ...]
    carried: int
    taken: Mapping[tuple[str, bytes], int]
    past: Mapping[tuple[str, int], PastSplit]
    parts: Mapping[tuple[str, bytes, bytes], int]
