"""Projects: their records, pools and end: kinds.md, shares.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import campaigns
from tests.second_reader.claims import MOST, Pool, arise, pool_key
from tests.second_reader.context import Context, Void, check, settled
from tests.second_reader.events import is_attested
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.project_members import is_in, take_out
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset, scale_of
from tests.second_reader.sheet import Sheet, divide, tie
from tests.second_reader.wishes import close as close_wish
from tests.second_reader.wishes import intend as note_wish
from tests.second_reader.wishes import less, limit, now

Row = dict[str, Any]
UNITS = 16


def section(rules: Ruleset) -> Row:
    """Return what the rules say of projects."""
    said = {"opener": "", "open_per_member": 3, "settled_hours": 0, "threshold": ">1/2"}
    return {**said, "period_hours": 72, **rules.section("projects")}


def process(rules: Ruleset) -> Row:
    """Return how the members of a project decide to close it."""
    said = section(rules)
    row = {"voters": "", "threshold": said["threshold"], "quorum": "0%", "min_yes": 0}
    row |= {"period_hours": said["period_hours"], "early": True, "early_failure": True}
    return {**row, "blocks": 0, "objections": 0, "silent": False, "indifferent": False}


def begin(c: Context, record: Record) -> None:
    data = record.data
    name, split, end = (data.get(key) for key in ("name", "split", "end"))
    check(is_name(name) and split in ("equal", "points", "community"), "SHAPE")
    check(record.body is not None and (end is None or is_count(end)), "SHAPE")
    assert isinstance(name, str)
    said = section(c.rules)
    check(not said["opener"] or c.holds(c.member, said["opener"]), "NOT_AN_OPENER")
    check(len(c.state.all("OPEN_PROJECT", c.member)) < said["open_per_member"], "TOO_MANY_PROJECTS")
    check(end is None or end > now(c), "ENDS_IN_THE_PAST")
    look = skeleton(name)
    check(c.state.get("PROJECT_LOOK", look) is None, "NAME_TAKEN")
    row = [c.member, record.clock, name, split, end, 1, 0, "open", 0, ""]
    c.state.put(row, "PROJECT", record.id)
    c.state.put(record.id, "PROJECT_LOOK", look)
    c.state.put(True, "OPEN_PROJECT", c.member, record.id)
    c.state.put([now(c), record.clock, True], "PROJECT_MEMBER", record.id, c.member)


def _named(c: Context, record: Record) -> tuple[bytes, Row]:
    id: Any = record.data.get("project")
    check(is_id(id), "SHAPE")
    row = c.state.row("PROJECT", id)
    if row is None:
        raise Void("UNKNOWN_PROJECT")
    check(row["status"] == "open", "PROJECT_CLOSED")
    return id, row


def join(c: Context, record: Record) -> None:
    id, row = _named(c, record)
    check(not is_in(c, id, c.member), "NOTHING_NEW")
    c.state.put([now(c), record.clock, True], "PROJECT_MEMBER", id, c.member)
    c.state.change("PROJECT", id, members=row["members"] + 1)


def leave(c: Context, record: Record) -> None:
    id, _ = _named(c, record)
    check(is_in(c, id, c.member), "NOT_IN_PROJECT")
    take_out(c, id, c.member)


def to_close(c: Context, record: Record) -> bytes:
    """Return the project that a proposal would close."""
    id, _ = _named(c, record)
    check(is_in(c, id, c.member), "NOT_IN_PROJECT")
    return id


def of_scope(c: Context, scope: Any) -> bytes | None:
    """Return the open project of a scope."""
    id: bytes | None = None if scope is None else c.state.get("PROJECT_LOOK", skeleton(scope))
    row = None if id is None else c.state.row("PROJECT", id)
    is_its = row is not None and row["name"] == scope and row["status"] == "open"
    return id if is_its else None


def intend(c: Context, record: Record) -> None:
    note_wish(c, record)
    row = c.state.known("INTENT", record.id)
    project = of_scope(c, row["scope"])
    if project and row["provider"] is None and row["action"] in ("work", "deliverService"):
        c.state.put(True, "PROJECT_TASK", project, record.id)


def _ended(c: Context, id: bytes, row: Row, **fields: Any) -> None:
    c.state.change("PROJECT", id, **fields)
    c.state.drop("OPEN_PROJECT", row["member"] + id)


def start(c: Context, rules: Ruleset) -> None:
    """Begin the projects that a seal newly covers."""
    scopes = {bucket.get("scope") for _, table in rules.pools for bucket in table["buckets"]}
    for key, _ in c.state.all("OPEN_PROJECT"):
        id, row = key[-32:], c.state.known("PROJECT", key[-32:])
        if row["since"]:
            continue
        is_used = any(
            event["scope"] == row["name"] and 0 < event.get("height", 0) < c.height
            for _, event in c.state.rows("EVENT")
        )
        if is_used or row["name"] in scopes:
            _ended(c, id, row, status="void", height=c.height, cause="scope")
            c.state.drop("PROJECT_LOOK", skeleton(row["name"]))
        else:
            c.state.change("PROJECT", id, since=c.height)


def _amount(c: Context, row: Row, scale: int) -> int:
    n, had, _ = row["quantity"]
    amount: int = n * 10**scale // 10**had
    return -amount if row["provider"] == c.community else amount


def counts(c: Context, row: Row, income: Row) -> int:
    """Return what an income counts now, at the scale of its pool."""
    if income["pool"].startswith("project "):
        return _amount(c, row, income["scale"])
    n, had, _ = row["quantity"]
    return int(n * 10 ** income["scale"] // 10**had)


def move(c: Context, event: bytes, row: Row) -> bool:
    """Let an event move the pool of a project; return whether it is for one."""
    project = of_scope(c, row["scope"])
    came, left = row["receiver"] == c.community, row["provider"] == c.community
    is_transfer = row["action"] in ("transfer", "transferAllRights") and row["quantity"]
    if project is None or not is_transfer or came == left or campaigns.pays(c, row) is not None:
        return False
    known = c.state.known("PROJECT", project)
    if not known["since"] or c.state.get("SETTLEMENT", event) is not None:
        return False
    unit = row["quantity"][2]
    pool: Pool = ("project " + known["name"], unit, scale_of({"unit": unit}))
    if c.state.get("POOL", pool_key(pool)) is None and len(_pools(c, known["name"])) >= UNITS:
        return False
    amount = _amount(c, row, pool[2])
    held = c.state.row("POOL", pool_key(pool)) or {"carried": 0, "split_ms": 0, "error": ""}
    carried = held["carried"] + amount
    if max(abs(amount), abs(carried)) <= MOST:
        c.state.put_row({**held, "carried": carried}, "POOL", pool_key(pool))
        c.state.put([*pool, c.height, amount, amount, False], "INCOME", event)
        row.pop("pending", None)
        c.state.put_row(row, "EVENT", event)
    return True


def _pools(c: Context, name: str) -> list[Pool]:
    begins = f"project {name}".encode() + b"\0"
    units = [key[len(begins) :].split(b"\0")[0].decode() for key, _ in c.state.all("POOL", begins)]
    return [("project " + name, unit, scale_of({"unit": unit})) for unit in units]


def end(c: Context, rules: Ruleset) -> None:
    """Close the projects whose end has come, or in which nobody is."""
    for key, _ in c.state.all("OPEN_PROJECT"):
        id, row = key[-32:], c.state.known("PROJECT", key[-32:])
        if row["end_ms"] is not None and settled(c.state, c.time) >= row["end_ms"]:
            close(c, rules, id, "end")
        elif not row["members"]:
            close(c, rules, id, "nobody")


def close(c: Context, rules: Ruleset, id: bytes, cause: str, before: int | None = None) -> None:
    """Close a project, and share what is left of it."""
    row, sheet = c.state.known("PROJECT", id), Sheet(c)
    parts = _parts(c, rules, id, row, before)
    for pool in _pools(c, row["name"]):
        carried = c.state.known("POOL", pool_key(pool))["carried"]
        if carried <= 0:
            continue
        empty = {"source": b"", "income": b"", "commissions": 0, "corrects": 0}
        weights = [weight for _, weight, _ in parts]
        ties = [tie(c, *pool, member) for member, _, _ in parts]
        amounts = divide(carried, weights, ties) if parts else []
        for (member, weight, inputs), amount in zip(parts, amounts, strict=True):
            line = {"bucket": "rest", "sort": "share", "member": member, "amount": amount}
            line |= {"of": carried, "weight": weight, "weights": sum(weights), "inputs": inputs}
            if amount:
                sheet.write(pool, rules.id, line | empty)
                c.state.put(amount, "PAID", pool_key(pool) + b"rest\0" + member)
        if not parts:
            line = {"bucket": "rest", "sort": "community", "member": c.community}
            line |= {"amount": carried, "of": carried, "weight": 1, "weights": 1, "inputs": []}
            sheet.write(pool, rules.id, line | empty)
        c.state.put([0, c.time, ""], "POOL", pool_key(pool))
        split = [carried, carried, 0, [], [], [], []]
        c.state.put(split, "SPLIT", pool_key(pool), c.height.to_bytes(8, "big"))
    arise(c, rules.id, sheet.sums)
    for key, _ in c.state.all("PROJECT_TASK", id):
        task = c.state.known("INTENT", key[-32:])
        is_met = not less(task["met"], limit(task))
        if task["status"] in ("open", "paused") and not is_met:
            close_wish(c, "INTENT", key[-32:], "withdrawn", id)
    _ended(c, id, row, status="closed", height=c.height, cause=cause)


def _parts(
    c: Context, rules: Ruleset, id: bytes, row: Row, before: int | None
) -> list[tuple[bytes, int, list[bytes]]]:
    """Return who takes part: member, weight, and what they gave."""
    latest = settled(c.state, c.time) - section(rules)["settled_hours"] * HOUR
    latest = latest if before is None else min(latest, before)
    if row["split"] == "equal":
        known = [(key[-32:], one) for key, one in c.state.rows("PROJECT_MEMBER", id)]
        fitting = [key for key, one in known if one["is_in"] and one["since_ms"] <= latest]
        return [(member, 1, []) for member in fitting if c.is_active(member)]
    given: dict[bytes, list[tuple[bytes, int]]] = {}
    for event, one in c.state.rows("EVENT") if row["split"] == "points" else []:
        worth = c.state.row("WORTH", event)
        if one["scope"] != row["name"] or worth is None or not worth["points"]:
            continue
        member = c.person(worth["member"])
        is_known = c.state.get("MEMBER", member) is not None
        if is_known and (member == worth["member"] or is_attested(c, event)):
            given.setdefault(member, []).append((event, worth["points"]))
    return [
        (member, sum(points for _, points in some), [event for event, _ in some])
        for member, some in sorted(given.items())
    ]
