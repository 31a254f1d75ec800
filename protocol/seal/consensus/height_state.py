"""What one witness knows and has said at one height, and how its outputs are made.

The rules of the agreement are in `agreement`; nothing here decides which rule applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.consensus.events import (
    Action,
    Alarm,
    Broadcast,
    Decide,
    Draft,
    Lock,
    Message,
    Persist,
    PrepareProposal,
    ReportDoubleVote,
    Schedule,
    Timeout,
)
from commonweal.protocol.seal.consensus.vote_set import VoteSet
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.timing import LEDGER_MS_MAX, step_ms
from commonweal.protocol.seal.votes import (
    NIL,
    REASON_CHARS_MAX,
    Certificate,
    SealId,
    Step,
    Vote,
    VoteSigner,
    sign_vote,
)

CANDIDATES_MAX = 64

_STEPS = {Step.PROPOSE: Alarm.PROPOSE, Step.PREVOTE: Alarm.PREVOTE, Step.PRECOMMIT: Alarm.PRECOMMIT}


class HeightState:
    """The state of one witness in the agreement on a height; with `me` None, of an observer.

    prev: id of the previous seal. witnesses: devices of the set. candidates: other devices whose
    have-frontiers a proposal may have. stored: every vote of ours at this height that was
    persisted; lock: the latest lock that was. After a crash both must be passed, or a vote may
    contradict an earlier one.
    """

    def __init__(
        self,
        community: CommunityId,
        height: int,
        prev: SealId,
        witnesses: Sequence[DeviceKey],
        me: VoteSigner | None,
        stored: Sequence[Vote] = (),
        lock: Lock | None = None,
        candidates: Sequence[DeviceKey] = (),
    ) -> None:
        self.community, self.height, self.prev = community, height, prev
        self.vote_set = VoteSet(witnesses)
        self.me = me if me is not None and me.key in witnesses else None
        self.has_begun = False
        self.candidates = tuple(candidates)[:CANDIDATES_MAX]
        self.decided: Certificate | None = None
        self.second: Certificate | None = None
        self.haves: dict[DeviceKey, HaveFrontier] = {}
        self.own_have: HaveFrontier | None = None
        self.own_votes = {(vote.round, vote.step): vote for vote in stored}
        self.round = max((vote.round for vote in stored), default=0)
        self.step = max((s for r, s in self.own_votes if r == self.round), default=Step.PROPOSE)
        held = max(
            (vote for vote in stored if vote.step is Step.PRECOMMIT and vote.seal),
            default=None,
            key=lambda vote: vote.round,
        )
        assert held is None or (lock is not None and lock.proposal.seal.id == held.seal), (
            "a precommit is stored together with its lock"
        )
        self.locked: Lock | None = lock
        self.valid: Lock | None = lock
        self.gathered = self.round > 0
        self.building: int | None = None
        """The round in which we proposed, or wait for our ledger to build."""
        self.preparing: PrepareProposal | None = None
        """What the ledger was asked to build last, until it answers."""
        self.prepared_ms = 0
        """When it was asked."""
        self.draft: Draft | None = None
        self.offers = 0
        """How often we proposed the draft."""
        self.ledger_ms = 0
        """How long our ledger took of late to fold a seal: so much longer a proposal is awaited."""
        self._actions: list[Action] = []
        for vote in stored:
            self.vote_set.add(vote, self.round)

    def proposal(self, round_: int, seal: SealId = NIL) -> Proposal | None:
        """Return a stored proposal: of `seal`, or when that is empty the first of `round_`."""
        if seal:
            known = self.vote_set.find(seal)
            held = self.valid.proposal if self.valid else None
            return known or (held if held and held.seal.id == seal else None)
        known_round = self.vote_set.rounds.get(round_)
        return known_round.first if known_round else None

    def held(self) -> list[Message]:
        """Return what a peer may lack: votes and have-frontiers; once decided, the certificate."""
        if self.decided is not None:
            return [self.decided]
        return [*self.vote_set.votes(), *(self.haves[device] for device in sorted(self.haves))]

    def _recall(self, vote: Vote) -> None:
        """Adopt a vote of ours that is not stored here: this home is an older copy of itself."""
        self.own_votes[vote.round, vote.step] = vote
        if vote.step is Step.PRECOMMIT and vote.seal:
            self.me = None  # we are locked on a seal and do not know its proposal: never vote again
            return
        self._do(Persist(vote))
        if vote.round > self.round:
            self.round, self.step, self.building = vote.round, Step.PROPOSE, None
            self.vote_set.move(vote.round)
        if vote.round == self.round:
            self.step = max(self.step, vote.step)

    def _count(self, vote: Vote) -> None:
        here = (vote.round, vote.step)
        if self.me is not None and vote.device == self.me.key and here not in self.own_votes:
            self._recall(vote)
        proof = self.vote_set.add(vote, self.round)
        if proof is not None:
            self._do(ReportDoubleVote(proof))

    def _start(self, round_: int, now_ms: int) -> None:
        """Start a round (11)."""
        self.round, self.step, self.building = round_, Step.PROPOSE, None
        self.vote_set.move(round_)
        self._schedule_step(Step.PROPOSE, now_ms)

    def _vote(self, step: Step, seal: SealId, reason: str = "") -> None:
        self.step = step
        if self.me is None:
            return
        assert (self.round, step) not in self.own_votes, "one vote for each step"
        vote = sign_vote(self.me, self.community, self.height, self.round, step, seal)
        vote = replace(vote, reason=reason[:REASON_CHARS_MAX])
        self.own_votes[self.round, step] = vote
        self._do(Persist(vote, self.locked if step is Step.PRECOMMIT and seal else None))
        self._do(Broadcast(vote))
        self._count(vote)

    def _decide(self, certificate: Certificate) -> None:
        self.decided = certificate
        self._do(Decide(certificate, self.proposal(certificate.round, certificate.seal)))

    def _is_now(self, timeout: Timeout, step: Step) -> bool:
        return timeout.round == self.round and self.step is step

    def _schedule_step(self, step: Step, now_ms: int) -> None:
        at_ms = now_ms + step_ms(step, self.round)
        if step is Step.PROPOSE:
            at_ms += min(self.ledger_ms, LEDGER_MS_MAX)
        self._schedule(at_ms, Timeout(_STEPS[step], self.round))

    def _schedule(self, at_ms: int, timeout: Timeout) -> None:
        self._do(Schedule(at_ms, timeout))

    def _do(self, action: Action) -> None:
        self._actions.append(action)
