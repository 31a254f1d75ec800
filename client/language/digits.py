"""Digits as people type them, in any script. A raised or circled digit is none: 3¹ is not 31."""

from __future__ import annotations

import unicodedata

_SAME = ("<wide>", "<narrow>", "<noBreak>")
"""Forms of a character that differ in their width only."""


WHOLE_DIGITS_MAX = 18
"""Digits of a whole number that somebody types: each fits 64 bits, and Python reads it at once."""


def whole_number(text: str) -> int | None:
    """Return the number that `text` writes in digits of any script; None where it is none.

    A number of more than WHOLE_DIGITS_MAX digits is none. Python raises at one of 4,300.
    """
    return int(text) if text.isdecimal() and len(text) <= WHOLE_DIGITS_MAX else None


def plain_digits(text: str) -> str:
    """Return `text` with ASCII digits and signs of usual width, without space around it."""
    if text.isascii():
        return text.strip()
    return "".join(map(_plain, text)).strip()


def _plain(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.decomposition(character).startswith(_SAME):
        return unicodedata.normalize("NFKC", character)
    return character
