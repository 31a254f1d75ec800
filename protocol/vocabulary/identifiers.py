"""Names inside `data`: one form for each, and no two that look alike.

For the fold, only characters of Unicode 3.2 are taken, by the tables that every Python
keeps for that version: newer ones differ from one Python to the next. Members' names are
free text and take every character; what is said of them here is only shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard
from unicodedata import ucd_3_2_0 as unicode

NAME_CHARACTERS_MAX = 64
CODE_CHARACTERS_MAX = 32

# Letters of other scripts that are drawn like a Latin one, as lower case.
_LOOKALIKES = str.maketrans(
    "абвгеһіјкмнорсԁтухѕѵԝαβεηικνορτυχωɑɡıℓοϲ｜ǃ‐‑–—−’‘`0|",
    "a6brehijkmhopcdtyxsvwabenikvoptuxwagiloclǃ-----'''ol",
)


def is_name(value: Any, characters_max: int = NAME_CHARACTERS_MAX) -> TypeGuard[str]:
    """Whether `value` is a text in its one form (NFKC) of letters, signs and single spaces."""
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
    """Return a name as people are shown it: in its one form, without what cannot be seen.

    For free text such as members' names, which the fold does not read; empty when nothing
    is left.
    """
    parts = unicodedata.normalize("NFKC", name).split()
    seen = [
        "".join(character for character in part if unicodedata.category(character)[0] != "C")
        for part in parts
    ]
    return " ".join(part for part in seen if part)[:NAME_CHARACTERS_MAX]


def confusable_groups(names: Mapping[bytes, str]) -> list[list[bytes]]:
    """Return the groups of ids whose names may be taken for each other, each of two or more."""
    groups: dict[str, list[bytes]] = {}
    for id in sorted(names):
        groups.setdefault(skeleton(displayed_name(names[id])), []).append(id)
    return [ids for ids in groups.values() if len(ids) > 1]


def skeleton(name: str) -> str:
    """Return what `name` looks like: names with one skeleton may be taken for each other.

    Case, accents and the commonest look-alikes of other scripts are set aside.
    """
    parts = unicode.normalize("NFKD", name.casefold())
    bare = "".join(character for character in parts if not unicode.combining(character))
    return bare.translate(_LOOKALIKES)
