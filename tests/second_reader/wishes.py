"""Intents and offers, and what of a member is open: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check, settled
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.plans import check_spec, flow_quantity, is_action, is_ids, join
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import ACTIONS, added, quantity_of

OPEN = ("open", "paused")


def now(c: Context) -> int:
    """Return the settled time of a record."""
    return settled(c.state, c.time)


def speaks(c: Context) -> bool:
    """Whether the member speaks for the community."""
    role = c.rules.section("exchange").get("speaks_for_community")
    return not role or c.holds(c.member, role)


def flow(c: Context, record: Record) -> Row:
    """Return what intents and commitments have in common."""
    data: dict[str, Any] = record.data
    check(is_action(data.get("action")), "UNKNOWN_ACTION")
    sides = [data.get("provider"), data.get("receiver")]
    check(sides != [None, None], "ONE_SIDE")
    check(all(side is None or c.is_known(side) for side in sides), "UNKNOWN_AGENT")
    quantity = flow_quantity(c, data)
    asks = ACTIONS[data["action"]]["quantity"]
    check(quantity[0], "NO_EFFORT" if asks == "effort" else "NO_QUANTITY")
    check_spec(c, data.get("resourceConformsTo"), quantity[2])
    resource: Any = data.get("resourceInventoriedAs")
    if resource is not None:
        check(is_id(resource), "SHAPE")
        check(c.state.get("RESOURCE", resource) is not None, "UNKNOWN_RESOURCE")
    check(_is_span(data) and _is_time(data.get("due")), "SHAPE")
    return {
        "member": c.member,
        "clock": record.clock,
        "action": data["action"],
        "provider": sides[0],
        "receiver": sides[1],
        "quantity": quantity,
        "spec": data.get("resourceConformsTo"),
        "resource": resource,
        "begin": data.get("hasBeginning"),
        "end": data.get("hasEnd"),
        "due": data.get("due"),
        "plan": None,
        "input_of": None,
        "output_of": None,
        "factor": None,
    }


def _is_time(value: Any) -> bool:
    return value is None or is_count(value)


def _is_span(data: dict[str, Any]) -> bool:
    begin, end = data.get("hasBeginning"), data.get("hasEnd")
    if not _is_time(begin) or not _is_time(end):
        return False
    return begin is None or end is None or begin < end


def less(one: list[Any], other: list[Any]) -> bool:
    """Whether one quantity is less than another."""
    return bool(one[0] * 10 ** other[1] < other[0] * 10 ** one[1])


def taken_off(one: list[Any], other: list[Any]) -> list[Any]:
    """Return one quantity less another, at the finer scale."""
    finer = max(one[1], other[1])
    return [one[0] * 10 ** (finer - one[1]) - other[0] * 10 ** (finer - other[1]), finer, one[2]]


def limit(intent: Row) -> list[Any]:
    """Return how much can be taken of an intent in all."""
    return [*(intent["available"] or intent["quantity"])]


def is_communitys(intent: Row) -> bool:
    """Whether an intent is the community's."""
    return intent["member"] not in (intent["provider"], intent["receiver"])


def manages(c: Context, intent: Row) -> bool:
    """Whether the member manages an intent."""
    if is_communitys(intent):
        if c.rules.section("exchange").get("speaks_for_community"):
            return speaks(c)
        if not c.is_active(intent["member"]):
            return True
    return bool(intent["member"] == c.member)


def note(c: Context, record: bytes, sort: str) -> None:
    """Note that a record of the member is open."""
    count = c.state.row("OPEN_COUNT", c.member) or {"intents": 0, "agreements": 0}
    which = "agreements" if sort == "agreement" else "intents"
    count = {**count, which: count[which] + 1}
    check(count["intents"] <= 1_000, "TOO_MANY_INTENTS")
    check(count["agreements"] <= 200, "TOO_MANY_AGREEMENTS")
    c.state.put_row(count, "OPEN_COUNT", c.member)
    c.state.put(sort, "OPEN_OF", c.member, record)


def forget(c: Context, member: bytes, record: bytes) -> None:
    """Forget that a record of a member was open."""
    sort = c.state.get("OPEN_OF", member, record)
    if sort is not None:
        which = "agreements" if sort == "agreement" else "intents"
        count = c.state.known("OPEN_COUNT", member)[which] - 1
        c.state.change("OPEN_COUNT", member, **{which: count})
        c.state.drop("OPEN_OF", member, record)


def close(c: Context, table: str, id: bytes, status: str, by: bytes) -> None:
    """Close an intent or an offer."""
    c.state.change(table, id, status=status, by=by)
    forget(c, c.state.known(table, id)["member"], id)


def intend(c: Context, record: Record) -> None:
    row, data = flow(c, record), record.data
    unit = row["quantity"][2]
    tags, scope = data.get("resourceClassifiedAs", []), data.get("inScopeOf")
    check("resourceClassifiedAs" not in data or _are_tags(tags), "SHAPE")
    check(scope is None or is_name(scope), "SHAPE")
    row |= {"tags": tags, "scope": scope, "status": "open", "by": None}
    for key, name in (("minimumQuantity", "minimum"), ("availableQuantity", "available")):
        amount = row[name] = quantity_of(data.get(key))
        if key in data:
            check(amount is not None and amount[0] > 0, "SHAPE")
        check(amount is None or amount[2] == unit, "WRONG_UNIT")
    check(row["minimum"] is None or not less(limit(row), row["minimum"]), "UNDER_MINIMUM")
    row["taken"] = row["met"] = [0, *row["quantity"][1:]]
    sides = {row["provider"], row["receiver"]} - {None}
    check(c.member in sides or (sides == {c.community} and speaks(c)), "NOT_YOURS")
    if data.get("plannedWithin") is not None:
        _place(c, record, row)
    replaced: Any = data.get("replaces")
    if replaced is not None:
        known = _standing(c, replaced)
        check(known["taken"][0] == 0, "INTENT_TAKEN")
        close(c, "INTENT", replaced, "replaced", record.id)
    if not is_communitys(row):
        note(c, record.id, "intent")
    c.state.put_row(row, "INTENT", record.id)


