"""Amounts as columns hold them, a number of 64 bits and a scale, and exact sums of columns."""

from __future__ import annotations

from commonweal.protocol.codec import INT_MAX, INT_MIN

_HALF_BITS = 32
_LOW = (1 << _HALF_BITS) - 1


def halves(column: str) -> str:
    """Return the two SQL sums of a column, high and low: one sum has more than 64 bits hold."""
    return f"sum({column} >> {_HALF_BITS}), sum({column} & {_LOW})"


def whole(high: int | None, low: int | None) -> int:
    """Return the exact sum of what `halves` came to; 0 of no numbers."""
    return ((high or 0) << _HALF_BITS) + (low or 0)


def fitting(*amounts: tuple[int, int]) -> tuple[tuple[int, ...], int]:
    """Return the numbers of amounts, each n / 10**scale, at one scale, and that scale.

    It is the finest of theirs at which all of them fit 64 bits. An amount that it cannot say is
    rounded away from 0, so that what is left of something never reads as nothing. Where even whole
    numbers are too large, they stand at the limit.
    """
    scale = max(scale for _, scale in amounts)
    numbers = [_at(n, had, scale) for n, had in amounts]
    while scale and not all(INT_MIN <= n <= INT_MAX for n in numbers):
        scale -= 1
        numbers = [_at(n, had, scale) for n, had in amounts]
    return tuple(max(INT_MIN, min(n, INT_MAX)) for n in numbers), scale


def _at(n: int, had: int, scale: int) -> int:
    if had <= scale:
        return int(n * 10 ** (scale - had))
    coarser = int(-(-abs(n) // 10 ** (had - scale)))
    return coarser if n > 0 else -coarser
