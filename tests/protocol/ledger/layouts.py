"""Reads the fields of `Table` and says whether a key and a value have them."""

from __future__ import annotations

import re
from typing import Any

from commonweal.protocol.ledger.state.tables import Table

SIZES = {"id": (32,), "agent": (16, 32)}
PLAIN = {"text": str, "int": int, "bool": bool, "bytes": bytes, "map": dict}
SHAPES = {
    "quantity": "[n: int, scale: int, unit: text]",
    "usage": "[records: int, bytes: int, permanent: int, erasable: int]",
}
KEY_PARTS = {
    "id": rb".{32}",
    "u64": rb".{8}",
    "u32": rb".{4}",
    "name0": rb"[^\0]+\0",
    "pool": rb"[^\0]+\0[^\0]+\0\d\0",
    "place": rb".{8}[^\0]+\0.{4}",
    "text": rb".+",
    "bytes": rb".*",
    "u64?": rb"(?:.{8})?",
}


def table_of(key: bytes) -> Table:
    """Return the one table whose keys begin so."""
    found = [one for one in Table if _key_pattern(one).fullmatch(key)]
    longest = [one for one in found if len(one.prefix) == max(len(two.prefix) for two in found)]
    assert len(longest) == 1, f"{key.hex()} is of {[one.name for one in found]}"
    return longest[0]


def fits(table: Table, value: Any) -> bool:
    """Whether a value of the table has the type that its layout says."""
    return _is(value, table.layout.value)


def _key_pattern(table: Table) -> re.Pattern[bytes]:
    fields = table.layout.key.split(", ") if table.layout.key else []
    parts = [KEY_PARTS[field.split(": ")[1]] for field in fields]
    return re.compile(re.escape(table.prefix) + b"".join(parts), re.DOTALL)


def _is(value: Any, kind: str) -> bool:
    if kind in SHAPES:
        return _is(value, SHAPES[kind])
    if kind.endswith("]?"):
        return value is None or _is(value, kind[:-1])
    if kind.startswith("["):
        return type(value) is list and _is_list(value, kind[1:-1])
    if "|" in kind:
        return any(_is(value, one) for one in kind.split("|"))
    if kind.endswith("?"):
        return value is None or _is(value, kind[:-1])
    if kind == "true":
        return value is True
    if kind in SIZES:
        return type(value) is bytes and len(value) in SIZES[kind]
    return type(value) is PLAIN[kind]


def _is_list(values: list[Any], inside: str) -> bool:
    if inside.endswith(" ..."):
        return all(_is(one, inside[:-4]) for one in values)
    fields = _fields(inside)
    while len(values) < len(fields) and fields[-1].split(": ", 1)[0].endswith("?"):
        fields.pop()
    return len(values) == len(fields) and all(
        _is(value, field.split(": ", 1)[1]) for value, field in zip(values, fields, strict=True)
    )


def _fields(inside: str) -> list[str]:
    """Return the fields of a list, which may hold lists."""
    found, depth, begin = [], 0, 0
    for place, sign in enumerate(inside):
        depth += (sign == "[") - (sign == "]")
        if sign == "," and not depth:
            found.append(inside[begin:place])
            begin = place + 2
    return [*found, inside[begin:]]
