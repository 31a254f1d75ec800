"""Pledges: what members say they will pay if a campaign is met, and what of it counts.

Records:
  pledge           campaign; quantity: above 0, in the unit of the campaign; part: true if a part of
                   it may count where the maximum leaves no more; matches: true if it adds to the
                   pledges of others, where the campaign has matching. The last of a member counts
  pledge.withdraw  campaign: the author's member pledges nothing any more
Pledges count in the order of seals until the maximum is full. What the others pledge, times the
campaign's matching, is what matching pledges add in their order, each up to its amount. Nobody is
asked for anything before the campaign is met.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import read
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    OPEN,
    CampaignRow,
    PledgeRow,
    at_scale,
    campaign_row,
    pledge_row,
    put_campaign,
    put_pledge,
    standing,
)
from commonweal.protocol.records.record import Record


class CountedPledge(NamedTuple):
    """A pledge and how much of it counts; lost_to: the pledge that left no room for it."""

    member: bytes
    row: PledgeRow
    amount: int
    lost_to: bytes | None = None


def pledge(state: State, record: Record, context: Context) -> Verdict:
    """Note what the author's member pledges, in the place of what they pledged before."""
    data = record.data
    campaign, quantity = data.get("campaign"), read(data.get("quantity"))
    part, matches = data.get("part", False), data.get("matches", False)
    if not is_bytes(campaign) or quantity is None:
        return Reason.SHAPE
    if type(part) is not bool or type(matches) is not bool:
        return Reason.SHAPE
    row = campaign_row(state, campaign)
    if row is None:
        return Reason.UNKNOWN_CAMPAIGN
    if row.status != OPEN:
        return Reason.CAMPAIGN_CLOSED
    if matches and not row.matching:
        return Reason.NO_MATCHING
    if quantity.unit != row.unit:
        return Reason.PLEDGE_UNIT
    amount = at_scale(quantity, row.scale)
    if amount is None:
        return Reason.PLEDGE_UNIT
    if amount < 1 or (row.least is not None and amount < row.least):
        return Reason.PLEDGE_SMALL
    if amount > INT_MAX or (row.most is not None and amount > row.most):
        return Reason.PLEDGE_LARGE
    was = pledge_row(state, campaign, context.member)
    said = (amount, part, matches)
    if was is not None and not was.withdrawn and said == (was.amount, was.part, was.matches):
        return Reason.NOTHING_NEW
    number = row.pledges + 1
    new = PledgeRow(record.id, record.clock, amount, part, matches, number)
    put_pledge(state, campaign, context.member, new)
    put_campaign(state, campaign, row._replace(pledges=number))
    return None


def withdraw(state: State, record: Record, context: Context) -> Verdict:
    """Let the author's member pledge nothing to a campaign that is open."""
    campaign = record.data.get("campaign")
    if not is_bytes(campaign):
        return Reason.SHAPE
    row = campaign_row(state, campaign)
    if row is None:
        return Reason.UNKNOWN_CAMPAIGN
    if row.status != OPEN:
        return Reason.CAMPAIGN_CLOSED
    was = pledge_row(state, campaign, context.member)
    if was is None or was.withdrawn is not None:
        return Reason.NO_PLEDGE
    put_pledge(state, campaign, context.member, was._replace(withdrawn=record.id))
    return None


def counted(state: State, campaign: bytes, row: CampaignRow) -> list[CountedPledge]:
    """Return how much of each standing pledge counts, if the campaign closed in this state."""
    stands = standing(state, campaign)
    room = Room(row.maximum)
    plain = [room.take(member, own, own.amount) for member, own in stands if not own.matches]
    asked = row.matching * sum(pledge.amount for pledge in plain)
    matched: list[CountedPledge] = []
    for member, own in stands:
        if own.matches:
            adds = min(own.amount, asked)
            taken = room.take(member, own._replace(part=True), adds)
            asked -= taken.amount
            matched.append(taken._replace(row=own))
    return sorted([*plain, *matched], key=lambda pledge: pledge.row.number)


class Room:
    """What the maximum of a campaign leaves; None: there is no maximum."""

    def __init__(self, maximum: int | None) -> None:
        self.left, self.last = maximum, b""

    def take(self, member: bytes, row: PledgeRow, amount: int) -> CountedPledge:
        """Take the room for an amount, or a part of it where the pledge allows that."""
        if self.left is not None and amount > self.left:
            amount = self.left if row.part else 0
            if not amount:
                return CountedPledge(member, row, 0, self.last or None)
        if self.left is not None:
            self.left -= amount
        if amount:
            self.last = row.record
        return CountedPledge(member, row, amount)
