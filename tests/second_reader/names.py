"""Names, codes and their skeletons, and other forms: the head of kinds.md."""

from __future__ import annotations

import re
import unicodedata as unicode  # newer than 14.0 in newer Pythons: nothing here asks for the rest
from typing import Any

ALIKE = str.maketrans(
    "абвгеһіјкмнорсԁтухѕѵԝαβεηικνορτυχωɑɡıℓοϲ｜ǃ‐‑–—−’‘`0|",
    "a6brehijkmhopcdtyxsvwabenikvoptuxwagiloclǃ-----'''ol",
)

JOINING = (
    "\u0600-\u07ff\u0840-\u0dff\u0f00-\u109f\u1700-\u180a\u1810-\u18af\u1900-\u1c4f\ua840-\ua87f"
    "\ua8e0-\uaaff\uabc0-\uabff\U00010a00-\U00010aff\U00010d00-\U00010d3f"
    "\U00010f30-\U00011fff\U0001e900-\U0001e95f"
)
PICTURES = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
FILLERS = re.compile(f"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0{SELECTORS}]")
JOINERS = re.compile(
    f"(?<=[{JOINING}])\u200c(?=[{JOINING}])|(?<=[{JOINING}])\u200d"
    f"|(?<=[{PICTURES}])\u200d(?=[{PICTURES}])|(?<=[{PICTURES}]\ufe0f)\u200d(?=[{PICTURES}])"
    f"|(?<=[^\\s\u180b-\u180f\u200c\u200d{SELECTORS}])[{SELECTORS}]"
    "|(?<=[\u1800-\u180a\u1810-\u18af])[\u180b-\u180d\u180f]"
)


def is_name(value: Any, most: int = 64) -> bool:
    """Whether a value is a name; of a code `most` is 32."""
    if type(value) is not str or not 1 <= len(value) <= most or value != " ".join(value.split()):
        return False
    if value.isascii():
        return value.isprintable()
    bare = JOINERS.sub("", value)
    if FILLERS.search(bare) or unicode.normalize("NFKC", value) != value:
        return False
    return all(sign == " " or unicode.category(sign)[0] not in "CZ" for sign in bare)


def skeleton(name: str) -> bytes:
    """Return what a name looks like, in UTF-8."""
    spread = unicode.normalize("NFKD", JOINERS.sub("", name).casefold())
    bare = "".join(sign for sign in spread if not unicode.combining(sign))
    return bare.translate(ALIKE).encode()


def is_id(value: Any, size: int = 32) -> bool:
    """Whether a value is bytes of that length."""
    return type(value) is bytes and len(value) == size


def is_count(value: Any, least: int = 0, most: int = 2**63 - 1) -> bool:
    """Whether a value is an int within limits."""
    return type(value) is int and least <= value <= most
