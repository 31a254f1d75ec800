"""Processes: what a vote requires of which voters, and the strictest combination of several.

Votes are counted in `ledger.governance.tally`, not here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from commonweal.protocol.rules.portions import Portion


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one electorate requires for a change to pass.

    voters: the role whose holders vote; empty for all members. thresholds: portions of the
    electorate that must vote yes; all apply. quorums: portions that must vote at all. blocks:
    number of block votes that stop the change; 0: none. objections: number of no or block votes
    that stop it regardless of the yes votes; 0: none. silent: no yes vote is needed. min_yes:
    number of yes votes needed beside the thresholds, or all of the electorate if they are fewer.
    indifferent: whether a voter may leave the electorate that the thresholds are portions of.
    """

    voters: str
    thresholds: tuple[Portion, ...]
    quorums: tuple[Portion, ...]
    blocks: int = 0
    objections: int = 0
    silent: bool = False
    min_yes: int = 0
    indifferent: bool = False

    def needed(self, electorate: int) -> int:
        """Return the number of yes votes needed in an electorate of this size."""
        if self.silent:
            return 0
        parts = [threshold.needed(electorate) for threshold in self.thresholds]
        return max(min(self.min_yes, electorate), *parts)

    def quorum(self, electorate: int) -> int:
        """Return the number of votes needed in an electorate of this size."""
        return max(quorum.needed(electorate) if quorum.above else 0 for quorum in self.quorums)

    def with_strictness_of(self, other: Ballot) -> Ballot:
        """Return the ballot that requires all of this one and of `other`, of the same voters."""
        assert self.voters == other.voters, "each electorate must be satisfied by itself"
        return Ballot(
            self.voters,
            tuple(dict.fromkeys(self.thresholds + other.thresholds)),
            tuple(dict.fromkeys(self.quorums + other.quorums)),
            blocks=_fewest(self.blocks, other.blocks),
            objections=_fewest(self.objections, other.objections),
            silent=self.silent and other.silent,
            min_yes=max(self.min_yes, other.min_yes),
            indifferent=self.indifferent and other.indifferent,
        )


@dataclass(frozen=True, slots=True)
class Process:
    """How changes of one class, or of several together, are decided.

    ballots: one per electorate; all must be satisfied. early: the change passes as soon as only
    changed votes could reverse the result. early_failure: it fails as soon as only changed votes
    could let it pass. period_ms, trial_ms: length of the vote and trial.
    """

    ballots: tuple[Ballot, ...]
    period_ms: int
    early: bool
    trial_ms: int
    early_failure: bool = False

    def with_strictness_of(self, other: Process) -> Process:
        """Return the process that requires all of this one and of `other`."""
        ballots = {ballot.voters: ballot for ballot in self.ballots}
        for ballot in other.ballots:
            known = ballots.get(ballot.voters)
            ballots[ballot.voters] = ballot if known is None else known.with_strictness_of(ballot)
        return Process(
            tuple(ballots.values()),
            period_ms=max(self.period_ms, other.period_ms),
            early=self.early and other.early,
            trial_ms=max(self.trial_ms, other.trial_ms),
            early_failure=self.early_failure and other.early_failure,
        )

    def put_to_vote(self) -> Process:
        """Return this process as a vote: silence is not consent, and a no is not an objection."""
        ballots = (replace(ballot, objections=0, silent=False) for ballot in self.ballots)
        return replace(self, ballots=tuple(ballots))


def enough_to_stop(electorate: int) -> int:
    """Return the number of voters who can always stop a change: all but one.

    It limits the number of blocks or objections that rules require.
    """
    return max(1, electorate - 1)


def _fewest(first: int, other: int) -> int:
    """Return the smaller number that stops a change; 0 means that no number does."""
    return min(first, other) if first and other else first or other
