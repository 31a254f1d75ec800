"""The tally of a vote: how many said what, and what follows from it under its ballots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from commonweal.protocol.ledger.governance.proposals import (
    ABSTAIN,
    BLOCK,
    EXPIRED,
    FAILED,
    NO,
    PASSED,
    VOTING,
    YES,
    BallotRow,
    ProposalRow,
)


def outcome(row: ProposalRow, time_ms: int) -> str:
    """Return how an open vote stands at a time: "open", "passed", "failed" or "expired"."""
    is_over = time_ms >= row.deadline_ms
    if all(map(_is_satisfied, row.ballots)):
        return PASSED if is_over or row.early else VOTING
    if not is_over:
        return VOTING
    return FAILED if all(map(_has_quorum, row.ballots)) else EXPIRED


def _is_satisfied(ballot: BallotRow) -> bool:
    """Whether one electorate said enough, and nothing that stops it."""
    is_stopped = (
        0 < ballot.blocks_enough <= ballot.block
        or 0 < ballot.objections_enough <= ballot.no + ballot.block
    )
    return _has_quorum(ballot) and ballot.yes >= ballot.needed and not is_stopped


def _has_quorum(ballot: BallotRow) -> bool:
    """Whether enough voted; where nobody is left who could, silence is no consent."""
    turnout = ballot.yes + ballot.no + ballot.abstain + ballot.block
    return turnout >= ballot.quorum and ballot.present > 0


def tally(said: Iterable[str]) -> dict[str, Any]:
    """Return how many said what, by the names of the fields of a row."""
    counts = Counter(said)
    return {say: counts[say] for say in (YES, NO, ABSTAIN, BLOCK)}
