"""The votes and proposals of a height, within limits (CometBFT's HeightVoteSet).

Stored are, per witness, two proposals and three votes per round in a window of rounds around
ours, and one vote from further ahead. Votes of others are never stored. What follows from the
votes is decided in `agreement`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus.events import ProposalVerdict
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.quorum import Quorum, quorum_of
from commonweal.protocol.seal.votes import DoubleVote, SealId, Step, Vote, prove_double_vote

ROUNDS_BEHIND_MAX = 2
"""Earlier rounds of which votes are stored: a late quorum there still decides."""

ROUNDS_AHEAD_MAX = 2
"""Later rounds of which votes are stored; beyond, only each witness's latest vote."""

PROPOSALS_PER_ROUND_MAX = 2
"""Two of one round prove a double vote; a third is stored only when a quorum votes for it."""


class RoundVotes:
    """The votes and proposals of one round, and what was done about them."""

    __slots__ = ("extended", "held", "judged", "proposals", "votes", "waits")

    def __init__(self) -> None:
        self.proposals: dict[SealId, Proposal] = {}
        self.votes: dict[Step, dict[DeviceKey, Vote]] = {step: {} for step in Step}
        self.judged: dict[SealId, ProposalVerdict | None] = {}
        """The ledger's verdict by seal; None while it is pending."""
        self.waits: dict[Step, None] = {}
        """The steps whose timeout is scheduled."""
        self.extended = False
        """Whether the timeout was extended once for our own ledger."""
        self.held = False
        """Whether a quorum's prevotes were acted on."""

    def count(self, step: Step, seal: SealId) -> int:
        """Return the number of votes in `step` for `seal`."""
        return sum(vote.seal == seal for vote in self.votes[step].values())

    def majority(self, step: Step, needed: int) -> SealId | None:
        """Return the seal id that `needed` witnesses voted for in `step`, which may be NIL.

        None when there is no such majority.
        """
        if len(self.votes[step]) < needed:
            return None
        seals = dict.fromkeys(vote.seal for vote in self.votes[step].values())
        return next((seal for seal in seals if self.count(step, seal) >= needed), None)

    def votes_for(self, step: Step, seal: SealId) -> tuple[Vote, ...]:
        """Return the votes in `step` for `seal`, by device."""
        votes = self.votes[step]
        return tuple(votes[device] for device in sorted(votes) if votes[device].seal == seal)

    @property
    def first(self) -> Proposal | None:
        """The proposal that arrived first."""
        return next(iter(self.proposals.values()), None)


class VoteSet:
    """The votes of one height, by round. witnesses: sorted devices."""

    def __init__(self, witnesses: Sequence[DeviceKey]) -> None:
        self.witnesses = tuple(sorted(witnesses))
        self.quorum: Quorum = quorum_of(len(self.witnesses))
        self.rounds: dict[int, RoundVotes] = {}
        self.far: dict[DeviceKey, Vote] = {}
        """Each witness's vote of the latest round beyond the window."""
        self.guilty: dict[DeviceKey, None] = {}

    def round(self, number: int) -> RoundVotes:
        """Return the votes of a round; a new, empty set when there are none."""
        return self.rounds.get(number) or self.rounds.setdefault(number, RoundVotes())

    def add(self, vote: Vote, now: int) -> DoubleVote | None:
        """Store a vote, when round `now` is the present one; return a proof of a double vote.

        The first vote of a device in a step counts; each device is reported once.
        """
        if vote.device not in self.witnesses or vote.round < now - ROUNDS_BEHIND_MAX:
            return None
        if vote.round > now + ROUNDS_AHEAD_MAX:
            far = self.far.get(vote.device)
            if far is None or far.round < vote.round:
                self.far[vote.device] = vote
            return None
        votes = self.round(vote.round).votes[vote.step]
        first = votes.setdefault(vote.device, vote)
        if first.seal == vote.seal or vote.device in self.guilty:
            return None
        self.guilty[vote.device] = None
        return prove_double_vote(first, vote)

    def move(self, now: int) -> None:
        """Move the window to round `now`: drop older rounds, add votes from further ahead."""
        for number in [number for number in self.rounds if number < now - ROUNDS_BEHIND_MAX]:
            del self.rounds[number]
        for device in [
            device for device in self.far if self.far[device].round <= now + ROUNDS_AHEAD_MAX
        ]:
            self.add(self.far.pop(device), now)

    def ahead(self, now: int) -> int | None:
        """Return the latest round after `now` that f + 1 witnesses have reached; None: no such.

        One of them is honest, so that round has begun.
        """
        reached: dict[DeviceKey, int] = {}
        for number, known in self.rounds.items():
            if number > now:
                for step in Step:
                    for device in known.votes[step]:
                        reached[device] = max(number, reached.get(device, 0))
        for device, vote in self.far.items():
            if vote.round > now:
                reached[device] = max(vote.round, reached.get(device, 0))
        rounds = sorted(reached.values(), reverse=True)
        return rounds[self.quorum.lies] if len(rounds) > self.quorum.lies else None

    def find(self, seal: SealId) -> Proposal | None:
        """Return a proposal of `seal`, of any round; None when there is none."""
        for known in self.rounds.values():
            if seal in known.proposals:
                return known.proposals[seal]
        return None

    def votes(self) -> Iterator[Vote]:
        """Yield every stored vote in the window, by round, step and device."""
        for number in sorted(self.rounds):
            for step in Step:
                votes = self.rounds[number].votes[step]
                yield from (votes[device] for device in sorted(votes))
