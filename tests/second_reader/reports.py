"""The figures of reports: reports.md. It walks the whole state, and adds up by hand."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.second_reader.context import Context
from tests.second_reader.rules import Ruleset, portion

Row = dict[str, Any]
STAGES = ("active", "again", "brought")


def factors(c: Context, rules: Ruleset, first: int, last: int) -> dict[str, Row]:
    """Return what was given of each factor from one height to another."""
    section = rules.section("reports")
    entries = sorted(_entries(c, last), key=lambda entry: entry[1])
    found: dict[str, Row] = {}
    for factor in sorted({entry[0] for entry in entries if first <= entry[1]}):
        mine = [entry[1:] for entry in entries if entry[0] == factor and first <= entry[1]]
        by_giver: Counter[bytes] = Counter()
        for _, giver, points, _ in mine:
            by_giver[giver] += points
        above = {giver: points for giver, points in by_giver.items() if points > 0}
        largest, whole = max(above.values(), default=0), sum(above.values())
        outside = sum(n for giver, n in above.items() if not _is_core(c, section, giver))
        found[factor] = {
            "points": sum(points for _, _, points, _ in mine),
            "events": sum(events for *_, events in mine),
            "givers": len(above),
            "largest": (largest, _mille(largest, whole)),
            "beyond core": (outside, _mille(outside, whole)),
            "since": _since(section, mine),
        }
    return found


def _entries(c: Context, last: int) -> list[tuple[str, int, bytes, int, int]]:
    """Return (factor, height, giver, points, events) of values and changes up to a height."""
    found = []
    for event, row in c.state.rows("WORTH"):
        first = int("first_ms" not in row)
        found.append((event, row["height"], row["member"], row["points"], first))
    for key, row in c.state.rows("REVALUED"):
        if len(key) > 40:
            height = int.from_bytes(key[:8], "big")
            found.append((key[8:40], height, key[40:], row["amount"], row["events"]))
    return [
        (_factor(c, event), height, c.person(giver), points, events)
        for event, height, giver, points, events in found
        if height <= last
    ]


def _factor(c: Context, event: bytes) -> str:
    row = c.state.known("EVENT", event)
    if row["factor"] is None and row["spec"] is not None:
        return c.state.known("SPEC", row["spec"])["factor"] or ""
    return row["factor"] or ""


def _is_core(c: Context, section: Row, giver: bytes) -> bool:
    core = section.get("core", [])
    is_known = c.state.get("MEMBER", giver) is not None
    return is_known and (not core or any(c.holds(giver, role) for role in core))


def _since(section: Row, mine: list[tuple[int, bytes, int, int]]) -> int | None:
    """Return since which height the sum so far is distributed, height by height."""
    above, below, _ = portion(section.get("largest", "1/2"))
    sums: Counter[bytes] = Counter()
    since: int | None = None
    for height in sorted({entry[0] for entry in mine}):
        for at, giver, points, _ in mine:
            sums[giver] += points if at == height else 0
        given = [points for points in sums.values() if points > 0]
        is_wide = len(given) >= section.get("givers", 2)
        since = since or height if is_wide and max(given) * below <= sum(given) * above else None
    return since


def income(c: Context, first: int, last: int) -> dict[tuple[str, int], int]:
    """Return what came in, by unit and scale."""
    sums: Counter[tuple[str, int]] = Counter()
    for _, row in c.state.rows("INCOME"):
        if first <= row["height"] <= last:
            sums[row["unit"], row["scale"]] += row["first"]
    for key, row in c.state.rows("REVALUED"):
        if len(key) == 40 and first <= int.from_bytes(key[:8], "big") <= last:
            known = c.state.known("INCOME", key[8:])
            sums[known["unit"], known["scale"]] += row["amount"]
    return dict(sums)


def funnel(c: Context, first: int, last: int) -> list[tuple[int, int | None]]:
    """Return how many came to each stage, and per mille of the stage before."""
    at: dict[str, dict[bytes, int]] = defaultdict(dict)
    for key, row in c.state.rows("MILESTONE"):
        at[key[:-33].decode()][key[-32:]] = row["height"]

    def within(sort: str) -> list[bytes]:
        return [id for id, height in at[sort].items() if first <= height <= last]

    invites = [c.state.row("INVITE", id) for id in within("invited")]
    counts = [sum(row["uses"] for row in invites if row), len(within("asked"))]
    left = within("admitted")
    counts.append(len(left))
    for stage in STAGES:
        left = [id for id in left if at[stage].get(id, last + 1) <= last]
        counts.append(len(left))
    rates = [None, *(_mille(n, of) for of, n in itertools.pairwise(counts))]
    return list(zip(counts, rates, strict=True))


def cohorts(c: Context, first: int, last: int) -> dict[str, int]:
    """Return how many were admitted in each month."""
    months: Counter[str] = Counter()
    for _, row in c.state.rows("MILESTONE", b"admitted\0"):
        if first <= row["height"] <= last:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["time_ms"])
            months[f"{at:%Y-%m}"] += 1
    return dict(months)


def _mille(part: int, whole: int) -> int | None:
    return part * 1000 // whole if whole > 0 else None
