"""The height driver: does, or asks for, what `seal.consensus.agreement` wants for one height.

The agreement knows no clock, disk or network. Its votes are stored here, in the batch whose commit
comes before anything of it is sent; its timeouts are kept until they are due. What only the
ledger knows is asked of it, and it answers later. A height that is decided goes into the chain as
soon as its content and the next witnesses are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, assert_never

from commonweal.node.service.consensus.chain_sync import ChainSync
from commonweal.node.service.consensus.vote_gossip import VoteGossip, digest
from commonweal.node.service.core import Core
from commonweal.node.service.events import AskLedger, ExtendVote, LedgerAnswered, Request
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.chain import SealChain
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus import events
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.height_state import CANDIDATES_MAX
from commonweal.protocol.seal.cut import SealedLog
from commonweal.protocol.seal.formats import Proposal, SealedHeight
from commonweal.protocol.seal.have_frontiers import HaveFrontier, sign_have
from commonweal.protocol.seal.votes import Certificate, DoubleVote, SealId, Vote
from commonweal.protocol.seal.witnesses import Witness, proposer, witness_devices, witness_set_root
from commonweal.protocol.wire import seals as wire_seals
from commonweal.storage.consensus.proposals import PreparedProposal, ProcessedProposal

COMPARED_MAX = 3
"""Members that are asked to compare when a proposal cites records that are not held."""
PROBED_MAX = 16
"""Logs that are asked for at once because their heads in a proposal differ from ours."""

SETS_MAX = 8
"""Sets of witnesses to which the proposals of a height lead."""

PASSED_ON_MS = 1_000
"""Minimum time between two questions for a proposal that a node hands on for others."""

_Key: TypeAlias = "tuple[int, bytes]"


class HeightDriver:
    """The height after the last seal, as far as this node knows of it."""

    def __init__(
        self,
        core: Core,
        chain: SealChain,
        chain_sync: ChainSync,
        anti_entropy: AntiEntropy,
        gossip: VoteGossip,
    ) -> None:
        self.core, self.chain, self.chain_sync = core, chain, chain_sync
        self.anti_entropy, self.gossip = anti_entropy, gossip
        self.candidates: tuple[DeviceKey, ...] = ()
        self._passed_on_ms = self._took_ms = self._pace_ms = 0
        self.begin()

    def begin(self) -> None:
        """Begin with a height of which nothing is known yet."""
        self._pace_ms, self._took_ms = max(self._took_ms, self._pace_ms // 2), 0
        """How long the ledger may take at this height, and how long it took at most so far."""
        self.agreement: Agreement | None = None
        self.is_open = False
        """Whether this device takes part now."""
        self._alarms: dict[events.Timeout, int] = {}
        self._pending: dict[_Key, Request] = {}
        self._asked_ms: dict[_Key, int] = {}
        self._stale: dict[_Key, None] = {}
        self._lacking: dict[_Key, Proposal] = {}
        self._sets: dict[bytes, tuple[Witness, ...]] = {}
        self._certificate: Certificate | None = None
        self._content: Proposal | None = None

    @property
    def held(self) -> bytes:
        """The digest of what is held of this height."""
        return digest(self.agreement.held()) if self.agreement else b""

    @property
    def round(self) -> int:
        """The round that is under way; 0 when none is."""
        return self.agreement.round if self.agreement else 0

    @property
    def due_ms(self) -> int | None:
        """When `woke` is to be called; None when nothing is due."""
        return min(self._alarms.values(), default=None)

    @property
    def is_stuck(self) -> bool:
        """Whether the height is decided, and not kept yet: peers are to be asked for it."""
        return self._certificate is not None

    def joined(self) -> Agreement | None:
        """Return the agreement on this height; None where there can be none."""
        point = self.chain.point
        if self.agreement is None and point is not None and self.chain.fork is None:
            height, seals = point.height + 1, self.chain.seals
            self.agreement = Agreement(
                *(self.chain.community, height, point.seal, witness_devices(point.witnesses)),
                self.core.me.signer,
                seals.votes(height),
                seals.lock(height),
                self.candidates,
            )
            self.agreement.ledger_ms = self._pace_ms
        return self.agreement

    def offer(self, candidates: Sequence[DeviceKey]) -> None:
        """Take in the candidates, whose have-frontiers may stand beside those of the witnesses."""
        self.candidates = tuple(candidates)[:CANDIDATES_MAX]
        if self.agreement is not None:
            self.agreement.candidates = self.candidates

    def open(self, logs: Sequence[SealedLog]) -> None:
        """Take part from now on. logs: those that go beyond the last cut here."""
        point = self.chain.point
        assert point is not None, "nobody takes part before the founding record is known"
        self.is_open = True
        place = (self.chain.community, point.height + 1, point.seal)
        self.tell(events.HeightStarted(sign_have(self.core.me.signer, *place, logs)))

    def tell(self, event: events.Event) -> None:
        """Let the agreement take in an event; do what it asks for, in order."""
        agreement = self.joined()
        if agreement is not None:
            for action in agreement.handle(event, self.core.now_ms):
                if self.agreement is agreement:
                    self._perform(action)

    def receive(self, message: events.Message) -> None:
        """Take in a message of this height."""
        self.tell(events.MessageReceived(message))
        certificate = self._certificate
        if certificate is None or not isinstance(message, Proposal):
            return
        if message.seal.id == certificate.seal:
            self._content = self._content or message
            self._finish(again=True)

    def holds(self, message: events.Message) -> bool:
        """Say whether a message is kept; one that is not may come again."""
        agreement = self.agreement
        if agreement is None:
            return False
        match message:
            case Vote():
                round_ = agreement.vote_set.rounds.get(message.round)
                return round_ is not None and message.device in round_.votes[message.step]
            case Proposal():
                return agreement.proposal(message.round, message.seal.id) is not None
            case HaveFrontier():
                return agreement.haves.get(message.device) == message
            case Certificate():
                return agreement.decided is not None
            case _:
                assert_never(message)

    def woke(self) -> None:
        """Do what is due."""
        for timeout, at_ms in list(self._alarms.items()):
            if at_ms <= self.core.now_ms and self._alarms.get(timeout) == at_ms:
                del self._alarms[timeout]
                self.tell(events.TimedOut(timeout))

    def grown(self) -> None:
        """Have proposals checked again that cited missing records: some have come."""
        lacking, self._lacking = self._lacking, {}
        for proposal in lacking.values():
            self.ask(events.ProcessProposal(proposal))

    # The ledger.

    def is_asking(self, request: Request) -> bool:
        """Say whether the ledger was asked this, and has not answered."""
        return _key(request) in self._pending

    def ask(self, request: Request) -> None:
        """Ask the ledger, unless it was asked already."""
        key = _key(request)
        if key not in self._pending:
            self._pending[key] = request
            self._asked_ms[key] = self.core.now_ms
            self.core.do(AskLedger(request))

    def ask_again(self) -> None:
        """Ask again what the ledger answered from elsewhere: now it stands at the last seal."""
        for key in self._stale:
            if key in self._pending:
                self._asked_ms[key] = self.core.now_ms
                self.core.do(AskLedger(self._pending[key]))
        self._stale.clear()

    def assessed(self, event: LedgerAnswered) -> tuple[SealedLog, ...] | None:
        """Take in an answer of the ledger; return the logs to show, if that was the question."""
        key, answer = _key(event.request), event.answer
        if self._pending.get(key) != event.request:
            return None
        if event.seal != self.chain.seal:
            self._stale[key] = None
            return None
        if answer is not None and not isinstance(event.request, ExtendVote):
            self._note_pace(self.core.now_ms - self._asked_ms[key])
        match self._pending.pop(key), answer:
            case events.PrepareProposal(round_, _), PreparedProposal(seal, delta, witnesses):
                self._know(witnesses)
                self.tell(events.ProposalPrepared(round_, seal, delta))
            case events.ProcessProposal(proposal), ProcessedProposal(verdict, witnesses):
                self._know(witnesses)
                if verdict.missing:
                    self._lacking[key] = proposal
                self.tell(events.ProposalProcessed(proposal.round, proposal.seal.id, verdict))
                self._finish()
            case events.PrepareProposal(round_, _), None:
                self.tell(events.NothingPrepared(round_))
            case ExtendVote(), tuple():
                return answer
            case request, _:
                raise AssertionError(f"{type(request).__name__} has another answer")
        return None

    def _note_pace(self, took_ms: int) -> None:
        """Note how long the ledger took for a seal; of earlier heights half counts at each.

        What it knows already, such as what it built itself, it answers at once: that is no pace.
        """
        self._took_ms = max(took_ms, self._took_ms)
        self._pace_ms = max(took_ms, self._pace_ms)
        if self.agreement is not None:
            self.agreement.ledger_ms = self._pace_ms

    # What the agreement asks for.

    def _perform(self, action: events.Action) -> None:
        match action:
            case events.Persist(vote, lock):
                self.chain.seals.put_vote(vote, lock)
            case events.Broadcast(message):
                self.gossip.say(message, self.candidates)
            case events.Schedule(at_ms, timeout):
                self._schedule(at_ms, timeout)
            case events.PrepareProposal():
                self.ask(action)
            case events.ProcessProposal():
                self.ask(action)
            case events.Fetch(round_, seal, missing):
                if missing:
                    self._compare(seal, missing)
                else:
                    self.fetch(round_, seal)
            case events.Decide(certificate, proposal):
                self._certificate, self._content = certificate, proposal
                self._finish(again=True)
            case events.ReportDoubleVote(proof):
                self.report(proof)
            case events.ReportFork():
                self.chain.keep_fork(action.first, action.second)
            case _:
                assert_never(action)

    def _schedule(self, at_ms: int, timeout: events.Timeout) -> None:
        """Keep a timeout until it is due; timeouts of earlier rounds are dropped."""
        self._alarms[timeout] = at_ms
        for kept in list(self._alarms):
            of_height = kept.alarm in (events.Alarm.GATHER, events.Alarm.REPEAT)
            if not of_height and kept.round < self.round:
                del self._alarms[kept]

    def fetch(self, round_: int, seal: SealId, besides: PeerState | None = None) -> None:
        """Ask the proposer for a proposal, or else any member but `besides`."""
        point, members = self.chain.point, self.core.members()
        linked = [peer for peer in members if peer.follows_seals and peer is not besides]
        if point is None or not linked:
            return
        turn = proposer(point.height + 1, round_, witness_devices(point.witnesses))
        chosen = [peer for peer in linked if peer.device == turn and not seal] or linked
        message = wire_seals.WantProposal(point.height + 1, round_, seal)
        self.core.send(self.core.rng.choice(chosen), message)

    def pass_on(self, peer: PeerState, message: wire_seals.WantProposal) -> None:
        """Send a proposal that a peer lacks, or ask another for it."""
        proposal = None
        if self.agreement is not None:
            proposal = self.agreement.proposal(message.round, SealId(message.seal))
        if proposal is not None:
            self.gossip.tell(peer, proposal)
        elif self.core.now_ms - self._passed_on_ms >= PASSED_ON_MS and not self.is_open:
            self._passed_on_ms = self.core.now_ms
            self.fetch(message.round, SealId(message.seal), besides=peer)

    def report(self, proof: DoubleVote) -> None:
        """Keep the proof that a device voted twice, and send a new one to all members."""
        if self.chain.seals.put_double_vote(proof):
            self.gossip.report(proof)

    def _compare(self, seal: SealId, missing: tuple[bytes, ...]) -> None:
        """Look for what a proposal cites where others may hold it.

        A log with another head where ours is as long is a fork: its other branch is asked for
        at once, whatever the digests say.
        """
        members, replica = self.core.members(), self.core.replica
        logs = (
            log
            for proposal in self._lacking.values()
            if proposal.seal.id == seal
            for log in proposal.delta.logs
        )
        forked = [
            log.author
            for log in logs
            if log.head in missing
            and replica.row(log.author).length >= log.length
            and not replica.is_frozen(log.author)
        ]
        for peer in self.core.rng.sample(members, min(COMPARED_MAX, len(members))):
            self.anti_entropy.begin(peer)
            for author in forked[:PROBED_MAX]:
                self.anti_entropy.probe(peer, author)

    def _know(self, witnesses: tuple[Witness, ...]) -> None:
        if len(self._sets) < SETS_MAX:
            self._sets[witness_set_root(witnesses)] = witnesses

    def _finish(self, *, again: bool = False) -> None:
        """Put the height into the chain, when it is decided and all of it is known.

        again: let the ledger judge the content again, where it has not said to which set of
        witnesses that leads.
        """
        certificate, content, point = self._certificate, self._content, self.chain.point
        if certificate is None or content is None or point is None:
            return
        witnesses = self._sets.get(content.seal.witnesses)
        if witness_set_root(point.witnesses) == content.seal.witnesses:
            witnesses = point.witnesses
        if witnesses is None:
            if again:
                self.ask(events.ProcessProposal(content))
            return
        try:
            self.chain.take(SealedHeight(content.seal, certificate, witnesses), content.delta)
        except InvalidSeal:  # the right seal with a delta that is not its own: peers have it
            self._content = None
            return
        self.gossip.say(certificate)


def _key(request: Request) -> _Key:
    """Return what tells a request from others that are under way."""
    match request:
        case ExtendVote():
            return -2, b""
        case events.PrepareProposal(round_, _):
            return -1, round_.to_bytes(4, "big")
        case events.ProcessProposal(proposal):
            return proposal.round, proposal.seal.id
        case _:
            assert_never(request)
