"""The names that expressions of a ruleset can read, and their types.

Quantities are in thousandths of their unit, truncated towards zero: 2.5 hours are 2500, whatever
scale they were written with.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonweal.protocol.rules.expression import (
    BOOL,
    INT,
    STRING,
    ListType,
    RecordType,
    Type,
    Value,
)

PARTS_PER_UNIT = 1000

EVENT = RecordType(
    "event",
    MappingProxyType(
        {
            "action": STRING,
            "quantity": INT,
            "unit": STRING,
            "effort": INT,
            "effort_unit": STRING,
            "factor": STRING,
            "scope": STRING,
            "specification": STRING,
            "from_community": BOOL,
            "from_outside": BOOL,
            "to_community": BOOL,
            "to_outside": BOOL,
            "roles": ListType(STRING),
            "yes": INT,
            "no": INT,
            "disputes": INT,
            "corrections": INT,
        }
    ),
)
"""An event without its free text. Missing values are 0, false, '' or an empty list."""

ENVIRONMENT: Mapping[str, Type] = MappingProxyType({"event": EVENT})


def _nothing(kind: Type) -> Value:
    if kind == BOOL:
        return False
    if kind == STRING:
        return ""
    return 0 if kind == INT else []


EMPTY_EVENT: Mapping[str, Value] = MappingProxyType(
    {name: _nothing(kind) for name, kind in EVENT.fields.items()}
)
"""An event with missing values only, to be overwritten with known ones."""


def thousandths(n: int, scale: int) -> int:
    """Return n / 10**scale in thousandths, truncated towards zero."""
    size: int = abs(n) * PARTS_PER_UNIT // 10**scale
    return size if n >= 0 else -size
