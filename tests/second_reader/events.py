"""Events, those of the commons, and corrections: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import claims, commissions, credit, data, handovers, reviews
from tests.second_reader.context import Context, Void, check
from tests.second_reader.expressions import ExpressionError, evaluate
from tests.second_reader.names import is_id, is_name
from tests.second_reader.promises import correct_promises, count_promises
from tests.second_reader.records import Record
from tests.second_reader.resources import Effect, shift
from tests.second_reader.things import (
    ACTIONS,
    added,
    has_two_sides,
    is_unit,
    quantity_of,
    signs,
)

Row = dict[str, Any]
KEYS = {
    "provider": "provider",
    "receiver": "receiver",
    "spec": "resourceConformsTo",
    "source": "resourceInventoriedAs",
    "target": "toResourceInventoriedAs",
    "input_of": "inputOf",
    "output_of": "outputOf",
    "scope": "inScopeOf",
    "factor": "factor",
    "fulfills": "fulfills",
    "satisfies": "satisfies",
}
SAID = ("newInventoriedResource", "state", "atLocation", "containedIn")


def event(c: Context, record: Record) -> None:
    said, state = record.data, c.state
    action: Any = said.get("action")
    check(type(action) is str and action in ACTIONS, "UNKNOWN_ACTION")
    quantity, effort = _quantities(c, action, said)
    if "corrects" in said:
        _correct(c, record, action, quantity, effort)
        return
    check(all(amount is None or amount[0] >= 0 for amount in (quantity, effort)), "NEGATIVE")
    check(c.is_known(said.get("provider")), "UNKNOWN_AGENT")
    if said.get("receiver") is None:
        check(not has_two_sides(action), "ONE_SIDE")
    else:
        check(c.is_known(said["receiver"]), "UNKNOWN_AGENT")
    row: Row = {"member": c.member, "clock": record.clock, "action": action}
    row |= {"quantity": quantity, "effort": effort}
    row |= {name: said.get(key) for name, key in KEYS.items()}
    row |= {"corrections": 0, "yes": 0, "no": 0, "disputes": 0, "corrected_by": b""}
    _check_references(c, row, said)
    row = _begin(c, record, row)
    data.use(c, record, row)
    credit.pay(c, record, row)
    count_promises(c, record.id, row, [quantity, effort])
    claims.settle(c, record, row)
    commissions.note(c, record, row)
    reviews.note(c, row["fulfills"])
    state.put_row(row, "EVENT", record.id)
    for name, side in (("input_of", b"i"), ("output_of", b"o")):
        if row[name] is not None:
            state.put(record.clock, "OF_PROCESS", row[name], side, record.id)
    handovers.note(c, record, row, waits=not has_moved(c, record.id))
    _check_conditions(c, record.id)


def _quantities(c: Context, action: str, data: Row) -> list[list[Any] | None]:
    found: list[list[Any] | None] = []
    for key in ("resourceQuantity", "effortQuantity"):
        quantity = quantity_of(data[key]) if key in data else None
        check(key not in data or quantity is not None, "SHAPE")
        check(quantity is None or is_unit(c, quantity[2]), "UNKNOWN_UNIT")
        found.append(quantity)
    quantity, effort = found
    match ACTIONS[action]["quantity"]:
        case "resource":
            check(effort is None, "NOT_THIS_QUANTITY")
            check(quantity is not None or action == "cite", "NO_QUANTITY")
        case "effort":
            check(quantity is None, "NOT_THIS_QUANTITY")
            check(effort is not None, "NO_EFFORT")
        case _:
            check(quantity is not None or effort is not None, "NO_QUANTITY")
    return found


def _check_references(c: Context, row: Row, data: Row) -> None:
    if row["spec"] is not None:
        check(is_id(row["spec"]), "SHAPE")
        spec = c.state.row("SPEC", row["spec"])
        if spec is None:
            raise Void("UNKNOWN_SPEC")
        for unit, quantity in (
            (spec["unit"], row["quantity"]),
            (spec["effort_unit"], row["effort"]),
        ):
            check(unit is None or quantity is None or quantity[2] == unit, "WRONG_UNIT")
    for key, side in (("input_of", "input"), ("output_of", "output")):
        if row[key] is not None:
            check(is_id(row[key]), "SHAPE")
            process = c.state.row("PROCESS", row[key])
            if process is None:
                raise Void("UNKNOWN_PROCESS")
            check(ACTIONS[row["action"]]["side"] in (side, "both"), "NOT_THIS_SIDE")
            check("ended" not in process, "PROCESS_ENDED")
    for resource in (row["source"], row["target"], data.get("containedIn")):
        if resource is not None:
            check(is_id(resource), "SHAPE")
            check(c.state.get("RESOURCE", resource) is not None, "UNKNOWN_RESOURCE")
    check(row["factor"] is None or row["factor"] in c.rules.factors, "UNKNOWN_FACTOR")
    check(row["scope"] is None or is_name(row["scope"]), "SHAPE")
    check(
        all(key not in data or is_name(data[key], 32) for key in ("state", "atLocation")), "SHAPE"
    )


def _begin(c: Context, record: Record, row: Row) -> Row:
    """Do what an event does to resources, or note that it is of the commons."""
    said = {key: record.data[key] for key in SAID if key in record.data}
    mark = c.state.mark()
    moved, is_common = row, False
    if row["source"] or row["target"] or "newInventoriedResource" in said:
        before = None if row["source"] is None else c.state.known("RESOURCE", row["source"])
        moved = Effect(c, record.id, row, said).apply()
        is_common = _touches(c, moved, before)
    sides = (row["provider"], row["receiver"])
    is_common = is_common or (has_two_sides(row["action"]) and c.community in sides)
    if not is_common:
        return moved
    if _is_kept(c, row):
        c.state.put([None, _amount(row)], "COMMON", record.id)
        return moved
    begun = c.state.row("RESOURCE", record.id)
    c.state.rollback(mark)
    if begun is not None:
        c.state.put_row({**begun, "accounting": 0, "onhand": 0}, "RESOURCE", record.id)
        del said["newInventoriedResource"]
    c.state.put([said, [0, 0]], "COMMON", record.id)
    return moved


def _touches(c: Context, row: Row, before: Row | None) -> bool:
    target = None if row["target"] is None else c.state.known("RESOURCE", row["target"])
    if target and c.community in (target["accountable"], target["custodian"]):
        return True
    if row["source"] is None:
        return False
    source = c.state.known("RESOURCE", row["source"])
    if before is None:
        return bool(source["accountable"] == c.community)
    of = signs(row["action"], 0)
    if not any(of) and before == source:
        return False
    owners = [source["accountable"]] + ([] if of[0] else [source["custodian"]])
    return all(c.person(owner) != row["member"] for owner in owners)


def _is_kept(c: Context, row: Row) -> bool:
    keeper = c.rules.section("contributions").get("keeper", "")
    receiver = None if row["receiver"] is None else c.person(row["receiver"])
    return bool(keeper) and receiver != row["member"] and c.holds(row["member"], keeper)


def _amount(row: Row) -> list[int]:
    return row["quantity"][:2] if row["quantity"] else [0, 0]


def _left(common: Row, row: Row) -> tuple[int, int]:
    (n, scale), (moved, moved_scale) = _amount(row), common["moved"]
    finer = max(scale, moved_scale)
    return n * 10 ** (finer - scale) - moved * 10 ** (finer - moved_scale), finer


def has_moved(c: Context, id: bytes) -> bool:
    """Whether resources show what an event says."""
    common = c.state.row("COMMON", id)
    if common is None:
        return True
    return common["said"] is None and not _left(common, c.state.known("EVENT", id))[0]


def move(c: Context, id: bytes) -> None:
    """Let resources show what an event of the commons says."""
    common, row = c.state.known("COMMON", id), c.state.known("EVENT", id)
    if common["said"] is None:
        n, scale = _left(common, row)
        if n:
            shift(c, row, n, scale)
    elif row["source"] or row["target"]:
        member, c.member = c.member, row["member"]
        try:
            row = Effect(c, id, row, common["said"]).apply()
        finally:
            c.member = member
        c.state.put_row(row, "EVENT", id)
        handovers.rehome(c, row)
    c.state.put([None, _amount(row)], "COMMON", id)


def _check_conditions(c: Context, id: bytes) -> None:
    row = c.state.known("EVENT", id)
    for _, condition in sorted(c.rules.section("admit").items()):
        if not condition.get("actions") or row["action"] in condition["actions"]:
            try:
                check(evaluate(condition["when"], seen(c, id, row)), "NOT_ADMITTED")
            except ExpressionError:
                raise Void("RULE_FAILED") from None


def seen(c: Context, id: bytes, row: Row) -> Row:
    """Return an event as expressions read it."""
    provider, receiver = c.person(row["provider"]), row["receiver"]
    spec = None if row["spec"] is None else c.state.known("SPEC", row["spec"])
    yes, no = words(c, id, row)
    roles = [key[32:].decode() for key, held in c.state.rows("ROLE", provider) if held["held"]]

    def is_outside(agent: bytes) -> bool:
        return agent != c.community and c.state.get("MEMBER", agent) is None

    return {
        "action": row["action"],
        "quantity": _thousandths(row["quantity"]),
        "unit": row["quantity"][2] if row["quantity"] else "",
        "effort": _thousandths(row["effort"]),
        "effort_unit": row["effort"][2] if row["effort"] else "",
        "factor": row["factor"] or (spec and spec["factor"]) or "",
        "scope": row["scope"] or "",
        "specification": spec["name"] if spec else "",
        "from_community": provider == c.community,
        "from_outside": is_outside(provider),
        "to_community": receiver == c.community,
        "to_outside": receiver is not None and is_outside(receiver),
        "roles": sorted(roles),
        "yes": yes,
        "no": no,
        "disputes": row["disputes"],
        "corrections": row["corrections"],
    }


def _thousandths(quantity: list[Any] | None) -> int:
    if quantity is None:
        return 0
    size: int = abs(quantity[0]) * 1000 // 10 ** quantity[1]
    return size if quantity[0] >= 0 else -size


def words(c: Context, id: bytes, row: Row) -> tuple[int, int]:
    """Return the yes and no that count for attestation."""
    partial = [c.person(row["provider"])]
    if row["receiver"] is not None and c.state.get("COMMON", id) is not None:
        partial.append(c.person(row["receiver"]))
    at = row["corrections"].to_bytes(8, "big")
    own = [c.state.get("SAID", id, at, member) for member in dict.fromkeys(partial)]
    return row["yes"] - own.count("yes"), row["no"] - own.count("no")


def asked_of(c: Context, id: bytes) -> int:
    """Return how many must attest an event."""
    common = c.rules.number("contributions", "common_attestations", 1)
    is_common = c.state.get("COMMON", id) is not None
    return max(1, c.rules.attestations, common if is_common else 0)


def is_attested(c: Context, id: bytes) -> bool:
    """Whether an event is attested."""
    yes, no = words(c, id, c.state.known("EVENT", id))
    return yes >= asked_of(c, id) and (yes > no or no == 0)


def _correct(
    c: Context, record: Record, action: str, quantity: list[Any] | None, effort: list[Any] | None
) -> None:
    id = record.data["corrects"]
    check(is_id(id), "SHAPE")
    row = c.state.row("EVENT", id)
    if row is None:
        raise Void("UNKNOWN_EVENT")
    check(row["member"] == c.member, "NOT_YOURS")
    check(row["action"] == action, "WRONG_CORRECTION")
    check(c.state.get("DATA_USE", id) is None, "USE_STANDS")
    asked = _asked(c, id, row, quantity, effort)
    mark = c.state.mark()
    correction = {"event": id, "member": c.member, "asked": asked, "quantity": quantity}
    correction |= {"effort": effort, "yes": 0, "held": False}
    apply_correction(c, record.id, correction)
    _check_conditions(c, id)
    if asked:
        c.state.rollback(mark)
        c.state.put_row(correction, "CORRECTION", record.id)


def apply_correction(c: Context, record: bytes, correction: Row) -> None:
    """Count what a correction says of its event."""
    id = correction["event"]
    row = c.state.known("EVENT", id)
    sums = {}
    for key in ("quantity", "effort"):
        more = correction[key]
        sums[key] = row[key]
        if more is not None:
            check(row[key] is not None and row[key][2] == more[2], "WRONG_CORRECTION")
            sums[key] = added(row[key], more[0], more[1])
            check(sums[key][0] >= 0, "NEGATIVE")
    quantity = correction["quantity"]
    is_common = c.state.get("COMMON", id) is not None
    if quantity is not None and not is_common:
        shift(c, row, quantity[0], quantity[1])
    credit.correct(c, id, row, quantity)
    correct_promises(c, row, [quantity, correction["effort"]])
    reviews.note(c, row["fulfills"])
    row |= {**sums, "corrections": row["corrections"] + 1, "yes": 0, "no": 0}
    row["corrected_by"] = record
    c.state.put_row(row, "EVENT", id)
    handovers.undo(c, id)
    claims.correct(c, id, row)
    if is_common:
        mark = c.state.mark()
        move(c, id)
        if not _is_kept(c, row):
            c.state.rollback(mark)


def _asked(
    c: Context, id: bytes, row: Row, quantity: list[Any] | None, effort: list[Any] | None
) -> list[bytes]:
    losers = [row["provider"]]
    if (
        any(amount is not None and amount[0] < 0 for amount in (quantity, effort))
        and row["receiver"]
    ):
        losers.append(row["receiver"])
    for place, key in enumerate(("source", "target")):
        resource = None if row[key] is None else c.state.row("RESOURCE", row[key])
        if resource is not None and quantity is not None:
            books, shelf = signs(row["action"], place)
            losers += [resource["accountable"]] if quantity[0] * books < 0 else []
            losers += [resource["custodian"]] if quantity[0] * shelf < 0 else []
    paid = c.state.row("SETTLEMENT", id)
    if paid is not None and paid["status"] == "confirmed":
        losers.append(paid["claimant"])
    people = {c.person(agent) for agent in losers} - {c.member}
    return sorted(agent for agent in people if c.state.get("MEMBER", agent) is not None)
