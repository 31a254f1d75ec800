"""Names inside `data`: one normal form each, and names that look alike (Unicode TR 39).

The fold accepts only characters of Unicode 3.2, by the tables that every Python keeps for that
version: newer tables differ between Pythons. Members' names are free text and may contain any
character; the functions for them serve display and never the fold.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard
from unicodedata import ucd_3_2_0 as unicode

NAME_CHARACTERS_MAX = 64
CODE_CHARACTERS_MAX = 32

# Letters of other scripts that look like a Latin letter, in lower case.
_LOOKALIKES = str.maketrans(
    "абвгеһіјкмнорсԁтухѕѵԝαβεηικνορτυχωɑɡıℓοϲ｜ǃ‐‑–—−’‘`0|",
    "a6brehijkmhopcdtyxsvwabenikvoptuxwagiloclǃ-----'''ol",
)


def is_name(value: Any, characters_max: int = NAME_CHARACTERS_MAX) -> TypeGuard[str]:
    """Whether `value` is a str in normal form NFKC: letters, signs, single spaces, one line."""
    if type(value) is not str or not 0 < len(value) <= characters_max:
        return False
    if value.isascii():
        return value.isprintable() and value == " ".join(value.split())
    return (
        unicode.normalize("NFKC", value) == value
        and value == " ".join(value.split())
        and all(
            unicode.category(character)[0] not in "CZ" or character == " " for character in value
        )
    )


def displayed_name(name: str) -> str:
    """Return a name for display: NFKC, without invisible characters, at most 64 characters.

    For free text such as members' names, which the fold never reads. May be empty.
    """
    parts = unicodedata.normalize("NFKC", name).split()
    seen = [
        "".join(character for character in part if unicodedata.category(character)[0] != "C")
        for part in parts
    ]
    return " ".join(part for part in seen if part)[:NAME_CHARACTERS_MAX]


def confusable_groups(names: Mapping[bytes, str]) -> list[list[bytes]]:
    """Return groups of two or more ids whose names look alike."""
    groups: dict[str, list[bytes]] = {}
    for id in sorted(names):
        groups.setdefault(skeleton(displayed_name(names[id])), []).append(id)
    return [ids for ids in groups.values() if len(ids) > 1]


def skeleton(name: str) -> str:
    """Return the skeleton of `name` (Unicode TR 39): names with equal skeletons look alike.

    Case, accents and the most common look-alikes of other scripts are removed.
    """
    parts = unicode.normalize("NFKD", name.casefold())
    bare = "".join(character for character in parts if not unicode.combining(character))
    return bare.translate(_LOOKALIKES)
