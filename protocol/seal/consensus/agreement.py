"""The agreement on one height: Tendermint (arXiv 1807.04938) without clock, disk or network.

Events come in; actions come out in the order in which they must be performed. A vote is stored
before it is sent, so a witness that restarts with what it stored never contradicts itself. No two
seals are certified while at most f of n >= 3f + 1 witnesses lie; when messages arrive in time,
one is. Messages of other heights are refused here: see `future_messages`. `docs/seals.md` says
what was verified of it, and how.
"""

from __future__ import annotations

from typing import assert_never

from commonweal.protocol.errors import BadSignature, NotCertified
from commonweal.protocol.seal.consensus.events import (
    Action,
    Alarm,
    Broadcast,
    Draft,
    Event,
    Fetch,
    HeightStarted,
    Lock,
    Message,
    MessageReceived,
    NothingPrepared,
    Persist,
    PrepareProposal,
    ProcessProposal,
    ProposalPrepared,
    ProposalProcessed,
    ProposalVerdict,
    ReportFork,
    TimedOut,
    Timeout,
)
from commonweal.protocol.seal.consensus.height_state import HeightState
from commonweal.protocol.seal.consensus.vote_set import PROPOSALS_PER_ROUND_MAX, RoundVotes
from commonweal.protocol.seal.formats import Proposal, sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier, select_have_frontiers
from commonweal.protocol.seal.timing import (
    DRAFT_MS_MAX,
    GATHER_MS,
    LEDGER_MS_MAX,
    OFFERS_MAX,
    PREPARE_MS_MAX,
    REPEAT_MS,
)
from commonweal.protocol.seal.votes import (
    NIL,
    Certificate,
    SealId,
    Step,
    Vote,
    certify,
    check_certificate,
)
from commonweal.protocol.seal.witnesses import proposer


