"""Units, specifications, processes, plans, claims of agents: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.records import Record

# action: side, begins, quantity, accounting, onhand, location, contained, owner, stage, state
_ACTIONS = """
accept            input  .  resource ..  -.  it  .      .   .   it
cite              input  .  resource ..  ..  .   .      .   .   it
combine           input  .  resource ..  -.  .   set    .   .   it
consume           input  .  resource -.  -.  .   .      .   .   it
copy              .      to resource .+  .+  new .      new .   to
deliverService    both   .  resource ..  ..  .   .      .   .   .
dropoff           output .  resource ..  +.  it  .      .   set it
lower             .      it resource -.  -.  .   .      new .   it
modify            output .  resource ..  +.  it  .      .   set it
move              .      to resource -+  -+  to  .      .   .   to
pickup            input  .  resource ..  -.  it  .      .   .   it
produce           output it resource +.  +.  new .      new set it
raise             .      it resource +.  +.  .   .      new .   it
separate          output .  resource ..  +.  .   remove .   set it
transfer          .      to resource -+  -+  to  .      to  .   to
transferAllRights .      to resource -+  ..  to  .      to  .   to
transferCustody   .      to resource ..  -+  to  .      .   .   to
use               input  .  both     ..  ..  .   .      .   .   it
work              input  .  effort   ..  ..  .   .      .   .   .
"""
_COLUMNS = [
    "side",
    "begins",
    "quantity",
    "accounting",
    "onhand",
    "location",
    "contained",
    "owner",
    "stage",
    "state",
]
ACTIONS = {
    line.split()[0]: dict(zip(_COLUMNS, line.split()[1:], strict=True))
    for line in _ACTIONS.strip().splitlines()
}
SIGN = {".": 0, "+": 1, "-": -1}


def signs(action: str, place: int) -> tuple[int, int]:
    """Return the signs of accounting and onhand. place: 0 of the source, 1 of the target."""
    row = ACTIONS[action]
    return SIGN[row["accounting"][place]], SIGN[row["onhand"][place]]


def has_two_sides(action: str) -> bool:
    """Whether something goes from one to another."""
    return "-+" in (ACTIONS[action]["accounting"], ACTIONS[action]["onhand"])


def quantity_of(value: Any) -> list[Any] | None:
    """Return [n, scale, unit], or None when it has not that form."""
    if type(value) is not dict:
        return None
    n, scale, unit = (value.get(key) for key in ("n", "scale", "unit"))
    is_sound = type(n) is int and is_count(scale, 0, 9) and type(unit) is str
    return [n, scale, unit] if is_sound else None


def added(amount: list[Any], n: int, scale: int, reason: str = "TOO_LARGE") -> list[Any]:
    """Return a quantity and n / 10^scale more, at the finer scale."""
    finer = max(amount[1], scale)
    total = amount[0] * 10 ** (finer - amount[1]) + n * 10 ** (finer - scale)
    check(-(2**63) <= total < 2**63, reason)
    return [total, finer, *amount[2:]]


def is_unit(c: Context, unit: str) -> bool:
    """Whether things are counted in a unit here."""
    return unit in c.rules.units or c.state.get("UNIT", unit.encode()) is not None


def define_unit(c: Context, record: Record) -> None:
    unit: Any = record.data.get("unit")
    check(is_name(unit, 32), "SHAPE")
    look = skeleton(unit)
    is_taken = is_unit(c, unit) or c.state.get("UNIT_LOOK", look) is not None
    check(not is_taken and look not in map(skeleton, c.rules.units), "NAME_TAKEN")
    c.state.put([c.member, record.id], "UNIT", unit.encode())
    c.state.put(unit, "UNIT_LOOK", look)


def specify_resource(c: Context, record: Record) -> None:
    data = record.data
    units, factor = [data.get("unit"), data.get("effortUnit")], data.get("factor")
    for unit in units:
        check(unit is None or type(unit) is str, "SHAPE")
        check(unit is None or is_unit(c, unit), "UNKNOWN_UNIT")
    check(factor is None or factor in c.rules.factors, "UNKNOWN_FACTOR")
    _take_name(c, record, b"r")
    c.state.put([data["name"], *units, factor, c.member], "SPEC", record.id)


def specify_process(c: Context, record: Record) -> None:
    _take_name(c, record, b"p")
    c.state.put([record.data["name"], c.member], "PROCESS_SPEC", record.id)


def _take_name(c: Context, record: Record, sort: bytes) -> None:
    name: Any = record.data.get("name")
    check(is_name(name), "SHAPE")
    check(c.state.get("SPEC_LOOK", sort, skeleton(name)) is None, "NAME_TAKEN")
    c.state.put(record.id, "SPEC_LOOK", sort, skeleton(name))


def begin_process(c: Context, record: Record) -> None:
    spec, scope = record.data.get("basedOn"), record.data.get("inScopeOf")
    check((scope is None or is_name(scope)) and (spec is None or is_id(spec)), "SHAPE")
    check(spec is None or c.state.get("PROCESS_SPEC", spec) is not None, "UNKNOWN_SPEC")
    c.state.put([spec, scope, c.member, record.clock], "PROCESS", record.id)


def end_process(c: Context, record: Record) -> None:
    process = record.data.get("process")
    check(is_id(process), "SHAPE")
    assert process is not None
    row = c.state.row("PROCESS", process)
    if row is None:
        raise Void("UNKNOWN_PROCESS")
    check(row["member"] == c.member, "NOT_YOURS")
    check("ended" not in row, "PROCESS_ENDED")
    c.state.change("PROCESS", process, ended=record.clock)


def _plan(c: Context, record: Record) -> dict[str, Any]:
    data = record.data
    action: Any = data.get("action")
    check(type(action) is str and action in ACTIONS, "UNKNOWN_ACTION")
    sides = [data.get("provider"), data.get("receiver")]
    check(sides != [None, None], "ONE_SIDE")
    check(all(side is None or c.is_known(side) for side in sides), "UNKNOWN_AGENT")
    is_effort = ACTIONS[action]["quantity"] == "effort"
    quantity = quantity_of(data.get("effortQuantity" if is_effort else "resourceQuantity"))
    if quantity is None:
        raise Void("NO_EFFORT" if is_effort else "NO_QUANTITY")
    check(quantity[0] >= 0, "NEGATIVE")
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
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
    row = _plan(c, record)
    check(c.member in (row["provider"], row["receiver"]), "NOT_YOURS")
    c.state.put_row(row, "INTENT", record.id)


def commit(c: Context, record: Record) -> None:
    row = _plan(c, record)
    check(None not in (row["provider"], row["receiver"]), "ONE_SIDE")
    check(c.member in (row["provider"], row["receiver"]), "NOT_YOURS")
    if row["satisfies"] is not None:
        wish = c.state.row("INTENT", row["satisfies"])
        if wish is None:
            raise Void("UNKNOWN_PLAN")
        is_same = wish["action"] == row["action"] and wish["quantity"][2] == row["quantity"][2]
        check(is_same, "DOES_NOT_FIT")
    c.state.put_row(row, "COMMITMENT", record.id)


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
        c.state.change(table, id, met=added(plan["met"], quantity[0], quantity[1]))


def claim_agent(c: Context, record: Record) -> None:
    agent = record.data.get("agent")
    check(is_id(agent, 16), "SHAPE")
    assert agent is not None
    check(c.state.get("CLAIMED", agent) is None, "AGENT_CLAIMED")
    c.state.put([agent, c.member, 0], "AGENT_CLAIM", record.id)


def name_agent(c: Context, record: Record) -> None:
    agent = record.data.get("agent")
    check(is_id(agent, 16) and record.body, "SHAPE")
    assert agent is not None
    row = c.state.row("AGENT_NAME", agent)
    check(row is None or row["member"] == c.member, "NOT_YOURS")
    c.state.put([c.member, record.id], "AGENT_NAME", agent)
