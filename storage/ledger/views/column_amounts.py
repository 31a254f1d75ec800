"""Amounts as columns hold them: a number of 64 bits and a scale."""

from __future__ import annotations

from commonweal.protocol.codec import INT_MAX, INT_MIN


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
    coarser = -(-abs(n) // 10 ** (had - scale))
    return coarser if n > 0 else -coarser
