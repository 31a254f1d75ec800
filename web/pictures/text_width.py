"""How wide a text is when it is drawn, without asking a font: on the generous side."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"

_NARROW = frozenset("iljtfrI.,:;'`|!()[]{}-/ ")
_BROAD = frozenset("mwMW@%&—…")
_EM_WIDE, _EM_CAPITAL, _EM_USUAL, _EM_NARROW = 1.0, 0.75, 0.64, 0.42


def width_of(text: str, size: float) -> float:
    """Return about how wide `text` is in a font of `size`; a Chinese character is as wide as high.

    Never less than it is in the fonts that systems bring (DejaVu Sans is the widest of them).
    """
    return size * sum(map(_ems, text))


def cut_to(text: str, width: float, size: float) -> str:
    """Return as much of `text` as fits into `width`, with an ellipsis where some is left out."""
    if width_of(text, size) <= width:
        return text
    left = width - width_of(ELLIPSIS, size)
    kept = ""
    for character in text:
        left -= size * _ems(character)
        if left < 0:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def _ems(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if character in _NARROW:
        return _EM_NARROW
    if character in _BROAD or unicodedata.east_asian_width(character) in "WF":
        return _EM_WIDE
    if character.isascii() and not character.isupper():
        return _EM_USUAL
    # What no table here knows (arrows, other scripts) is taken for a capital.
    return _EM_CAPITAL
