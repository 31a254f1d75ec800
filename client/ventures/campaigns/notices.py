"""What of campaigns waits for a member: what closes soon, what they owe, what came too late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.home.submit import now_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.times import shown
from commonweal.client.language.words import N_
from commonweal.client.ventures.campaigns.rows import (
    DAY_MS,
    amount_words,
    listed_campaign,
    row_of,
    title_of,
    void_reason,
)
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.rejections import REFUSED, Reason
from commonweal.protocol.ledger.ventures.campaigns import campaign_row as states
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import pledge_row, waiting
from commonweal.protocol.records.record import RecordId, with_data

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

CLOSES, PAY, LATE = "campaign_closes", "campaign_pay", "pledge_late"
VOID = "campaign_late"
SOON_MS = 3 * DAY_MS
"""How long before its deadline a campaign is told to who pledged nothing."""
LATE_MS = 30 * DAY_MS
"""How long after its deadline a campaign that came too late, or a pledge to it, is told."""


_TOLD = tuple(
    reason.name
    for reason in (Reason.CAMPAIGN_CLOSED, Reason.UNKNOWN_CAMPAIGN, Reason.DEADLINE_PAST)
)
"""Why a campaign or a pledge that came too late counts for nothing."""


def _waiting(view: LedgerView) -> Iterator[Waiting]:
    now = now_ms()
    for id, row in waiting(view.state):
        own = pledge_row(view.state, id, view.me)
        is_pledged = own is not None and own.withdrawn is None
        if row.status == states.OPEN and row.deadline - now < SOON_MS and own is None:
            yield Waiting(CLOSES, id, MemberId(row.member), row.clock, row.deadline)
        elif row.status == states.COLLECTING and is_pledged:
            campaign = listed_campaign(view, id, row)
            if campaign.mine_open:
                yield Waiting(PAY, id, MemberId(row.member), row.clock, row.collect_by)
    yield from _late(view, now)


def _late(view: LedgerView, now: int) -> Iterator[Waiting]:
    """Yield, of late, the campaigns of this member's that came too late, or their pledges did."""
    void: dict[bytes, Waiting] = {}
    for key, reason in view.final.items(REFUSED):
        if reason not in _TOLD:
            continue
        record = view.store.record(RecordId(key[len(REFUSED) :]))
        if record is None or not _is_mine(view, record.author):
            continue
        match record.kind:
            case "campaign" if reason == Reason.DEADLINE_PAST.name:
                campaign = record.id
            case "pledge" if reason != Reason.DEADLINE_PAST.name:
                campaign = with_data(record).data["campaign"]
            case _:
                continue
        row = states.campaign_row(view.state, campaign)
        if row is None:
            void.update(_void(view, RecordId(campaign), now))
        elif now - row.deadline < LATE_MS:
            yield Waiting(LATE, campaign, MemberId(row.member), record.clock)
    yield from void.values()


def _void(view: LedgerView, campaign: RecordId, now: int) -> dict[bytes, Waiting]:
    """Return what is told of a campaign that no seal covered before its deadline."""
    record = view.store.record(campaign)
    if record is None or void_reason(view, campaign) is not Reason.DEADLINE_PAST:
        return {}
    device = registry.device_row(view.state, record.author)
    if device is None or now - with_data(record).data["deadline"] >= LATE_MS:
        return {}
    return {campaign: Waiting(VOID, campaign, MemberId(device.member), record.clock)}


def _is_mine(view: LedgerView, device: bytes) -> bool:
    row = registry.device_row(view.state, device)
    return row is not None and row.member == view.me


def _words(view: LedgerView, entry: Waiting) -> str:
    if entry.kind == VOID:
        text = view.words("{title} counts for nothing: no seal covered it before its deadline")
        return text.format(title=title_of(view, entry.id))
    campaign = listed_campaign(view, entry.id, row_of(view, entry.id))
    unit, title = campaign.unit, campaign.title or title_of(view, entry.id)
    match entry.kind:
        case "campaign_closes":
            text = view.words("{title}: {pledged} of {minimum} are pledged, until {time}")
            pledged = amount_words(campaign.pledged, unit, view.words)
            needed = amount_words(campaign.minimum, unit, view.words)
            time = shown(campaign.deadline_ms)
            return text.format(title=title, pledged=pledged, minimum=needed, time=time)
        case "campaign_pay" if campaign.mine_open is not None:
            text = view.words("pay {amount} for {title}, until {time}")
            amount = amount_words(campaign.mine_open, unit, view.words)
            return text.format(amount=amount, title=title, time=shown(campaign.collect_by_ms))
    text = view.words("your pledge to {title} came too late: a seal had closed it")
    return text.format(title=title)


def _command(_view: LedgerView, entry: Waiting) -> str:
    begins = entry.id.hex()[:COMMAND_ID_DIGITS]
    if entry.kind == VOID:
        return f"show {begins}"
    return f"pledge pay {begins}" if entry.kind == PAY else f"campaign show {begins}"


def _path(entry: Waiting) -> str:
    return "/campaigns/new" if entry.kind == VOID else f"/campaigns/{entry.id.hex()}"


SOURCE = WaitingSource(
    {
        CLOSES: N_("campaign that closes soon"),
        PAY: N_("pledge to pay"),
        LATE: N_("pledge that came too late"),
        VOID: N_("campaign that came too late"),
    },
    _waiting,
    _words,
    _command,
    _path,
)
