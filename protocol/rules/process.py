"""Processes: what a vote asks of whom, and what several ask together: the strictest of each.

What is counted, and when, is in `ledger/closing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from commonweal.protocol.rules.portions import Portion


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the voters of one role must say for a change to pass.

    voters: the role whose holders vote; empty for all members. thresholds: parts of the
    electorate whose yes is needed; all must be reached. quorums: parts of the electorate that
    must have voted. blocks: so many blocks stop it; 0: none does. objections: so many no or
    block stop it, however many say yes; 0: a no only counts against the yes. silent: no yes
    is needed.
    """

    voters: str
    thresholds: tuple[Portion, ...]
    quorums: tuple[Portion, ...]
    blocks: int = 0
    objections: int = 0
    silent: bool = False

    def needed(self, electorate: int) -> int:
        """Return how many yes it takes, of so many who may vote: the strictest threshold."""
        return (
            0 if self.silent else max(threshold.needed(electorate) for threshold in self.thresholds)
        )

    def quorum(self, electorate: int) -> int:
        """Return how many must vote at all."""
        return max(quorum.needed(electorate) if quorum.above else 0 for quorum in self.quorums)

    def with_strictness_of(self, other: Ballot) -> Ballot:
        """Return this ballot, asking also for what `other` asks of the same voters."""
        assert self.voters == other.voters, "each electorate must be satisfied by itself"
        return Ballot(
            self.voters,
            tuple(dict.fromkeys(self.thresholds + other.thresholds)),
            tuple(dict.fromkeys(self.quorums + other.quorums)),
            blocks=_fewest(self.blocks, other.blocks),
            objections=_fewest(self.objections, other.objections),
            silent=self.silent and other.silent,
        )


@dataclass(frozen=True, slots=True)
class Process:
    """How changes of one class, or of several together, are decided.

    ballots: one for each electorate, each of which must be satisfied. early: passes as soon
    as it cannot be undone but by changed votes.
    """

    ballots: tuple[Ballot, ...]
    period_ms: int
    early: bool
    trial_ms: int

    def with_strictness_of(self, other: Process) -> Process:
        """Return this process, asking also for all that `other` asks."""
        ballots = {ballot.voters: ballot for ballot in self.ballots}
        for ballot in other.ballots:
            known = ballots.get(ballot.voters)
            ballots[ballot.voters] = ballot if known is None else known.with_strictness_of(ballot)
        return Process(
            tuple(ballots.values()),
            period_ms=max(self.period_ms, other.period_ms),
            early=self.early and other.early,
            trial_ms=max(self.trial_ms, other.trial_ms),
        )

    def put_to_vote(self) -> Process:
        """Return this process where it is voted on: silence is no consent, a no no objection."""
        ballots = (replace(ballot, objections=0, silent=False) for ballot in self.ballots)
        return replace(self, ballots=tuple(ballots))


def enough_to_stop(electorate: int) -> int:
    """Return how many of so many who may vote stop a change at the latest: all but one of them.

    Whatever higher number the rules ask for blocks or objections, so many are enough.
    """
    return max(1, electorate - 1)


def _fewest(first: int, other: int) -> int:
    """Return how many are enough to stop a change; 0: none is, on either side."""
    return min(first, other) if first and other else first or other
