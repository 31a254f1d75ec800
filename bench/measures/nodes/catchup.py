"""What comparing and catching up cost in bytes, counted between two services in one process."""

from __future__ import annotations

from collections import deque
from random import Random

from bench import community as made
from bench.community import Community, Person
from bench.figures import Figure
from commonweal.node.service.events import Action, Committed, Event, Send, Started
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.node.transport import Connected, FrameReceived
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.records.logs.log_store import Store

MEMBERS = 10
RECORDS = 100_000
MISSING = 100


class Pair:
    """Two services joined by memory; every frame is counted."""

    def __init__(self, first: Service, second: Service, stores: tuple[Store, Store]) -> None:
        self.services, self.stores = (first, second), stores
        self.keys = (first.core.me.peer, second.core.me.peer)
        self.sent: list[tuple[int, int]] = []
        self._waiting: deque[tuple[int, Event]] = deque()
        for side in (0, 1):
            self.tell(side, Started())

    def connect(self) -> None:
        """Open the link and let both talk until nothing is under way."""
        self.tell(0, Connected(self.keys[1], "memory", outbound=True))
        self.tell(1, Connected(self.keys[0], "memory", outbound=False))
        while self._waiting:
            self.tell(*self._waiting.popleft())

    def compare(self) -> int:
        """Let one side compare; return the bytes that it cost both."""
        self.sent.clear()
        service = self.services[0]
        (session,) = service.core.peers.values()
        service.core.actions = []
        service.anti_entropy.begin(session)
        self._perform(0, service.core.actions)
        while self._waiting:
            self.tell(*self._waiting.popleft())
        return sum(size for _, size in self.sent)

    def tell(self, side: int, event: Event) -> None:
        """Hand an event to one side and deliver what it sends."""
        service, store = self.services[side], self.stores[side]
        actions = service.handle(event, made.NOW_MS)
        store.commit()
        actions += service.handle(Committed(), made.NOW_MS)
        store.commit()
        self._perform(side, actions)

    def _perform(self, side: int, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self.sent.append((side, len(action.frame)))
                self._waiting.append((1 - side, FrameReceived(self.keys[side], action.frame)))


def figures() -> list[Figure]:
    """Return what 100 missing records in 100,000 cost, and what comparing equal holdings costs."""
    source, target = Store(), Store()
    community = made.make(source, MEMBERS)
    made.work(community, RECORDS, 50)
    for person in community.people:
        _copy(community, person, target)
    target.commit()
    before = source.counts().bytes
    made.work(community, MISSING, 10)
    own = source.counts().bytes - before
    people = community.people
    first = Service(target, community.id, _identity(people[1]), Random(1))
    other = Service(source, community.id, _identity(people[0]), Random(2))
    pair = Pair(first, other, (target, source))
    pair.connect()
    assert first.core.replica.frontier.digest() == other.core.replica.frontier.digest()
    total = sum(size for _, size in pair.sent)
    hellos = sum(size for _, size in pair.sent[:2])
    idle = pair.compare()
    name = f"{MISSING} missing in {RECORDS:,}"
    return [
        Figure(
            f"{name}, without the hellos",
            total - hellos,
            "B",
            "the records themselves",
            own,
            (total - hellos) / own,
            1.10,
            1.04,
            low=True,
        ),
        Figure(f"{name}, the hellos", hellos, "B", "", 1, hellos),
        Figure(
            "comparing equal holdings, a side", idle / 2, "B", "", 1, idle / 2, 200, 64, low=True
        ),
    ]


def _copy(community: Community, person: Person, target: Store) -> None:
    wires = community.store.wires(person.key, 0, 1 << 39, 1 << 30)
    run: list[Record] = [from_bytes_unchecked(wire) for wire in wires]
    texts = {
        record.body.hash: community.store.body(record.body.hash) for record in run if record.body
    }
    target.append(person.key, run, {k: body for k, body in texts.items() if body is not None})


def _identity(person: Person) -> Identity:
    return Identity(person.device, person.host)
