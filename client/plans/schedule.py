"""What a recipe comes to: quantities for as much as is wanted, and the times of its steps.

Exact numbers only. A quantity that cannot be written exactly is rounded up, so that it is enough.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.plans.recipes import RecipeProcessRow, flows_of
from commonweal.protocol.ledger.things.quantities import SCALE_MAX

PIECES = "one"
"""The unit of what is counted in pieces: a whole number stays whole."""
ROUNDED_SCALE = 3
"""Digits after the point of what is rounded up, where the recipe has not more."""


class ScaledQuantity(NamedTuple):
    """A quantity of a plan. is_rounded: it is more than the recipe asks for."""

    n: int
    scale: int
    unit: str
    is_rounded: bool


class StepTimes(NamedTuple):
    """When a step begins and ends, in ms since 1970."""

    begins_ms: int
    ends_ms: int


def scaled(quantity: list[Any], times: Fraction) -> ScaledQuantity | None:
    """Return [n, scale, unit] so many times; None when that is more than 64 bits hold.

    Pieces that are whole are rounded up to whole ones; what 9 digits after the point cannot hold,
    to the digits of the recipe and 3 at least.
    """
    n, scale, unit = quantity
    exact = Fraction(n, 10**scale) * times
    is_whole = unit == PIECES and n % 10**scale == 0
    if is_whole:
        digits = 0
    else:
        fitting = (digits for digits in range(SCALE_MAX + 1) if 10**digits % exact.denominator == 0)
        digits = next(fitting, max(scale, ROUNDED_SCALE))
    counted = -(-exact.numerator * 10**digits // exact.denominator)
    if counted > INT_MAX:
        return None
    return ScaledQuantity(counted, digits, unit, Fraction(counted, 10**digits) != exact)


def makers_of(steps: list[RecipeProcessRow]) -> list[list[int]]:
    """Return for each step the steps whose outputs it takes: of each thing the nearest before."""
    made_at: dict[bytes | None, int] = {}
    makers: list[list[int]] = []
    for number, step in enumerate(steps):
        taken = {flow.spec for flow in flows_of(step.inputs)} - {None}
        makers.append(sorted({made_at[spec] for spec in taken if spec in made_at}))
        made_at |= dict.fromkeys((flow.spec for flow in flows_of(step.outputs)), number)
    return makers


def times_of(steps: list[RecipeProcessRow], due_ms: int) -> list[StepTimes]:
    """Return the latest times of the steps by which all is done at `due_ms`."""
    ends = [due_ms] * len(steps)
    makers = makers_of(steps)
    for number in reversed(range(len(steps))):
        begins_ms = ends[number] - steps[number].duration_ms
        for maker in makers[number]:
            ends[maker] = min(ends[maker], begins_ms)
    return [StepTimes(end - step.duration_ms, end) for end, step in zip(ends, steps, strict=True)]


def span_ms(steps: list[RecipeProcessRow]) -> int:
    """Return how long a recipe takes: its longest row of steps that wait for each other."""
    return -min((times.begins_ms for times in times_of(steps, 0)), default=0)
