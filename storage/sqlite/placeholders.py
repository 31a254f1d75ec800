"""Places of many values in one SQL statement: of those looked for by `IN`, and of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def in_list(values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the placeholders of an `IN` and the values for them, the last value repeated.

    They are as many as a power of two: SQLite keeps every statement that differs, 15 KiB for one
    of 64 values, and up to 256 of them in each connection.
    """
    if not values:
        return "", []
    count = 1 << (len(values) - 1).bit_length()
    return ", ".join("?" * count), [*values, *[values[-1]] * (count - len(values))]


def of_rows(insert: str, count: int) -> str:
    """Return the insert of `count` rows for that of one, which ends with the places of a row."""
    return insert + f", {insert[insert.rindex('(') :]}" * (count - 1)
