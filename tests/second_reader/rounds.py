"""Giving rounds: kinds.md, shares.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.claims import MOST, Pool, pool_key
from tests.second_reader.context import Context, check, settled
from tests.second_reader.names import is_count, is_id, is_name
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset, scale_of

Row = dict[str, Any]


def give(c: Context, record: Record) -> None:
    """Note what a member gives in a round."""
    name, opened, points = (record.data.get(key) for key in ("round", "opened", "points"))
    check(is_name(name) and is_count(opened) and _is_sound(points), "SHAPE")
    assert name is not None and points is not None
    row = c.state.row("ROUND", name.encode())
    check(row is not None and row["open"] and row["height"] == opened, "ROUND_CLOSED")
    assert row is not None
    check(c.writer_may(), "NO_WORD_YET")
    check(_takes_part(c, c.member, row["givers"]), "NO_GIVER")
    place = (name.encode() + b"\0", c.member)
    was = c.state.row("GIFT", *place)
    check(points != (was["points"] if was else []), "NOTHING_NEW")
    for member, given in points:
        check(member != c.member, "SELF_GIVEN")
        check(_takes_part(c, member, row["receivers"]), "NO_RECEIVER")
        check(not row["most"] or given <= row["most"], "TOO_MUCH_FOR_ONE")
    check(sum(given for _, given in points) <= row["points"], "OVER_GIVEN")
    if points:
        c.state.put([record.id, points], "GIFT", *place)
    else:
        c.state.drop("GIFT", *place)


def count(c: Context, rules: Ruleset) -> None:
    """Count the rounds that are over."""
    for key, row in c.state.rows("ROUND"):
        if not row["open"] or settled(c.state, c.time) < row["closes_ms"]:
            continue
        sums: dict[bytes, list[Any]] = {}
        for place, (record, points) in c.state.all("GIFT", key + b"\0"):
            if _takes_part(c, place[len(key) + 1 :], row["givers"]):
                for member, given in points:
                    if _takes_part(c, member, row["receivers"]):
                        got = sums.setdefault(member, [0, 0, []])
                        got[:] = [got[0] + given, got[1] + 1, [*got[2], record]]
            c.state.drop("GIFT", place)
        for name, table in rules.pools:
            pool = (name, table["unit"], scale_of(table))
            for bucket in table["buckets"]:
                if bucket.get("to") == "round" and bucket["round"].encode() == key:
                    for member, more in sorted(sums.items()):
                        add(c, pool, bucket["name"], member, more)
        c.state.change("ROUND", key, open=False)


def begin(c: Context, rules: Ruleset) -> None:
    """Open the rounds that are due, and forget those that the rules have no more."""
    wanted = rules.section("rounds")
    held = dict(c.state.rows("ROUND"))
    for key in held:
        if key.decode() not in wanted:
            c.state.drop("ROUND", key)
            for place, _ in c.state.all("GIFT", key + b"\0"):
                c.state.drop("GIFT", place)
    for name, table in sorted(wanted.items()):
        row = held.get(name.encode())
        if row is not None:
            due = row["opened_ms"] + table.get("every_hours", 720) * HOUR
            if row["open"] or settled(c.state, c.time) < due:
                continue
        closes = c.time + table.get("open_hours", 168) * HOUR
        terms = [table.get("points", 100), table.get("most", 0)]
        terms += [table.get("givers", ""), table.get("receivers", "")]
        c.state.put([c.height, c.time, closes, True, *terms], "ROUND", name.encode())


def add(c: Context, pool: Pool, bucket: str, member: bytes, more: list[Any]) -> None:
    """Let points wait for a bucket. more: points, givers, records."""
    place = (pool_key(pool), bucket.encode() + b"\0", member)
    points, givers, records = c.state.get("POINTS", *place) or (0, 0, [])
    row = [min(points + more[0], MOST), givers + more[1], [*records, *more[2]][:64]]
    c.state.put(row, "POINTS", *place)


def waiting(c: Context, pool: Pool, bucket: str) -> list[tuple[bytes, list[Any]]]:
    """Return (member, [points, givers, records]) of those who have points for a bucket."""
    begins = pool_key(pool) + bucket.encode() + b"\0"
    return [(key[len(begins) :], row) for key, row in c.state.all("POINTS", begins)]


def _takes_part(c: Context, member: bytes, role: str) -> bool:
    return c.holds(member, role) if role else c.is_active(member)


def _is_sound(points: Any) -> bool:
    if type(points) is not list or len(points) > 100:
        return False
    for pair in points:
        if type(pair) is not list or len(pair) != 2:
            return False
        if not is_id(pair[0]) or not is_count(pair[1], 1):
            return False
    members = [member for member, _ in points]
    return members == sorted({*members})
