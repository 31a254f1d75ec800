"""The consensus reactor: starts heights, hands messages of witnesses to the height driver.

Every node takes in what witnesses say and hands it on, so that it reaches witnesses that are not
linked. Only witnesses and candidates send messages of their own. Recording never waits for a
seal. Which rules lead to a decision is in `protocol.seal.consensus`, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from commonweal.node.service.consensus.chain_sync import ChainSync
from commonweal.node.service.consensus.height import HeightDriver
from commonweal.node.service.consensus.height_start import HeightStart, WitnessPresence
from commonweal.node.service.consensus.requests import SealRequests
from commonweal.node.service.consensus.vote_gossip import VoteGossip, height_of, speaker
from commonweal.node.service.core import Core
from commonweal.node.service.events import ExtendVote, LedgerAnswered, Ticket
from commonweal.node.service.peer import PeerState
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.protocol.errors import CommonwealError, StorageError
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.seal.chain import forked
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.future_messages import FutureMessages
from commonweal.protocol.seal.consensus.messages import message_to_bytes
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.quorum import quorum_of
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

AGAIN_MS = 1_000
"""How often a peer is sent again what it may not have received."""


class Reactor:
    """The part of this node in sealing: the height under way, the chain, and who asks."""

    def __init__(self, core: Core, anti_entropy: AntiEntropy) -> None:
        self.core, self.chain = core, core.replica.chain
        self.gossip = VoteGossip(core, self.chain)
        self.chain_sync = ChainSync(core, self.chain, lambda: self.driver.held)
        self.driver = HeightDriver(core, self.chain, self.chain_sync, anti_entropy, self.gossip)
        self.requests = SealRequests(core)
        self.start = HeightStart(core, self.chain)
        self.presence = WitnessPresence(core)
        self.rounds = 0
        """Rounds that heights needed beyond their first, since the process started."""
        self._held_ms: dict[PeerKey, int] = {}
        """When a peer was last sent what is held of the height."""
        self.reload()

    def reload(self) -> None:
        """Go back to what is stored, as at the start and after a commit that failed."""
        self.gossip.forget()
        self.driver.candidates = ()
        self._early = FutureMessages()
        self._begin_height()

    def left(self, key: PeerKey) -> None:
        """Forget what was said on a link that ended."""
        self.chain_sync.left(key)
        self._held_ms.pop(key, None)

    # How it stands.

    @property
    def outlook(self) -> ConsensusView | None:
        """What the ledger said last; None before it said anything."""
        return self.start.outlook

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The set for the next height; empty while the founding record is not known."""
        return self.start.witnesses

    @property
    def due_ms(self) -> int | None:
        """When `woke` is to be called; None when nothing is due."""
        due = self.driver.due_ms
        if self._may_begin() and not self.driver.is_asking(ExtendVote()):
            begins = self.start.due_ms
            if begins is not None and (due is None or begins < due):
                return begins
        return due

    def missing(self) -> tuple[Witness, ...]:
        """Return the witnesses that are neither linked nor were heard of late."""
        return self.presence.missing(self.witnesses)

    # What the node and its ledger say.

    def met(self, peer: PeerState) -> None:
        """Exchange heights and proofs of double votes with a new peer."""
        self.chain_sync.met(peer)
        if peer.follows_seals:
            self.gossip.tell_proofs(peer)
        if self.driver.agreement is not None or peer.height < self.chain.height:
            self.chain_sync.tell(peer)

    def asked(self, ticket: Ticket) -> None:
        """Let a member of this node wait for the next seal; the answers go to the ticket."""
        if self.chain.fork is not None:
            self.requests.refuse(ticket, forked(*self.chain.fork))
        elif self.requests.add(ticket, self.chain.height):
            self.driver.ask(ExtendVote())

    def concluded(self, outlook: ConsensusView) -> None:
        """Take in what the ledger says; begin a height when it is due."""
        if self.start.concluded(outlook):
            self.driver.offer(outlook.candidates)
            self.driver.ask_again()
            self._consider()

    def assessed(self, event: LedgerAnswered) -> None:
        """Take in an answer of the ledger."""
        if self.core.keeps:
            logs = self.driver.assessed(event)
            if logs is not None:
                self._vote_extended(logs)
            self._moved()

    def grown(self) -> None:
        """Note that records came."""
        if self.core.keeps:
            self.driver.grown()

    def woke(self) -> None:
        """Do what is due."""
        if self.core.keeps:
            self.driver.woke()
            self._moved()
            self._consider()

    def tick(self) -> None:
        """Compare heights with a member and ask for what is missing; call it every second."""
        members = [peer for peer in self.core.members() if peer.follows_seals]
        if members and self.driver.agreement is not None:
            self.chain_sync.tell(self.core.rng.choice(members))
        behind = any(peer.height > self.chain.height for peer in members)
        if behind or self.driver.is_stuck:
            self.chain_sync.ask_any()
        if self.outlook is not None and self.outlook.height < self.chain.height:
            self.chain_sync.ask_proofs()
        self.chain_sync.tick()
        if self.core.keeps:
            self._consider()
        self._progress()

    # What peers say.

    def receive(self, peer: PeerState, message: wire_seals.SealMessage) -> bool:
        """Take in a member's message; say whether records can be fetched now that waited.

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
        """Take in a witness's message that a peer sent. Raises `Malformed` or `BadSignature`."""
        message = self.gossip.read(data) if self.core.keeps else None
        if message is not None:
            if self._take(message, peer):
                self.gossip.know(data, height_of(message))
            self._moved()
            self._consider()

    def gossiped(self, message: Vote | HaveFrontier | Certificate) -> None:
        """Take in a witness's message from gossip; the validator has checked its signatures."""
        if self.core.keeps:
            if self._take(message, None):
                self.gossip.know(message_to_bytes(message), height_of(message))
            self._moved()
            self._consider()

    def told(self, peer: PeerState, message: wire_seals.HeightStatus) -> None:
        """Compare heights with a peer; at equal height, compare what is held of the next one."""
        self.chain_sync.told(peer, message)
        held, now_ms = self.driver.held, self.core.now_ms
        if message.height != self.chain.height or message.held == held:
            return
        if self.chain_sync.silence_ms(peer) >= AGAIN_MS:
            self.chain_sync.tell(peer)
        agreement = self.driver.agreement
        if agreement is not None and now_ms - self._held_ms.get(peer.key, 0) >= AGAIN_MS:
            self._held_ms[peer.key] = now_ms
            for held_message in agreement.held():
                self.gossip.tell(peer, held_message)

    def want_proposal(self, peer: PeerState, message: wire_seals.WantProposal) -> None:
        """Send a proposal of this height that a peer lacks."""
        if message.height <= self.chain.height:
            self.chain_sync.tell_behind(peer)
        elif message.height == self.chain.height + 1:
            self.driver.pass_on(peer, message)

    def want_seal(self, peer: PeerState, message: wire_seals.WantSeal) -> None:
        """Seal what waits because a member asks; a node that is no witness hands it on once."""
        if message.height <= self.chain.height:
            self.chain_sync.tell_behind(peer)
        elif message.height == self.chain.height + 1 and not self.start.is_asked:
            self.start.is_asked = True
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
        """Take in the proofs of double votes; return the other proofs.

        Proofs against devices that are not known here are not kept. Raises `InvalidRecord`,
        `Malformed` or `BadSignature`.
        """
        double = [data for data in message.proofs if is_double_vote(data)]
        for data in double:
            proof = double_vote_from_bytes(data, self.chain.community)
            is_witness = proof.device in witness_devices(self.witnesses)
            if self.core.keeps and (is_witness or self.core.replica.was_admitted(proof.device)):
                self.driver.report(proof)
        return messages.Evidence(tuple(data for data in message.proofs if data not in double))

    # Inside: beginning.

    def _may_begin(self) -> bool:
        is_open = self.driver.is_open
        return not is_open and self.start.may_begin(has_request=self.requests.has_new())

    def _consider(self) -> None:
        """Begin the height when it is due: first the ledger is asked what this device holds."""
        if self._may_begin() and self.start.is_due():
            self.driver.ask(ExtendVote())

    def _vote_extended(self, logs: tuple[SealedLog, ...]) -> None:
        """Begin with the logs of our have-frontier, if it is due; else answer who asked."""
        if self.requests.has_new() and self.start.waits():
            self.start.is_asked = True
            self._ask_witnesses()
        elif not self.start.is_urged:
            self.requests.nothing_waits(self.chain.height)
        if self._may_begin() and self.start.is_due():
            self.driver.open(logs)
            self._moved()
        self._progress()

    def _ask_witnesses(self, besides: PeerState | None = None) -> None:
        """Hand on a member's wish for a seal, where this device is no witness."""
        seated = witness_devices(self.witnesses)
        linked = [
            peer for peer in self.core.members() if peer.follows_seals and peer is not besides
        ]
        near = [peer for peer in linked if peer.device in seated]
        if self.core.me.device not in seated:
            for peer in near or linked:
                self.core.send(peer, wire_seals.WantSeal(self.chain.height + 1))

    # Inside: messages.

    def _take(self, message: Message, peer: PeerState | None) -> bool:
        """Take in a message; say whether it need not come again. peer: None by gossip."""
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
            pass  # it certifies nothing, which the peer that handed it on could not see
        return True

    def _is_candidate(self, message: Message) -> bool:
        """Say whether the sender of a message is a witness, or a candidate that shows its logs."""
        assert not isinstance(message, Certificate), "a certificate has many authors"
        device = speaker(message)
        if device in witness_devices(self.witnesses):
            return True
        return isinstance(message, HaveFrontier) and device in self.driver.candidates

    def _note(self, message: Message) -> None:
        """Note that a witness is present, and which witnesses have begun the height.

        A proposal shows that by the have-frontiers or prevotes in it, not by being made.
        """
        assert not isinstance(message, Certificate), "a certificate has many authors"
        device, seated = speaker(message), witness_devices(self.witnesses)
        if device == self.core.me.device or device not in seated:
            return
        self.presence.heard(device)
        begun = [device]
        if isinstance(message, Proposal):
            begun += [have.device for have in message.haves]
            begun += [prevote.device for prevote in message.polka]
        self.start.began_elsewhere(begun)

    # Inside: going on.

    def _begin_height(self) -> None:
        self._height = self.chain.height
        self.driver.begin()
        self.start.next_height()

    def _moved(self) -> None:
        """Begin the next height when the chain has grown."""
        while self.chain.height > self._height:
            self.rounds += self.driver.round
            self._begin_height()
            self.presence.keep(witness_devices(self.witnesses))
            for peer in self.core.members():
                if peer.height < self.chain.height:
                    self.chain_sync.tell(peer)
            for message in self._early.take(self._height + 1):
                if self._is_candidate(message):
                    self._note(message)
                    self.driver.receive(message)
            if self.start.is_rest and self.core.me.device in witness_devices(self.witnesses):
                self.driver.ask(ExtendVote())
        self._progress()

    def _progress(self) -> None:
        """Tell the members that asked for a seal that it is made, or what it waits for."""
        about = None
        if self.start.is_asked and self.witnesses:
            about = {
                "height": self.chain.height,
                "round": self.driver.round,
                "missing": [[*witness] for witness in self.missing()],
                "witnesses": len(self.witnesses),
                "needed": quorum_of(len(self.witnesses)).needed,
            }
        self.requests.tell(self.chain.height, about)
