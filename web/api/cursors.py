"""Long lists in parts: a cursor names the last rows that were sent, so new ones shift nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query

from commonweal.protocol.errors import UsageError

ROWS_MAX = 1000
ROWS_DEFAULT = 100
NAMED_ROWS = 4
"""Rows that a cursor names, the last first: if one left the list, the one before it serves."""
CURSOR_CHARS_MAX = 1024
KEY_CHARS_MAX = 128

R = TypeVar("R")


class Paging:
    """Which part of a list is asked for."""

    def __init__(self, limit: int, cursor: str | None) -> None:
        self.limit, self.cursor = limit, cursor

    def part(self, rows: Sequence[R], name_of: Callable[[R], Any]) -> tuple[list[R], str | None]:
        """Return the rows that are asked for, and the cursor of the rest. name_of: of a row.

        Raises UsageError when none of the rows that the cursor names is in the list any more.
        """
        start = 0
        if self.cursor is not None:
            places = {_text(name_of(row)): place for place, row in enumerate(rows)}
            known = [places[name] for name in _names(self.cursor) if name in places]
            if not known:
                raise _lost()
            start = known[0] + 1
        listed = list(rows[start : start + self.limit])
        is_last = start + len(listed) >= len(rows)
        return listed, None if is_last else _cursor_after(listed, name_of)


def _paging(
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="Rows at most.")] = ROWS_DEFAULT,
    cursor: Annotated[
        str | None,
        Query(max_length=CURSOR_CHARS_MAX, description="`next` of the part before this one."),
    ] = None,
) -> Paging:
    return Paging(limit, cursor)


Page = Annotated[Paging, Depends(_paging)]
"""The parameters by which a list is asked for in parts."""


def _names(cursor: str) -> list[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        names = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _lost() from None
    match names:
        case [*listed] if 0 < len(listed) <= NAMED_ROWS:
            if all(isinstance(name, str) for name in listed):
                return listed
    raise _lost()


def _text(name: Any) -> str:
    """Return the name of a row as a cursor carries it."""
    if isinstance(name, tuple):
        return " ".join(map(_text, name))
    return name.hex() if isinstance(name, bytes) else str(name)[:KEY_CHARS_MAX]


def _cursor_after(listed: Sequence[R], name_of: Callable[[R], Any]) -> str:
    names = [_text(name_of(row)) for row in reversed(listed[-NAMED_ROWS:])]
    return base64.urlsafe_b64encode(json.dumps(names).encode()).decode().rstrip("=")


def _lost() -> UsageError:
    return UsageError("cursor: it leads nowhere any more; begin again without it")
