"""Sealing: when a height starts, what of others' words is taken in, and what members see of it.

A height starts when something waits long enough, somebody asks, or others began; where nothing
waits, nothing is said. Everybody follows what witnesses say, so that it reaches those who are
not linked; only witnesses, and those who would be, say anything. Recording never stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from commonweal.node.service.consensus.clocks import is_clock_doubtful
from commonweal.node.service.consensus.height import HeightDriver
from commonweal.node.service.consensus.requests import SealRequests
from commonweal.node.service.consensus.vote_gossip import VoteGossip, height_of, speaker
from commonweal.node.service.events import ExtendVote, LedgerAnswered, Ticket
from commonweal.node.service.peer import Core, PeerState
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.node.service.sync.chain_sync import ChainSync
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.chain import forked
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.future_messages import FutureMessages
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import SealDemand, due_at, is_due
from commonweal.protocol.seal.votes import (
    Certificate,
    Vote,
    double_vote_from_bytes,
    is_double_vote,
)
from commonweal.protocol.seal.witnesses import Witness, witness_devices
from commonweal.protocol.wire import messages
from commonweal.protocol.wire import seals as wire_seals

if TYPE_CHECKING:
    from commonweal.protocol.seal.cut import SealedLog
    from commonweal.storage.consensus.view import ConsensusView

URGENT_MS = 2_000
"""What decides something waits so long for others, then all are sealed together."""

PRESENT_MS = 15_000
"""A witness that is neither linked nor was heard for so long is missing."""

ABREAST_MS = 10_000
"""So long after the first link a node that others say is behind takes no part."""

AGAIN_MS = 1_000
"""What a peer may not have heard is sent to him so often."""


class Reactor:
    """What this node does about seals, by and for whom."""

    def __init__(self, core: Core, anti_entropy: AntiEntropy) -> None:
        self.core, self.chain = core, core.replica.chain
        self.gossip = VoteGossip(core, self.chain)
        self.chain_sync = ChainSync(core, self.chain, lambda: self.driver.held)
        self.driver = HeightDriver(core, self.chain, self.chain_sync, anti_entropy, self.gossip)
        self.requests = SealRequests(core)
        self.outlook: ConsensusView | None = None
        """What the ledger said last; None before it said anything."""
        self.rounds = 0
        """Rounds that heights needed beyond their first, since the start."""
        self._present_ms: dict[DeviceKey, int] = {}
        self._linked_ms = 0
        self.reload()

    def reload(self) -> None:
        """Go back to what is stored, as at the start and after a commit that failed."""
        self.gossip.forget()
        self.driver.candidates = ()
        self._early = FutureMessages()
        self._begin()

    def _begin(self) -> None:
        self._height = self.chain.height
        self.since_ms: int | None = None
        """Since when something waits for this height."""
        self._is_asked = self._is_urged = False
        self._heard: dict[DeviceKey, None] = {}
        self.driver.begin()
        self._is_urged = bool(self.chain.seals.votes(self._height + 1))

    # How it stands.

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The set for the next height; empty while the founding record is not known."""
        return self.chain.point.witnesses if self.chain.point else ()

    @property
    def due_ms(self) -> int | None:
        """When `woke` is to be called; None for whenever."""
        due = self.driver.due_ms
        if self._may_begin() and not self.driver.is_asking(ExtendVote()):
            begins = due_at(self._waiting(), self._interval_ms())
            if begins is not None and (due is None or begins < due):
                return begins
        return due

    def missing(self) -> tuple[Witness, ...]:
        """Return the witnesses that are neither linked nor were heard of late."""
        here = {self.core.me.device, *(one.device for one in self.core.members())}
        since_ms = self.core.now_ms - PRESENT_MS
        return tuple(
            one
            for one in self.witnesses
            if one.device not in here and self._present_ms.get(one.device, since_ms) <= since_ms
        )

    def waits(self) -> bool:
        """Say whether something waits for the next seal, as far as the ledger said."""
        waiting = self._waiting()
        is_late = waiting.deadline_ms is not None and waiting.deadline_ms <= self.core.now_ms
        return waiting.oldest_ms is not None or is_late

    # What happens.

    def met(self, peer: PeerState) -> None:
        """Exchange with a member who came how far each sealed, and the proofs of double votes."""
        self.chain_sync.met(peer)
        if peer.follows_seals:
            self.gossip.tell_proofs(peer)
        if self.driver.agreement is not None or peer.height < self.chain.height:
            self.chain_sync.tell(peer)

    def left(self, device: DeviceKey | None) -> None:
        """Note that a link ended: its witness is missing, unless others bring his word."""
        if device is not None:
            self._present_ms.pop(device, None)

    def concluded(self, outlook: ConsensusView) -> None:
        """Take in what the ledger says; begin a height when that is due."""
        self.outlook = outlook
        if outlook.end != self.chain.end:
            return
        self.driver.offer(outlook.candidates)
        if not outlook.unsealed:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = self.core.now_ms
        self.driver.ask_again()
        self._consider()

    def assessed(self, event: LedgerAnswered) -> None:
        """Take in an answer of the ledger."""
        if self.core.keeps:
            logs = self.driver.assessed(event)
            if logs is not None:
                self._shown(logs)
            self._moved()

    def grown(self) -> None:
        """Note that records came."""
        if self.core.keeps:
            self.driver.grown()

    def receive(self, peer: PeerState, message: wire_seals.SealMessage) -> bool:
        """Take in a member's message; say whether records may now be fetched that could not.

        Raises what is the sender's fault.
        """
        match message:
            case wire_seals.HeightStatus():
                self.told(peer, message)
            case wire_seals.ConsensusMessage(data):
                self.heard(peer, data)
            case wire_seals.WantProposal():
                self.want_proposal(peer, message)
            case wire_seals.WantSeal():
                self.want_seal(peer, message)
            case wire_seals.WantSeals():
                self.chain_sync.asked(peer, message)
            case wire_seals.Seals():
                self.seals(peer, message)
                return True
            case _:
                assert_never(message)
        return False

    def heard(self, peer: PeerState, data: bytes) -> None:
        """Take in what a witness said, from whomever. Raises `Malformed` or `BadSignature`."""
        message = self.gossip.read(data) if self.core.keeps else None
        if message is not None:
            if self._take(message, peer):
                self.gossip.know(data)
            self._moved()
            self._consider()

    def gossiped(self, message: Vote | HaveFrontier | Certificate) -> None:
        """Take in what a witness published, its signatures checked; nobody is asked about it."""
        if self.core.keeps:
            if self._take(message, None):
                self.gossip.know(message_to_bytes(message))
            self._moved()
            self._consider()

    def told(self, peer: PeerState, message: wire_seals.HeightStatus) -> None:
        """Compare with a peer how far each is; at one height, what each heard of the next."""
        self.chain_sync.told(peer, message)
        held = self.driver.held
        if message.height != self.chain.height or message.held == held:
            return
        if self.core.now_ms - peer.told_ms >= AGAIN_MS:
            self.chain_sync.tell(peer)
        if self.driver.agreement is not None and self.core.now_ms - peer.held_ms >= AGAIN_MS:
            peer.held_ms = self.core.now_ms
            for one in self.driver.agreement.held():
                self.gossip.tell(peer, one)

    def want_proposal(self, peer: PeerState, message: wire_seals.WantProposal) -> None:
        """Send a proposal of this height that a peer lacks."""
        if message.height <= self.chain.height:
            self.chain_sync.tell_behind(peer)
        elif message.height == self.chain.height + 1:
            self.driver.pass_on(peer, message)

    def want_seal(self, peer: PeerState, message: wire_seals.WantSeal) -> None:
        """Seal what waits, because a member asks; who is no witness passes it on, once."""
        if message.height <= self.chain.height:
            self.chain_sync.tell_behind(peer)
        elif message.height == self.chain.height + 1 and not self._is_asked:
            self._is_asked = True
            self._ask_witnesses(besides=peer)
            self._consider()

    def seals(self, peer: PeerState, message: wire_seals.Seals) -> None:
        """Take in seals that were asked for. Raises what is the sender's fault."""
        if self.core.keeps:
            try:
                self.chain_sync.seals(peer, message)
            finally:
                self._moved()

    def evidence(self, message: messages.Evidence) -> messages.Evidence:
        """Take in the proofs of double votes; return the other ones.

        Those against devices that nobody here knows are not kept. Raises `InvalidRecord`,
        `Malformed` or `BadSignature`.
        """
        double = [one for one in message.proofs if is_double_vote(one)]
        for proof in double:
            found = double_vote_from_bytes(proof, self.chain.community)
            is_witness = found.device in witness_devices(self.witnesses)
            if self.core.keeps and (is_witness or self.core.replica.was_admitted(found.device)):
                self.driver.accuse(found)
        return messages.Evidence(tuple(one for one in message.proofs if one not in double))

    def woke(self) -> None:
        """Do what is due."""
        if self.core.keeps:
            self.driver.woke()
            self._moved()
            self._consider()

    def tick(self) -> None:
        """Do what is done every second: compare with somebody, and ask for what lacks."""
        members = [one for one in self.core.members() if one.follows_seals]
        if members and self.driver.agreement is not None:
            self.chain_sync.tell(self.core.rng.choice(members))
        behind = any(one.height > self.chain.height for one in members)
        if behind or self.driver.is_stuck:
            self.chain_sync.ask_somebody()
        if self.outlook is not None and self.outlook.height < self.chain.height:
            self.chain_sync.ask_proofs()
        if self.core.keeps:
            self._consider()
        self._progress()

    # A member of this node asks for a seal.

    def asked(self, ticket: Ticket) -> None:
        """Let a member wait for the next seal; what he is told comes as answers."""
        if self.chain.fork is not None:
            self.requests.refuse(ticket, forked(*self.chain.fork))
        elif self.requests.add(ticket, self.chain.height):
            self.driver.ask(ExtendVote())

    # Inside: beginning.

    def _waiting(self) -> SealDemand:
        deadline = self.outlook.deadline_ms if self.outlook is not None else None
        return SealDemand(self.since_ms, deadline, self._is_asked)

    def _interval_ms(self) -> int:
        """Return how long what waits may wait. Who has no seat shows himself before it begins."""
        outlook = self.outlook
        if outlook is None:
            return URGENT_MS
        most = URGENT_MS if outlook.is_urgent else outlook.interval_ms
        is_seated = self.core.me.device in witness_devices(self.witnesses)
        return min(most, outlook.interval_ms) // (1 if is_seated else 2)

    def _may_begin(self) -> bool:
        """Say whether this device may take part in the height that is next, and does not yet."""
        outlook, me = self.outlook, self.core.me.device
        if outlook is None or outlook.end != self.chain.end or self.driver.is_open:
            return False
        asked = self._is_asked or self.requests.has_new()
        is_off = is_clock_doubtful(self.core, self.chain.point, is_asked=asked)
        may_seal = self.chain.fork is None and self.core.keeps and not is_off
        may_seal = may_seal and (me in witness_devices(self.witnesses) or me in outlook.candidates)
        return may_seal and (len(self.witnesses) == 1 or self._is_abreast())

    def _is_abreast(self) -> bool:
        """Say whether some member was compared with, and none is further, as far as he says.

        A home that is an older copy of itself would contradict what it said before. For lies
        of others it is not waited long.
        """
        members, now_ms = self.core.members(), self.core.now_ms
        self._linked_ms = self._linked_ms or (now_ms if members else 0)
        if not any(one.compared for one in members):
            return False
        mine = self.core.replica.row(self.core.me.device).length
        return now_ms - self._linked_ms >= ABREAST_MS or all(
            one.height <= self.chain.height and one.theirs.get(self.core.me.device, 0) <= mine
            for one in members
        )

    def _consider(self) -> None:
        """Begin the height when that is due: first the ledger is asked what to show."""
        if self._may_begin() and self._is_due():
            self.driver.ask(ExtendVote())

    def _is_due(self) -> bool:
        return self._is_urged or is_due(self._waiting(), self.core.now_ms, self._interval_ms())

    def _shown(self, logs: tuple[SealedLog, ...]) -> None:
        """Begin with what the ledger shows, if it is time; tell who asked when nothing waits."""
        if self.requests.has_new() and self.waits():
            self._is_asked = True
            self._ask_witnesses()
        elif not self._is_urged:
            self.requests.nothing_waits(self.chain.height)
        if self._may_begin() and self._is_due():
            self.driver.open(logs)
            self._moved()
        self._progress()

    def _ask_witnesses(self, besides: PeerState | None = None) -> None:
        """Pass a member's wish for a seal on, where this device says nothing itself."""
        seated = witness_devices(self.witnesses)
        linked = [one for one in self.core.members() if one.follows_seals and one is not besides]
        near = [one for one in linked if one.device in seated]
        if self.core.me.device not in seated:
            for peer in near or linked:
                self.core.send(peer, wire_seals.WantSeal(self.chain.height + 1))

    # Inside: hearing.

    def _take(self, message: Message, peer: PeerState | None) -> bool:
        """Take in a message; say whether it need not come again. session: None by gossip."""
        height, ours = height_of(message), self.chain.height
        if isinstance(message, Certificate):
            return self._take_certificate(message, peer)
        if height <= ours:
            if peer is not None:
                self.chain_sync.tell_behind(peer)
            return True
        if height > ours + 1:
            if peer is not None:
                self.chain_sync.ask(peer)
            return self._is_candidate(message) and self._early.keep(message, ours + 1)
        if not self._is_candidate(message):
            return False
        self._note(message)
        self.driver.receive(message)
        return self.driver.holds(message)

    def _take_certificate(self, certificate: Certificate, peer: PeerState | None) -> bool:
        if certificate.height == self.chain.height + 1:
            self.driver.receive(certificate)
            return self.driver.holds(certificate)
        if certificate.height > self.chain.height:
            if peer is not None:
                self.chain_sync.ask(peer)
            return False
        try:
            self.chain.compare(certificate)
        except StorageError:
            raise
        except CommonwealError:
            pass  # it certifies nothing; who passed it on could not see that
        return True

    def _is_candidate(self, message: Message) -> bool:
        """Say whether a message is of one whose word counts now."""
        assert not isinstance(message, Certificate), "a certificate has many authors"
        device = speaker(message)
        if device in witness_devices(self.witnesses):
            return True
        return isinstance(message, HaveFrontier) and device in self.driver.candidates

    def _note(self, message: Message) -> None:
        """Note that a witness is there, and that the height has begun for others.

        When more than may lie have begun, this device begins too, though nothing waits here. A
        proposal shows who has: by their have-frontiers or prevotes, not by being made.
        """
        assert not isinstance(message, Certificate), "a certificate has many authors"
        device, seated = speaker(message), witness_devices(self.witnesses)
        if device == self.core.me.device or device not in seated:
            return
        self._present_ms[device] = self.core.now_ms
        begun = [device]
        if isinstance(message, Proposal):
            begun += [one.device for one in message.haves]
            begun += [one.device for one in message.polka]
        others = [one for one in begun if one in seated and one != self.core.me.device]
        self._heard.update(dict.fromkeys(others))
        self._is_asked = True
        if len(self._heard) > quorum_of(len(seated)).lies:
            self._is_urged = True

    # Inside: going on.

    def _moved(self) -> None:
        """Begin the next height when the chain has grown."""
        while self.chain.height > self._height:
            self.rounds += self.driver.round
            self._begin()
            seated = witness_devices(self.witnesses)
            self._present_ms = {one: at for one, at in self._present_ms.items() if one in seated}
            for peer in self.core.members():
                if peer.height < self.chain.height:
                    self.chain_sync.tell(peer)
            for message in self._early.take(self._height + 1):
                if self._is_candidate(message):
                    self._note(message)
                    self.driver.receive(message)
        self._progress()

    def _progress(self) -> None:
        """Tell who asked for a seal that it is made, or what it waits for."""
        about = None
        if self._is_asked and self.witnesses:
            about = {
                "height": self.chain.height,
                "round": self.driver.round,
                "missing": [[*one] for one in self.missing()],
                "witnesses": len(self.witnesses),
                "needed": quorum_of(len(self.witnesses)).needed,
            }
        self.requests.tell(self.chain.height, about)
