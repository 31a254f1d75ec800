"""Replacements for SQLite functions of which one call can take seconds.

The progress handler runs between steps, and one call is one step: SQLite's `instr` of two long
texts is quadratic, and its `like` backtracks. These are linear in the text, with the same
results.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import TypeAlias

Cell: TypeAlias = "str | bytes | int | float | None"

VALUE_BYTES_MAX = 1024 * 1024
"""Size of a value in a query; SQLite checks what it is given, which is too late for what grows."""

_SPACE = " "
_LOWER = str.maketrans({chr(n): chr(n + 32) for n in range(ord("A"), ord("Z") + 1)})


def put_functions(connection: sqlite3.Connection) -> None:
    """Register these functions on a connection, in place of SQLite's."""
    for name, arguments, function in _FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)


def instr(text: Cell, part: Cell) -> int | None:
    """Return the position of `part` in `text`, from 1 on; 0 when it is not in it."""
    if text is None or part is None:
        return None
    if isinstance(text, bytes) and isinstance(part, bytes):
        return text.find(part) + 1
    return _text(text).find(_text(part)) + 1


def replace(text: Cell, old: Cell, new: Cell) -> Cell:
    """Return `text` with each `old` replaced by `new`.

    Raises OverflowError, for which SQLite says that it is too big, above `VALUE_BYTES_MAX`.
    """
    if text is None or old is None or new is None:
        return None
    whole, part, other = map(_text, (text, old, new))
    if not part:
        return text
    if len(whole) + whole.count(part) * (len(other) - len(part)) > VALUE_BYTES_MAX:
        raise OverflowError("a text that grows too large")
    return whole.replace(part, other)


def trim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these characters at both ends."""
    return None if text is None or signs is None else _text(text).strip(_text(signs))


def ltrim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these characters at its start."""
    return None if text is None or signs is None else _text(text).lstrip(_text(signs))


def rtrim(text: Cell, signs: Cell = _SPACE) -> str | None:
    """Return `text` without these characters at its end."""
    return None if text is None or signs is None else _text(text).rstrip(_text(signs))


def like(pattern: Cell, text: Cell) -> bool | None:
    """Whether `text` matches `pattern`: % any characters, _ one; ASCII case is ignored."""
    if pattern is None or text is None:
        return None
    parts = _text(pattern).translate(_LOWER).split("%")
    patterns = [_pattern(part, "_") for part in parts]
    return _is_like(patterns, _text(text).translate(_LOWER))


def glob(pattern: Cell, text: Cell) -> bool | None:
    """Whether `text` matches `pattern`: * any characters, ? one, [] one of a set."""
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
    """Match the parts one after another, each as early as possible; both ends are anchored.

    No part has a repetition, so each matches a fixed length, and the earliest match is best.
    """
    if len(parts) == 1:
        return parts[0].fullmatch(text) is not None
    begun = parts[0].match(text)
    if begun is None:
        return False
    place = begun.end()
    for part in parts[1:-1]:
        match = part.search(text, place)
        if match is None:
            return False
        place = match.end()
    last = parts[-1]
    return re.compile(f"(?:{last.pattern})\\Z", re.DOTALL).search(text, place) is not None


def _pattern(part: str, wildcard: str) -> re.Pattern[str]:
    characters = ("." if sign == wildcard else re.escape(sign) for sign in part)
    return re.compile("".join(characters), re.DOTALL)


def _text(value: Cell) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_FUNCTIONS: tuple[tuple[str, int, Callable[..., Cell]], ...] = (
    ("instr", 2, instr),
    ("replace", 3, replace),
    *(
        (name, count, function)
        for count in (1, 2)
        for name, function in (("trim", trim), ("ltrim", ltrim), ("rtrim", rtrim))
    ),
    ("like", 2, like),
    ("glob", 2, glob),
)
