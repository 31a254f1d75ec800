"""The deadline of a campaign: the first seal at or after it says whether the campaign is met.

What that seal covers still counts, whatever time it claims, and who is no member by it does not
count. A full seal closes none. When it is met, each pledge that counts is from then on a promise
of its member to the community: a commitment under the id of the pledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from commonweal.protocol.ledger.claims.pools import clamped
from commonweal.protocol.ledger.exchange.commitments import (
    AGREED,
    COMMITMENT,
    PROMISED_BY,
    commitment_row,
)
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.ventures.campaigns import collection
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    CANCELLED,
    COLLECTING,
    DECIDES,
    EXTEND,
    FAILED,
    OPEN,
    SHORT,
    WAITING,
    CampaignRow,
    campaign_row,
    pledges,
    put_campaign,
    put_pledge,
    waiting,
)
from commonweal.protocol.ledger.ventures.campaigns.pledges import CountedPledge, counted
from commonweal.protocol.ledger.ventures.campaigns.promises import promise_row
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.vocabulary.rule_params import RuleParams

CANCEL = "cancel"
VOTES = (CANCEL, EXTEND)
"""What a vote decides of a campaign."""


class ClosingCut(NamedTuple):
    """The cut that closes campaigns: its time as far as trusted, and the rules in force.

    is_full: it had no room left, so pledges and payments may wait outside it: it closes none.
    """

    header: CutHeader
    trusted_ms: int
    rules: RuleParams
    ruleset: bytes
    community: CommunityId
    is_full: bool


def close(state: State, cut: ClosingCut, touched: Iterable[bytes]) -> None:
    """Close what is due at a cut, and count what came in.

    touched: the events that are new, or that somebody attested, disputed or corrected.
    """
    concerned = collection.book(state, touched)
    for id, row in waiting(state):
        if row.status == OPEN and cut.trusted_ms >= row.deadline and not cut.is_full:
            close_one(state, cut.header.height, id, row, cut.community)
        elif row.status == CANCELLED or cut.trusted_ms >= row.collect_by:
            concerned[id] = None
    collection.collect(state, cut, concerned)


def close_one(
    state: State, height: int, id: bytes, row: CampaignRow, community: CommunityId
) -> None:
    """Say whether a campaign is met, and turn what counts into promises if it is."""
    rows = counted(state, id, row)
    total = sum(pledge.amount for pledge in rows)
    is_met = total >= max(row.needed, 1)
    row = row._replace(height=height, met=is_met, total=clamped(total))
    put_campaign(state, id, row._replace(status=COLLECTING if is_met else FAILED))
    for pledge in rows if is_met else ():
        put_pledge(state, id, pledge.member, pledge.row._replace(counted=pledge.amount))
        if pledge.amount:
            _promise(state, id, row, pledge, community)


def decide(state: State, proposal: bytes, campaign: bytes) -> None:
    """Do what a vote that passed decides of a campaign, if it still can."""
    row, decided = campaign_row(state, campaign), state.get(DECIDES + proposal)
    if row is None or decided is None:
        return
    say, until = decided
    if say == CANCEL and row.status in (OPEN, COLLECTING, SHORT):
        put_campaign(state, campaign, row._replace(status=CANCELLED))
        collection.release(state, campaign)
        if row.met:
            # What came in is owed back, by the same cut.
            state.put(WAITING + row.member + campaign, True)
    elif say == EXTEND and may_extend(row):
        put_campaign(state, campaign, row._replace(status=COLLECTING, collect_by=until))
        for _, pledge in pledges(state, campaign):
            promise = commitment_row(state, pledge.record)
            if promise is not None and promise.status == AGREED:
                state.put(COMMITMENT + pledge.record, [*promise._replace(due=until)])


def may_extend(row: CampaignRow) -> bool:
    """Return whether a vote can give a campaign more time to collect."""
    return row.status == COLLECTING or (row.status == SHORT and row.short == EXTEND)


def deadlines(state: State, time_ms: int) -> Iterator[int]:
    """Yield when campaigns close and end collecting. time_ms: of the last cut, may be full."""
    for _, row in waiting(state):
        due = row.deadline if row.status == OPEN else row.collect_by
        yield max(due, time_ms + 1)


def _promise(
    state: State, id: bytes, row: CampaignRow, pledge: CountedPledge, community: CommunityId
) -> None:
    """Derive the promise of a pledge that counts."""
    quantity = [pledge.amount, row.scale, row.unit]
    promise = promise_row(pledge.member, community, pledge.row.clock, quantity, row.collect_by)
    state.put(COMMITMENT + pledge.row.record, [*promise])
    state.put(PROMISED_BY + pledge.row.record, id)
