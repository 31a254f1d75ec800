"""Balances between members: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, check
from tests.second_reader.records import Record
from tests.second_reader.rules import scale_of
from tests.second_reader.things import added

Row = dict[str, Any]
NOTHING = {"n": 0, "scale": 0, "received": 0}


def pay(c: Context, record: Record, row: Row) -> None:
    """Move balances by an event, if it is a payment."""
    quantity, sides = row["quantity"], (row["provider"], row["receiver"])
    named = (row["source"], row["target"], record.data.get("newInventoriedResource"))
    if row["action"] != "transfer" or any(resource is not None for resource in named):
        return
    if any(c.state.get("MEMBER", side) is None for side in sides):
        return
    rule = c.rules.section("credit").get(quantity[2])
    if rule is None:
        return
    check(sides[0] == c.member, "NOT_THE_PAYER")
    check(sides[0] != sides[1], "PAID_TO_SELF")
    check("settles" not in record.data, "CREDIT_SETTLES")
    check(quantity[0], "NO_QUANTITY")
    _within(c, {"unit": quantity[2], **rule}, row, quantity)
    c.state.put(True, "PAYMENT", record.id)


def correct(c: Context, event: bytes, row: Row, more: list[Any] | None) -> None:
    """Move what a correction changes of a payment."""
    if more is None or c.state.get("PAYMENT", event) is None:
        return
    if more[0] < 0:
        _move(c, row, more)
        return
    rule = c.rules.section("credit").get(more[2])
    check(rule is not None, "NO_CREDIT")
    assert rule is not None
    _within(c, {"unit": more[2], **rule}, row, more)


def _within(c: Context, rule: Row, row: Row, more: list[Any]) -> None:
    n, scale, unit = more
    check(n % 10 ** max(0, scale - scale_of(rule)) == 0, "TOO_MANY_DECIMALS")
    _move(c, row, more)
    payer, payee = (_of(c, unit, row[side]) for side in ("provider", "receiver"))
    one = 10 ** payer["scale"]
    grown = rule["floor"] * one - payer["received"]
    lowest = max(rule.get("grows_to", rule["floor"]) * one, grown)
    check(payer["n"] >= lowest, "BELOW_FLOOR")
    highest = rule["ceiling"] if c.is_active(row["receiver"]) else 0
    check(payee["n"] <= highest * 10 ** payee["scale"], "ABOVE_CEILING")


def _move(c: Context, row: Row, more: list[Any]) -> None:
    n, scale, unit = more
    while scale and n % 10 == 0:
        n, scale = n // 10, scale - 1
    for member, taken, received in ((row["provider"], -n, 0), (row["receiver"], n, n)):
        was = _of(c, unit, member)
        now = added([was["n"], was["scale"]], taken, scale)
        whole = added([was["received"], was["scale"]], received, scale)
        place = (unit.encode() + b"\0", member)
        if now[0] or whole[0]:
            c.state.put([now[0], now[1], whole[0]], "BALANCE", *place)
        else:
            c.state.drop("BALANCE", *place)


def _of(c: Context, unit: str, member: bytes) -> Row:
    return c.state.row("BALANCE", unit.encode() + b"\0", member) or NOTHING
