"""Names inside `data`: one normal form each, and names that look alike (Unicode TR 39).

The fold accepts only characters of Unicode 14.0, by a table of its own: those of Python differ
between its versions. Members' names are free text and may contain any character; the functions for
them serve display and comparison, and never the fold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard

from commonweal.protocol.vocabulary.characters import JOINERS, is_seen, without_unseen

NAME_CHARACTERS_MAX = 64
CODE_CHARACTERS_MAX = 32
PROJECT_POOL = "project "
"""How the name of the pool of a project begins; the name of the project follows."""
CAMPAIGN_POOL = "campaign "
"""How the name of the pool of a campaign begins; the first digits of its id follow."""
READ_CHARACTERS_MAX = 4 * NAME_CHARACTERS_MAX
"""What is read of a longer name to display it."""

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
    bare = re.sub(JOINERS, "", value)
    return (
        value == " ".join(value.split())
        and all(character == " " or is_seen(character) for character in bare)
        and unicodedata.normalize("NFKC", value) == value
    )


def normal_name(text: str) -> str:
    """Return what was typed in the normal form of names: NFKC, single spaces. May be no name."""
    return " ".join(filter(None, unicodedata.normalize("NFKC", text).split(" ")))


def displayed_name(name: str) -> str:
    """Return a name for display and comparison: NFKC, only what is seen, at most 64 characters.

    For free text such as members' names, which the fold never reads. May be empty. Joiners stay
    where they belong.
    """
    plain = name[:READ_CHARACTERS_MAX]
    while (text := _without_unseen(plain)) != plain:
        plain = text  # what stood apart may join now
    if len(plain) <= NAME_CHARACTERS_MAX:
        return plain
    return plain[:NAME_CHARACTERS_MAX].rstrip(" \u200c\u200d")


def confusable_groups(names: Mapping[bytes, str]) -> list[list[bytes]]:
    """Return groups of two or more ids whose names look alike."""
    groups: dict[str, list[bytes]] = {}
    for id in sorted(names):
        groups.setdefault(skeleton(displayed_name(names[id])), []).append(id)
    return [ids for ids in groups.values() if len(ids) > 1]


def skeleton(name: str) -> str:
    """Return the skeleton of `name` (Unicode TR 39): names with equal skeletons look alike.

    Case, accents, joiners and the most common look-alikes of other scripts are removed.
    """
    plain = name if name.isascii() else re.sub(JOINERS, "", name)
    parts = unicodedata.normalize("NFKD", plain.casefold())
    bare = "".join(character for character in parts if not unicodedata.combining(character))
    return bare.translate(_LOOKALIKES)


def _without_unseen(name: str) -> str:
    spaced = " ".join(unicodedata.normalize("NFKC", name).split())
    return " ".join(unicodedata.normalize("NFKC", without_unseen(spaced)).split())
