"""Proposals in the state: their rows, ballots and votes, and how they end.

The records that write them are in `proposal_records`, the counting in `tally`, and what a vote
decides in `enactment`. State: G proposals, O those not ended, v votes, H electors, m comments, l
how many open proposals a member has, 3 the fork that a proposal is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.rules.process import enough_to_stop

PROPOSAL, OPEN, VOTE = Table.PROPOSAL.prefix, Table.OPEN.prefix, Table.VOTE.prefix
ELECTOR, COMMENT = Table.ELECTOR.prefix, Table.COMMENT.prefix
OF_MEMBER, DECIDED = Table.OF_MEMBER.prefix, Table.DECIDED_FORK.prefix

RULES, REMOVAL, FORK, DECISION, PROJECT = "rules", "removal", "fork", "decision", "project"
CONSENT = "consent"
CAMPAIGN = "campaign"
YES, NO, ABSTAIN, BLOCK = "yes", "no", "abstain", "block"
INDIFFERENT = "indifferent"

DRAFT, VOTING, TRIAL = "draft", "open", "trial"
PASSED, FAILED, EXPIRED, WITHDRAWN, STALE = "passed", "failed", "expired", "withdrawn", "stale"
IN_FORCE, SUPERSEDED, SUNSET = "in force", "superseded", "sunset"

BALLOT_COLUMNS_MIN = 11
"""Columns of each ballot in the state; those after it end with the last that is set."""


class BallotRow(NamedTuple):
    """What one electorate is asked in an open vote, and what it said as of the last cut.

    voters: the role whose holders vote; empty for all members. present: how many of the electorate
    are members still. early_failure: it fails as soon as only changed votes could let it pass.
    thresholds: the portions, as lists, of the electorate without those who are indifferent; empty
    where nobody may be. least_yes: how many yes are needed then in any case. The other fields are
    as in `Ballot`, and how many said what.
    """

    voters: str
    electorate: int
    needed: int
    quorum: int
    blocks: int
    objections: int
    present: int
    yes: int = 0
    no: int = 0
    abstain: int = 0
    block: int = 0
    early_failure: bool = False
    least_yes: int = 0
    thresholds: Sequence[Sequence[Any]] = ()
    indifferent: int = 0

    def columns(self) -> list[Any]:
        """Return the row as the state has it: without what rules of before could not ask."""
        columns: list[Any] = [*self]
        while len(columns) > BALLOT_COLUMNS_MIN and not columns[-1]:
            columns.pop()
        return columns

    @property
    def turnout(self) -> int:
        """How many voted, whatever they said."""
        return self.yes + self.no + self.abstain + self.block + self.indifferent

    @property
    def deciding(self) -> int:
        """How many of the electorate are not indifferent."""
        return self.electorate - self.indifferent

    @property
    def blocks_enough(self) -> int:
        """How many blocks stop it, of the electors still present; 0: none does."""
        return min(self.blocks, enough_to_stop(self.present))

    @property
    def objections_enough(self) -> int:
        """How many no or block stop it, of the electors still present; 0: a no is no objection."""
        return min(self.objections, enough_to_stop(self.present))


class ProposalRow(NamedTuple):
    """A proposal in the state.

    target: the id of the proposed ruleset, the member to be removed, the record of a fork to be
    kept, the project to be closed, or the consent to be declared void. is_voted: its author asked
    for a vote on what silence could pass. What the vote asks is not known until it opens, and then
    fixed: of each electorate by its ballot. electorate, yes ... block: of all electors, as of the
    last cut. Times in ms; until_ms: the end of the trial, later the end of what it put in force.
    """

    subject: str
    member: bytes
    clock: int
    base: bytes
    target: bytes
    kind: str
    status: str = DRAFT
    sunset_hours: int = 0
    backtest: bytes | None = None
    opened_ms: int = 0
    deadline_ms: int = 0
    electorate: int = 0
    early: bool = False
    yes: int = 0
    no: int = 0
    abstain: int = 0
    block: int = 0
    until_ms: int = 0
    height: int = 0
    is_voted: bool = False
    ballots: tuple[BallotRow, ...] = ()

    @property
    def needed(self) -> int:
        """How many yes the first electorate must give; 0 until the vote opens, or by silence."""
        return self.ballots[0].needed if self.ballots else 0


def read_row(value: Any) -> ProposalRow:
    """Return a proposal's row from its value in the state."""
    row = ProposalRow(*value)
    return row._replace(ballots=tuple(BallotRow(*ballot) for ballot in row.ballots))


