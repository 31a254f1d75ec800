"""A witness of the simulated community: its disk, its ledger in small, and its faults.

The ledger is a few logs that only grow; a record's id follows from its log and number, and
the state root from the cut. What the agreement asks for is done here after a while.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from commonweal.protocol import keys, merkle
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, MemberId, Signer
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.seal.chain import TrustedPoint
from commonweal.protocol.seal.consensus import events
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.cut import SealedLog, cut_root, extend, tree_changes
from commonweal.protocol.seal.formats import Proposal, Seal
from commonweal.protocol.seal.have_frontiers import fair_lengths, sign_have
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import seal_time
from commonweal.protocol.seal.validation import check_fresh, check_sound
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Step, Vote, sign_vote
from commonweal.protocol.seal.witnesses import Witness as Seat
from commonweal.protocol.seal.witnesses import witness_devices, witness_set_root
from tests.builders.cuts import delta_between

if TYPE_CHECKING:
    from tests.protocol.seal.world import World

COMMUNITY = CommunityId(bytes(range(32)))
LOGS = tuple(DeviceKey(bytes([number]) * 32) for number in range(1, 5))
YEAR_MS = 365 * 24 * 3600 * 1000


@cache
def signer(number: int) -> Signer:
    return Signer(bytes([number, 1]) + bytes(30))


@cache
def seats(count: int) -> tuple[Seat, ...]:
    return tuple(sorted(Seat(DeviceKey(signer(i).key), MemberId(bytes(32))) for i in range(count)))


@cache
def record_id(log: DeviceKey, number: int) -> RecordId:
    return RecordId(blake2b(log + number.to_bytes(4, "big"), digest_size=32).digest())


def state_root(cut: bytes) -> bytes:
    return keys.hash32(keys.STATE_LEAF, cut)


class Witness:
    """A device of the set. fault: one of world.FAULTS, or "" for one that keeps the rules."""

    def __init__(self, world: World, number: int, fault: str, group: int) -> None:
        self.world, self.number, self.fault, self.group = world, number, fault, group
        self.signer = signer(number)
        self.skew_ms = YEAR_MS if fault == "clock" else world.chance.randrange(-30_000, 30_000)
        self.held = dict.fromkeys(LOGS, 0)
        self.point = TrustedPoint(COMMUNITY, 0, SealId(COMMUNITY), 0, 0, seats(world.size))
        self.cut: dict[DeviceKey, SealedLog] = {}
        self.tree: dict[bytes, bytes] = {}
        self.sealed: list[tuple[Certificate, Proposal]] = []
        self.past: list[Agreement] = []
        self.votes: list[Vote] = []
        self.lock: events.Lock | None = None
        self.unsynced: list[events.Persist] = []
        self.guilty: list[DeviceKey] = []
        self.forks: list[events.ReportFork] = []
        self.waiting_for: Certificate | None = None
        self.fold_ms = 0
        """How long its ledger takes to fold a seal that it did not fold last."""
        self.free_ms, self.folded, self.builds, self.ledger_ms = 0, NIL, 0, 0
        self.epoch, self.up = 0, True
        self.agreement = self.open()

    @property
    def height(self) -> int:
        return self.point.height + 1

    @property
    def clock_ms(self) -> int:
        return 1_000_000_000 + self.world.now_ms + self.skew_ms

    # Life and death.

    def open(self) -> Agreement:
        members, prev = witness_devices(self.point.witnesses), self.point.seal
        one = Agreement(COMMUNITY, self.height, prev, members, self.signer, self.votes, self.lock)
        one.ledger_ms = self.ledger_ms
        return one

    def begin(self) -> None:
        logs = [
            SealedLog(log, length, record_id(log, length))
            for log, length in self.held.items()
            if length > (self.cut[log].length if log in self.cut else 0)
        ]
        have = sign_have(self.signer, COMMUNITY, self.height, self.point.seal, logs)
        self.tell(events.HeightStarted(have))

    def crash(self) -> None:
        """Lose what was not stored; come back a while later."""
        self.up = False
        self.epoch += 1
        self.unsynced.clear()
        self.world.at(self.world.chance.randrange(50, 4_000), self.restart)

    def restart(self) -> None:
        self.up = True
        self.waiting_for = None
        self.agreement = self.open()
        self.begin()

    # The agreement.

    def tell(self, event: events.Event) -> None:
        if self.up and self.fault != "silent":
            for action in self.agreement.handle(event, self.clock_ms):
                if self.world.crashes():
                    self.crash()
                    return
                self.perform(action)

    def later(self, delay_ms: int, event: events.Event) -> None:
        epoch, height = self.epoch, self.height

        def due() -> None:
            if (epoch, height) == (self.epoch, self.height):
                self.tell(event)

        self.world.at(delay_ms, due)

    def perform(self, action: events.Action) -> None:
        match action:
            case events.Persist():
                self.persist(action)
            case events.Broadcast(message):
                self.world.send(self, message)
            case events.Schedule(at_ms, timeout):
                self.later(at_ms - self.clock_ms, events.TimedOut(timeout))
            case events.PrepareProposal():
                self.build(action)
            case events.ProcessProposal(proposal):
                self.process(proposal)
            case events.Fetch(round_, seal, missing):
                self.fetch(round_, seal, missing)
            case events.Decide(certificate, proposal):
                self.decide(certificate, proposal)
            case events.ReportDoubleVote(proof):
                self.guilty.append(proof.device)
            case events.ReportFork():
                self.forks.append(action)

    def persist(self, action: events.Persist) -> None:
        self.unsynced.append(action)
        if self.world.durable:
            self.sync()
        else:
            epoch = self.epoch
            self.world.at(200, lambda: self.sync() if epoch == self.epoch else None)

    def sync(self) -> None:
        for one in self.unsynced:
            if one.vote.height == self.height:
                self.votes.append(one.vote)
                self.lock = one.lock or self.lock
        self.unsynced.clear()

    def decide(self, certificate: Certificate, proposal: Proposal | None) -> None:
        if proposal is None:
            self.waiting_for = certificate
            return
        seal = proposal.seal
        self.sealed.append((certificate, proposal))
        self.past.append(self.agreement)
        self.tree = grown(self.tree, proposal)
        self.cut = extend(self.cut, proposal.delta)
        for log in proposal.delta.logs:
            self.held[log.author] = max(self.held[log.author], log.length)
        members = self.point.witnesses
        self.point = TrustedPoint(
            COMMUNITY, seal.height, seal.id, seal.clock, seal.time_ms, members
        )
        self.votes, self.lock, self.waiting_for = [], None, None
        self.unsynced.clear()
        self.agreement = self.open()
        epoch, height = self.epoch, self.height
        again = lambda: self.begin() if (epoch, height) == (self.epoch, self.height) else None  # noqa: E731
        if height <= self.world.heights:
            self.world.at(self.world.chance.randrange(1, 300), again)

    # The ledger.

    def build(self, asked: events.PrepareProposal) -> None:
        lies = quorum_of(self.world.size).lies
        least = fair_lengths(asked.haves, self.cut, lies)
        now = dict(self.cut)
        for log in LOGS:
            self.held[log] = max(self.held[log], least.get(log, 0))
            if self.held[log]:
                now[log] = SealedLog(log, self.held[log], record_id(log, self.held[log]))
        if self.fault == "narrow" and least:
            left = self.world.chance.choice(list(least))
            now.pop(left)
            now.update({left: self.cut[left]} if left in self.cut else {})
        elif self.fault == "greedy":
            log, length = LOGS[0], now[LOGS[0]].length + 5 if LOGS[0] in now else 5
            now[log] = SealedLog(log, length, record_id(log, length))
        delta = delta_between(self.cut, now, [have.device for have in asked.haves])
        top = merkle.update(self.tree, tree_changes(delta.logs)).root
        cut = cut_root(top, delta.present)
        state = bytes(32) if self.fault == "root" else state_root(cut)
        seal = Seal(
            *(COMMUNITY, self.height, self.point.seal, 1, cut, self.point.clock + 1),
            seal_time(self.point.time_ms, self.clock_ms + self.group),
            *(b"", (), witness_set_root(self.point.witnesses), bytes(32), state, bytes(32)),
        )
        self.builds += 1
        answer = events.ProposalPrepared(asked.round, seal, delta)
        self.after_fold(self.world.chance.randrange(1, 60), seal.id, answer)

    def process(self, proposal: Proposal) -> None:
        """Judge a proposal by what is here when the ledger comes to it."""
        quick_ms, seal = self.world.chance.randrange(1, 40), proposal.seal.id
        if not self.fold_ms:
            verdict = events.ProposalProcessed(proposal.round, seal, self.judge(proposal))
            self.later(quick_ms, verdict)
        else:
            self.after_fold(quick_ms, seal, proposal)

    def after_fold(self, quick_ms: int, seal: SealId, answer: events.Event | Proposal) -> None:
        """Answer when a ledger has come to it that does one thing after the other, and folded it.

        It keeps the one seal that it folded last. One that is hung never answers.
        """
        if self.fault == "hung":
            return
        epoch, height = self.epoch, self.height
        cost_ms = quick_ms if seal == self.folded else quick_ms + self.fold_ms
        self.folded = seal
        self.free_ms = max(self.world.now_ms, self.free_ms) + cost_ms
        took_ms = self.free_ms - self.world.now_ms

        def due() -> None:
            self.ledger_ms = self.agreement.ledger_ms = max(took_ms, self.ledger_ms // 2)
            if (epoch, height) == (self.epoch, self.height):
                if isinstance(answer, Proposal):
                    verdict = self.judge(answer)
                    self.tell(events.ProposalProcessed(answer.round, answer.seal.id, verdict))
                else:
                    self.tell(answer)

        self.world.at(self.free_ms - self.world.now_ms, due)

    def judge(self, proposal: Proposal) -> events.ProposalVerdict:
        if self.fault in ("root", "narrow", "two-faced", "greedy"):
            return events.VALID_PROPOSAL
        lacks = [log for log in proposal.delta.logs if self.held[log.author] < log.length]
        try:
            check_sound(proposal, self.point, self.cut, self.tree, deadline_ms=0)
            if proposal.seal.state_root != state_root(proposal.seal.cut_root):
                raise InvalidSeal("the state differs")
            if any(log.head != record_id(log.author, log.length) for log in proposal.delta.logs):
                raise InvalidSeal("no such record")
        except InvalidSeal as error:
            return events.ProposalVerdict(sound=False, reason=str(error))
        if lacks:
            return events.ProposalVerdict(sound=False, missing=tuple(log.author for log in lacks))
        try:
            if proposal.is_fresh:
                check_fresh(proposal, self.point, self.cut, self.clock_ms)
        except InvalidSeal as error:
            return events.ProposalVerdict(sound=True, timely=False, reason=str(error))
        return events.VALID_PROPOSAL

    def fetch(self, round_: int, seal: SealId, missing: tuple[bytes, ...]) -> None:
        """Ask one peer for a proposal, or all of them for records that somebody honest holds."""
        if not missing:
            self.world.ask_for_proposal(self, round_, seal)
            return
        epoch, height = self.epoch, self.height

        def come() -> None:
            for log in map(DeviceKey, missing):
                self.held[log] = max(self.held[log], self.world.published(log))
            proposal = self.agreement.proposal(round_, seal)
            if proposal is not None and (epoch, height) == (self.epoch, self.height):
                self.tell(events.ProposalProcessed(round_, seal, self.judge(proposal)))

        self.world.at(self.world.delay(), come)

    def learn(self, certificate: Certificate, proposal: Proposal) -> None:
        """Take a sealed height from a peer: ours, or an earlier one to compare."""
        if certificate.height == self.height:
            self.tell(events.MessageReceived(certificate))
            wanted = self.waiting_for
            if wanted is not None and wanted.seal == proposal.seal.id:
                self.decide(wanted, proposal)
        elif certificate.height < self.height:
            for action in self.past[certificate.height - 1].handle(
                events.MessageReceived(certificate), 0
            ):
                self.perform(action)

    def babble(self) -> None:
        """Vote at random, for whatever seal was seen, as an erratic witness does."""
        seen = [NIL, *dict.fromkeys(vote.seal for vote in self.agreement.vote_set.votes())]
        for step in (Step.PREVOTE, Step.PRECOMMIT):
            round_ = self.agreement.round + self.world.chance.randrange(2)
            seal = self.world.chance.choice(seen)
            vote = sign_vote(self.signer, COMMUNITY, self.height, round_, step, seal)
            self.world.send(self, vote)


def grown(tree: dict[bytes, bytes], proposal: Proposal) -> dict[bytes, bytes]:
    changed = merkle.update(tree, tree_changes(proposal.delta.logs)).pages
    after = {**tree, **{place: node for place, node in changed.items() if node is not None}}
    return {place: node for place, node in after.items() if changed.get(place, node) is not None}
