"""Collection: what comes in for the promises of a campaign, and what follows from it.

A payment counts once others have attested it, as any contribution; it is no income of a pool. A
campaign that collects is collected as soon as all has come, and at collectBy if its minimum has;
else it is short, and what its rules said then holds. What is owed back to who paid is a claim of
theirs: of a loan that is used, if the rules give it back so, and of what is given back. A reward
is a promise of the community to each who paid all that they pledged, while it uses what was paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from commonweal.protocol import keys
from commonweal.protocol.ledger.claims.claims import create_claims
from commonweal.protocol.ledger.claims.pools import MemberSums, PoolId, clamped
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.exchange.commitments import (
    AGREED,
    COMMITMENT,
    ENDED,
    PROMISED_BY,
    commitment_row,
)
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row, fulfilling
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    COLLECTED,
    COLLECTING,
    RETURN,
    SHORT,
    CampaignRow,
    at_scale,
    campaign_of,
    campaign_row,
    pledges,
    put_campaign,
    put_pledge,
)
from commonweal.protocol.ledger.ventures.campaigns.promises import promise_row
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.vocabulary.identifiers import CAMPAIGN_POOL
from commonweal.protocol.vocabulary.rule_params import RuleParams

if TYPE_CHECKING:
    from commonweal.protocol.ledger.ventures.campaigns.deadline import ClosingCut

POOL_CHARACTERS = 16
"""How much of a campaign's id, in hexadecimal, the pool of its claims is named by."""


def book(state: State, touched: Iterable[bytes]) -> dict[bytes, None]:
    """Note the payments among events that a cut covers; return the campaigns that they concern."""
    concerned: dict[bytes, None] = {}
    for event in touched:
        row = event_row(state, event)
        promise = None if row is None else row.fulfills
        campaign = campaign_of(state, promise)
        if campaign is not None and promise is not None:
            state.put(PROMISED_BY + promise + event, campaign)
            concerned[campaign] = None
    return dict.fromkeys(sorted(concerned))


def collect(state: State, cut: ClosingCut, concerned: Iterable[bytes]) -> None:
    """Count what came in for campaigns, and write what follows from it."""
    sums: dict[tuple[PoolId, bytes], MemberSums] = {}
    for id in sorted(concerned):
        row = campaign_row(state, id)
        if row is None or not row.met:
            continue
        paid = {
            member: paid_for(state, pledge.record, row, cut.rules)
            for member, pledge in pledges(state, id)
            if pledge.counted
        }
        row = _collected(state, cut, id, row, paid)
        put_campaign(state, id, row)
        if row.is_owed_back:
            _owe(state, id, row, paid, sums)
        if row.reward is not None:
            _reward(state, id, row, paid, cut.community)
    create_claims(state, cut.header.height, cut.ruleset, cut.community, sums)


def paid_for(state: State, promise: bytes, row: CampaignRow, rules: RuleParams) -> int:
    """Return how much came in for a promise that others attested and nobody disputes."""
    paid = 0
    for event in fulfilling(state, promise):
        known = event_row(state, event)
        if known is None or known.quantity is None or known.disputes:
            continue
        if state.get(PROMISED_BY + promise + event) is None:
            continue  # no cut covers it yet
        if attestation.is_attested(state, event, rules):
            quantity = Quantity(*known.quantity)
            paid += at_scale(quantity, row.scale) or _floor(quantity, row.scale)
    return paid


def pool_of(campaign: bytes, row: CampaignRow) -> PoolId:
    """Return the pool under whose name a campaign owes back what was paid to it."""
    return PoolId(CAMPAIGN_POOL + campaign.hex()[:POOL_CHARACTERS], row.unit, row.scale)


def reward_id(pledge: bytes) -> bytes:
    """Return the id of the promise of the community to who made a pledge."""
    return keys.hash32(keys.REWARD, pledge)


def release(state: State, campaign: bytes) -> None:
    """End the promises of a campaign: what is open of them is not owed."""
    for _, pledge in pledges(state, campaign):
        promise = commitment_row(state, pledge.record)
        if promise is not None and promise.status == AGREED:
            state.put(COMMITMENT + pledge.record, [*promise._replace(status=ENDED)])


def _collected(
    state: State, cut: ClosingCut, id: bytes, row: CampaignRow, paid: dict[bytes, int]
) -> CampaignRow:
    """Return a campaign with what came in, and how its collecting ended if it did."""
    came = sum(paid.values())
    row = row._replace(paid=clamped(came))
    if row.status == SHORT and row.short != RETURN and came >= row.needed:
        return row._replace(status=COLLECTED)
    if row.status != COLLECTING:
        return row
    whole = all(
        paid[member] >= pledge.counted for member, pledge in pledges(state, id) if pledge.counted
    )
    if whole:
        return row._replace(status=COLLECTED)
    if cut.is_full or cut.trusted_ms < row.collect_by:
        return row
    if came >= row.needed:
        return row._replace(status=COLLECTED)
    if row.short == RETURN:
        release(state, id)
    return row._replace(status=SHORT)


def _owe(
    state: State,
    id: bytes,
    row: CampaignRow,
    paid: dict[bytes, int],
    sums: dict[tuple[PoolId, bytes], MemberSums],
) -> None:
    """Add what each who paid is owed more, or less, than at the cuts before."""
    pool = pool_of(id, row)
    for member, pledge in pledges(state, id):
        more = paid.get(member, 0) - pledge.back
        if not pledge.counted or not more:
            continue
        earned, corrected = sums.get((pool, member), MemberSums())
        if more > 0:
            sums[pool, member] = MemberSums(earned + more, corrected)
        else:
            sums[pool, member] = MemberSums(earned, corrected + more)
        put_pledge(state, id, member, pledge._replace(back=clamped(pledge.back + more)))


def _reward(
    state: State, id: bytes, row: CampaignRow, paid: dict[bytes, int], community: CommunityId
) -> None:
    """Promise the reward to each who paid all that they pledged, for as long as that is used."""
    assert row.reward is not None, "it gives a reward"
    for member, pledge in pledges(state, id):
        if not pledge.counted:
            continue
        promise = commitment_row(state, reward_id(pledge.record))
        now = promise
        if row.is_used and paid[member] >= pledge.counted:
            if promise is None:
                now = promise_row(community, member, pledge.clock, row.reward, None)
                now = now._replace(member=member)
            elif promise.status == ENDED:
                now = promise._replace(status=AGREED)
        elif promise is not None and promise.status == AGREED and not promise.given[0]:
            now = promise._replace(status=ENDED)
        if now is not None and now != promise:
            state.put(COMMITMENT + reward_id(pledge.record), [*now])


def _floor(quantity: Quantity, scale: int) -> int:
    """Return what of an amount that is finer than a scale fits into it."""
    return int(quantity.n // 10 ** max(0, quantity.scale - scale))
