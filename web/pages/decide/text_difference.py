"""Two wordings of a rule, and which of their words differ."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

WORDS_MAX = 2_000
"""A longer text is marked as a whole: comparing takes the square of its words."""
_TOKEN = re.compile(r"[A-Za-z0-9.,%]+|[零一二两三四五六七八九十百千万亿分之半]+|\s+|.", re.DOTALL)


class Wording(NamedTuple):
    """A part of a text. is_changed: the other text has other words there."""

    text: str
    is_changed: bool


def compared(before: str, after: str) -> tuple[list[Wording], list[Wording]]:
    """Return both texts in parts: those that both have, and those that differ."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(old) > WORDS_MAX or len(new) > WORDS_MAX or not before or not after:
        is_changed = before != after
        return [Wording(before, is_changed)], [Wording(after, is_changed)]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    first, second = [], []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        is_changed = tag != "equal"
        first.append(Wording("".join(old[old_start:old_end]), is_changed))
        second.append(Wording("".join(new[new_start:new_end]), is_changed))
    return _joined(first), _joined(second)


def _joined(parts: list[Wording]) -> list[Wording]:
    """Return parts of which none is empty; a space between two changed words is changed too."""
    joined: list[Wording] = []
    for place, part in enumerate(parts):
        is_between = 0 < place < len(parts) - 1 and part.text.isspace()
        is_changed = part.is_changed or is_between
        if joined and joined[-1].is_changed == is_changed:
            joined[-1] = Wording(joined[-1].text + part.text, is_changed)
        elif part.text:
            joined.append(Wording(part.text, is_changed))
    return joined
