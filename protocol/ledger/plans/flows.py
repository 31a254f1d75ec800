"""Flows that are planned: an action with a quantity, as intents, commitments and recipes say it.

Nothing is written here. A flow that happened is an event; see `events`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.quantities import Quantity, is_unit, read
from commonweal.protocol.vocabulary.actions import ACTIONS, Action

KEYS = {
    "resource": ("resourceQuantity",),
    "effort": ("effortQuantity",),
    "both": ("resourceQuantity", "effortQuantity"),
}
"""The fields of `data` that may hold the quantity of a flow, by what its action asks for."""


class RecipeFlow(NamedTuple):
    """A flow of a recipe in the state. quantity: [n, scale, unit]."""

    action: str
    quantity: list[Any]
    spec: bytes | None
    factor: str | None


def action_of(data: dict[str, Any]) -> Action | None:
    """Return the action that `data` names; None when Valueflows has none of this name."""
    name = data.get("action")
    return ACTIONS.get(name) if type(name) is str else None


def quantity_of(
    state: State, context: Context, action: Action, data: dict[str, Any]
) -> Quantity | Reason:
    """Return the quantity that the action asks for, of the resource where it asks for either."""
    quantities = (read(data.get(key)) for key in KEYS[action.quantity])
    quantity = next((quantity for quantity in quantities if quantity is not None), None)
    if quantity is None:
        return Reason.NO_EFFORT if action.quantity == "effort" else Reason.NO_QUANTITY
    if quantity.n < 0:
        return Reason.NEGATIVE
    return quantity if is_unit(state, context, quantity.unit) else Reason.UNKNOWN_UNIT


def recipe_flow(state: State, context: Context, data: Any, side: str) -> RecipeFlow | Reason:
    """Return the flow that `data`, of a recipe, describes. side: "input" or "output"."""
    if type(data) is not dict:
        return Reason.SHAPE
    action = action_of(data)
    if action is None:
        return Reason.UNKNOWN_ACTION
    if not is_on_side(action, side):
        return Reason.NOT_THIS_SIDE
    quantity = quantity_of(state, context, action, data)
    if isinstance(quantity, Reason):
        return quantity
    if not quantity.n:
        return Reason.NO_EFFORT if action.quantity == "effort" else Reason.NO_QUANTITY
    spec, factor = data.get("resourceConformsTo"), data.get("factor")
    refused = fits_spec(state, spec, quantity) or fits_factor(context, factor)
    return refused or RecipeFlow(action.name, [*quantity], spec, factor)


def is_on_side(action: Action, side: str) -> bool:
    """Return whether an action belongs on a side of a process, "input" or "output"."""
    return action.side in (side, "outputInput")


def fits_spec(state: State, spec: Any, quantity: Quantity) -> Verdict:
    """Return why a specification is none, or has no such unit; otherwise None."""
    if spec is None:
        return None
    if not is_bytes(spec):
        return Reason.SHAPE
    value = state.get(units_and_specs.SPEC + spec)
    if value is None:
        return Reason.UNKNOWN_SPEC
    row = units_and_specs.SpecRow(*value)
    units = {row.unit, row.effort_unit} - {None}
    return Reason.WRONG_UNIT if units and quantity.unit not in units else None


def fits_factor(context: Context, factor: Any) -> Verdict:
    """Return why the rules have no such factor; otherwise None."""
    known = factor is None or factor in context.rules.factors
    return None if known else Reason.UNKNOWN_FACTOR
