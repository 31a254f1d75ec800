"""From the commits of a git repository to the records to be written, and which are here already.

A commit is known again by its hash; one that was rewritten, by its author, author's time and first
line. Names and addresses of authors stand in erasable bodies only. Never reads git, never writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from commonweal.client.importers.authors import Authors, CommitText, Credit, read_commit_text
from commonweal.client.importers.git import Commit, Person
from commonweal.client.importers.known_events import events_naming
from commonweal.client.importers.mailmap import lowered
from commonweal.client.ledger.drafts import BATCH_BYTES_MAX, BATCH_RECORDS
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members.agents import is_outside
from commonweal.protocol.records.record import Record
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED
from commonweal.storage.records.logs.log_store import Store

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

COMMIT_KEY = "commit"
"""Where the data of an event names the commit that it stands for: 20 or 32 bytes."""
HASH_BYTES = (20, 32)


class KnownCommits:
    """The commits that are in the ledger, whoever took them in."""

    def __init__(self, store: Store, mine: Iterable[DeviceKey], authors: Authors) -> None:
        """Read the events that stand for commits; let `authors` know the agents in them.

        mine: the devices of this member. What others say of an address is theirs: it gives nobody
        the work that we take in.
        """
        self._store = store
        self.hashes: set[bytes] = set()
        ours = set(mine)
        for record in events_naming(store, COMMIT_KEY, *HASH_BYTES):
            self.hashes.add(record.data[COMMIT_KEY])
            agent = record.data.get("provider")
            if not is_outside(agent) or record.author not in ours:
                continue
            if not authors.is_known(agent):
                said = read_commit_text(text_of(store, record.id))
                if said is not None:
                    authors.note(agent, said.person)

    def lost(self, present: Iterable[bytes]) -> LostCommits:
        """Return the commits of the ledger that are not among those of a history."""
        return LostCommits(self._store, self.hashes.difference(present))


class LostCommits:
    """Commits of the ledger that a history has no more, by what a rewriting leaves equal.

    That is the author's time, the first line, and the author's address or member. Of a commit
    whose text was erased it is the time, and the member where there is one.
    """

    def __init__(self, store: Store, gone: set[bytes]) -> None:
        self._gone = gone
        self._alike: dict[tuple[object, str | None, object], list[bytes]] = {}
        for record in events_naming(store, COMMIT_KEY, *HASH_BYTES) if gone else ():
            if record.data[COMMIT_KEY] in gone:
                self._note(record, read_commit_text(text_of(store, record.id)))

    def take(self, commit: Commit, authors: Authors) -> bool:
        """Whether a new commit is one of them, rewritten; each of them is taken once."""
        member = authors.member(commit.author)
        persons = dict.fromkeys((commit.author, authors.person(commit.author)))
        keys: list[tuple[object, str | None, object]] = [
            (commit.authored_at, commit.subject, _who(person)) for person in persons
        ]
        keys += [(commit.authored_at, subject, member) for subject in (commit.subject, None)]
        return any(self._taken(key) for key in keys)

    def _taken(self, key: tuple[object, str | None, object]) -> bool:
        alike = self._alike.get(key, [])
        while alike:
            lost = alike.pop()
            if lost in self._gone:
                self._gone.remove(lost)
                return True
        return False

    def _note(self, record: Record, said: CommitText | None) -> None:
        at_ms, provider = record.data.get(HAPPENED), record.data.get("provider")
        whose: list[object] = []
        if said is None or not is_outside(provider):
            whose.append(None if is_outside(provider) else provider)
        if said is not None:
            whose.append(_who(said.person))
        for who in whose:
            key = (at_ms, None if said is None else said.subject, who)
            self._alike.setdefault(key, []).append(record.data[COMMIT_KEY])


def batches(
    commits: Iterable[Commit], authors: Authors, scope: str
) -> Iterator[tuple[int, list[Wish]]]:
    """Yield the wishes for commits in batches that a node takes at once, of how many commits each.

    All wishes of a commit are in one batch, which is written as a whole.
    """
    batch: list[Wish] = []
    count = size = 0
    for commit in commits:
        wishes = wishes_of_commit(commit, authors.credits(commit), scope)
        more = sum(len(wish.text.content) for wish in wishes if wish.text)
        if batch and (len(batch) + len(wishes) > BATCH_RECORDS or size + more > BATCH_BYTES_MAX):
            yield count, batch
            batch, count, size = [], 0, 0
        batch += wishes
        count += 1
        size += more
    if batch:
        yield count, batch


def wishes_of_commit(commit: Commit, shares: Iterable[Credit], scope: str) -> list[Wish]:
    """Return the events that stand for a commit, one for each share; scope: what it was for."""
    from commonweal.node.service.events import Text, Wish

    wishes = []
    for credit in shares:
        data: dict[str, codec.Value] = {
            "action": "produce",
            "provider": credit.provider,
            "resourceQuantity": credit.quantity,
            "inScopeOf": scope,
            HAPPENED: commit.authored_at,
            COMMIT_KEY: commit.hash,
        }
        text = CommitText(commit.subject, credit.person).text
        wishes.append(Wish("event", data, (), Text("text/plain", text.encode())))
    return wishes


def _who(person: Person) -> str:
    """Return what authors are compared by: the address, or the name where there is none."""
    return lowered(person.email) or person.name