def _are_tags(tags: Any) -> bool:
    if type(tags) is not list or not 1 <= len(tags) <= 8 or not all(map(is_name, tags)):
        return False
    return tags == sorted(tags) and len({skeleton(tag) for tag in tags}) == len(tags)


def _place(c: Context, record: Record, row: Row) -> None:
    """Let an intent join a plan."""
    data: dict[str, Any] = record.data
    join(c, record, "intent")
    row["plan"] = data["plannedWithin"]
    for key, name, side in (("inputOf", "input_of", "input"), ("outputOf", "output_of", "output")):
        process: Any = data.get(key)
        row[name] = process
        if process is None:
            continue
        check(is_id(process), "SHAPE")
        check(c.state.get("OF_PLAN", row["plan"], process) == "process", "UNKNOWN_PROCESS")
        check(ACTIONS[row["action"]]["side"] in (side, "both"), "NOT_THIS_SIDE")
    row["factor"] = data.get("factor")
    check(row["factor"] is None or row["factor"] in c.rules.factors, "UNKNOWN_FACTOR")


def _standing(c: Context, intent: Any) -> Row:
    check(is_id(intent), "SHAPE")
    row = c.state.row("INTENT", intent)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    check(manages(c, row), "NOT_YOURS")
    check(row["status"] in OPEN, "NOT_OPEN")
    return row


def pause(c: Context, record: Record) -> None:
    intent: Any = record.data.get("intent")
    paused = record.data.get("paused")
    check(type(paused) is bool, "SHAPE")
    row = _standing(c, intent)
    status = "paused" if paused else "open"
    check(row["status"] != status, "NOTHING_NEW")
    c.state.change("INTENT", intent, status=status)


def withdraw(c: Context, record: Record) -> None:
    intent: Any = record.data.get("intent")
    _standing(c, intent)
    close(c, "INTENT", intent, "withdrawn", record.id)


def offer(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    purpose, by_unit = data.get("purpose"), data.get("unitBased", False)
    publishes, back = data.get("publishes"), data.get("reciprocal", [])
    place = data.get("eligibleLocation")
    check(purpose in ("offer", "request") and type(by_unit) is bool, "SHAPE")
    check(is_ids(publishes, 1) and is_ids(back, 0), "SHAPE")
    assert publishes is not None
    check(not {*publishes} & {*back} and _is_span(data), "SHAPE")
    check(place is None or is_name(place, 32), "SHAPE")
    to = data.get("proposedTo", [])
    check(type(to) is list and len(to) <= 16, "SHAPE")
    for number, named in enumerate(to):
        check(named not in to[:number] and (is_id(named) or is_name(named)), "SHAPE")
        check(not is_id(named) or c.is_known(named), "UNKNOWN_AGENT")
        check(is_id(named) or named in c.rules.roles, "UNKNOWN_ROLE")
    of: list[bool] = []
    for number, id in enumerate([*publishes, *back]):
        intent = c.state.row("INTENT", id)
        if intent is None:
            raise Void("UNKNOWN_PLAN")
        check(manages(c, intent), "NOT_YOURS")
        check(intent["status"] in OPEN, "NOT_OPEN")
        of.append(is_communitys(intent))
        gives = (purpose == "offer") == (number < len(publishes))
        owner = c.community if of[-1] else intent["member"]
        is_owner = owner == intent["provider" if gives else "receiver"]
        check(is_owner and of[-1] == of[0], "DOES_NOT_FIT")
    _take_place(c, record)
    if not of[0]:
        note(c, record.id, "offer")
    row = [c.member, record.clock, purpose, publishes, back, by_unit]
    row += [data.get("hasBeginning"), data.get("hasEnd"), to, place, "open", None]
    c.state.put(row, "PLAN_OFFER", record.id)


def _take_place(c: Context, record: Record) -> None:
    """Let an offer replace another one."""
    replaced: Any = record.data.get("replaces")
    if replaced is not None:
        _close_offer(c, replaced, "replaced", record.id)


def withdraw_offer(c: Context, record: Record) -> None:
    _close_offer(c, record.data.get("offer"), "withdrawn", record.id)


def _close_offer(c: Context, id: Any, status: str, by: bytes) -> None:
    check(is_id(id), "SHAPE")
    row = c.state.row("PLAN_OFFER", id)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    check(manages(c, c.state.known("INTENT", row["publishes"][0])), "NOT_YOURS")
    check(row["status"] == "open", "NOT_OPEN")
    close(c, "PLAN_OFFER", id, status, by)


def move(
    c: Context, intent: bytes, taken: list[Any] | None, met: list[Any] | None, by: Any = None
) -> None:
    """Add to what is taken and met of an intent."""
    row = c.state.known("INTENT", intent)
    was_met = not less(row["met"], limit(row))
    if taken is not None:
        row["taken"] = added(row["taken"], taken[0], taken[1])
    if met is not None:
        row["met"] = added(row["met"], met[0], met[1])
    c.state.change("INTENT", intent, taken=row["taken"], met=row["met"], by=by or row["by"])
    if not was_met and not less(row["met"], limit(row)):
        forget(c, row["member"], intent)
