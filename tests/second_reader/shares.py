"""Booking, valuing and splitting: shares.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.second_reader.claims import MOST, Pool, arise, pool_key
from tests.second_reader.context import Context, settled
from tests.second_reader.corrections import correct_income, end_turns
from tests.second_reader.events import is_attested, seen
from tests.second_reader.expressions import ExpressionError, evaluate
from tests.second_reader.names import is_id
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset, portion
from tests.second_reader.sheet import Sheet, divide, tie

Row = dict[str, Any]
INCOME = "event.action == 'transfer' && event.to_community"


def book(c: Context, counted: list[Record]) -> list[bytes]:
    """Note when events were booked; return what was touched."""
    touched: list[bytes] = []
    for record in sorted(counted, key=lambda one: (one.clock, one.id)):
        data = record.data
        match record.kind:
            case "event" if "corrects" in data:
                waits = c.state.row("CORRECTION", record.id)
                if waits is None or waits["held"]:
                    touched.append(_reopen(c, data["corrects"]))
            case "event":
                source = data["earnedBy"] if is_id(data.get("earnedBy")) else b""
                c.state.put([c.height, c.time, source], "BOOKED", record.id)
                c.state.put(True, "PENDING", record.id)
                touched.append(record.id)
            case "attest" | "dispute":
                waits = c.state.row("CORRECTION", data["event"])
                holds = record.kind == "attest" and waits is not None and waits["held"]
                touched.append(_reopen(c, waits["event"]) if waits and holds else data["event"])
            case "referral":
                member = c.state.known("DEVICE", record.author)["member"]
                c.state.put(c.time, "REFERRED", member)
            case "member.leave":
                c.state.drop("VALUED_BY")
    return touched


def _reopen(c: Context, event: bytes) -> bytes:
    worth = c.state.row("WORTH", event)
    if worth is not None:
        c.state.drop("WORTH", event)
        c.state.put(worth.get("first_ms", worth["time_ms"]), "PENDING", event)
    elif c.state.get("INCOME", event) is not None:
        c.state.put(True, "PENDING", event)
    return event


def share(c: Context, rules: Ruleset, touched: list[bytes]) -> None:
    """Value what is attested, and split what pools hold."""
    assert c.state.get("REST") is None
    if c.state.get("VALUED_BY") != rules.id:
        c.state.put(rules.id, "VALUED_BY")
        touched = [*touched, *(event for event, _ in c.state.all("PENDING"))]
    sheet = Sheet(c)
    incomes: dict[Pool, list[int]] = {}
    for event in sorted({*touched}):
        _value(c, sheet, rules, event, incomes)
    end_turns(sheet)
    for name, table in rules.pools:
        pool = (name, table["unit"], table.get("scale", 2))
        _split_pool(c, sheet, rules, table, pool, incomes.get(pool, []))
    arise(c, rules.id, sheet.sums)


def _value(
    c: Context, sheet: Sheet, rules: Ruleset, event: bytes, incomes: dict[Pool, list[int]]
) -> None:
    pending = c.state.get("PENDING", event)
    if pending is None:
        return
    row = c.state.known("EVENT", event)
    if row["disputes"] or not is_attested(c, event):
        return
    known = c.state.row("INCOME", event)
    if known is not None:
        amount = row["quantity"][0] * 10 ** known["scale"] // 10 ** row["quantity"][1]
        pool = (known["pool"], known["unit"], known["scale"])
        left = correct_income(sheet, event, known, amount - known["amount"])
        c.state.change("INCOME", event, amount=amount)
        held = pool_row(c, pool)
        c.state.put_row({**held, "carried": held["carried"] + left}, "POOL", pool_key(pool))
        c.state.drop("PENDING", event)
        return
    view = seen(c, event, row)
    for name, table in rules.pools:
        if view["unit"] == table["unit"] and row["quantity"] and _is_income(table, view):
            assert not any(bucket.get("trace") for bucket in table["buckets"])
            pool = (name, table["unit"], table.get("scale", 2))
            amount = row["quantity"][0] * 10 ** pool[2] // 10 ** row["quantity"][1]
            incomes.setdefault(pool, []).append(amount)
            c.state.put([*pool, c.height, amount, amount, False], "INCOME", event)
            c.state.drop("PENDING", event)
            return
    rule = rules.section("value").get(row["action"])
    if rule is not None:
        points, reason = _points(rule["points"], view)
        worth = [points, c.person(row["provider"]), c.height, c.time, reason]
        c.state.put(worth if pending is True else [*worth, pending], "WORTH", event)
        c.state.drop("PENDING", event)


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


def _split_pool(
    c: Context, sheet: Sheet, rules: Ruleset, table: Row, pool: Pool, came: list[int]
) -> None:
    row = pool_row(c, pool)
    total = row["carried"] + sum(came)
    every = table.get("every_hours", 0) * HOUR
    if total <= 0 or settled(c.state, c.time) - row["split_ms"] < every:
        if came:
            c.state.put_row({**row, "carried": total}, "POOL", pool_key(pool))
        return
    split = Split(c, sheet, table, pool)
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


class Split:
    """The split of one pool."""

    def __init__(self, c: Context, sheet: Sheet, table: Row, pool: Pool) -> None:
        self.c, self.sheet, self.table, self.pool = c, sheet, table, pool
        self.lines: list[Row] = []
        self.taken: list[tuple[str, bytes]] = []
        self.past: dict[str, tuple[int, int]] = {}
        assert table.get("late", "next_epoch") == "next_epoch"
        self.contributions: list[Row] = []
        for event, worth in c.state.rows("WORTH"):
            member = c.person(worth["member"])
            is_same = member == worth["member"] or is_attested(c, event)
            if worth["points"] and c.state.get("MEMBER", member) is not None and is_same:
                view = seen(c, event, c.state.known("EVENT", event))
                since = worth.get("first_ms", worth["time_ms"])
                one = {"id": event, "member": member, "points": worth["points"], "event": view}
                self.contributions.append({**one, "since": since})

    def give(self, bucket: Row, amount: int) -> int:
        """Give out an amount by a bucket; return how much somebody got."""
        first = len(self.lines)
        match bucket.get("to", "contributors") if amount else "":
            case "community":
                self._line(bucket, "community", self.c.community, amount, amount, 1, 1)
            case "role":
                holders = self._holders(bucket["role"])
                if holders:
                    parts = divide(amount, [1] * len(holders), self._ties(holders))
                    for member, part in zip(holders, parts, strict=True):
                        self._line(bucket, "role", member, part, amount, 1, len(holders))
            case "contributors":
                self._contributors(bucket, amount)
        return sum(line["amount"] for line in self.lines[first:])

    def _holders(self, role: str) -> list[bytes]:
        return [key for key, _ in self.c.state.all("MEMBER") if self.c.holds(key, role)]

    def _ties(self, names: Sequence[bytes]) -> list[bytes]:
        return [tie(self.c, self.pool[0], name) for name in names]

    def _line(self, bucket: Row, sort: str, member: bytes, amount: int, *of: int) -> Row:
        line = {"bucket": bucket["name"], "sort": sort, "member": member, "amount": amount}
        line |= dict(zip(("of", "weight", "weights"), of, strict=True))
        line |= {"inputs": [], "source": b"", "income": b"", "commissions": 0, "corrects": 0}
        self.lines.append(line)
        return line

    def _matches(self, bucket: Row, one: Row) -> bool:
        view = one["event"]
        if bucket.get("actions") and view["action"] not in bucket["actions"]:
            return False
        for key in ("factor", "scope", "specification"):
            if bucket.get(key) and view[key] != bucket[key]:
                return False
        within = bucket.get("within_hours", 0) * HOUR
        if within and self.c.time - one["since"] > within:
            return False
        if bucket.get("role") and not self.c.holds(one["member"], bucket["role"]):
            return False
        return not bucket.get("where") or bool(evaluate(bucket["where"], view))

    def _contributors(self, bucket: Row, amount: int) -> None:
        claim, divided = bucket.get("claim", "once"), bucket.get("divide", "proportional")
        assert claim in ("once", "equity") and divided in ("proportional", "equal")
        name, key = bucket["name"], pool_key(self.pool)
        at = name.encode() + b"\0"
        part = [one for one in self.contributions if self._matches(bucket, one)]
        if claim == "once":
            part = [one for one in part if self.c.state.get("TAKEN", key, at, one["id"]) is None]
        weights: dict[bytes, int] = {}
        for one in part:
            more = one["points"] if divided == "proportional" else 0
            weights[one["member"]] = weights.get(one["member"], 0 if more else 1) + more
        members = sorted(weights)
        if not members:
            return
        total, first = sum(weights.values()), len(self.lines)
        parts = divide(amount, [weights[one] for one in members], self._ties(members))
        for member, size in zip(members, parts, strict=True):
            line = self._line(bucket, "share", member, size, amount, weights[member], total)
            line["inputs"] = [one["id"] for one in part if one["member"] == member]
            self.taken += [(name, id) for id in line["inputs"] if size]
        self.past[name] = (amount, sum(one["points"] for one in part))
        shares = self.lines[first:]
        del self.lines[first:]
        for line in shares:
            self._commission(line)

    def _commission(self, line: Row) -> None:
        chain, below, more = [line["member"]], line["member"], []
        c, role = self.c, self.table.get("commission_role", "")
        for text in self.table.get("commission", []):
            above, whole, _ = portion(text)
            brought = c.state.get("REFERRED", below)
            referrer = None if brought is None else c.state.get("REFERRER", below)
            if referrer is None or referrer in chain:
                break
            below = referrer
            chain.append(below)
            is_recent = c.time - brought <= self.table.get("commission_hours", 8784) * HOUR
            part = line["amount"] * above // whole
            if part and is_recent and (not role or c.holds(below, role)):
                fields = {"sort": "commission", "member": below, "amount": part}
                fields |= {"of": line["amount"], "weight": above, "weights": whole}
                more.append({**line, **fields, "source": line["member"]})
        off = sum(one["amount"] for one in more)
        self.lines += [{**line, "amount": line["amount"] - off, "commissions": off}, *more]

    def write(self, ruleset: bytes, lines: list[Row], total: int, left: int) -> None:
        """Write what the split gives, and what the next one has to know."""
        c, key = self.c, pool_key(self.pool)
        at = c.height.to_bytes(8, "big")
        for bucket, event in self.taken:
            where = (key, bucket.encode() + b"\0", event)
            if c.state.get("TAKEN", *where) is None:
                c.state.put([0, c.height], "TAKEN", *where)
        for bucket, (amount, points) in self.past.items():
            past = [amount, min(points, MOST)]
            c.state.put(past, "PAST", key, bucket.encode() + b"\0", at)
        for line in lines:
            if line["sort"] == "share":
                where = (key, line["bucket"].encode() + b"\0", line["member"])
                paid = (c.state.get("PAID", *where) or 0) + line["amount"] + line["commissions"]
                c.state.put(min(paid, MOST), "PAID", *where)
            self.sheet.write(self.pool, ruleset, line)
        if lines:
            makers = [
                b for b in self.table["buckets"] if b.get("to", "contributors") == "contributors"
            ]
            once = [b["name"] for b in makers if b.get("claim", "once") == "once"]
            c.state.put([total, total, left, [], [], once, []], "SPLIT", key, at)
