"""Whose a commit is: a file in the form of git's mailmap, which names members.

    Ann <ann@example.org>                     what this address commits is Ann's
    Ann <ann@home.example> <ann@example.org>  the same; the first address is the one kept
    Ann <ann@home.example> A. N. <old@example.org>     only what A. N. commits from there
    <ann@home.example> <ann@example.org>      two addresses of one person

The name is that of a member, or the beginning of a member's id. An author without a member's
name stays outside the community, under their own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from commonweal.client.home.files import read_text
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnreadableFile

FILE_BYTES_MAX = 1024 * 1024

_LINE = re.compile(r"([^<>]*)<([^<>]*)>(?:([^<>]*)<([^<>]*)>)?\s*(?:#.*)?")


class Person(NamedTuple):
    """The author of a commit: a name and an address."""

    name: str
    email: str


class Mailmap:
    """The lines of such a file."""

    def __init__(self, text: str = "", place: str = "", words: Words = ENGLISH) -> None:
        """Read lines. Raises UnreadableFile with the number of the line that is wrong."""
        self._persons: dict[tuple[str, str | None], tuple[str, str]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                raise UnreadableFile(
                    words("{place}, line {number}: write NAME <EMAIL>").format(
                        place=place, number=number
                    )
                )
            name, email, old_name, old_email = ((part or "").strip() for part in match.groups())
            if match[4] is None:
                email, old_email = "", email
            self._persons[old_email.lower(), old_name.lower() or None] = (name, email)

    @classmethod
    def read(cls, path: Path, words: Words = ENGLISH) -> Mailmap:
        """Return the file at `path`. Raises UnreadableFile."""
        return cls(read_text(path, FILE_BYTES_MAX, words), str(path), words)

    def names(self) -> list[str]:
        """Return the names that the file gives, each once."""
        return list(dict.fromkeys(name for name, _email in self._persons.values() if name))

    def person(self, name: str, email: str) -> Person:
        """Return who commits as `name` from `email`; these two where no line says it."""
        for key in ((email.lower(), name.lower()), (email.lower(), None)):
            if key in self._persons:
                known, address = self._persons[key]
                return Person(known or name, address or email)
        return Person(name, email)
