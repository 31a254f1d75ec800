"""Portions of a whole as rules write them, and the division of amounts.

"60%", "12.5%", "2/3", and ">1/2" for "more than half". No floats: amounts are divided by largest
remainder, and the parts sum to the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_PERCENT = re.compile(r"(>?)(\d{1,3})(?:\.(\d{1,4}))?%")
_FRACTION = re.compile(r"(>?)(\d{1,6})/(\d{1,6})")

PORTION_CHARACTERS_MAX = 16


class Portion(NamedTuple):
    """The fraction above / below, from 0 to 1. more: strictly more than that is needed."""

    above: int
    below: int
    more: bool = False

    def of(self, amount: int) -> int:
        """Return the portion of `amount`, truncated towards zero."""
        return amount * self.above // self.below

    def needed(self, count: int) -> int:
        """Return the least number out of `count` that reaches the portion; at least 1."""
        if self.more:
            return count * self.above // self.below + 1
        return max(1, -(-count * self.above // self.below))


def read(text: str) -> Portion | None:
    """Return the portion written in `text`; None when it is no portion from 0 to 1."""
    if len(text) > PORTION_CHARACTERS_MAX or not text.isascii():
        return None
    if match := _PERCENT.fullmatch(text):
        after = match[3] or ""
        portion = Portion(int(match[2] + after), 100 * 10 ** len(after), bool(match[1]))
    elif match := _FRACTION.fullmatch(text):
        portion = Portion(int(match[2]), int(match[3]), bool(match[1]))
    else:
        return None
    if portion.below == 0 or portion.above > portion.below:
        return None
    # Strictly more than the whole can never be reached.
    return None if portion.more and portion.above == portion.below else portion


def exceeds_whole(portions: Sequence[Portion]) -> bool:
    """Whether the portions sum to more than the whole."""
    above, below = 0, 1
    for portion in portions:
        above, below = above * portion.below + portion.above * below, below * portion.below
    return above > below


def divide(amount: int, weights: Sequence[int], ties: Sequence[bytes]) -> list[int]:
    """Divide `amount` by `weights`; the parts sum to `amount`.

    amount: minor units, >= 0. weights: >= 0, not all 0. ties: one per weight, all different; of
    equal remainders the one with the smaller tie is rounded up, so the order of the input has no
    influence. Largest remainder (Hamilton).
    """
    assert amount >= 0, "nothing negative is divided"
    total = sum(weights)
    assert total > 0, "somebody takes part"
    parts = [amount * weight // total for weight in weights]
    rest = amount - sum(parts)
    if rest:
        order = sorted(
            range(len(weights)), key=lambda place: (-(amount * weights[place] % total), ties[place])
        )
        for place in order[:rest]:
            parts[place] += 1
    return parts
