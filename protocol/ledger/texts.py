"""Names inside `data`: one form for each, and no two that look alike.

Only characters of Unicode 3.2 are taken, by the tables that every Python keeps for that
version: newer ones differ from one Python to the next, and the fold must not.
"""

from __future__ import annotations

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
        and all(unicode.category(one)[0] not in "CZ" or one == " " for one in value)
    )


def skeleton(name: str) -> str:
    """Return what `name` looks like: names with one skeleton may be taken for each other.

    Case, accents and the commonest look-alikes of other scripts are set aside.
    """
    parts = unicode.normalize("NFKD", name.casefold())
    bare = "".join(one for one in parts if not unicode.combining(one))
    return bare.translate(_LOOKALIKES)
