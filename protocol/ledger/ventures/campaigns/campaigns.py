"""Campaigns: what members raise together for the community until a deadline.

Record:
  campaign         unit, scale; minimum, optimum, maximum: whole numbers at that scale, the last two
                   may be missing; deadline, collectBy: ms; sort: "all" (nothing is owed below the
                   minimum) or "keep" (what comes is kept, and the minimum is 0); gives: "gift",
                   "loan", "share" or "reward"; perPledgeMin, perPledgeMax; matching: 0 to
                   MATCHING_MAX, how much matching pledges add to 1 of the others; inScopeOf;
                   reward: a quantity, where it gives a reward; replaces: a campaign of the author
                   to which nothing is pledged
  campaign.cancel  campaign: of the author's member, to which nothing is pledged
Nothing but a seal closes one: see `deadline`. No money moves before that, so one that fails has
nothing to give back.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.members import roles
from commonweal.protocol.ledger.members.permissions import time_of
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.quantities import SCALE_MAX, is_unit, read
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    ALL,
    CANCELLED,
    GIVES,
    OPEN,
    REPLACED,
    REWARD,
    SORTS,
    CampaignRow,
    campaign_row,
    put_campaign,
    standing,
    waiting,
)
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name

OPEN_PER_MEMBER_MAX = 4
"""How many campaigns of a member are open or collect."""

MATCHING_MAX = 10


def begin(state: State, record: Record, context: Context) -> Verdict:
    """Begin a campaign of the author's member for the community."""
    row = _row(state, record, context)
    if isinstance(row, Reason):
        return row
    refused = _bad_times(state, record, context, row)
    if refused is not None:
        return refused
    rules = context.rules.campaigns
    if rules.authors and not roles.holds(state, context.member, rules.authors):
        return Reason.NOT_YOURS
    if record.data.get("replaces") is not None:
        refused = _close(state, context, record.data["replaces"], REPLACED)
        if refused is not None:
            return refused
    if len(waiting(state, context.member)) >= OPEN_PER_MEMBER_MAX:
        return Reason.TOO_MANY_CAMPAIGNS
    put_campaign(state, record.id, row)
    return None


def cancel(state: State, record: Record, context: Context) -> Verdict:
    """End a campaign of the author's member to which nothing is pledged."""
    return _close(state, context, record.data.get("campaign"), CANCELLED)


def _close(state: State, context: Context, campaign: Any, status: str) -> Verdict:
    if not is_bytes(campaign):
        return Reason.SHAPE
    row = campaign_row(state, campaign)
    if row is None:
        return Reason.UNKNOWN_CAMPAIGN
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.status != OPEN:
        return Reason.CAMPAIGN_CLOSED
    if standing(state, campaign):
        return Reason.HAS_PLEDGES
    put_campaign(state, campaign, row._replace(status=status))
    return None


def _row(state: State, record: Record, context: Context) -> CampaignRow | Reason:
    """Return the row of a new campaign, or why it is not sound."""
    data = record.data
    unit, scale, reward = data.get("unit"), data.get("scale"), data.get("reward")
    if type(unit) is not str or not is_count(scale, 0, SCALE_MAX):
        return Reason.SHAPE
    if data.get("sort") not in SORTS or data.get("gives") not in GIVES:
        return Reason.SHAPE
    if not is_count(data.get("deadline")) or not is_count(data.get("collectBy")):
        return Reason.SHAPE
    if not is_count(data.get("matching", 0), 0, MATCHING_MAX):
        return Reason.SHAPE
    if data.get("inScopeOf") is not None and not is_name(data["inScopeOf"]):
        return Reason.SHAPE
    if (reward is not None) != (data["gives"] == REWARD):
        return Reason.SHAPE
    if not is_unit(state, context, unit):
        return Reason.UNKNOWN_UNIT
    promised = None if reward is None else read(reward)
    if reward is not None:
        if promised is None or promised.n < 1:
            return Reason.SHAPE
        if not is_unit(state, context, promised.unit):
            return Reason.UNKNOWN_UNIT
    goals = _goals(data)
    if isinstance(goals, Reason):
        return goals
    minimum, optimum, maximum, least, most = goals
    assert minimum is not None, "it has a minimum"
    return CampaignRow(
        member=context.member,
        clock=record.clock,
        unit=unit,
        scale=scale,
        minimum=minimum,
        optimum=optimum,
        maximum=maximum,
        deadline=data["deadline"],
        collect_by=data["collectBy"],
        sort=data["sort"],
        gives=data["gives"],
        least=least,
        most=most,
        matching=data.get("matching", 0),
        scope=data.get("inScopeOf"),
        reward=None if promised is None else [*promised],
        short=context.rules.campaigns.short,
        loans=context.rules.campaigns.loans,
    )


def _goals(data: dict[str, Any]) -> tuple[int | None, ...] | Reason:
    """Return minimum, optimum, maximum, and the least and the most of one pledge."""
    minimum = data.get("minimum")
    if not is_count(minimum):
        return Reason.SHAPE
    others = [data.get(name) for name in ("optimum", "maximum", "perPledgeMin", "perPledgeMax")]
    if not all(value is None or is_count(value, 1, INT_MAX) for value in others):
        return Reason.SHAPE
    optimum, maximum, least, most = others
    is_fixed = data["sort"] == ALL
    if is_fixed != (minimum > 0):
        return Reason.GOALS
    for low, high in ((minimum, optimum), (minimum, maximum), (optimum, maximum), (least, most)):
        if low is not None and high is not None and high < low:
            return Reason.GOALS
    if least is not None and maximum is not None and least > maximum:
        return Reason.GOALS
    return minimum, optimum, maximum, least, most


def _bad_times(state: State, record: Record, context: Context, row: CampaignRow) -> Verdict:
    """Return why the times of a campaign do not fit; above the last seal by what it claims."""
    now = times.now_ms(state, context) if context.time_ms else time_of(record, context)
    rules = context.rules.campaigns
    if row.deadline <= now or row.collect_by <= row.deadline:
        return Reason.DEADLINE_PAST
    if row.deadline - now > rules.open_ms or row.collect_by - row.deadline > rules.collect_ms:
        return Reason.DEADLINE_FAR
    return None