def proposal_row(state: State, proposal: bytes) -> ProposalRow | None:
    """Return the row of a proposal; None when there is no such proposal."""
    value = state.get(PROPOSAL + proposal)
    return None if value is None else read_row(value)


def put(state: State, proposal: bytes, row: ProposalRow) -> None:
    """Write a proposal."""
    state.put(PROPOSAL + proposal, [*row[:-1], [ballot.columns() for ballot in row.ballots]])


def end(state: State, proposal: bytes, row: ProposalRow) -> None:
    """Write a decided proposal: nothing waits for it any more."""
    put(state, proposal, row)
    state.delete(OPEN + proposal)
    _release(state, row)
    _forget_electors(state, proposal)


def begin_trial(state: State, proposal: bytes, row: ProposalRow) -> None:
    """Write a proposal that passed and is on trial: nobody votes on it any more."""
    put(state, proposal, row)
    _release(state, row)


def finish_trial(state: State, proposal: bytes, row: ProposalRow) -> None:
    """Write a proposal whose trial is over."""
    put(state, proposal, row)
    state.delete(OPEN + proposal)
    _forget_electors(state, proposal)


def forget_documents(state: State, ended: Iterable[ProposalRow]) -> None:
    """Delete the documents of rules that came to nothing, unless something else needs them."""
    vain = (FAILED, EXPIRED, WITHDRAWN, STALE)
    targets = {
        proposal.target: None
        for proposal in ended
        if proposal.subject == RULES and proposal.status in vain
    }
    if not targets:
        return
    needed = {bytes(ruleset) for _, ruleset, _ in active_ruleset.history(state)}
    for key, _ in state.items(OPEN):
        other = proposal_row(state, key[1:])
        if other is not None:
            needed.add(other.target)
    for target in targets:
        if target not in needed:
            state.delete(active_ruleset.DOCUMENT + target)


def proposals(state: State) -> dict[bytes, ProposalRow]:
    """Return every proposal by id, in the order in which they were made."""
    rows = {key[1:]: read_row(value) for key, value in state.items(PROPOSAL)}
    return dict(sorted(rows.items(), key=lambda entry: (entry[1].clock, entry[0])))


def removals(state: State) -> tuple[tuple[MemberId, int], ...]:
    """Return the removed members, by id, each with the height of their last removal."""
    heights: dict[bytes, int] = {}
    for _, value in state.items(PROPOSAL):
        row = ProposalRow(*value)
        if row.subject == REMOVAL and row.status == PASSED:
            heights[row.target] = max(row.height, heights.get(row.target, 0))
    members = ((key[1:], registry.MemberRow(*value)) for key, value in state.items(registry.MEMBER))
    return tuple(
        (MemberId(member), heights.get(member, 0))
        for member, row in members
        if row.status == registry.REMOVED
    )


def votes(state: State, proposal: bytes) -> dict[bytes, str]:
    """Return each member's latest vote on a proposal, by member."""
    prefix = VOTE + proposal
    return {key[len(prefix) :]: value[0] for key, value in state.items(prefix)}


def cast_votes(state: State, proposal: bytes) -> list[tuple[bytes, str, bytes]]:
    """Return (member, what they said last, the record that says so), by member."""
    prefix = VOTE + proposal
    rows = ((key[len(prefix) :], value) for key, value in state.items(prefix))
    return sorted((member, say, record) for member, (say, record, *_) in rows)


def comments(state: State, proposal: bytes) -> list[tuple[bytes, bytes]]:
    """Return (record, member) of each comment on a proposal, in order."""
    prefix = COMMENT + proposal
    entries = [(value[1], key[len(prefix) :], value[0]) for key, value in state.items(prefix)]
    return [(record, member) for _, record, member in sorted(entries)]


def _forget_electors(state: State, proposal: bytes) -> None:
    for key, _ in list(state.items(ELECTOR + proposal)):
        state.delete(key)


def _release(state: State, row: ProposalRow) -> None:
    key = OF_MEMBER + row.member
    left = (state.get(key) or 1) - 1
    if left:
        state.put(key, left)
    else:
        state.delete(key)
