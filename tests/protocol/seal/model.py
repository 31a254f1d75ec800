"""Every schedule of a small agreement, by running the real rules on every state once.

What a witness has received is forgotten after each step, and all that was ever sent may be
delivered to anybody at any later time, with whatever the liars sign besides. So a state is
what the witnesses who keep the rules have voted, hold and are waiting for; any quorum that
their votes and the liars' can make may be shown to any of them; any timeout may fire; any
of them may crash and come back with what it stored. That allows every real schedule, and
more. The rules are those of `Agreement`, run once for each state of one witness and each
thing that can be shown to it; the states of all of them together are then searched. What
no rule can read any more is left out of a state, and witnesses who never propose are
interchangeable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from commonweal.protocol.seal.consensus import events
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.vote_set import VoteSet
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.formats import FRESH, Proposal, Seal, sign_proposal
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import NIL, SealId, Step, Vote, VoteSigner, sign_vote
from commonweal.protocol.seal.witnesses import proposer
from tests.protocol.seal.witness import COMMUNITY, signer

HEIGHT_PREV = SealId(bytes(32))
EMPTY = Delta((), ())

Held = tuple[SealId, int]
Proposed = tuple[tuple[int, SealId, int], ...]
Quorums = dict[tuple[int, Step, SealId], None]
NOTHING: Held = (NIL, -1)


class Core(NamedTuple):
    """What a witness is, without what it has received. proposed: (round, seal, valid round).

    draft: the fresh seal that it would propose, since its ledger built it or found it good.
    """

    round: int
    step: Step
    locked: Held
    valid: Held
    draft: SealId
    votes: tuple[tuple[int, Step, SealId], ...]
    proposed: Proposed


class Shown(NamedTuple):
    """One thing that happens to one witness: a timeout, a proposal, a quorum, a crash."""

    kind: str
    round: int
    seal: SealId = NIL
    valid_round: int = FRESH
    step: Step = Step.PROPOSE


State = tuple[Core, ...]


class Model:
    """`size` witnesses, the last `liars` of them lying, through `rounds` rounds.

    height: chooses who proposes first. weakened: an `Agreement` with a rule broken.
    """

    def __init__(
        self, size: int, liars: int, rounds: int, height: int, rules: type[Agreement] = Agreement
    ) -> None:
        signers = sorted((signer(number) for number in range(size)), key=lambda one: one.key)
        self.devices = [one.key for one in signers]
        # Liars stand among the others in the order of turns, so that `height` can choose.
        self.honest: list[VoteSigner] = list(signers[: size - liars])
        self.liars: list[VoteSigner] = list(signers[size - liars :])
        self.rounds, self.height, self.rules = rounds, height, rules
        self.quorum = quorum_of(size)
        self.seals: dict[SealId, Seal] = {}
        self.lies = [self._seal(number).id for number in (1, 2)] if liars else []
        silent = [one for one in range(len(self.honest)) if not self._turns(one)]
        self.alike = silent[0] if silent else -1
        self.stand_in = [self.alike if n in silent else n for n in range(len(self.honest))]
        self.machines: dict[tuple[int, Core], Agreement] = {}
        self.steps: dict[tuple[int, Core, Shown], Core] = {}

    def search(self, states_max: int = 10_000_000) -> tuple[int, State | None]:
        """Return how many states there are, and the first in which two seals are certified."""
        first = self._sorted([self._first(number) for number in range(len(self.honest))])
        seen, waiting = {first: None}, [first]
        while waiting and len(seen) < states_max:
            state = waiting.pop()
            quorums = self._quorums(state)
            if len({seal for _, step, seal in quorums if step is Step.PRECOMMIT and seal}) > 1:
                return len(seen), state
            for number, core in enumerate(state):
                for shown in self._possible(state, number, quorums):
                    after = self._after(number, core, shown)
                    then = self._sorted([*state[:number], after, *state[number + 1 :]])
                    if then not in seen:
                        seen[then] = None
                        waiting.append(then)
        return len(seen), None

    def _turns(self, number: int, after: int = -1) -> bool:
        """Whether a witness proposes in a round later than `after`."""
        me = self.honest[number].key
        rounds = range(after + 1, self.rounds)
        return any(proposer(self.height, one, self.devices) == me for one in rounds)  # type: ignore[arg-type]

    def _sorted(self, cores: list[Core]) -> State:
        alike = [place for place in range(len(cores)) if self.stand_in[place] == self.alike]
        for place, core in zip(alike, sorted(cores[one] for one in alike), strict=True):
            cores[place] = core
        return tuple(cores)

    def _quorums(self, state: State) -> Quorums:
        """What a quorum voted for, counting the votes cast and the liars', who vote for all."""
        cast = Counter(vote for core in state for vote in core.votes)
        least = max(1, self.quorum.needed - len(self.liars))
        return {vote: None for vote, count in cast.items() if count >= least}

    # What can happen to a witness.

    def _possible(self, state: State, number: int, quorums: Quorums) -> Iterator[Shown]:
        core = state[number]
        yield Shown("crash", core.round)
        if core.step is not Step.PRECOMMIT:
            yield Shown("timeout", core.round, step=core.step)
        if core.round + 1 < self.rounds:
            yield Shown("timeout", core.round, step=Step.PRECOMMIT)
        proposals = list(self._proposals(state, core.round, quorums))
        if core.step is Step.PROPOSE:
            yield from proposals
        else:
            for one in proposals:
                if (core.round, Step.PREVOTE, one.seal) in quorums:
                    yield one._replace(kind="polka")
        if core.step is Step.PREVOTE and (core.round, Step.PREVOTE, NIL) in quorums:
            yield Shown("polka", core.round)
        for round_ in range(core.round + 1, self.rounds):
            there = sum(any(vote[0] == round_ for vote in other.votes) for other in state)
            if there + len(self.liars) > self.quorum.lies and there:
                yield Shown("skip", round_)

    def _proposals(self, state: State, round_: int, quorums: Quorums) -> Iterator[Shown]:
        turn = proposer(self.height, round_, self.devices)  # type: ignore[arg-type]
        for one, core in zip(self.honest, state, strict=True):
            if one.key == turn:
                for made, seal, valid_round in core.proposed:
                    if made == round_:
                        yield Shown("proposal", round_, seal, valid_round)
                return
        for seal in self.lies:
            yield Shown("proposal", round_, seal)
        for earlier in range(round_):
            for seal in self.seals:
                if (earlier, Step.PREVOTE, seal) in quorums:
                    yield Shown("proposal", round_, seal, earlier)

    # The real rules.

    def _first(self, number: int) -> Core:
        number = self.stand_in[number]
        machine = self.rules(COMMUNITY, self.height, HEIGHT_PREV, self.devices, self.honest[number])  # type: ignore[arg-type]
        for one in (*self.honest, *self.liars):
            have = sign_have(one, COMMUNITY, self.height, HEIGHT_PREV, ())
            machine.haves[have.device] = have
        return self._tell(number, machine, events.HeightStarted(), ())

    def _after(self, number: int, core: Core, shown: Shown) -> Core:
        number = self.stand_in[number]
        place = (number, core, shown)
        if place not in self.steps:
            machine = self._copy(self.machines[number, core])
            self.steps[place] = self._show(number, machine, core, shown)
        return self.steps[place]

    def _show(self, number: int, machine: Agreement, core: Core, shown: Shown) -> Core:
        proposed = core.proposed
        match shown.kind:
            case "crash":
                votes = list(machine.own_votes.values())
                lock = machine.locked
                reborn = self.rules(
                    *(COMMUNITY, self.height, HEIGHT_PREV, self.devices),  # type: ignore[arg-type]
                    *(self.honest[number], votes, lock),
                )
                reborn.haves = dict(machine.haves)
                return self._tell(number, reborn, events.HeightStarted(), proposed)
            case "timeout":
                alarm = events.Alarm[shown.step.name]
                event = events.TimedOut(events.Timeout(alarm, shown.round))
                return self._tell(number, machine, event, proposed)
            case "proposal":
                event2 = events.MessageReceived(self._proposal(shown))
                return self._tell(number, machine, event2, proposed)
            case "polka":
                return self._tell_quorum(number, machine, shown, proposed)
            case _:
                ahead = [self._vote(one, shown.round, Step.PREVOTE, NIL) for one in self._all()]
                others = [vote for vote in ahead if vote.device != self.honest[number].key]
                last = core
                for vote in islice(others, self.quorum.lies + 1):
                    last = self._tell(
                        number, machine, events.MessageReceived(vote), proposed, keep=True
                    )
                assert last.round == shown.round
                return self._settle(number, machine, last.proposed)

    def _tell_quorum(
        self, number: int, machine: Agreement, shown: Shown, proposed: Proposed
    ) -> Core:
        if shown.seal:
            round_ = machine.vote_set.round(shown.round)
            round_.proposals[shown.seal] = self._proposal(shown)
        votes = [self._vote(one, shown.round, Step.PREVOTE, shown.seal) for one in self._all()]
        core = None
        for vote in votes[: self.quorum.needed]:
            core = self._tell(number, machine, events.MessageReceived(vote), proposed, keep=True)
        assert core is not None
        return self._settle(number, machine, core.proposed)

    def _tell(
        self,
        number: int,
        machine: Agreement,
        event: events.Event,
        proposed: Proposed,
        keep: bool = False,
    ) -> Core:
        """Let the rules run, with a ledger that likes everything; then forget what came."""
        machine.gathered = True
        todo = machine.handle(event, 0)
        stored: set[tuple[int, Step, SealId]] = set()
        while todo:
            action = todo.pop(0)
            match action:
                case events.ProcessProposal(proposal):
                    good = events.ProposalProcessed(
                        proposal.round, proposal.seal.id, events.VALID_PROPOSAL
                    )
                    todo += machine.handle(good, 0)
                case events.PrepareProposal(round_):
                    seal = self._seal(10 + 10 * number + round_)
                    todo += machine.handle(events.ProposalPrepared(round_, seal, EMPTY), 0)
                case events.Persist(vote):
                    stored.add((vote.round, vote.step, vote.seal))
                case events.Broadcast(Proposal() as made):
                    assert (made.round, Step.PROPOSE, made.seal.id) in stored
                    proposed = (*proposed, (made.round, made.seal.id, made.valid_round))
                case events.Broadcast(Vote() as sent):
                    assert machine.own_votes[sent.round, sent.step] == sent
        core = self._core(number, machine, proposed)
        return core if keep else self._settle(number, machine, core.proposed)

    def _settle(self, number: int, machine: Agreement, proposed: Proposed) -> Core:
        machine.vote_set = VoteSet(self.devices)  # type: ignore[arg-type]
        core = self._core(number, machine, proposed)
        self.machines.setdefault((number, core), machine)
        return core

    def _core(self, number: int, machine: Agreement, proposed: Proposed) -> Core:
        votes = tuple(sorted((*place, vote.seal) for place, vote in machine.own_votes.items()))
        locked, valid = _held(machine.locked), _held(machine.valid)
        if machine.round + 1 == self.rounds and machine.step is not Step.PROPOSE:
            locked = NOTHING
        draft = machine.draft.seal.id if machine.draft else NIL
        if not self._turns(number, machine.round):
            valid, draft = NOTHING, NIL
        return Core(machine.round, machine.step, locked, valid, draft, votes, proposed)

    def _copy(self, machine: Agreement) -> Agreement:
        copy = self.rules.__new__(self.rules)
        copy.__dict__.update(machine.__dict__)
        copy.own_votes, copy.vote_set = dict(machine.own_votes), VoteSet(self.devices)  # type: ignore[arg-type]
        return copy

    # What is signed.

    def _all(self) -> list[VoteSigner]:
        return [*self.honest, *self.liars]

    def _seal(self, number: int) -> Seal:
        roots = (bytes(32), bytes(32), bytes(32), bytes(32))
        place = (COMMUNITY, self.height, HEIGHT_PREV, 1, bytes(32), 1)
        seal = Seal(*place, number, b"", (), *roots)
        self.seals[seal.id] = seal
        return seal

    def _vote(self, one: VoteSigner, round_: int, step: Step, seal: SealId) -> Vote:
        return sign_vote(one, COMMUNITY, self.height, round_, step, seal)

    def _proposal(self, shown: Shown) -> Proposal:
        turn = proposer(self.height, shown.round, self.devices)  # type: ignore[arg-type]
        who = next(one for one in self._all() if one.key == turn)
        seal = self.seals[shown.seal]
        if shown.valid_round == FRESH:
            have = sign_have(who, COMMUNITY, self.height, HEIGHT_PREV, ())
            return sign_proposal(who, shown.round, seal, EMPTY, (have,))
        polka = [
            self._vote(one, shown.valid_round, Step.PREVOTE, shown.seal) for one in self._all()
        ]
        return sign_proposal(who, shown.round, seal, EMPTY, tuple(polka[: self.quorum.needed]))


def _held(lock: events.Lock | None) -> Held:
    return NOTHING if lock is None else (lock.proposal.seal.id, lock.polka[0].round)
