"""Text as it may be shown: no control, escape or direction character stays in it as it is."""

from __future__ import annotations

import re
from functools import cache

from commonweal.protocol.vocabulary.characters import JOINERS

UNSEEN = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Controls, format and direction marks, what looks like nothing, and halves of characters.

An expression: it is compiled by the first who shows more than ASCII.
"""


def visible(text: str) -> str:
    """Return `text` on one line, with every character that commands a terminal written out.

    Joiners stay where writing needs them. For a terminal alone: what is kept is kept as written.
    """
    return text if is_plain(text) else _shown().sub(_escape, text)


_PRINTED_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\ufffc\ufffd")
"""What Python takes for printable although it looks like nothing, below `_TAGS`."""
_TAGS = "\U000e0000"


def is_plain(text: str) -> bool:
    """Whether `text` surely has nothing of UNSEEN, without compiling the expression for it."""
    if not text.isprintable():
        return False
    return text.isascii() or (_PRINTED_UNSEEN.isdisjoint(text) and max(text) < _TAGS)


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@cache
def _shown() -> re.Pattern[str]:
    return re.compile(f"(?P<joiner>{JOINERS})|{UNSEEN}")


def _escape(match: re.Match[str]) -> str:
    if match["joiner"]:
        return match[0]
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
