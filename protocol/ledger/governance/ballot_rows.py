"""What a vote asks of each electorate when it opens, as a row of the proposal."""

from __future__ import annotations

from commonweal.protocol.ledger.governance.proposals import BallotRow, ProposalRow
from commonweal.protocol.rules.process import Ballot

REMOVAL_YES_MIN = 2
"""How many others must say yes to a removal, whatever the rules say: nobody removes alone."""
FORK_YES_MIN = 2
"""How many must agree on which record of a forked log counts, where there are as many."""


def ballot_row(ballot: Ballot, electorate: int, least_yes: int) -> BallotRow:
    """Return what a ballot asks of an electorate of this size. least_yes: in any case."""
    row = BallotRow(
        ballot.voters,
        electorate,
        max(ballot.needed(electorate), least_yes),
        ballot.quorum(electorate),
        ballot.blocks,
        ballot.objections,
        present=electorate,
    )
    if ballot.silent or not ballot.indifferent:
        return row
    least_yes = max(least_yes, min(ballot.min_yes, electorate))
    return row._replace(
        least_yes=least_yes, thresholds=[[*part] for part in sorted(ballot.thresholds)]
    )


def least_yes(row: ProposalRow, electorate: int) -> int:
    """Return how many yes a vote takes whatever the rules say, given the size of its electorate."""
    match row.subject:
        case "removal":
            return REMOVAL_YES_MIN
        case "fork":
            return min(FORK_YES_MIN, electorate)
    return 0
