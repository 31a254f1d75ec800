"""Units, specifications, processes, claims of agents: kinds.md."""

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
