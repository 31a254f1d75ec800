"""What agreements set off: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_id
from tests.second_reader.state import Row
from tests.second_reader.things import quantity_of
from tests.second_reader.wishes import less, taken_off

Part = list[Any]
"""[commitment, n, scale, unit]."""


def read(c: Context, value: Any) -> list[Part]:
    """Return what an agreement sets off."""
    check(type(value) is list and 2 <= len(value) <= 32, "SHAPE")
    parts: list[Part] = []
    for pair in value:
        check(type(pair) is list and len(pair) == 2 and is_id(pair[0]), "SHAPE")
        amount = quantity_of(pair[1])
        check(amount is not None and amount[0] > 0, "SHAPE")
        assert amount is not None
        parts.append([pair[0], *amount])
    ids = [part[0] for part in parts]
    check(ids == sorted({*ids}), "SHAPE")
    nets: dict[tuple[str, bytes], int] = {}
    for id, n, scale, unit in parts:
        row = c.state.row("COMMITMENT", id)
        if row is None:
            raise Void("UNKNOWN_PLAN")
        check(row["status"] == "agreed", "NOT_AGREED")
        is_plain = row["action"] == "transfer" and row["spec"] is None and row["resource"] is None
        check(is_plain and row["quantity"][2] == unit, "DOES_NOT_FIT")
        check(_owes(row, [n, scale, unit]), "NOT_OWED")
        for side, sign in (("provider", 1), ("receiver", -1)):
            key = (unit, c.person(row[side]))
            nets[key] = nets.get(key, 0) + sign * n * 10 ** (9 - scale)
    check(not any(nets.values()), "UNBALANCED")
    return parts


def holds(c: Context, parts: list[Part]) -> bool:
    """Whether all of it is still owed."""
    rows = [(c.state.known("COMMITMENT", id), amount) for id, *amount in parts]
    return all(row["status"] == "agreed" and _owes(row, amount) for row, amount in rows)


def _owes(row: Row, amount: list[Any]) -> bool:
    given = row["quantity"] if less(row["quantity"], row["given"]) else row["given"]
    return not less(taken_off(row["quantity"], given), amount)
