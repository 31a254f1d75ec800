"""The members and agents outside that are credited with a commit, by their addresses.

A name never decides: everybody can call themselves Ann. Who gives no address is an agent outside
of their own with each commit. Never reads git and never writes.
"""

from __future__ import annotations

from os import urandom
from typing import NamedTuple

from commonweal.client.importers.git import Commit, Person
from commonweal.client.importers.mailmap import Mailmap, lowered
from commonweal.client.ledger.names.directory import People
from commonweal.protocol import codec
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES

SHARE_SCALE_MAX = 4
"""Digits after the point in the part of a co-author."""


class Credit(NamedTuple):
    """Whose a part of a commit is. quantity: the part, in commits."""

    provider: bytes
    person: Person
    quantity: dict[str, codec.Value]


class CommitText(NamedTuple):
    """What the text of an event says of its commit: the first line, and who made it."""

    subject: str
    person: Person

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.subject} — {self.person.name} <{self.person.email}>"


def read_commit_text(text: str | None) -> CommitText | None:
    """Return what a text says of a commit; None where it says none, or was erased."""
    rest, opened, end = (text or "").rpartition(" <")
    subject, dash, name = rest.rpartition(" — ")
    email = end.removesuffix(">")
    if not opened or not dash or email == end or not {"<", ">"}.isdisjoint(email):
        return None
    return CommitText(subject, Person(name, email))


class Authors:
    """Who the authors of commits are here."""

    def __init__(self, people: People, listed: Mailmap, own: Mailmap) -> None:
        """Look members up. listed: whose names are those of members. own: of the repository."""
        self._listed, self._own = listed, own
        self._members: dict[str, bytes] = {}
        self.strangers: list[str] = []
        """Names that are listed and no member has."""
        for name in listed.names():
            try:
                self._members[name] = bytes(people.find_active(name))
            except UnknownId:
                self.strangers.append(name)
        self._agents: dict[str, bytes] = {}
        self._known: set[bytes] = set()

    def credits(self, commit: Commit) -> list[Credit]:
        """Return whose a commit is: its author's and co-authors', in equal parts; each once.

        The parts have the fewest digits, at most SHARE_SCALE_MAX, and their sum is 1.
        """
        persons: dict[bytes, Person] = {}
        for author in (commit.author, *commit.co_authors):
            persons.setdefault(self.provider(author), self.person(author))
        parts = equal_parts(len(persons))
        return [
            Credit(provider, person, {**part, "unit": "commit"})
            for (provider, person), part in zip(persons.items(), parts, strict=True)
        ]

    def person(self, author: Person) -> Person:
        """Return who an author is, by the repository's own mailmap and the one that is listed."""
        if not author.email:
            return author
        return self._listed.person(self._own.person(author))

    def member(self, author: Person) -> bytes | None:
        """Return the member whose address an author has; None where no line lists it."""
        if not author.email:
            return None
        for contact in (author, self._own.person(author)):
            mapped = self._listed.find(contact)
            if mapped is not None and mapped.email and not mapped.name:
                mapped = self._listed.find(mapped.of(contact))
            if mapped is not None and mapped.name in self._members:
                return self._members[mapped.name]
        return None

    def provider(self, author: Person) -> bytes:
        """Return the member, or the agent outside who has an address; a new one at first."""
        member = self.member(author)
        if member is not None:
            return member
        if not author.email:
            return urandom(OUTSIDE_BYTES)
        address = lowered(self.person(author).email)
        agent = self._agents.get(address) or self._agents.get(lowered(author.email))
        return self._agents.setdefault(address, agent or urandom(OUTSIDE_BYTES))

    def is_known(self, agent: bytes) -> bool:
        """Whether `note` was told of an agent."""
        return agent in self._known

    def note(self, agent: bytes, person: Person) -> None:
        """Remember who an agent outside is, as an event says it."""
        if person.email:
            self._agents.setdefault(lowered(person.email), agent)
            self._known.add(agent)


def equal_parts(count: int) -> list[dict[str, codec.Value]]:
    """Return 1 in `count` equal parts, as n and scale; the first get what is left."""
    scale = next(
        (scale for scale in range(SHARE_SCALE_MAX) if 10**scale % count == 0), SHARE_SCALE_MAX
    )
    least, left = divmod(10**scale, count)
    return [{"n": least + (place < left), "scale": scale} for place in range(count)]
