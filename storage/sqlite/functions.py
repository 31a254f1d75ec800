"""The functions of SQLite whose one call can take seconds, so that each takes milliseconds.

SQLite looks at its clock between steps, and one call is one step: `instr` of two long texts
compares each place with each, `like` tries every way to fill its signs. These take time that
grows with the length of the text alone, and answer as SQLite's do.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import TypeAlias

Cell: TypeAlias = "str | bytes | int | float | None"

_SPACE = " "
_LOWER = str.maketrans({chr(n): chr(n + 32) for n in range(ord("A"), ord("Z") + 1)})


def put_functions(connection: sqlite3.Connection) -> None:
    """Let a connection use these in place of SQLite's."""
    for name, arguments, function in _FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)


def instr(text: Cell, part: Cell) -> int | None:
    """Return where `part` begins in `text`, from 1 on; 0: nowhere."""
    if text is None or part is None:
        return None
    if isinstance(text, bytes) and isinstance(part, bytes):
        return text.find(part) + 1
    return _text(text).find(_text(part)) + 1


def replace(text: Cell, old: Cell, new: Cell) -> Cell:
    """Return `text` with `new` for each `old`."""
    if text is None or old is None or new is None:
        return None
    return _text(text).replace(_text(old), _text(new)) if _text(old) else text


def trim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these signs at its ends."""
    return None if text is None or signs is None else _text(text).strip(_text(signs))


def ltrim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these signs at its beginning."""
    return None if text is None or signs is None else _text(text).lstrip(_text(signs))


def rtrim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these signs at its end."""
    return None if text is None or signs is None else _text(text).rstrip(_text(signs))


def like(pattern: Cell, text: Cell) -> bool | None:
    """Return whether `text` is as `pattern` says: % any signs, _ one; A is a, in ASCII."""
    if pattern is None or text is None:
        return None
    parts = _text(pattern).translate(_LOWER).split("%")
    signs = [_signs(part, "_") for part in parts]
    return _is_like(signs, _text(text).translate(_LOWER))


def glob(pattern: Cell, text: Cell) -> bool | None:
    """Return whether `text` is as `pattern` says: * any signs, ? one, [] one of these."""
    if pattern is None or text is None:
        return None
    pieces = re.findall(r"\*|\[\^?\]?[^\]]*\]|.", _text(pattern), re.DOTALL)
    parts: list[str] = [""]
    for piece in pieces:
        if piece == "*":
            parts.append("")
        elif len(piece) > 1:
            inside = piece[1:-1]
            sense = "^" if inside.startswith("^") else ""
            listed = re.sub(r"[\\\[\]&~|^]", r"\\\g<0>", inside.removeprefix("^"))
            parts[-1] += f"[{sense}{listed}]"
        else:
            parts[-1] += "." if piece == "?" else re.escape(piece)
    try:
        return _is_like([re.compile(part, re.DOTALL) for part in parts], _text(text))
    except re.error:
        return False


def _is_like(parts: list[re.Pattern[str]], text: str) -> bool:
    """Find each part behind the one before, as early as it can be; the ends are fixed.

    No part repeats anything, so that each takes one length of text: the earliest is best.
    """
    if len(parts) == 1:
        return parts[0].fullmatch(text) is not None
    begun = parts[0].match(text)
    if begun is None:
        return False
    place = begun.end()
    for part in parts[1:-1]:
        found = part.search(text, place)
        if found is None:
            return False
        place = found.end()
    last = parts[-1]
    return re.compile(f"(?:{last.pattern})\\Z", re.DOTALL).search(text, place) is not None


def _signs(part: str, one: str) -> re.Pattern[str]:
    return re.compile("".join("." if sign == one else re.escape(sign) for sign in part), re.DOTALL)


def _text(value: Cell) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Cell]], ...] = (
    ("instr", 2, instr),
    ("replace", 3, replace),
    *((name, count, one) for count in (1, 2) for name, one in (("trim", trim), ("ltrim", ltrim))),
    *(("rtrim", count, rtrim) for count in (1, 2)),
    ("like", 2, like),
    ("glob", 2, glob),
)