class Agreement(HeightState):
    """One witness's (or, with `me` None, one onlooker's) part in the agreement on a height.

    prev: the seal before. witnesses: the devices of the set. candidates: devices whose
    have-frontiers a proposal may carry beside. stored: every vote of ours at this height
    that was persisted; lock: the latest one that was. After a crash both must be given, or
    a vote may be contradicted.
    """

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Return the actions that follow from `event`, in the order to perform them."""
        self._actions = []
        match event:
            case HeightStarted(have):
                self._begin(have, now_ms)
            case MessageReceived(message):
                self._take(message)
            case ProposalPrepared():
                self._built(event, now_ms)
            case NothingPrepared(round_):
                self._built_nothing(round_)
            case ProposalProcessed(round_, seal_id, verdict):
                self._judged(round_, seal_id, verdict, now_ms)
            case TimedOut(timeout):
                self._timed_out(timeout, now_ms)
            case _:
                assert_never(event)
        while self.decided is None and self._advance(now_ms):
            pass
        return self._actions

    # Events and messages.

    def _begin(self, have: HaveFrontier | None, now_ms: int) -> None:
        self.has_begun = True
        if have is not None:
            self._take(have)
            self.own_have = have
            self._do(Broadcast(have))
        self._schedule(now_ms + REPEAT_MS, Timeout(Alarm.REPEAT, 0))
        self._schedule(now_ms + GATHER_MS, Timeout(Alarm.GATHER, 0))
        self._schedule_step(Step.PROPOSE, now_ms)
        for number, step in sorted(self.own_votes):
            if number == self.round and step is not Step.PROPOSE:
                self._do(Broadcast(self.own_votes[number, step]))

    def _take(self, message: Message) -> None:
        match message:
            case Vote():
                own = self.me is not None and message.device == self.me.key
                if message.height == self.height and (own or message.step is not Step.PROPOSE):
                    self._count(message)
            case Proposal():
                if message.seal.height == self.height:
                    self._take_proposal(message)
            case HaveFrontier():
                known = (
                    message.device in self.vote_set.witnesses or message.device in self.candidates
                )
                here = message.height == self.height and message.prev == self.prev
                if here and known:
                    self.haves[message.device] = message
            case Certificate():
                if message.height == self.height:
                    self._take_certificate(message)
            case _:
                assert_never(message)

    def _take_proposal(self, proposal: Proposal) -> None:
        turn = proposer(self.height, proposal.round, self.vote_set.witnesses)
        needed = self.vote_set.quorum.needed
        polka = [vote for vote in proposal.polka if vote.device in self.vote_set.witnesses]
        if proposal.vote.device != turn or (not proposal.is_fresh and len(polka) < needed):
            return
        self._count(proposal.vote)
        round_ = self.vote_set.rounds.get(proposal.round)
        if round_ is None or proposal.seal.id in round_.proposals:
            return
        wanted = any(round_.count(step, proposal.seal.id) >= needed for step in Step)
        if len(round_.proposals) < PROPOSALS_PER_ROUND_MAX or wanted:
            round_.proposals[proposal.seal.id] = proposal

    def _take_certificate(self, certificate: Certificate) -> None:
        try:
            check_certificate(certificate, self.community, self.vote_set.witnesses)
        except (NotCertified, BadSignature):
            return
        if self.decided is None:
            self._decide(certificate)
        elif certificate.seal != self.decided.seal and self.second is None:
            self.second = certificate
            self._do(ReportFork(self.decided, certificate))

    def _built(self, built: ProposalPrepared, now_ms: int) -> None:
        """Propose a seal that our ledger built; when its round is over, at the next turn."""
        asked = self.preparing
        if asked is None or asked.round != built.round:
            return
        self.preparing = None
        draft = Draft(built.seal, built.delta, asked.haves)
        self._keep(draft, now_ms)
        is_turn = self.building == self.round and self.step is Step.PROPOSE
        if is_turn and self.decided is None and (self.round, Step.PROPOSE) not in self.own_votes:
            self._offer_fresh(draft)

    def _built_nothing(self, number: int) -> None:
        """Note that nothing can be built now; `_repeat` asks again."""
        if self.preparing is not None and self.preparing.round == number:
            self.preparing = None

    def _judged(self, number: int, seal: SealId, verdict: ProposalVerdict, now_ms: int) -> None:
        round_ = self.vote_set.rounds.get(number)
        if round_ is None or seal not in round_.judged:
            return
        round_.judged[seal] = verdict
        if verdict.missing and self.decided is None:
            self._do(Fetch(number, seal, verdict.missing))
        proposal = round_.proposals.get(seal)
        if proposal is not None and proposal.is_fresh and verdict.sound and verdict.timely:
            self._keep(Draft(proposal.seal, proposal.delta, proposal.haves), now_ms)

    def _keep(self, draft: Draft, now_ms: int) -> None:
        """Keep the first good seal for as long as it is timely: so witnesses come to one.

        One that is found good while we have another built is proposed at once.
        """
        if self._usable(now_ms) is None:
            self.draft, self.offers = draft, 0
            if self.preparing is not None and (self.round, Step.PROPOSE) not in self.own_votes:
                self.building = None

    def _timed_out(self, timeout: Timeout, now_ms: int) -> None:
        if self.decided is not None or not self.has_begun:
            return
        match timeout.alarm:
            case Alarm.REPEAT:
                self._repeat(now_ms)
            case Alarm.GATHER:
                self.gathered = True
            case Alarm.PROPOSE if self._is_now(timeout, Step.PROPOSE):
                self._no_proposal(now_ms)
            case Alarm.PREVOTE if self._is_now(timeout, Step.PREVOTE):
                self._vote(Step.PRECOMMIT, NIL, "no quorum of prevotes came in time")
            case Alarm.PRECOMMIT if timeout.round == self.round:
                self._start(self.round + 1, now_ms)
            case _:
                pass

    def _no_proposal(self, now_ms: int) -> None:
        """Wait once more while our own ledger works on the proposal of this round, else give up."""
        now = self.vote_set.round(self.round)
        verdict = now.judged.get(now.first.seal.id) if now.first is not None else None
        if now.first is None:
            is_working = self.preparing is not None and self.building == self.round
            reason = "not built in time" if is_working else "no proposal came in time"
        else:
            is_working = verdict is None
            reason = "what it cites did not come in time" if verdict else "not judged in time"
        if is_working and not now.extended:
            now.extended = True
            self._schedule(now_ms + LEDGER_MS_MAX, Timeout(Alarm.PROPOSE, self.round))
            return
        self._vote(Step.PREVOTE, NIL, reason)

    def _repeat(self, now_ms: int) -> None:
        """Repeat our messages and requests of the round: any message may be lost."""
        self._schedule(now_ms + REPEAT_MS, Timeout(Alarm.REPEAT, 0))
        for step in (Step.PREVOTE, Step.PRECOMMIT):
            if (self.round, step) in self.own_votes:
                self._do(Broadcast(self.own_votes[self.round, step]))
        round_ = self.vote_set.round(self.round)
        if not round_.proposals:
            if self.own_have is not None:
                self._do(Broadcast(self.own_have))
            if self.building != self.round:
                self._do(Fetch(self.round, NIL))
            elif self.preparing is None:  # there was nothing to build yet
                self.building = None
        for number in sorted(self.vote_set.rounds):
            votes = self.vote_set.rounds[number]
            liked = votes.majority(Step.PREVOTE, self.vote_set.quorum.needed)
            if liked and liked not in votes.proposals:
                self._do(Fetch(number, liked))
        for seal, verdict in round_.judged.items():
            if verdict is not None and verdict.missing:
                self._do(ProcessProposal(round_.proposals[seal]))

    # The rules, one method each; the numbers are lines of Algorithm 1 of the paper.

    def _advance(self, now_ms: int) -> bool:
        """Apply one rule; return whether one applied."""
        needed = self.vote_set.quorum.needed
        for number in sorted(self.vote_set.rounds):  # 49
            votes = self.vote_set.rounds[number]
            seal = votes.majority(Step.PRECOMMIT, needed)
            if seal:
                self._decide(certify(votes.votes_for(Step.PRECOMMIT, seal), needed))
                return True
        ahead = self.vote_set.ahead(self.round)
        if ahead is not None:  # 55
            self._start(ahead, now_ms)
            return True
        if self.me is None or not self.has_begun:
            return False
        now = self.vote_set.round(self.round)
        return (
            self._offer(now_ms)
            or self._prevote(now)
            or self._hold(now)
            or self._give_up(now)
            or self._wait(now, Step.PREVOTE, now_ms)
            or self._wait(now, Step.PRECOMMIT, now_ms)
        )

    def _offer(self, now_ms: int) -> bool:
        """Propose when it is our turn: the valid value, or one that our ledger likes (14-19)."""
        me = self.me
        if me is None or self.step is not Step.PROPOSE or self.building == self.round:
            return False
        mine = proposer(self.height, self.round, self.vote_set.witnesses) == me.key
        if not mine or (self.round, Step.PROPOSE) in self.own_votes:
            return False
        if self.valid is not None:
            self.building = self.round
            self._propose(self.valid.proposal, self.valid.polka)
            return True
        draft = self._usable(now_ms)
        if draft is not None:
            self._offer_fresh(draft)
            return True
        if self.preparing is not None and now_ms - self.prepared_ms < PREPARE_MS_MAX:
            self.building = self.round
            return True
        return self._prepare(now_ms)

    def _usable(self, now_ms: int) -> Draft | None:
        """Return the draft while others may still find it timely, and not too often refused."""
        draft = self.draft
        if draft is None or self.offers >= OFFERS_MAX:
            return None
        is_recent = abs(now_ms - draft.seal.time_ms) < DRAFT_MS_MAX
        return draft if is_recent else None

    def _prepare(self, now_ms: int) -> bool:
        """Have a seal built once a quorum showed what it holds; return whether it was asked for."""
        everybody = dict.fromkeys((*self.vote_set.witnesses, *self.candidates))
        haves = {device: self.haves[device] for device in everybody if device in self.haves}
        here = sum(device in haves for device in self.vote_set.witnesses)
        if here < self.vote_set.quorum.needed or not (
            len(haves) == len(everybody) or self.gathered
        ):
            return False
        shown = select_have_frontiers(haves.values(), self.vote_set.witnesses)
        self.building, self.prepared_ms = self.round, now_ms
        self.preparing = PrepareProposal(self.round, shown)
        self._do(self.preparing)
        return True

    def _prevote(self, now: RoundVotes) -> bool:
        """Prevote for the proposal of this round or for none, once it is validated (22, 28)."""
        proposal = now.first
        if self.step is not Step.PROPOSE or proposal is None:
            return False
        seal, locked = proposal.seal.id, self.locked
        if seal not in now.judged:
            now.judged[seal] = None
            self._do(ProcessProposal(proposal))
            return True
        verdict = now.judged[seal]
        if verdict is None or verdict.missing:
            return False
        free = locked is None or locked.proposal.seal.id == seal
        if not proposal.is_fresh:
            free = free or (locked is not None and _round_of(locked) <= proposal.valid_round)
        if not verdict.sound or (proposal.is_fresh and not verdict.timely):
            self._vote(Step.PREVOTE, NIL, verdict.reason or "it is not sound")
        elif not free:
            self._vote(Step.PREVOTE, NIL, "holds to another seal")
        else:
            self._vote(Step.PREVOTE, seal)
        return True

    def _hold(self, now: RoundVotes) -> bool:
        """Lock on what a quorum prevoted for, and precommit it (36)."""
        seal = now.majority(Step.PREVOTE, self.vote_set.quorum.needed)
        if self.step is Step.PROPOSE or now.held or not seal or seal not in now.proposals:
            return False
        if seal not in now.judged:
            now.judged[seal] = None
            self._do(ProcessProposal(now.proposals[seal]))
            return True
        verdict = now.judged[seal]
        if verdict is None or verdict.missing or not verdict.sound:
            return False
        now.held = True
        polka = now.votes_for(Step.PREVOTE, seal)[: self.vote_set.quorum.needed]
        self.valid = Lock(now.proposals[seal], polka)
        if self.step is Step.PREVOTE:
            self.locked = self.valid
            self._vote(Step.PRECOMMIT, seal)
        return True

    def _give_up(self, now: RoundVotes) -> bool:
        """Precommit none when a quorum prevoted for none (44)."""
        quorum = self.vote_set.quorum.needed
        if self.step is Step.PREVOTE and now.count(Step.PREVOTE, NIL) >= quorum:
            self._vote(Step.PRECOMMIT, NIL, "a quorum prevoted for none")
            return True
        return False

    def _wait(self, now: RoundVotes, step: Step, now_ms: int) -> bool:
        """Start the timeout of a step once a quorum voted in it, for any value (34, 47)."""
        ready = self.step is step or step is Step.PRECOMMIT
        if not ready or step in now.waits or len(now.votes[step]) < self.vote_set.quorum.needed:
            return False
        now.waits[step] = None
        self._schedule_step(step, now_ms)
        return True

    # Actions.

    def _offer_fresh(self, draft: Draft) -> None:
        self.building = self.round
        self.offers += 1
        self._propose(draft, draft.haves)

    def _propose(
        self, what: Proposal | Draft, why: tuple[HaveFrontier, ...] | tuple[Vote, ...]
    ) -> None:
        assert self.me is not None, "only a witness proposes"
        proposal = sign_proposal(self.me, self.round, what.seal, what.delta, why)
        self.own_votes[self.round, Step.PROPOSE] = proposal.vote
        self._do(Persist(proposal.vote))
        self._do(Broadcast(proposal))
        self._take_proposal(proposal)


def _round_of(lock: Lock) -> int:
    return lock.polka[0].round
