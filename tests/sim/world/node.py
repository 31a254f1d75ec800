"""One simulated node: the driver of a `Service`, as `node.runtime` is the real one.

Events gather for a moment; the batch is handled and committed, and only then what it asks
for is done. A crash may come between any two of these steps, and takes with it whatever
was not committed. A disk that refuses a commit loses the batch and all links.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, assert_never

from commonweal.node.runtime.gossip_validator import Validator
from commonweal.node.runtime.ledger.ledger_answers import answer, follow_up
from commonweal.node.service import events
from commonweal.node.service.events import Action, Event, Submitted, Text, Ticket, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.node.transport import GossipMessage, Listening, ValidatedGossip
from commonweal.protocol import codec, keys
from commonweal.protocol.errors import DiskFull
from commonweal.protocol.identity import founding, identity
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.invite import Contact, Invite
from commonweal.protocol.keys import DeviceKey, MemberKey, PeerKey, Signer
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import CommunityId, Record, RecordId
from commonweal.protocol.seal.consensus.events import ProcessProposal
from commonweal.storage.consensus.audit import Audit
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.address_book import Address
from commonweal.storage.records.logs.log_store import Store
from tests.sim.world.network import End

if TYPE_CHECKING:
    from tests.sim.world.world import World

BATCH_MS_MAX = 4
DOWN_MS = (100, 6_000)
THINKING_MS_MAX = 400
"""The ledger answers, and notices what came, after so long at most."""
SKEW_MS_MAX = 120_000
SKEW_OF_WITNESSES_MS_MAX = 30_000
"""Two clocks that are further apart than two minutes accept no time from each other."""

Mind = Callable[[Store, CommunityId, Identity, Random, Invite | None], Any]
"""What makes a Service, or something that behaves like one."""


SAID: Mapping[str, codec.Value] = {"en": "As agreed.", "zh": "如所约定。"}
OPEN: Mapping[str, codec.Value] = {
    "membership": {"growth_per_week": 1000, "founding_circle": 1000, "delay_hours": 0, **SAID}
}
"""Rules by which a community of a simulation grows as fast as it likes."""


def by_hand(circle: int) -> Mapping[str, codec.Value]:
    """Return rules by which the founder brings in so many, and members vouch for all others."""
    limits = {"growth_per_week": 0, "growth_percent": 0, "founding_circle": circle}
    return {"membership": {**limits, **SAID}}


class Person:
    """A member to be, with one device: keys that follow from the seed."""

    def __init__(self, rng: Random) -> None:
        self.member_signer = Signer(rng.randbytes(32))
        self.inception = Inception((MemberKey(self.member_signer.key),), 1, rng.randbytes(32))
        device_seed = rng.randbytes(32)
        self.signer = keys.device_signer(device_seed)
        self.device = DeviceKey(self.signer.key)
        self.host = keys.peer_signer(device_seed)
        self.peer = PeerKey(self.host.key)

    def belongs_to(self, owner: Person) -> None:
        """Let the device be another one of `owner`, by whose key it will be enrolled."""
        self.member_signer, self.inception = owner.member_signer, owner.inception

    def found(
        self,
        store: Store,
        rng: Random,
        now_ms: int,
        rules: Mapping[str, codec.Value],
    ) -> CommunityId:
        """Found a community in an empty store."""
        written = founding.found(
            self.member_signer,
            self.inception,
            self.signer,
            self.host,
            rng.randbytes(identity.NONCE_BYTES),
            "Lanxi",
            now_ms,
            rules,
        )
        body = written.record.body
        assert body is not None
        store.append(self.device, [written.record], {body.hash: written.body})
        store.mark_checked(self.device, 1)
        store.commit()
        return CommunityId(written.record.id)

    def ask(self, store: Store, community: CommunityId, invite: Invite, now_ms: int) -> None:
        """Write the two records of a newcomer into an empty store."""
        first = self.enrol(community, now_ms)
        tip = Tip(1, first.id, first.clock)
        second = founding.request(self.signer, self.inception, community, tip, invite, now_ms)
        store.append(self.device, [first, second])
        store.mark_checked(self.device, 2)
        store.commit()

    def enrol(self, community: CommunityId, now_ms: int) -> Record:
        """Return the first record of this person's device."""
        return founding.enrol(
            self.member_signer, self.inception, self.signer, self.host, community, now_ms
        )


