"""Names, codes and their skeletons, and other forms: the head of kinds.md."""

from __future__ import annotations

from typing import Any
from unicodedata import ucd_3_2_0 as unicode

ALIKE = str.maketrans(
    "абвгеһіјкмнорсԁтухѕѵԝαβεηικνορτυχωɑɡıℓοϲ｜ǃ‐‑–—−’‘`0|",
    "a6brehijkmhopcdtyxsvwabenikvoptuxwagiloclǃ-----'''ol",
)


def is_name(value: Any, most: int = 64) -> bool:
    """Whether a value is a name; of a code `most` is 32."""
    if type(value) is not str or not 1 <= len(value) <= most or value != " ".join(value.split()):
        return False
    if value.isascii():
        return value.isprintable()
    return unicode.normalize("NFKC", value) == value and all(
        sign == " " or unicode.category(sign)[0] not in "CZ" for sign in value
    )


def skeleton(name: str) -> bytes:
    """Return what a name looks like, in UTF-8."""
    spread = unicode.normalize("NFKD", name.casefold())
    bare = "".join(sign for sign in spread if not unicode.combining(sign))
    return bare.translate(ALIKE).encode()


def is_id(value: Any, size: int = 32) -> bool:
    """Whether a value is bytes of that length."""
    return type(value) is bytes and len(value) == size


def is_count(value: Any, least: int = 0, most: int = 2**63 - 1) -> bool:
    """Whether a value is an int within limits."""
    return type(value) is int and least <= value <= most
