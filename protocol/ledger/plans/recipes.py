"""Recipes: the steps by which something is made, with what goes in and what comes out.

Records, with quantities as in `events`:
  recipe.process  basedOn: a spec.process; hasDuration: ms; inputs, outputs: flows, 1..16 together.
                  A flow: action, a quantity above 0; resourceConformsTo: a spec.resource; factor
  recipe          name; resourceConformsTo, resourceQuantity: what the recipe makes, and how much
                  for the quantities of its flows; processes: recipe.process ids, 1..16, in order
A step may take what an earlier one makes, or what comes from elsewhere, never what only a later
one makes: so a recipe has no circles. A recipe of the same member and name takes the place of the
one before. State: RECIPE_PROCESS, RECIPE, RECIPE_LOOK. What follows from a recipe is in `plans`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.ledger.plans.flows import RecipeFlow, recipe_flow
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.quantities import Quantity, is_unit, read
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name, skeleton

RECIPE, RECIPE_PROCESS = Table.RECIPE.prefix, Table.RECIPE_PROCESS.prefix
RECIPE_LOOK = Table.RECIPE_LOOK.prefix

FLOWS_MAX = 16
"""Flows of a step."""
STEPS_MAX = 16
"""Steps of a recipe."""
DURATION_MS_MAX = 10 * 366 * 24 * 3_600_000
"""A step takes ten years at most."""


class RecipeProcessRow(NamedTuple):
    """A step of recipes in the state; each flow is the list of a `RecipeFlow`."""

    member: bytes
    spec: bytes
    duration_ms: int
    inputs: list[list[Any]]
    outputs: list[list[Any]]


class RecipeRow(NamedTuple):
    """A recipe in the state. quantity: what its steps make, [n, scale, unit]."""

    member: bytes
    clock: int
    name: str
    spec: bytes
    quantity: list[Any]
    processes: list[bytes]


def describe_process(state: State, record: Record, context: Context) -> Verdict:
    """Note a step of recipes."""
    data = record.data
    spec, duration_ms = data.get("basedOn"), data.get("hasDuration")
    sides = data.get("inputs", []), data.get("outputs", [])
    if not is_bytes(spec) or not is_count(duration_ms, 0, DURATION_MS_MAX):
        return Reason.SHAPE
    if any(type(side) is not list for side in sides) or not 1 <= sum(map(len, sides)) <= FLOWS_MAX:
        return Reason.SHAPE
    if state.get(units_and_specs.PROCESS_SPEC + spec) is None:
        return Reason.UNKNOWN_SPEC
    flows: list[list[list[Any]]] = []
    for side, name in zip(sides, ("input", "output"), strict=True):
        flows.append([])
        for described in side:
            flow = recipe_flow(state, context, described, name)
            if isinstance(flow, Reason):
                return flow
            flows[-1].append([*flow])
    row = RecipeProcessRow(context.member, spec, duration_ms, *flows)
    state.put(RECIPE_PROCESS + record.id, [*row])
    return None


def describe(state: State, record: Record, context: Context) -> Verdict:
    """Note a recipe, in place of the one of this name that its member wrote before."""
    data = record.data
    name, spec = data.get("name"), data.get("resourceConformsTo")
    quantity, processes = read(data.get("resourceQuantity")), data.get("processes")
    if not is_name(name) or not is_bytes(spec) or not _is_list_of_ids(processes):
        return Reason.SHAPE
    if quantity is None or quantity.n < 1:
        return Reason.NO_QUANTITY
    if not is_unit(state, context, quantity.unit):
        return Reason.UNKNOWN_UNIT
    steps = [recipe_process(state, process) for process in processes]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps):
        return Reason.UNKNOWN_RECIPE
    if not _makes(known, spec, quantity):
        return Reason.NOT_MADE
    if late_step(known) is not None:
        return Reason.STEP_ORDER
    look = RECIPE_LOOK + skeleton(name).encode()
    before = state.get(look)
    if before is not None and state.get(RECIPE + before)[0] != context.member:
        return Reason.NAME_TAKEN
    row = RecipeRow(context.member, record.clock, name, spec, [*quantity], processes)
    state.put(RECIPE + record.id, [*row])
    state.put(look, record.id)
    return None


def late_step(steps: list[RecipeProcessRow]) -> tuple[int, bytes] | None:
    """Return the first step that takes what only later ones make, and what; None when all fit.

    The step is named by its number from 0, what it takes by the specification.
    """
    all_made = {flow.spec for step in steps for flow in flows_of(step.outputs)}
    made: set[bytes | None] = set()
    for number, step in enumerate(steps):
        # A step may change what it takes: then it makes it too, and the first takes it as it is.
        made.update(flow.spec for flow in flows_of(step.outputs))
        for flow in flows_of(step.inputs):
            if flow.spec is not None and flow.spec in all_made - made:
                return number, flow.spec
    return None


def flows_of(flows: list[list[Any]]) -> list[RecipeFlow]:
    """Return the flows that a row holds."""
    return [RecipeFlow(*flow) for flow in flows]


def recipe_process(state: State, id: bytes) -> RecipeProcessRow | None:
    """Return a step of recipes; None when there is none of this id."""
    value = state.get(RECIPE_PROCESS + id)
    return None if value is None else RecipeProcessRow(*value)


def recipe_row(state: State, id: bytes) -> RecipeRow | None:
    """Return a recipe; None when there is none of this id."""
    value = state.get(RECIPE + id)
    return None if value is None else RecipeRow(*value)


def _makes(steps: list[RecipeProcessRow], spec: bytes, quantity: Quantity) -> bool:
    """Return whether a step makes some of `spec`, in the unit of `quantity`."""
    outputs = (flow for step in steps for flow in flows_of(step.outputs))
    return any(flow.spec == spec and flow.quantity[2] == quantity.unit for flow in outputs)


def _is_list_of_ids(value: Any) -> TypeGuard[list[bytes]]:
    return (
        type(value) is list
        and 1 <= len(value) <= STEPS_MAX
        and all(is_bytes(id) for id in value)
        and len(set(value)) == len(value)
    )
