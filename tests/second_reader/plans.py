"""Recipes and plans, with intents, commitments and agreements: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import ACTIONS, added, is_unit, quantity_of
from tests.second_reader.things import begin_process as begin

QUANTITIES = {
    "resource": ["resourceQuantity"],
    "effort": ["effortQuantity"],
    "both": ["resourceQuantity", "effortQuantity"],
}
PLACE = ("plan", "input_of", "output_of", "factor")
DECADE = 316_224_000_000


def _flow_quantity(c: Context, data: dict[str, Any]) -> list[Any]:
    """Return the quantity that the action of a flow asks for."""
    asks = ACTIONS[data["action"]]["quantity"]
    known = [quantity_of(data.get(key)) for key in QUANTITIES[asks]]
    quantity = next((one for one in known if one is not None), None)
    if quantity is None:
        raise Void("NO_EFFORT" if asks == "effort" else "NO_QUANTITY")
    check(quantity[0] >= 0, "NEGATIVE")
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    return quantity


def _is_action(action: Any) -> bool:
    return type(action) is str and action in ACTIONS


def _flow(c: Context, data: Any, side: str) -> list[Any]:
    check(type(data) is dict, "SHAPE")
    check(_is_action(data.get("action")), "UNKNOWN_ACTION")
    asked = ACTIONS[data["action"]]
    check(asked["side"] in (side, "both"), "NOT_THIS_SIDE")
    quantity = _flow_quantity(c, data)
    check(quantity[0] > 0, "NO_EFFORT" if asked["quantity"] == "effort" else "NO_QUANTITY")
    spec, factor = data.get("resourceConformsTo"), data.get("factor")
    if spec is not None:
        check(is_id(spec), "SHAPE")
        row = c.state.row("SPEC", spec)
        if row is None:
            raise Void("UNKNOWN_SPEC")
        units = {row["unit"], row["effort_unit"]} - {None}
        check(not units or quantity[2] in units, "WRONG_UNIT")
    check(factor is None or factor in c.rules.factors, "UNKNOWN_FACTOR")
    return [data["action"], quantity, spec, factor]


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
    check(is_name(name) and is_id(spec) and _is_ids(ids), "SHAPE")
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
        _join(c, record, "process")


def _join(c: Context, record: Record, sort: str) -> None:
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


def _put(c: Context, row: Row, table: str, id: bytes) -> None:
    """Write an intent or a commitment, without the last fields that are nil."""
    for name in reversed(PLACE):
        if row.get(name) is not None:
            break
        row.pop(name, None)
    c.state.put_row(row, table, id)


def _plan(c: Context, record: Record) -> dict[str, Any]:
    data = record.data
    action: Any = data.get("action")
    check(_is_action(action), "UNKNOWN_ACTION")
    sides = [data.get("provider"), data.get("receiver")]
    check(sides != [None, None], "ONE_SIDE")
    check(all(side is None or c.is_known(side) for side in sides), "UNKNOWN_AGENT")
    quantity = _flow_quantity(c, data)
    spec, satisfies, due = (data.get(k) for k in ("resourceConformsTo", "satisfies", "due"))
    is_sound = all(id is None or is_id(id) for id in (spec, satisfies))
    check(is_sound and (due is None or is_count(due)), "SHAPE")
    return {
        "member": c.member,
        "clock": record.clock,
        "action": action,
        "provider": sides[0],
        "receiver": sides[1],
        "quantity": quantity,
        "met": [0, *quantity[1:]],
        "spec": spec,
        "satisfies": satisfies,
        "due": due,
    }


def intend(c: Context, record: Record) -> None:
    row, data = _plan(c, record), record.data
    sides = {row["provider"], row["receiver"]} - {None}
    check(c.member in sides or sides == {c.community}, "NOT_YOURS")
    within = data.get("plannedWithin")
    if within is not None:
        _join(c, record, "intent")
        row["plan"] = within
        for key, name, side in (
            ("inputOf", "input_of", "input"),
            ("outputOf", "output_of", "output"),
        ):
            process: Any = data.get(key)
            row[name] = process
            if process is None:
                continue
            check(is_id(process), "SHAPE")
            check(c.state.get("OF_PLAN", within, process) == "process", "UNKNOWN_PROCESS")
            check(ACTIONS[row["action"]]["side"] in (side, "both"), "NOT_THIS_SIDE")
        row["factor"] = data.get("factor")
        check(row["factor"] is None or row["factor"] in c.rules.factors, "UNKNOWN_FACTOR")
    _put(c, row, "INTENT", record.id)


def commit(c: Context, record: Record) -> None:
    row = _plan(c, record)
    check(None not in (row["provider"], row["receiver"]), "ONE_SIDE")
    check(c.member in (row["provider"], row["receiver"]), "NOT_YOURS")
    if row["satisfies"] is not None:
        wish = c.state.row("INTENT", row["satisfies"])
        if wish is None:
            raise Void("UNKNOWN_PLAN")
        is_same = wish["action"] == row["action"] and wish["quantity"][2] == row["quantity"][2]
        check(
            is_same and (None in (row["spec"], wish["spec"]) or row["spec"] == wish["spec"]),
            "DOES_NOT_FIT",
        )
        if wish.get("plan") is not None:
            check("ended" not in c.state.known("PLAN", wish["plan"]), "PLAN_ENDED")
            row |= {name: wish.get(name) for name in PLACE}
            row["spec"] = row["spec"] or wish["spec"]
            c.state.put("commitment", "OF_PLAN", wish["plan"], record.id)
    _put(c, row, "COMMITMENT", record.id)


def _is_ids(value: Any) -> bool:
    is_list = type(value) is list and 1 <= len(value) <= 16
    return is_list and all(map(is_id, value)) and len({*value}) == len(value)


def offer(c: Context, record: Record) -> None:
    intents: Any = record.data.get("intents")
    check(_is_ids(intents), "SHAPE")
    for intent in intents:
        row = c.state.row("INTENT", intent)
        if row is None:
            raise Void("UNKNOWN_PLAN")
        check(row["member"] == c.member, "NOT_YOURS")
    c.state.put([c.member, intents], "PLAN_OFFER", record.id)


def agree(c: Context, record: Record) -> None:
    commitments: Any = record.data.get("commitments")
    check(_is_ids(commitments), "SHAPE")
    parties: set[bytes] = set()
    for id in commitments:
        row = c.state.row("COMMITMENT", id)
        if row is None:
            raise Void("UNKNOWN_PLAN")
        parties |= {row[side] for side in ("provider", "receiver") if len(row[side]) != 16}
    check(c.member in parties, "NOT_YOURS")
    c.state.put([c.member, commitments, sorted(parties), 1], "AGREEMENT", record.id)
    c.state.put(record.id, "SIGNED", record.id, c.member)


def sign(c: Context, record: Record) -> None:
    id = record.data.get("agreement")
    check(is_id(id), "SHAPE")
    assert id is not None
    row = c.state.row("AGREEMENT", id)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    check(c.member in row["parties"], "NOT_YOURS")
    check(c.state.get("SIGNED", id, c.member) is None, "NOTHING_NEW")
    c.state.put(record.id, "SIGNED", id, c.member)
    c.state.change("AGREEMENT", id, signed=row["signed"] + 1)


def count_plans(c: Context, row: dict[str, Any], quantity: list[Any] | None) -> None:
    """Count a quantity of an event towards the plans that it names."""
    for table, key in (("COMMITMENT", "fulfills"), ("INTENT", "satisfies")):
        id = row[key]
        if id is None:
            continue
        check(is_id(id), "SHAPE")
        plan = c.state.row(table, id)
        if plan is None:
            raise Void("UNKNOWN_PLAN")
        is_same = plan["action"] == row["action"]
        check(is_same and plan["provider"] in (None, row["provider"]), "DOES_NOT_FIT")
        if quantity is None or quantity[2] != plan["met"][2]:
            raise Void("DOES_NOT_FIT")
        for side in ("input_of", "output_of"):
            check(plan.get(side) in (None, row[side]), "DOES_NOT_FIT")
        check(plan["spec"] is None or _spec_of(c, row) in (None, plan["spec"]), "DOES_NOT_FIT")
        c.state.change(table, id, met=added(plan["met"], quantity[0], quantity[1]))


def _spec_of(c: Context, row: Row) -> Any:
    """Return the specification of what an event is about, or None."""
    resources = [c.state.row("RESOURCE", id) for id in (row["source"], row["target"]) if id]
    known = [row["spec"], *(resource["spec"] for resource in resources if resource is not None)]
    return next((spec for spec in known if spec is not None), None)
