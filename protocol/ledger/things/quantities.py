"""Quantities: integers with a scale and a unit.

{"n": 250, "scale": 2, "unit": "hour"} is 2.50 hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.protocol.codec import INT_MAX, INT_MIN
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table

if TYPE_CHECKING:  # a list of what was given judges nothing
    from commonweal.protocol.ledger.state.context import Context

SCALE_MAX = 9

UNIT = Table.UNIT.prefix
UNIT_LOOK = Table.UNIT_LOOK.prefix


class Quantity(NamedTuple):
    """n / 10**scale of a unit."""

    n: int
    scale: int
    unit: str


def read(value: Any) -> Quantity | None:
    """Return the quantity that `value`, of a record, holds; None when it has another form."""
    if type(value) is not dict:
        return None
    n, scale, unit = value.get("n"), value.get("scale"), value.get("unit")
    if type(n) is not int or type(scale) is not int or type(unit) is not str:
        return None
    return Quantity(n, scale, unit) if 0 <= scale <= SCALE_MAX else None


def is_unit(state: State, context: Context, unit: str) -> bool:
    """Return whether the community counts in `unit`, by its rules or by a `unit.define`."""
    return unit in context.rules.units or state.get(UNIT + unit.encode()) is not None


def total(quantity: Quantity, n: int, scale: int) -> Quantity | None:
    """Return `quantity` plus n / 10**scale, at the finer scale; None beyond 64 bits."""
    if scale == quantity.scale:
        result = quantity._replace(n=quantity.n + n)
    elif scale < quantity.scale:
        result = quantity._replace(n=quantity.n + n * 10 ** (quantity.scale - scale))
    else:
        result = Quantity(quantity.n * 10 ** (scale - quantity.scale) + n, scale, quantity.unit)
    return result if INT_MIN <= result.n <= INT_MAX else None


def is_less(quantity: Quantity, other: Quantity) -> bool:
    """Return whether a quantity is less than another of the same unit."""
    return difference(quantity, other).n < 0


def difference(quantity: Quantity, other: Quantity) -> Quantity:
    """Return a quantity less another of the same unit, at the finer scale of both."""
    scale = max(quantity.scale, other.scale)
    n = quantity.n * 10 ** (scale - quantity.scale) - other.n * 10 ** (scale - other.scale)
    return Quantity(n, scale, quantity.unit)
