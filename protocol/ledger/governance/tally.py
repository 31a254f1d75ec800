"""The tally: how many electors said what, and what a vote comes to by its ballots.

Yes counts against the electorate that was fixed when the vote opened, never against the turnout.
Nothing is written here; `enactment` applies the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import Any

from commonweal.protocol.ledger.governance.proposals import (
    ABSTAIN,
    BLOCK,
    ELECTOR,
    EXPIRED,
    FAILED,
    INDIFFERENT,
    NO,
    PASSED,
    VOTING,
    YES,
    BallotRow,
    ProposalRow,
    votes,
)
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.portions import Portion


def outcome(row: ProposalRow, time_ms: int) -> str:
    """Return the status of an open vote at a time: "open", "passed", "failed" or "expired"."""
    is_over = time_ms >= row.deadline_ms
    if all(map(_is_satisfied, row.ballots)):
        return PASSED if is_over or row.early else VOTING
    if not is_over:
        return FAILED if any(map(_has_failed_early, row.ballots)) else VOTING
    return FAILED if all(map(_has_quorum, row.ballots)) else EXPIRED


def count_votes(
    state: State, proposal: bytes, row: ProposalRow, active: Container[bytes]
) -> ProposalRow:
    """Return a proposal's row with its votes counted, on each ballot and in all.

    active: the present members. A vote counts if its member was an elector when the vote opened
    and is a member still.
    """
    counted: list[tuple[str, list[int]]] = []
    for member, say in votes(state, proposal).items():
        numbers = state.get(ELECTOR + proposal + member)
        if member in active and numbers is not None:
            counted.append((say, numbers))
    ballots = tuple(
        _with_votes(ballot, (say for say, numbers in counted if number in numbers))
        for number, ballot in enumerate(row.ballots)
    )
    if any(ballot.blocks or ballot.objections or ballot.early_failure for ballot in ballots):
        present = _present(state, proposal, active)
        ballots = tuple(ballot._replace(present=present[n]) for n, ballot in enumerate(ballots))
    return row._replace(ballots=ballots, **_sums(say for say, _ in counted))


def _present(state: State, proposal: bytes, active: Container[bytes]) -> Counter[int]:
    """Return, by the number of each ballot, how many of its electorate are members still."""
    prefix = ELECTOR + proposal
    counts: Counter[int] = Counter()
    for key, numbers in state.items(prefix):
        if key[len(prefix) :] in active:
            counts.update(numbers)
    return counts


def _is_satisfied(ballot: BallotRow) -> bool:
    """Return whether one electorate gave enough yes, and nothing stops it."""
    is_stopped = (
        0 < ballot.blocks_enough <= ballot.block
        or 0 < ballot.objections_enough <= ballot.no + ballot.block
    )
    return _has_quorum(ballot) and ballot.yes >= ballot.needed and not is_stopped


def _has_quorum(ballot: BallotRow) -> bool:
    """Return whether enough voted; when no elector is left, silence is no consent."""
    return ballot.turnout >= ballot.quorum and ballot.present > 0


def _has_failed_early(ballot: BallotRow) -> bool:
    """Return whether it may fail early, and fails even if all who have not voted say yes."""
    best = ballot._replace(yes=ballot.yes + ballot.present - ballot.turnout)
    return ballot.early_failure and not _is_satisfied(best)


def _with_votes(ballot: BallotRow, said: Iterable[str]) -> BallotRow:
    """Return a ballot with its votes counted; the indifferent leave the part that must say yes."""
    if not ballot.thresholds:
        return ballot._replace(**_sums(said))
    says = list(said)
    counted = ballot._replace(
        **_sums(say for say in says if say != INDIFFERENT), indifferent=says.count(INDIFFERENT)
    )
    parts = [Portion(*part).needed(counted.deciding) for part in ballot.thresholds]
    return counted._replace(needed=max(ballot.least_yes, *parts))


def _sums(said: Iterable[str]) -> dict[str, Any]:
    """Return how many said what, by the names of a row's fields; the indifferent as abstaining."""
    counts = Counter(ABSTAIN if say == INDIFFERENT else say for say in said)
    return {say: counts[say] for say in (YES, NO, ABSTAIN, BLOCK)}
