"""Corrections of income that was split: shares.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import rounds
from tests.second_reader.claims import MOST, Pool, pool_key, within
from tests.second_reader.sheet import Sheet, divide, tie

Row = dict[str, Any]


def correct_income(sheet: Sheet, event: bytes, income: Row, more: int) -> int:
    """Write what a correction of an income changes; return what the pool has of it."""
    pool = (income["pool"], income["unit"], income["scale"])
    if sheet.c.state.get("WAITING", pool_key(pool), event):
        return more
    left: int = more
    since: int = income.get("split") or income["height"]
    for key, split in sheet.c.state.rows("SPLIT", pool_key(pool)):
        height = int.from_bytes(key[-8:], "big")
        if left and height >= since:
            left = _send(sheet, event, pool, income, (height, split), left)
    return left


def _send(
    sheet: Sheet, event: bytes, pool: Pool, income: Row, at: tuple[int, Row], more: int
) -> int:
    c, (height, split) = sheet.c, at
    is_traced = income["traced"] and income.get("split", income["height"]) == height
    source = event if is_traced else b""
    buckets: dict[str, list[Row]] = {}
    for place, ruleset, line in sheet.lines(height, pool):
        if line["bucket"] in split["tracing"] and line["income"] != source:
            continue
        left = max(0, line["amount"] + (c.state.get("CORRECTED", place) or 0))
        part = {"place": place, "ruleset": ruleset, "line": line, "left": left}
        buckets.setdefault(line["bucket"], []).append({**part, "size": line["amount"]})
    names = [*buckets]
    weights = []
    for name in [*names, ""]:
        size = sum(part["size"] for part in buckets[name]) if name else split["carried"]
        is_tracing = name in split["tracing"]
        if is_tracing and not is_traced:
            size = size * split["total"] // split["untraced"] if split["untraced"] else 0
        elif is_traced and not is_tracing:
            size = size * income.get("divided", income["first"]) // split["total"]
        weights.append(size)
    if not any(weights):
        return more
    ties = [tie(c, pool[0], event, name) for name in (*(n.encode() for n in names), b"")]
    *shares, onward = divide(abs(more), weights, ties)
    if more < 0:
        given = _within(shares, [sum(p["left"] for p in buckets[n]) for n in names], ties)
    else:
        closed = [*split["debts"], *split["undone"]]
        given = [0 if n in closed else s for n, s in zip(names, shares, strict=True)]
    sign = -1 if more < 0 else 1
    for name, amount in zip(names, given, strict=True):
        if amount:
            _divide(sheet, event, pool, at, buckets[name], sign * amount)
    if more < 0:
        _undo(sheet, pool, height, split, names)
    return sign * (onward + sum(shares) - sum(given))


def _within(shares: list[int], lefts: list[int], ties: list[bytes]) -> list[int]:
    given = [min(share, left) for share, left in zip(shares, lefts, strict=True)]
    room = [left - part for left, part in zip(lefts, given, strict=True)]
    over = min(sum(shares) - sum(given), sum(room))
    if over:
        rest = divide(over, room, ties[: len(room)])
        given = [part + more for part, more in zip(given, rest, strict=True)]
    return given


def _divide(
    sheet: Sheet, event: bytes, pool: Pool, at: tuple[int, Row], parts: list[Row], amount: int
) -> None:
    c, (height, split) = sheet.c, at
    sizes = [part["left"] if amount < 0 else part["size"] for part in parts]
    ties = [tie(c, pool[0], event, part["place"]) for part in parts]
    for part, size, piece in zip(parts, sizes, divide(abs(amount), sizes, ties), strict=True):
        if piece:
            line, given = part["line"], -piece if amount < 0 else piece
            written = {**line, "sort": "correction", "amount": given, "of": amount, "weight": size}
            written |= {"weights": sum(sizes), "inputs": [], "source": b"", "income": event}
            sheet.write(pool, part["ruleset"], {**written, "commissions": 0, "corrects": height})
            _note(sheet, pool, height, part, given)
            if line["bucket"] in split["debts"]:
                whose = line["source"] if line["sort"] == "commission" else line["member"]
                unpaid = sheet.unpaid.setdefault((pool, line["bucket"]), {})
                unpaid[whose] = unpaid.get(whose, 0) - given


def _note(sheet: Sheet, pool: Pool, height: int, part: Row, given: int) -> None:
    state, line, key = sheet.c.state, part["line"], pool_key(pool)
    bucket = line["bucket"].encode() + b"\0"
    corrected = within((state.get("CORRECTED", part["place"]) or 0) + given)
    state.put(corrected, "CORRECTED", part["place"])
    whose = line["source"] if line["sort"] == "commission" else line["member"]
    if line["sort"] in ("share", "arrears", "commission"):
        paid = (state.get("PAID", key, bucket, whose) or 0) + given
        state.put(max(0, min(paid, MOST)), "PAID", key, bucket, whose)
    past = state.get("PAST", key, bucket, height.to_bytes(8, "big"))
    if line["sort"] in ("share", "commission") and past is not None:
        amount = max(0, min(past[0] + given, MOST))
        state.put([amount, past[1]], "PAST", key, bucket, height.to_bytes(8, "big"))


def _undo(sheet: Sheet, pool: Pool, height: int, split: Row, names: list[str]) -> None:
    state = sheet.c.state
    left = dict.fromkeys(names, 0)
    for place, _, line in sheet.lines(height, pool):
        if line["bucket"] in left:
            left[line["bucket"]] += line["amount"] + (state.get("CORRECTED", place) or 0)
    undone = [
        name
        for name, amount in left.items()
        if not amount and name in split["once"] and name not in split["undone"]
    ]
    for name in undone:
        sheet.undone.setdefault((pool, name), []).append(height)
    if undone:
        at = height.to_bytes(8, "big")
        state.change("SPLIT", pool_key(pool), at, undone=[*split["undone"], *undone])


def end_turns(sheet: Sheet) -> None:
    """Let debts be owed again, and give back the turns of buckets of which nothing is left."""
    state = sheet.c.state
    for pool, bucket in sorted({**sheet.unpaid, **sheet.undone}):
        unpaid = {**sheet.unpaid.get((pool, bucket), {})}
        heights = sheet.undone.get((pool, bucket), [])
        for height in heights:
            for _, _, line in sheet.lines(height, pool):
                if line["bucket"] == bucket and line["sort"] in ("given", "used"):
                    more = [line["weight"], line["count"], line["inputs"]]
                    rounds.add(sheet.c, pool, bucket, line["member"], more)
        begin = pool_key(pool) + bucket.encode() + b"\0"
        for key, _ in state.all("PART", begin):
            if int.from_bytes(key[len(begin) + 32 :][:8], "big") in heights:
                state.drop("PART", key)
        for key, (amount, height) in state.all("TAKEN", begin):
            if height in heights:
                state.drop("TAKEN", key)
                continue
            provider = state.known("EVENT", key[len(begin) :])["provider"] if amount else b""
            member = sheet.c.person(provider)
            back = min(amount, unpaid.get(member, 0))
            if back > 0:
                state.put([amount - back, height], "TAKEN", key)
                unpaid[member] -= back
