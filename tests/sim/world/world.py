"""A community in one thread: nodes, what happens to them, and what must hold.

While a storm lasts, safety is watched: nobody honest is dropped for a fault or convicted, no
acknowledged record is gone from its author's disk. Then it is calm, and within a deadline
all must agree and hold all that was acknowledged: so a slow community is told from a stuck
one. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar
from weakref import WeakSet

from commonweal.node.service.events import Ticket, Wish
from commonweal.node.service.peers.overlay import MADE_ROOM
from commonweal.node.service.service import Service
from commonweal.protocol.codec import Value
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import PeerKey, Signer
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.storage.records.logs.log_store import Store
from tests.sim.world.agenda import Agenda
from tests.sim.world.network import End, Network
from tests.sim.world.node import OPEN, Mind, Node, Person
from tests.sim.world.weather import CALM, Weather

NO_FAULT = frozenset(
    {"silent for too long", "not-a-member", "invite-unknown", "invite-revoked"}
    | {"invite-expired", "invite-used", "version", MADE_ROOM}
)
"""Reasons to drop a peer that honest nodes may have against each other."""

REMOVED = "its member was removed"

CALM_MS_MAX = 60_000
"""Within so long after a storm all must agree; the longest pause between two dials is 30 s."""


class Broken(AssertionError):
    """Something that must hold does not; the text says what, and how to see it again."""


class World:
    """A community that a seed drives. The first node is the founder's."""

    made: ClassVar[WeakSet[World]] = WeakSet()
    """The worlds that were made and are not let go of."""

    def __init__(
        self, seed: int, *, seals: bool = False, rules: Mapping[str, Value] = OPEN
    ) -> None:
        """Seals: whether ledgers are folded and heights sealed, which costs time."""
        World.made.add(self)
        self.seed, self.seals = seed, seals
        self.rng = Random(seed)
        self.agenda = Agenda()
        self.network = Network(self.agenda, self._fork())
        self.nodes: list[Node] = []
        self.by_key: dict[PeerKey, Node] = {}
        self.refused: dict[int, None] = {}
        """Numbers of nodes that cannot become members, or are members no more."""
        founder = self.add(Service)
        founder.community = founder.person.found(founder.store, self.rng, self.agenda.now_ms, rules)
        founder.start()

    # Peers and people.

    @property
    def community(self) -> CommunityId:
        """The community that all nodes belong to."""
        return self.nodes[0].community

    @property
    def honest(self) -> list[Node]:
        """The nodes that follow the protocol."""
        return [node for node in self.nodes if node.is_honest]

    @property
    def members(self) -> list[Node]:
        """The honest nodes but those who cannot be members, or are members no more."""
        return [node for node in self.honest if node.number not in self.refused]

    def add(self, mind: Mind, person: Person | None = None) -> Node:
        """Add the node of a person, which does not run yet. person: None for a new one."""
        who = Person(self.rng) if person is None else person
        node = Node(self, len(self.nodes), who, Store(":memory:"), mind)
        self.nodes.append(node)
        self.by_key[node.key] = node
        self.network.ports[node.address] = node
        return node

    def invite(self, host: Node, uses: int = 1) -> tuple[Ticket, bytes]:
        """Let a member make an invite; return the ticket of it and the seed of its key."""
        seed = self.rng.randbytes(32)
        data: dict[str, Value] = {"key": Signer(seed).key, "uses": uses}
        return host.submit(Wish("invite.create", data)), seed

    def invited(self, host: Node, uses: int = 1) -> Invite:
        """Let a member make an invite and wait until it is written."""
        while True:
            ticket, seed = self.invite(host, uses)
            self.run(20)
            answer = host.answers.get(ticket)
            if isinstance(answer, dict):
                id: RecordId = answer["records"][0]["id"]
                clock = host.store.clock_of(id)
                assert clock is not None
                return Invite(id, clock, seed)

    def join(self, invite: Invite, hosts: list[Node], mind: Mind = Service) -> Node:
        """Let a newcomer follow an invite link that names `hosts`, and start the node."""
        node = self.add(mind)
        node.community, node.invite = self.community, invite
        node.person.ask(node.store, self.community, invite, self.agenda.now_ms)
        node.knows(*(host.contact for host in hosts))
        node.start()
        return node

    def vouch(self, host: Node, newcomer: Node) -> None:
        """Let a member vouch by hand for a newcomer whose request is at their node."""
        asking = membership.pending_requests(host.service.core.replica.ledger.state)
        (request,) = [one for one in asking if one.device == newcomer.person.device]
        data: dict[str, Value] = {"member": request.member, "request": request.id}
        host.submit(Wish("member.vouch", data, (request.id,)))

    def grow(self, count: int) -> None:
        """Let the community have `count` nodes, invited by the founder, in calm."""
        founder = self.nodes[0]
        invite = self.invited(founder, count)
        while len(self.nodes) < count:
            hosts = [founder, self.rng.choice(self.nodes)]
            self.join(invite, hosts)
        self.settle()

    def device(self, owner: Node) -> Node:
        """Let a member enrol a second device, on a node of its own; start the node."""
        node = self.add(Service)
        node.person.belongs_to(owner.person)
        node.community = self.community
        enrolment = node.person.enrol(self.community, self.agenda.now_ms)
        node.store.append(node.person.device, [enrolment])
        node.store.mark_checked(node.person.device, 1)
        node.store.commit()
        node.knows(*(other.contact for other in self.nodes[:-1]))
        node.start()
        self.settle()
        return node

    # What happens.

    def run(self, ms: int) -> None:
        """Let time pass."""
        self.agenda.run(self.agenda.now_ms + ms)

    def storm(self, weather: Weather, seconds: int, each_second: Callable[[], object]) -> None:
        """Let the weather be bad for so long; `each_second` is what members do meanwhile."""
        network, rng = self.network, self.rng
        network.weather = weather
        clogged: list[tuple[PeerKey, PeerKey]] = []
        for _ in range(seconds):
            for end in network.links():
                if rng.random() < weather.cut:
                    network.cut(end)
            if rng.random() < weather.split:
                network.blocked = self._split(both=True)
            elif rng.random() < weather.one_way:
                network.blocked = self._split(both=False)
            elif rng.random() < 0.3:
                network.blocked = {}
            if rng.random() < weather.clog:
                clogged = self._clog()
            if clogged:
                network.blocked.pop(clogged.pop(rng.randrange(len(clogged))), None)
            each_second()
            self.run(1_000)
            self.watch()
        network.weather, network.blocked = CALM, {}

    def settle(self, ms_max: int = CALM_MS_MAX) -> int:
        """Wait in calm until all agree; return how long it took, or say what does not hold."""
        begun_ms = self.agenda.now_ms
        for node in self.nodes:
            if not node.is_up:
                node.restart_later()
        while True:
            self.run(500)
            missing = self.disagreement()
            if missing is None:
                self.watch()
                return self.agenda.now_ms - begun_ms
            if self.agenda.now_ms - begun_ms >= ms_max:
                raise self.broken(f"after {ms_max} ms of calm {missing}")

    def close(self) -> None:
        """Close the files of all nodes, whose memory no search for garbage knows of."""
        for node in self.nodes:
            node.store.close()
            if node.layers is not None:
                node.layers.close()

    # What must hold.

    def watch(self) -> None:
        """Check what holds at any time."""
        honest = {node.person.device for node in self.honest}
        for node in self.honest:
            if node.is_up:
                for row in node.service.core.replica.rows():
                    if row.frozen is not None and row.author in honest:
                        raise self.broken(f"{node} convicted an honest device")

    def disagreement(self) -> str | None:
        """Return what keeps the honest nodes from being equal; None when nothing does."""
        nodes = self.members
        if any(not node.is_up for node in nodes):
            return "some node is down"
        first = nodes[0].service.core.replica
        for node in nodes[1:]:
            replica = node.service.core.replica
            if replica.frontier.digest() != first.frontier.digest():
                return f"{node} and {nodes[0]} hold different records: {self._difference(node)}"
        state = _standing(first.ledger.state)
        for node in nodes[1:]:
            if _standing(node.service.core.replica.ledger.state) != state:
                return f"{node} and {nodes[0]} fold different states from the same records"
        for node in nodes:
            if membership.status_of(first.ledger.state, node.person.device) != "active":
                return f"{node} is not a member"
        for author in nodes:
            for id in author.acknowledged:
                if any(node.store.clock_of(id) is None for node in nodes):
                    return f"a record that {author} acknowledged is missing somewhere"
        return None

    def dropped(self, node: Node, peer: PeerKey, reason: str) -> None:
        """Take note that a node dropped a peer."""
        other = self.by_key.get(peer)
        self.agenda.note(node, "drops", other, reason)
        if not node.is_honest or other is None or not other.is_honest:
            return
        if reason == REMOVED and other.number in self.refused:
            return
        if reason not in NO_FAULT and not reason.startswith("refused us: "):
            raise self.broken(f"{node} dropped the honest {other}: {reason}")

    def restarted(self, node: Node) -> None:
        """Check that a node which starts again holds what it promised to keep."""
        for id in node.acknowledged:
            if node.store.clock_of(id) is None:
                raise self.broken(f"{node} lost a record that it had acknowledged")

    def broken(self, what: str) -> Broken:
        """Return the error that says what does not hold and how to see it again."""
        return Broken(f"{what}\nseed {self.seed}; see it again with: make sim SEED={self.seed}")

    # Inside.

    def _fork(self) -> Random:
        return Random(self.rng.getrandbits(64))

    def _split(self, *, both: bool) -> dict[tuple[PeerKey, PeerKey], None]:
        """Return the directions that a partition closes."""
        here = [node.key for node in self.nodes if self.rng.random() < 0.5]
        there = [node.key for node in self.nodes if node.key not in here]
        closed = dict.fromkeys((a, b) for a in here for b in there)
        return closed | dict.fromkeys((b, a) for a in here for b in there) if both else closed

    def _clog(self) -> list[tuple[PeerKey, PeerKey]]:
        """Stop one direction of some links; return them in the order in which they go on."""
        chosen: list[End] = [end for end in self.network.links() if self.rng.random() < 0.4]
        found = [(end.peer, end.owner.key) for end in chosen]
        self.network.blocked |= dict.fromkeys(found)
        return found

    def _difference(self, node: Node) -> str:
        ours = {entry.author: entry for entry in self.nodes[0].service.core.replica.frontier}
        theirs = {entry.author: entry for entry in node.service.core.replica.frontier}
        names = {one.person.device: one for one in self.nodes}
        return ", ".join(
            f"log of {names.get(author, author.hex()[:8])}:"
            f" {_span(ours.get(author))} and {_span(theirs.get(author))}"
            for author in dict.fromkeys((*ours, *theirs))
            if ours.get(author) != theirs.get(author)
        )


def _standing(state: State) -> object:
    """Return what a state says of all but those who were never members."""
    members = [one for one in membership.members(state) if one.status != "new"]
    known = {one.id for one in members}
    devices = [one for one in membership.devices(state) if one.member in known]
    return members, devices, membership.invites(state), membership.founder(state)


def _span(entry: object) -> str:
    length, frozen = getattr(entry, "length", 0), getattr(entry, "frozen", None)
    return f"{length}" if frozen is None else f"{length} frozen at {frozen}"
