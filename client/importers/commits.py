"""From the commits of a git repository to the records to be written, and which are here already.

A commit is known again by its hash. Names and addresses of authors stand in erasable bodies only.
Never reads git and never writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import urandom
from typing import TYPE_CHECKING

from commonweal.client.importers.git import Commit
from commonweal.client.importers.known_events import events_naming
from commonweal.client.importers.mailmap import Mailmap, Person
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.directory import People
from commonweal.client.ledger.drafts import BATCH_BYTES_MAX, BATCH_RECORDS
from commonweal.client.ledger.texts import text_of
from commonweal.protocol import codec
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES
from commonweal.protocol.records.record import Record
from commonweal.storage.home.home import Settings
from commonweal.storage.ledger.points_in_time import HAPPENED
from commonweal.storage.records.log_store import Store

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

COMMIT_KEY = "commit"
"""Where the data of an event names the commit that it stands for: 20 or 32 bytes."""
HASH_BYTES = (20, 32)
EMAIL_CHARS_MAX = 320

_AUTHOR = re.compile(r".* — (.*) <([^<>]*)>")
"""How the text of such an event ends."""


class KnownCommits:
    """The commits that are in the ledger, and who the authors of commits are there."""

    def __init__(
        self, store: Store, settings: Settings, mailmap: Mailmap, words: Words = ENGLISH
    ) -> None:
        """Read the events that stand for commits, and the names of members."""
        people = People(store, settings.here, words=words)
        self._mailmap = mailmap
        self._members: dict[str, bytes] = {}
        self.strangers: list[str] = []
        """Names that the mailmap gives and no member has."""
        for name in mailmap.names():
            try:
                self._members[name] = bytes(people.find_active(name))
            except UnknownId:
                self.strangers.append(name)
        self.hashes: set[bytes] = set()
        """Hashes of the commits that are here, whoever took them in."""
        self._agents: dict[str, bytes] = {}
        self._known: set[bytes] = set()
        mine = {device.key for device in membership.devices(people.state, settings.member)}
        for record in events_naming(store, COMMIT_KEY, *HASH_BYTES):
            self.hashes.add(record.data[COMMIT_KEY])
            # What others say of an address is theirs: it gives nobody the work that we take in.
            if record.author in mine:
                self._note_agent(store, record)

    def provider(self, person: Person) -> bytes:
        """Return the member, or the agent outside who has this address; a new one at first."""
        member = self._members.get(person.name)
        if member is not None:
            return member
        return self._agents.setdefault(_address(person), urandom(OUTSIDE_BYTES))

    def author(self, commit: Commit) -> Person:
        """Return who made a commit, as the mailmap has it."""
        name, email = self._mailmap.person(commit.name, commit.email)
        return Person(name, email[:EMAIL_CHARS_MAX])

    def _note_agent(self, store: Store, record: Record) -> None:
        agent = record.data.get("provider")
        if type(agent) is not bytes or len(agent) != OUTSIDE_BYTES or agent in self._known:
            return
        author = _AUTHOR.fullmatch(text_of(store, record.id) or "")
        if author:
            self._agents.setdefault(_address(Person(author[1], author[2])), agent)
            self._known.add(agent)


def batches(
    commits: Iterator[Commit], known: KnownCommits, scope: str
) -> Iterator[tuple[int, list[Wish]]]:
    """Yield how many commits were looked at, and the wishes for those that are not here."""
    batch: list[Wish] = []
    seen = size = 0
    for commit in commits:
        seen += 1
        if commit.hash in known.hashes:
            continue
        known.hashes.add(commit.hash)
        wish = wish_of_commit(commit, known, scope)
        batch.append(wish)
        size += len(wish.text.content) if wish.text else 0
        if len(batch) == BATCH_RECORDS or size > BATCH_BYTES_MAX:
            yield seen, batch
            batch, seen, size = [], 0, 0
    yield seen, batch


def wish_of_commit(commit: Commit, known: KnownCommits, scope: str) -> Wish:
    """Return the event that stands for a commit. scope: what the commit was made for."""
    from commonweal.node.service.events import Text, Wish

    author = known.author(commit)
    data: dict[str, codec.Value] = {
        "action": "produce",
        "provider": known.provider(author),
        "resourceQuantity": {"n": 1, "scale": 0, "unit": "commit"},
        "inScopeOf": scope,
        HAPPENED: commit.authored_at,
        COMMIT_KEY: commit.hash,
    }
    text = f"{commit.subject} — {author.name} <{author.email}>"
    return Wish("event", data, (), Text("text/plain", text.encode()))


def _address(person: Person) -> str:
    return (person.email or person.name).lower()