class Node:
    """A person's node. Its store outlives a crash as far as it was committed."""

    def __init__(
        self, world: World, number: int, person: Person, store: Store, mind: Mind = Service
    ) -> None:
        self.world, self.number, self.person = world, number, person
        self.key = person.peer
        self.address = f"/ip4/10.0.{number >> 8}.{number & 255}/tcp/4001"
        self.community = CommunityId(b"")
        self.invite: Invite | None = None
        self.store = store
        self.mind = mind
        self.is_up = False
        self.is_honest = mind is Service
        self.service: Service
        self.validator: Validator
        self.ends: dict[PeerKey, End] = {}
        self.dialling: dict[PeerKey, None] = {}
        self.acknowledged: dict[RecordId, int] = {}
        """Records that an answer promised to keep, with their seq."""
        self.answers: dict[Ticket, Any] = {}
        self.rng = Random(world.rng.getrandbits(64))
        self._inbox: list[Event] = []
        self._turning = False
        self._wake_ms = 0
        self._life = 0
        self._tickets = 0
        self._skew_ms = 0
        self.layers: StateDb | None = None
        """What the ledger comes to; outlives a crash, as its file does."""
        self.assessor: SealApplication | None = None
        self.fold_ms = 0
        """How long its ledger takes to fold a seal that it has not folded; 0: a moment."""
        self._free_ms = 0
        self._concluding = False
        self._told: ConsensusView | None = None

    def __repr__(self) -> str:
        return f"n{self.number}"

    @property
    def now_ms(self) -> int:
        """What this node's clock says."""
        return self.world.agenda.now_ms + self._skew_ms

    @property
    def contact(self) -> Contact:
        """How others reach it."""
        return Contact(self.key, (self.address,))

    def shift(self, ms: int) -> None:
        """Set this node's clock forward."""
        self._skew_ms += ms

    def knows(self, *contacts: Contact) -> None:
        """Put nodes into the address book, as a link does; before the start."""
        for one in contacts:
            self.store.put_address(Address(one.peer, None, one.addresses, b"", 0, "link"))
        self.store.commit()

    def start(self) -> None:
        """Begin to run, from what is committed."""
        assert not self.is_up
        self._life += 1
        self._inbox, self._turning, self._wake_ms = [], False, 0
        self._concluding, self._told, self.assessor = False, None, None
        skew_ms_max = SKEW_OF_WITNESSES_MS_MAX if self.world.seals else SKEW_MS_MAX
        self._skew_ms = self.rng.randint(-skew_ms_max, skew_ms_max)
        identity = Identity(self.person.signer, self.person.host)
        rng = Random(self.rng.getrandbits(64))
        self.service = self.mind(self.store, self.community, identity, rng, self.invite)
        self.validator = Validator(lambda: self.world.agenda.now_ms / 1_000)
        self.is_up = True
        self.world.agenda.note(self, "starts")
        self.emit(events.Started())
        self.emit(Listening((self.address,)))

    def crash(self) -> None:
        """End now; what is not committed is gone."""
        if self.is_up:
            self.world.agenda.note(self, "crashes")
            self.is_up = False
            self.store.rollback()
            self.world.network.crash(self)

    def restart_later(self) -> None:
        """Start again after a while."""
        self.world.agenda.after(self.rng.randint(*DOWN_MS), self._restart)

    def submit(self, *wishes: Wish) -> Ticket:
        """Let the member ask for records; the answer comes later, unless the node ends before."""
        self._tickets += 1
        ticket = Ticket(self._tickets)
        if self.is_up:
            self.emit(Submitted(ticket, wishes))
        return ticket

    def write(self, note: str = "") -> Ticket:
        """Let the member record a contribution."""
        text = Text("text/plain", note.encode()) if note else None
        return self.submit(Wish("event", {"action": "work", "n": self._tickets}, (), text))

    def emit(self, event: Event) -> None:
        """Take in an event; the turn that handles it comes soon."""
        self._inbox.append(event)
        if not self._turning:
            self._turning = True
            delay = self.rng.randint(0, BATCH_MS_MAX)
            self.world.agenda.after(delay, self._turn, self._life)

    def validate(self, message: GossipMessage) -> ValidatedGossip:
        """Say whether a gossip message is passed on, and what it says."""
        return self.validator.judge(message)

    # A turn.

    def _turn(self, life: int) -> None:
        if life != self._life or not self.is_up:
            return None
        batch, self._inbox, self._turning = self._inbox, [], False
        for event in batch:
            self.world.agenda.note(self, event)
        weather = self.world.network.weather
        dies = self.is_honest and self.rng.random() < weather.crash
        step = self.rng.randrange(3) if dies else -1
        now_ms = self.now_ms
        actions: list[Action] = []
        for event in batch:
            actions += self.service.handle(event, now_ms)
        if step == 0:
            return self._die()
        if self.is_honest and self.rng.random() < weather.refuse:
            return self._refused(batch)
        self.store.commit()
        actions += self.service.handle(events.Committed(), now_ms)
        self.store.commit()
        if step == 1:
            return self._die()
        if step == 2:
            del actions[self.rng.randint(0, len(actions)) :]
        self.perform(actions)
        self.conclude()
        return self._die() if step == 2 else None

    def perform(self, actions: list[Action]) -> None:
        """Do what the service asks for."""
        network = self.world.network
        for action in actions:
            match action:
                case events.Send(peer, frame):
                    network.send(self, peer, frame)
                case events.Publish(topic, data):
                    network.publish(self, topic, data)
                case events.Subscribe():
                    pass
                case events.SetRoster(roster):
                    self.validator.recognise(roster)
                case events.Dial(peer, addresses):
                    network.dial(self, peer, addresses)
                case events.Admit(peer):
                    network.rise(self, peer, "member")
                case events.AdmitGuest(peer):
                    network.rise(self, peer, "guest")
                case events.Drop(peer, reason):
                    self.world.dropped(self, peer, reason)
                    network.drop(self, peer, reason)
                case events.Taken(peer):
                    network.done(self, peer)
                case events.Wake(at_ms):
                    if at_ms != self._wake_ms:  # else it is planned already, as by another face
                        self._wake_ms = at_ms
                        at_ms -= self._skew_ms
                        self.world.agenda.at(at_ms, self._woke, self._life, self._wake_ms)
                case events.AskLedger(request):
                    thinking = 1 if isinstance(request, events.AwaitState) else self._thinking()
                    self.world.agenda.after(thinking, self._assess, self._life, request)
                case events.Answer(ticket, value):
                    self._answered(ticket, value)
                case _:
                    assert_never(action)

    # The ledger.

    def conclude(self) -> None:
        """Let the ledger be looked at soon, unless it will be anyway."""
        if self.world.seals and not self._concluding:
            self._concluding = True
            self.world.agenda.after(self._thinking(), self._conclude, self._life)

    def _conclude(self, life: int) -> None:
        if life == self._life and self.is_up:
            self._concluding = False
            assessor = self._refreshed()
            outlook = assessor.outlook(self.now_ms)
            follow_up(assessor)
            Audit(self.store, assessor.kept.layers, self.community).step()
            if outlook != self._told:
                self._told = outlook
                self.emit(events.OutlookChanged(outlook))

    def _assess(self, life: int, request: events.Request | events.StateRequest) -> None:
        """Let the ledger come to a request, once it has done what was asked before."""
        if life != self._life or not self.is_up or not self.world.seals:
            return
        now_ms = self.world.agenda.now_ms
        if now_ms < self._free_ms:
            self.world.agenda.at(self._free_ms, self._assess, life, request)
            return
        assessor = self._refreshed()
        if isinstance(request, events.STATE_REQUESTS):
            self.emit(answer(assessor, request, self.now_ms))
            return
        self._told = assessor.outlook(self.now_ms)
        ready = assessor.kept.ready
        is_known = isinstance(request, events.ExtendVote) or (
            isinstance(request, ProcessProposal)
            and ready is not None
            and request.proposal.seal.id == ready.seal.id
        )
        told = (events.OutlookChanged(self._told), answer(assessor, request, self.now_ms))
        if is_known or not self.fold_ms:
            self._answer(life, told)
        else:
            self._free_ms = now_ms + self.fold_ms
            self.world.agenda.at(self._free_ms, self._answer, life, told)

    def _answer(self, life: int, told: tuple[Event, ...]) -> None:
        if life == self._life and self.is_up:
            for event in told:
                self.emit(event)

    def _refreshed(self) -> SealApplication:
        if self.assessor is None:
            self.layers = self.layers or StateDb(":memory:")
            state = LedgerState(self.store, self.layers, self.community, whole=False)
            self.assessor = SealApplication(state)
        return self.assessor

    def _thinking(self) -> int:
        return self.rng.randint(1, THINKING_MS_MAX)

    def _woke(self, life: int, at_ms: int) -> None:
        if life == self._life and self.is_up and at_ms == self._wake_ms:
            self.emit(events.Woke())

    def _answered(self, ticket: Ticket, value: Any) -> None:
        self.answers[ticket] = value
        if isinstance(value, dict):
            for record in value.get("records", ()):
                self.acknowledged[record["id"]] = record["seq"]

    def _refused(self, batch: list[Event]) -> None:
        """The disk takes no change: the batch is lost, and all links with it."""
        self.world.agenda.note(self, "is refused by its disk")
        self.store.rollback()
        self.service.reload()
        for event in batch:
            if isinstance(event, Submitted):
                self._answered(event.ticket, DiskFull("a full disk"))
        for peer in list(self.ends):
            self.world.network.drop(self, peer, "this node's disk refused a change")
        self._wake_ms = 0
        self.world.agenda.after(50, self._woke, self._life, 0)

    def _die(self) -> None:
        self.crash()
        self.restart_later()

    def _restart(self) -> None:
        if not self.is_up:
            self.start()
            self.world.restarted(self)
