"""Claims, and what pays them: shares.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_id
from tests.second_reader.records import Record
from tests.second_reader.values import hash32, pack

Row = dict[str, Any]
Pool = tuple[str, str, int]
LEAST, MOST = -(2**63), 2**63 - 1


def within(amount: int) -> int:
    """Return an amount, or the limit of 64 bits that it is beyond."""
    return max(LEAST, min(amount, MOST))


def pool_key(pool: Pool) -> bytes:
    """Return a pool as keys have it."""
    return b"".join(str(part).encode() + b"\0" for part in pool)


def arise(c: Context, ruleset: bytes, sums: dict[tuple[Pool, bytes], list[int]]) -> None:
    """Write the claims of a seal. sums: earned and corrected, by pool and member."""
    for (pool, member), (earned, corrected) in sorted(sums.items()):
        if member == c.community:
            continue
        before = c.state.get("TOO_MUCH", pool_key(pool), member) or 0
        net = earned + corrected - before
        if net < 0:
            c.state.put(min(-net, MOST), "TOO_MUCH", pool_key(pool), member)
        else:
            c.state.drop("TOO_MUCH", pool_key(pool), member)
        amount = max(0, net)
        id = hash32("claim", pack([c.community, c.height, *pool, member, amount]))
        row = [c.height, *pool, member, ruleset, earned, within(corrected), before, amount]
        c.state.put(row, "CLAIM", id)


def settle(c: Context, record: Record, row: Row) -> None:
    """Note what an event is said to pay."""
    named: Any = record.data.get("settles")
    if named is None:
        return
    is_list = type(named) is list and 1 <= len(named) <= 16 and all(map(is_id, named))
    check(is_list and len({*named}) == len(named), "SHAPE")
    is_transfer = row["action"] in ("transfer", "transferAllRights")
    is_payment = is_transfer and None not in (row["receiver"], row["quantity"])
    check(is_payment, "NOT_A_PAYMENT")
    claimant = c.person(row["receiver"])
    check(c.person(row["provider"]) != claimant, "SELF_PAID")
    _note(c, record.id, claimant, named, row["quantity"])


def _note(c: Context, event: bytes, claimant: bytes, named: list[bytes], paid: list[Any]) -> None:
    found = [c.state.row("CLAIM", id) for id in named]
    finest = max([paid[1], *(row["scale"] for row in found if row is not None)])
    left = paid[0] * 10 ** (finest - paid[1])
    parts: list[list[Any]] = []
    for id, row in zip(named, found, strict=True):
        if row is None:
            raise Void("UNKNOWN_CLAIM")
        check(row["member"] == claimant, "NOT_THE_CLAIMANT")
        check(row["unit"] == paid[2], "OTHER_UNIT")
        grain = 10 ** (finest - row["scale"])
        said, _ = c.state.get("SETTLED", id) or (0, 0)
        part = min(left, max(0, row["amount"] - said) * grain)
        check(part % grain == 0, "TOO_FINE")
        left -= part
        if part:
            parts.append([id, part // grain])
    check(left == 0, "OVER_SETTLED")
    for id, _ in parts:
        c.state.put(True, "OF_CLAIM", id, event)
    row = {"claimant": claimant, "status": "said", "named": named, "parts": parts}
    c.state.put_row(row, "SETTLEMENT", event)
    _sum(c, row, 1)


def _sum(c: Context, row: Row, sign: int) -> None:
    if row["status"] == "denied":
        return
    for id, amount in row["parts"]:
        said, confirmed = c.state.get("SETTLED", id) or (0, 0)
        said += sign * amount
        confirmed += sign * amount if row["status"] == "confirmed" else 0
        check(said <= MOST, "TOO_LARGE")
        if said:
            c.state.put([said, confirmed], "SETTLED", id)
        else:
            c.state.drop("SETTLED", id)


def hear(c: Context, event: bytes, author: bytes, own: str | None, others: str | None) -> None:
    """Take in what the claimant, or enough others, say of a payment."""
    was = c.state.known("SETTLEMENT", event)
    others_speak = was["claimant"] == author or not c.is_active(was["claimant"])
    word = own or (others if others_speak else None)
    status = {None: "said", "yes": "confirmed", "no": "denied"}[word]
    if status != was["status"]:
        _sum(c, was, -1)
        now = {**was, "status": status}
        c.state.put_row(now, "SETTLEMENT", event)
        _sum(c, now, 1)


def correct(c: Context, event: bytes, row: Row) -> None:
    """Let a corrected event pay anew."""
    was = c.state.row("SETTLEMENT", event)
    if was is not None:
        _sum(c, was, -1)
        for id, _ in was["parts"]:
            c.state.drop("OF_CLAIM", id, event)
        _note(c, event, was["claimant"], was["named"], row["quantity"])
