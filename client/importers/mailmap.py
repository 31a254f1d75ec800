"""Who an author is, by a file that git calls a mailmap; read as git reads it.

    Ann <ann@example.org>                     the name of who commits from this address
    <ann@home.example> <ann@example.org>      two addresses of one person; the first is kept
    Ann <ann@home.example> <ann@example.org>  both
    Ann <ann@home.example> A. N. <old@example.org>     only what A. N. commits from there

Case makes no difference (A to Z), spaces around a name do not count, the last line for an address
counts, and what follows the last address is a comment. A name alone says nothing.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import NamedTuple

from commonweal.client.home.files import read_text
from commonweal.client.importers.git import Person
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnreadableFile

FILE_BYTES_MAX = 1024 * 1024

_SPACES = " \t\n\r"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def lowered(text: str) -> str:
    """Return an address or a name as git compares it: in lower case, but for A to Z only."""
    return text.translate(_LOWER)


class Mapped(NamedTuple):
    """What a mailmap says of an author; None where it leaves the name or address."""

    name: str | None
    email: str | None

    def of(self, author: Person) -> Person:
        """Return who an author is."""
        return Person(self.name or author.name, self.email or author.email)


class Mailmap:
    """The lines of a mailmap; those that are none are ignored, as git does."""

    def __init__(self, text: str = "") -> None:
        self._lines: dict[str, Mapped] = {}
        self._of_name: dict[tuple[str, str], Mapped] = {}
        for line in text.split("\n"):
            self._add(line)

    @classmethod
    def read(cls, path: Path, words: Words = ENGLISH) -> Mailmap:
        """Return the file at `path`. Raises UnreadableFile for a line that git would ignore.

        Also for one that names everybody who has no address.
        """
        text = read_text(path, FILE_BYTES_MAX, words)
        for number, line in enumerate(text.split("\n"), start=1):
            is_comment = not line.strip(_SPACES) or line.startswith("#")
            contacts = [] if is_comment else _contacts(line)
            if not is_comment and (not contacts or not all(email for _, email in contacts)):
                wrong = words("{place}, line {number}: write NAME <EMAIL>")
                raise UnreadableFile(wrong.format(place=path, number=number))
        return cls(text)

    def names(self) -> list[str]:
        """Return the names that the lines give, each once."""
        lines = [*self._lines.values(), *self._of_name.values()]
        return list(dict.fromkeys(line.name for line in lines if line.name))

    def find(self, author: Person) -> Mapped | None:
        """Return what the lines say of an author; None where there is none for their address."""
        email = lowered(author.email)
        return self._of_name.get((email, lowered(author.name))) or self._lines.get(email)

    def person(self, author: Person) -> Person:
        """Return who an author is, as `git check-mailmap` says it."""
        mapped = self.find(author)
        return author if mapped is None else mapped.of(author)

    def _add(self, line: str) -> None:
        contacts = [] if line.startswith("#") else _contacts(line)
        match contacts:
            case [(name, email)] if email:
                self._put(email, name, None)
            case [(name, email), ("", old_email)] if email:
                self._put(old_email, name, email)
            case [(name, email), (old_name, old_email)] if email:
                key = (lowered(old_email), lowered(old_name))
                self._of_name[key] = Mapped(name or None, email)

    def _put(self, old_email: str, name: str, email: str | None) -> None:
        """Keep what an earlier line says of an address and this one does not."""
        key = lowered(old_email)
        before = self._lines.get(key, Mapped(None, None))
        self._lines[key] = Mapped(name or before.name, email or before.email)


def _contacts(line: str) -> list[tuple[str, str]]:
    """Return the first two names and addresses of a line, in order."""
    contacts: list[tuple[str, str]] = []
    while len(contacts) < 2:
        name, opened, rest = line.partition("<")
        email, closed, line = rest.partition(">")
        if not opened or not closed:
            break
        contacts.append((name.strip(_SPACES), email))
    return contacts
