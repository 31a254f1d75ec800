"""Results as plain maps, lists, strings and numbers: what JSON, a sheet or a page can hold.

Ids become hex, exact amounts decimal strings, and a field `x_ms` becomes `x`, a time in UTC.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from commonweal.client.language.times import iso, iso_when
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

KEY, OPTIONAL = "key", "optional"
"""Metadata of a field: the key that it has, and whether it is left out when it is None."""


def plain(value: Any) -> Any:
    """Return `value` with everything in it plain; a dataclass becomes a map of its fields."""
    match value:
        case bytes():
            return value.hex()
        case Decimal():
            return format(value, "f")
        case PointInTime():
            return iso_when(value)
        case Enum():
            return value.value
        case Path():
            return str(value)
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    return _mapped(value) if is_dataclass(value) else value


def plain_rows(values: Any) -> list[dict[str, Any]]:
    """Return several results, each as a map."""
    return [plain(value) for value in values]


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of a result as they are, for another that has them too."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _mapped(value: Any) -> dict[str, Any]:
    mapped: dict[str, Any] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if part is None and field.metadata.get(OPTIONAL):
            continue
        if field.name.endswith("_ms"):
            mapped[field.name.removesuffix("_ms")] = None if part is None else iso(part)
        else:
            mapped[field.metadata.get(KEY, field.name)] = plain(part)
    return mapped
