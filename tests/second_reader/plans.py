"""Recipes and plans: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import ACTIONS, is_unit, quantity_of
from tests.second_reader.things import begin_process as begin

QUANTITIES = {
    "resource": ["resourceQuantity"],
    "effort": ["effortQuantity"],
    "both": ["resourceQuantity", "effortQuantity"],
}
DECADE = 316_224_000_000


def flow_quantity(c: Context, data: dict[str, Any]) -> list[Any]:
    """Return the quantity that the action of a flow asks for."""
    asks = ACTIONS[data["action"]]["quantity"]
    known = [quantity_of(data.get(key)) for key in QUANTITIES[asks]]
    quantity = next((one for one in known if one is not None), None)
    if quantity is None:
        raise Void("NO_EFFORT" if asks == "effort" else "NO_QUANTITY")
    check(quantity[0] >= 0, "NEGATIVE")
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    return quantity


def is_action(action: Any) -> bool:
    return type(action) is str and action in ACTIONS


def is_ids(value: Any, least: int, most: int = 16) -> bool:
    """Whether a value is a list of different ids, so many of them."""
    is_list = type(value) is list and least <= len(value) <= most
    return is_list and all(map(is_id, value)) and len({*value}) == len(value)


def _flow(c: Context, data: Any, side: str) -> list[Any]:
    check(type(data) is dict, "SHAPE")
    check(is_action(data.get("action")), "UNKNOWN_ACTION")
    asked = ACTIONS[data["action"]]
    check(asked["side"] in (side, "both"), "NOT_THIS_SIDE")
    quantity = flow_quantity(c, data)
    check(quantity[0] > 0, "NO_EFFORT" if asked["quantity"] == "effort" else "NO_QUANTITY")
    spec, factor = data.get("resourceConformsTo"), data.get("factor")
    check_spec(c, spec, quantity[2])
    check(factor is None or factor in c.rules.factors, "UNKNOWN_FACTOR")
    return [data["action"], quantity, spec, factor]


def check_spec(c: Context, spec: Any, unit: str) -> None:
    """Void what names a specification that is none, or has other units."""
    if spec is None:
        return
    check(is_id(spec), "SHAPE")
    row = c.state.row("SPEC", spec)
    if row is None:
        raise Void("UNKNOWN_SPEC")
    units = {row["unit"], row["effort_unit"]} - {None}
    check(not units or unit in units, "WRONG_UNIT")


def describe_process(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    spec = data.get("basedOn")
    check(is_id(spec) and is_count(data.get("hasDuration"), 0, DECADE), "SHAPE")
    inputs, outputs = data.get("inputs", []), data.get("outputs", [])
    check(type(inputs) is list and type(outputs) is list, "SHAPE")
    check(1 <= len(inputs) + len(outputs) <= 16, "SHAPE")
    assert spec is not None
    check(c.state.get("PROCESS_SPEC", spec) is not None, "UNKNOWN_SPEC")
    taken = [_flow(c, flow, "input") for flow in inputs]
    made = [_flow(c, flow, "output") for flow in outputs]
    c.state.put([c.member, spec, data["hasDuration"], taken, made], "RECIPE_PROCESS", record.id)


def describe(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    name, spec, ids = (data.get(key) for key in ("name", "resourceConformsTo", "processes"))
    check(is_name(name) and is_id(spec) and is_ids(ids, 1), "SHAPE")
    assert ids is not None
    quantity = quantity_of(data.get("resourceQuantity"))
    if quantity is None or quantity[0] < 1:
        raise Void("NO_QUANTITY")
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    steps = [c.state.row("RECIPE_PROCESS", id) for id in ids]
    check(None not in steps, "UNKNOWN_RECIPE")
    known = [step for step in steps if step is not None]
    made = [(flow[2], flow[1][2]) for step in known for flow in step["outputs"]]
    check((spec, quantity[2]) in made, "NOT_MADE")
    for number, step in enumerate(known):
        earlier = {flow[2] for before in known[: number + 1] for flow in before["outputs"]}
        later = {flow[2] for after in known[number + 1 :] for flow in after["outputs"]}
        taken = {flow[2] for flow in step["inputs"]} - {None}
        check(not taken & (later - earlier), "STEP_ORDER")
    before = c.state.get("RECIPE_LOOK", skeleton(str(name)))
    if before is not None:
        check(c.state.known("RECIPE", before)["member"] == c.member, "NAME_TAKEN")
    row = [c.member, record.clock, name, spec, quantity, ids]
    c.state.put(row, "RECIPE", record.id)
    c.state.put(record.id, "RECIPE_LOOK", skeleton(str(name)))


def plan(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    name, recipe, due = data.get("name"), data.get("recipe"), data.get("due")
    quantity = quantity_of(data.get("resourceQuantity"))
    check(is_name(name) and (quantity is not None or "resourceQuantity" not in data), "SHAPE")
    check(due is None or is_count(due), "SHAPE")
    if quantity is not None:
        check(quantity[0] >= 0, "NEGATIVE")
        check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    if recipe is not None:
        check(is_id(recipe), "SHAPE")
        check(c.state.get("RECIPE", recipe) is not None, "UNKNOWN_RECIPE")
    c.state.put([c.member, record.clock, name, recipe, quantity, due, 0], "PLAN", record.id)


def begin_process(c: Context, record: Record) -> None:
    begin(c, record)
    if record.data.get("plannedWithin") is not None:
        join(c, record, "process")


def join(c: Context, record: Record, sort: str) -> None:
    within: Any = record.data["plannedWithin"]
    row = _growing(c, within)
    check(row["parts"] < 400, "PLAN_FULL")
    c.state.change("PLAN", within, parts=row["parts"] + 1)
    c.state.put(sort, "OF_PLAN", within, record.id)


def _growing(c: Context, plan: Any) -> Row:
    """Return a plan of the member that goes on."""
    check(is_id(plan), "SHAPE")
    row = c.state.row("PLAN", plan)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    check(row["member"] == c.member, "NOT_YOURS")
    check("ended" not in row, "PLAN_ENDED")
    return row


def end(c: Context, record: Record) -> None:
    plan: Any = record.data.get("plan")
    _growing(c, plan)
    c.state.change("PLAN", plan, ended=record.clock)
