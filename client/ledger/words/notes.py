"""Short texts: the notes that hang on records, and how many digits of an id people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnusableText

if TYPE_CHECKING:
    from commonweal.node.service.events import Text

NOTE_BYTES_MAX = 60 * 1024
ID_DIGITS = 8
"""Digits of an id that are shown to people."""


def note_body(note: str | None, *, permanent: bool = False, words: Words = ENGLISH) -> Text | None:
    """Return a few words as a body. Raises UnusableText when they are none, or too many.

    note: None for no body. permanent: whether they can never be erased, as what is voted on.
    """
    from commonweal.node.service.events import Text

    if note is None:
        return None
    data = note.encode("utf-8", "surrogatepass")
    if not 1 <= len(data) <= NOTE_BYTES_MAX or not is_text(data):
        raise UnusableText(words("a note has 1 to {most} bytes").format(most=NOTE_BYTES_MAX))
    return Text("text/plain", data, permanent=permanent)


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
