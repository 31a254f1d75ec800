"""The split of a pool: shares.md."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from tests.second_reader import rounds
from tests.second_reader.claims import MOST, Pool, pool_key
from tests.second_reader.context import Context
from tests.second_reader.events import is_attested, seen
from tests.second_reader.expressions import evaluate
from tests.second_reader.rules import HOUR, portion, scale_of
from tests.second_reader.sheet import Sheet, divide, tie
from tests.second_reader.weights import balanced, weights_of

Row = dict[str, Any]
Upstream = dict[bytes, Fraction]
Income = tuple[bytes, int, "Upstream | None", bytes]
"""An event, its amount, the parts of events behind its source where it is traced, the source."""


class Split:
    """The split of one pool."""

    def __init__(
        self,
        c: Context,
        sheet: Sheet,
        table: Row,
        pool: Pool,
        carried: int,
        incomes: list[Income],
    ) -> None:
        self.c, self.sheet, self.table, self.pool = c, sheet, table, pool
        self.carried, self.incomes = carried, incomes
        self.late = table.get("late", "next_epoch")
        self.lines: list[Row] = []
        self.givers: dict[tuple[str, bytes], int] = {}
        self.taken: dict[tuple[str, bytes], int] = {}
        """What contributions have now, by bucket, where that is new."""
        self.parts: dict[tuple[str, bytes, bytes], Fraction] = {}
        """Which part of contributions took part now, by bucket and source."""
        self.past: dict[tuple[str, bytes], list[int]] = {}
        self.contributions: list[Row] = []
        for event, worth in c.state.rows("WORTH"):
            member = c.person(worth["member"])
            is_same = member == worth["member"] or is_attested(c, event)
            if worth["points"] and c.state.get("MEMBER", member) is not None and is_same:
                row = c.state.known("EVENT", event)
                view = seen(c, event, row)
                since = worth.get("first_ms", worth["time_ms"])
                entry = {
                    "id": event,
                    "member": member,
                    "points": worth["points"],
                    "event": view,
                }
                entry |= {"booked": row["height"], "booked_ms": row["time_ms"]}
                entry |= {"valued": worth["height"], "valued_ms": worth["time_ms"]}
                self.contributions.append({**entry, "since": since})

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
            case "round":
                self._round(bucket, amount, "given")
            case "data":
                self._round(bucket, amount, "used")
            case "contributors":
                self._contributors(bucket, amount)
        return sum(line["amount"] for line in self.lines[first:])

    def _round(self, bucket: Row, amount: int, sort: str) -> None:
        received = rounds.waiting(self.c, self.pool, bucket["name"])
        if not received:
            return
        weights = [row[0] for _, row in received]
        parts = divide(amount, weights, self._ties([member for member, _ in received]))
        for (member, row), part in zip(received, parts, strict=True):
            line = self._line(bucket, sort, member, part, amount, row[0], sum(weights))
            line |= {"inputs": row[2]}
            self.givers[bucket["name"], member] = row[1]

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

    def _matches(self, bucket: Row, entry: Row) -> bool:
        view = entry["event"]
        if bucket.get("actions") and view["action"] not in bucket["actions"]:
            return False
        for key in ("factor", "scope", "specification"):
            if bucket.get(key) and view[key] != bucket[key]:
                return False
        within = bucket.get("within_hours", 0) * HOUR
        if within and self.c.time - entry["since"] > within:
            return False
        if bucket.get("role") and not self.c.holds(entry["member"], bucket["role"]):
            return False
        if self.late == "needs_attest_if_older":
            most = self.table.get("late_hours", 720) * HOUR
            is_older = entry["valued_ms"] - entry["booked_ms"] > most
            if is_older and view["yes"] < self.table.get("late_attestations", 2):
                return False
        return not bucket.get("where") or bool(evaluate(bucket["where"], view))

    def _owed(self, bucket: Row, entry: Row) -> int:
        scale = scale_of(self.table)
        decimals = {"thousandths": 3, "whole": 0}.get(bucket.get("points_in", "smallest"), scale)
        return min(int(entry["points"] * 10**scale // 10**decimals), MOST)

    def _got(self, bucket: str, event: bytes) -> int | None:
        """Return what a contribution has from a bucket; None while it took no part."""
        if (bucket, event) in self.taken:
            return self.taken[bucket, event]
        key = pool_key(self.pool)
        row = self.c.state.row("TAKEN", key, bucket.encode() + b"\0", event)
        return None if row is None else int(row["amount"])

    def _take(self, bucket: str, event: bytes, more: int) -> None:
        self.taken[bucket, event] = (self._got(bucket, event) or 0) + more

    def _contributors(self, bucket: Row, amount: int) -> None:
        name, claim = bucket["name"], bucket.get("claim", "once")
        matching = [entry for entry in self.contributions if self._matches(bucket, entry)]
        if claim == "debt":
            matching = [{**entry, "points": self._owed(bucket, entry)} for entry in matching]
        part = []
        for entry in matching:
            got = self._got(name, entry["id"])
            is_free = got is None or (bucket.get("trace") and self._earlier(name, entry["id"]))
            takes = {"once": is_free, "debt": (got or 0) < entry["points"]}.get(claim, True)
            part += [{**entry, "taken": got or 0}] if takes else []
        first = len(self.lines)
        if self.late == "catch_up" and claim != "debt":
            amount -= self._arrears(bucket, amount, part)
            caught = [id for line in self.lines[first:] for id in line["inputs"]]
            part = [entry for entry in part if claim != "once" or entry["id"] not in caught]
        for income, size, upstream, source in self._traced(bucket, amount):
            some, before = self._counted(bucket, part, upstream, source), len(self.lines)
            self._share(bucket, size, some, matching, income)
            if bucket.get("trace") and claim == "once":
                lines = [line for line in self.lines[before:] if line["amount"]]
                used = {id for line in lines for id in line["inputs"]}
                of = {entry["id"]: entry["part"] for entry in some}
                self.parts |= {(name, id, source): of[id] for id in used}
        points = sum(entry["points"] for entry in part)
        if len(self.lines) > first and points and not bucket.get("trace"):
            self.past[name, self.c.height.to_bytes(8, "big")] = [amount, points]
        given = self.lines[first:]
        del self.lines[first:]
        for line in given:
            self._commission(line)

    def _earlier(self, bucket: str, event: bytes) -> list[tuple[bytes, int]]:
        """Return by source what took part of a contribution at earlier heights."""
        begin = pool_key(self.pool) + bucket.encode() + b"\0" + event
        return [(key[len(begin) + 8 :], part) for key, part in self.c.state.all("PART", begin)]

    def _counted(
        self, bucket: Row, entries: list[Row], upstream: Upstream | None, source: bytes
    ) -> list[Row]:
        """Return what takes part in an income, with the points of its parts."""
        counted = []
        for entry in entries:
            part = Fraction(1) if upstream is None else upstream.get(entry["id"], Fraction(0))
            taken = self._got(bucket["name"], entry["id"]) or 0
            if bucket.get("trace") and bucket.get("claim", "once") == "once":
                earlier = self._earlier(bucket["name"], entry["id"])
                here = sum(units for of, units in earlier if of == source)
                part -= Fraction(here, 10**18)
                part = min(part, 1 - Fraction(sum(units for _, units in earlier), 10**18))
            points = entry["points"] * max(Fraction(0), part)
            if bucket.get("claim") == "debt":
                points = Fraction(min(entry["points"], taken + points // 1))
            if points > taken if bucket.get("claim") == "debt" else part > 0:
                counted.append({**entry, "points": points, "taken": taken, "part": part})
        if bucket.get("claim") == "debt":
            return [{**entry, "points": int(entry["points"])} for entry in counted]
        scale = 1
        for entry in counted:
            scale = min(2**256, lcm(scale, entry["points"].denominator))
        whole = [{**entry, "points": entry["points"] * scale // 1} for entry in counted]
        return [entry for entry in whole if entry["points"]]

    def _traced(self, bucket: Row, amount: int) -> list[tuple[bytes, int, Upstream | None, bytes]]:
        if not bucket.get("trace"):
            return [(b"", amount, None, b"")]
        rest = self.carried + sum(income[1] for income in self.incomes if income[2] is None)
        traced = sorted(
            (income for income in self.incomes if income[2] is not None),
            key=lambda income: income[0],
        )
        ids = [b"", *(income[0] for income in traced)]
        parts = divide(amount, [max(0, rest), *(income[1] for income in traced)], ids)
        behind = [None, *(income[2] for income in traced)]
        sources = [b"", *(income[3] for income in traced)]
        return list(zip(ids, parts, behind, sources, strict=True))

    def _arrears(self, bucket: Row, amount: int, part: list[Row]) -> int:
        """Give late contributions what they missed; return how much."""
        name, key = bucket["name"], pool_key(self.pool)
        late = [
            entry
            for entry in part
            if entry["booked"] < entry["valued"] and self._got(name, entry["id"]) is None
        ]
        owed: dict[bytes, int] = {}
        missed: list[tuple[bytes, list[int], list[Row]]] = []
        for place, past in self.c.state.all("PAST", key + name.encode() + b"\0")[-100:]:
            height = int.from_bytes(place[-8:], "big")
            some = [entry for entry in late if entry["booked"] <= height < entry["valued"]]
            missed.append((place[-8:], past, some))
            points = past[1] + sum(entry["points"] for entry in some)
            for entry in some:
                owed[entry["id"]] = owed.get(entry["id"], 0) + past[0] * entry["points"] // points
        owed = {id: size for id, size in owed.items() if size}
        if not owed:
            return 0
        for at, past, some in missed:
            more = sum(entry["points"] for entry in some if entry["id"] in owed)
            self.past[name, at] = [past[0], past[1] + more]
        due = min(amount, sum(owed.values()))
        parts = divide(due, [*owed.values()], self._ties([*owed]))
        members = {entry["id"]: entry["member"] for entry in late}
        for (id, weight), size in zip(owed.items(), parts, strict=True):
            weights = sum(owed.values())
            line = self._line(bucket, "arrears", members[id], size, due, weight, weights)
            line["inputs"] = [id]
            self._take(name, id, size)
        return due

    def _share(
        self, bucket: Row, amount: int, part: list[Row], matching: list[Row], income: bytes
    ) -> None:
        name, claim = bucket["name"], bucket.get("claim", "once")
        weights = weights_of(bucket, part, self.c.time)
        if claim == "debt":
            amount = min(amount, sum(weights.values()))
        elif bucket.get("divide") == "balanced":
            weights = self._balanced(bucket, amount, part, matching)
        members = sorted(member for member, weight in weights.items() if weight)
        if not members or not amount:
            return
        total = sum(weights.values())
        parts = divide(amount, [weights[member] for member in members], self._ties(members))
        for member, size in zip(members, parts, strict=True):
            own = [entry for entry in part if entry["member"] == member]
            line = self._line(bucket, "share", member, size, amount, weights[member], total)
            line |= {"inputs": [entry["id"] for entry in own], "income": income}
            if any(entry["part"] != 1 for entry in own):
                line["parts"] = [entry["part"] * 10**18 // 1 for entry in own]
            if claim == "debt":
                rest = [entry["points"] - entry["taken"] for entry in own]
                more = divide(size, rest, line["inputs"])
            else:
                more = [0] * len(own)
            if claim == "debt" or size:
                for id, piece in zip(line["inputs"], more, strict=True):
                    self._take(name, id, piece)

    def _balanced(
        self, bucket: Row, amount: int, part: list[Row], matching: list[Row]
    ) -> dict[bytes, int]:
        at = (pool_key(self.pool), bucket["name"].encode() + b"\0")
        members = dict.fromkeys(entry["member"] for entry in part)
        paid = {member: self.c.state.get("PAID", *at, member) or 0 for member in members}
        points = weights_of({}, matching, self.c.time)
        return balanced(amount, {member: points[member] for member in members}, paid)

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
        off = sum(share["amount"] for share in more)
        self.lines += [{**line, "amount": line["amount"] - off, "commissions": off}, *more]

    def write(self, ruleset: bytes, lines: list[Row], total: int, left: int) -> None:
        """Write what the split gives, and what the next one has to know."""
        c, key = self.c, pool_key(self.pool)
        at = c.height.to_bytes(8, "big")
        for (bucket, event), amount in self.taken.items():
            where = (key, bucket.encode() + b"\0", event)
            row = c.state.row("TAKEN", *where)
            if row is None or row["amount"] != amount:
                c.state.put([amount, row["height"] if row else c.height], "TAKEN", *where)
        for (bucket, event, source), part in self.parts.items():
            units = -(-part.numerator * 10**18 // part.denominator)
            c.state.put(units, "PART", key, bucket.encode() + b"\0", event, at, source)
        for (bucket, height), (amount, points) in self.past.items():
            past = [amount, min(max(0, points), MOST)]
            c.state.put(past, "PAST", key, bucket.encode() + b"\0", height)
        for line in lines:
            if line["sort"] in ("share", "arrears"):
                where = (key, line["bucket"].encode() + b"\0", line["member"])
                paid = (c.state.get("PAID", *where) or 0) + line["amount"] + line["commissions"]
                c.state.put(max(0, min(paid, MOST)), "PAID", *where)
            givers = self.givers.get((line["bucket"], line["member"]), 0)
            self.sheet.write(self.pool, ruleset, line, givers)
        for name in {line["bucket"] for line in lines if line["sort"] in ("given", "used")}:
            for member, _ in rounds.waiting(c, self.pool, name):
                c.state.drop("POINTS", key, name.encode() + b"\0", member)
        if lines:
            traced = sum(income[1] for income in self.incomes if income[2] is not None)
            untraced = max(0, total - traced)
            to = "contributors"
            makers = [bucket for bucket in self.table["buckets"] if bucket.get("to", to) == to]
            tracing = [bucket["name"] for bucket in makers if bucket.get("trace")]
            debts = [bucket["name"] for bucket in makers if bucket.get("claim") == "debt"]
            fed = [b for b in self.table["buckets"] if b.get("to") in ("round", "data")]
            ends = [*makers, *fed]
            once = [
                bucket["name"]
                for bucket in self.table["buckets"]
                if bucket in ends and bucket.get("claim", "once") == "once"
            ]
            fields = [total, untraced, left, tracing, debts, once, []]
            c.state.put(fields, "SPLIT", key, at)
