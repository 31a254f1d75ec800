"""Booking, valuing and splitting: shares.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import campaigns, data, projects, rounds
from tests.second_reader.claims import MOST, Pool, arise, pool_key, within
from tests.second_reader.context import Context, settled
from tests.second_reader.corrections import correct_income, end_turns
from tests.second_reader.events import is_attested, seen
from tests.second_reader.expressions import ExpressionError, evaluate
from tests.second_reader.milestones import change, date_given
from tests.second_reader.names import is_id
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset, portion, scale_of
from tests.second_reader.sheet import Sheet
from tests.second_reader.split import Income, Split
from tests.second_reader.trace import behind

Row = dict[str, Any]
LOOKED_AT = 50_000
INCOME = "event.action == 'transfer' && event.to_community"


def book(c: Context, counted: list[Record]) -> list[bytes]:
    """Note when events were booked; return what was touched."""
    touched: list[bytes] = []
    for record in sorted(counted, key=lambda record: (record.clock, record.id)):
        data = record.data
        match record.kind:
            case "event" if "corrects" in data:
                waits = c.state.row("CORRECTION", record.id)
                if waits is None or waits["held"]:
                    touched.append(_reopen(c, data["corrects"]))
            case "event":
                source = data["earnedBy"] if is_id(data.get("earnedBy")) else b""
                booked = {"height": c.height, "time_ms": c.time, "earned_by": source}
                c.state.change("EVENT", record.id, **booked, pending=True)
                touched.append(record.id)
            case "attest" | "dispute":
                waits = c.state.row("CORRECTION", data["event"])
                holds = record.kind == "attest" and waits is not None and waits["held"]
                touched.append(_reopen(c, waits["event"]) if waits and holds else data["event"])
            case "referral" if "promotion" not in data:
                member = c.state.known("DEVICE", record.author)["member"]
                c.state.put(c.time, "REFERRED", member)
            case "member.leave":
                c.state.drop("VALUED_BY")
    return touched


def _reopen(c: Context, event: bytes) -> bytes:
    worth = c.state.row("WORTH", event)
    if worth is not None:
        giver, points, is_first = worth["member"], worth["points"], "first_ms" not in worth
        change(c, worth["height"], event, giver, points, int(is_first))
        change(c, c.height, event, giver, -points, 0)
        c.state.drop("WORTH", event)
        c.state.change("EVENT", event, pending=worth.get("first_ms", worth["time_ms"]))
    elif c.state.get("INCOME", event) is not None:
        c.state.change("EVENT", event, pending=True)
    return event


def share(c: Context, rules: Ruleset, touched: list[bytes]) -> None:
    """Value what is attested, and split what pools hold."""
    assert c.state.get("REST") is None
    if c.state.get("VALUED_BY") != rules.id:
        c.state.put(rules.id, "VALUED_BY")
        waiting = [id for id, row in c.state.rows("EVENT") if "pending" in row]
        assert len(waiting) <= LOOKED_AT
        touched = [*touched, *waiting]
    sheet = Sheet(c)
    incomes: dict[Pool, list[Income]] = {}
    for event in sorted({*touched}):
        _value(c, sheet, rules, event, incomes)
    end_turns(sheet)
    for name, table in rules.pools:
        pool = (name, table["unit"], scale_of(table))
        _split_pool(c, sheet, rules, table, pool, incomes.get(pool, []))
    arise(c, rules.id, sheet.sums)


def _value(
    c: Context, sheet: Sheet, rules: Ruleset, event: bytes, incomes: dict[Pool, list[Income]]
) -> None:
    row = c.state.row("EVENT", event)
    if row is None or "pending" not in row:
        return
    pending = row.pop("pending")
    if row["disputes"] or not is_attested(c, event):
        return
    for name, table, bucket in data.feed(c, event, rules.pools):
        place = (name, table["unit"], scale_of(table))
        owner = c.state.known("DATA_USE", event)["owner"]
        rounds.add(c, place, bucket, owner, [1, 1, [event]])
    known = c.state.row("INCOME", event)
    if known is not None:
        amount = projects.counts(c, row, known)
        pool, more = (known["pool"], known["unit"], known["scale"]), amount - known["amount"]
        if has_room(c, sheet, pool, incomes, amount, more):
            left = correct_income(sheet, event, known, more)
            c.state.change("INCOME", event, amount=amount)
            if more:
                change(c, c.height, event, b"", more, 0)
            held = pool_row(c, pool)
            carried = within(held["carried"] + left)
            c.state.put_row({**held, "carried": carried}, "POOL", pool_key(pool))
            c.state.put_row(row, "EVENT", event)
        return
    if projects.move(c, event, row):
        if c.state.get("INCOME", event) is not None:
            date_given(c, row["provider"])
        return
    view = seen(c, event, row)
    for name, table in rules.pools if campaigns.pays(c, row) is None else ():
        if view["unit"] == table["unit"] and row["quantity"] and _is_income(table, view):
            pool = (name, table["unit"], scale_of(table))
            amount = row["quantity"][0] * 10 ** pool[2] // 10 ** row["quantity"][1]
            if not has_room(c, sheet, pool, incomes, amount, amount):
                return
            source = row["earned_by"]
            is_traced = bool(source) and any(bucket.get("trace") for bucket in table["buckets"])
            upstream = behind(c, source) if is_traced else None
            incomes.setdefault(pool, []).append((event, amount, upstream, source))
            c.state.put([*pool, c.height, amount, amount, is_traced], "INCOME", event)
            c.state.put_row(row, "EVENT", event)
            date_given(c, row["provider"])
            return
    rule = rules.section("value").get(row["action"])
    if rule is not None:
        points, reason = _points(rule["points"], view)
        worth = [points, c.person(row["provider"]), c.height, c.time, reason]
        c.state.put(worth if pending is True else [*worth, pending], "WORTH", event)
        c.state.put_row(row, "EVENT", event)
        date_given(c, row["provider"])


def has_room(
    c: Context,
    sheet: Sheet,
    pool: Pool,
    incomes: dict[Pool, list[Income]],
    amount: int,
    more: int,
) -> bool:
    """Return whether an income can be an amount, which is so much more than it was."""
    came = sum(income[1] for income in incomes.get(pool, []))
    sums = [corrected for (of, _), (_, corrected) in sheet.sums.items() if of == pool]
    held = pool_row(c, pool)["carried"] + came + sum(gave for gave in sums if gave > 0)
    return abs(amount) <= MOST and (more <= 0 or held + more <= MOST)


def _is_income(table: Row, view: Row) -> bool:
    try:
        return bool(evaluate(table.get("income", INCOME), view))
    except ExpressionError:
        return False


def _points(rule: str, view: Row) -> tuple[int, str]:
    try:
        points = evaluate(rule, view)
    except ExpressionError as error:
        return 0, str(error)
    if points < 0:
        return 0, "the rule gives less than nothing"
    return (points, "") if points <= MOST else (0, "the rule gives more than 64 bits hold")


def pool_row(c: Context, pool: Pool) -> Row:
    """Return the row of a pool."""
    return c.state.row("POOL", pool_key(pool)) or {"carried": 0, "split_ms": 0, "error": ""}


def _late(c: Context, table: Row, pool: Pool) -> list[Income]:
    """Return the incomes that waited for this split."""
    late: list[Income] = []
    for key, _ in c.state.all("WAITING", pool_key(pool)):
        event = key[-32:]
        row = c.state.known("INCOME", event)
        is_traced = any(bucket.get("trace") for bucket in table["buckets"])
        source = c.state.known("EVENT", event)["earned_by"] if is_traced else b""
        late.append((event, row["amount"], behind(c, source) if is_traced else None, source))
        c.state.drop("WAITING", key)
        if is_traced:
            c.state.put_row({**row, "split": c.height, "divided": row["amount"]}, "INCOME", event)
    return late


def _split_pool(
    c: Context, sheet: Sheet, rules: Ruleset, table: Row, pool: Pool, came: list[Income]
) -> None:
    row = pool_row(c, pool)
    total = row["carried"] + sum(income[1] for income in came)
    every = table.get("every_hours", 0) * HOUR
    fed = [bucket["name"] for bucket in table["buckets"] if bucket.get("to") == "round"]
    waits = fed and not any(rounds.waiting(c, pool, name) for name in fed)
    if total <= 0 or waits or settled(c.state, c.time) - row["split_ms"] < every:
        if came:
            c.state.put_row({**row, "carried": total}, "POOL", pool_key(pool))
        for event, _, upstream, _ in came:
            if upstream is not None:
                c.state.put(True, "WAITING", pool_key(pool), event)
        return
    late = _late(c, table, pool)
    carried = row["carried"] - sum(income[1] for income in late)
    split = Split(c, sheet, table, pool, carried, [*came, *late])
    left = total
    for part in ("whole", "remainder"):
        for bucket in table["buckets"]:
            if bucket.get("of", "whole") == part:
                above, below, _ = portion(bucket["share"])
                left -= split.give(bucket, (total if part == "whole" else left) * above // below)
    lines = [line for line in split.lines if line["amount"] or line["commissions"]]
    split_ms = c.time if lines else row["split_ms"]
    c.state.put([left, split_ms, ""], "POOL", pool_key(pool))
    split.write(rules.id, lines, total, left)
