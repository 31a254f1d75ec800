"""Campaigns as members read them: what is pledged and needed, and what would become of it now.

How one stands follows from records and seals alone, so all members read the same at one height.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.home.submit import now_ms
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact, shown_unit
from commonweal.client.language.words import N_, Words
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import UnknownId, VoidCampaign
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import AGREED, commitment_row
from commonweal.protocol.ledger.exchange.times import sealed_ms
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns import campaign_row as states
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    CAMPAIGN,
    CampaignRow,
    PledgeRow,
    campaign_row,
    pledge_row,
    pledges,
)
from commonweal.protocol.ledger.ventures.campaigns.pledges import counted
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

TITLE_CHARS_MAX = 100
DAY_MS = 86_400_000

STATES = {
    states.OPEN: N_("open"),
    states.COLLECTING: N_("met, being paid"),
    states.COLLECTED: N_("collected"),
    states.SHORT: N_("too little was paid"),
    states.FAILED: N_("not met"),
    states.CANCELLED: N_("cancelled"),
    states.REPLACED: N_("replaced"),
}
"""How a campaign stands, and the words for it."""
GIVES = {
    states.GIFT: N_("gift"),
    states.LOAN: N_("loan"),
    states.SHARE: N_("share"),
    states.REWARD: N_("reward"),
}
"""What members give or get by paying, and the words for it."""
IF_SHORT = {
    states.RETURN: N_("what came in is owed back to who paid"),
    states.EXTEND: N_("a vote may give more time"),
    states.GO_ON: N_("what came in is used all the same"),
}


@dataclass(frozen=True, slots=True)
class ListedCampaign:
    """A campaign as it stands. state: a key of STATES; gives: of GIVES; sort: "all" or "keep".

    pledged: what would count if it closed now, of all pledges that stand; counted: what counted
    when it closed, None before; paid: what came in of that, attested and sealed. would_be_met:
    whether it would be met if it closed now. days_left: whole days until the deadline by the time
    of the last seal, 0 on the last day; None once it is closed. mine: what this member pledges
    now, mine_counts: how much of it counts; None without a pledge. mine_open: what they still owe.
    if_short: what happens where too little is paid, a key of IF_SHORT. height: of the seal that
    closed it, 0 before. is_late: no seal covers it, and its deadline is over by the clock here.
    """

    id: RecordId
    title: str
    note: str
    member: MemberId
    member_name: str
    state: str
    sort: str
    gives: str
    unit: str
    minimum: Decimal
    optimum: Decimal | None
    maximum: Decimal | None
    least: Decimal | None
    most: Decimal | None
    matching: int
    scope: str | None
    reward: Decimal | None
    reward_unit: str | None
    deadline_ms: int
    collect_by_ms: int
    days_left: int | None
    pledges: int
    pledged: Decimal
    would_be_met: bool
    counted: Decimal | None
    paid: Decimal
    if_short: str
    height: int
    mine: Decimal | None
    mine_counts: Decimal | None
    mine_open: Decimal | None
    mine_record: RecordId | None
    is_mine: bool
    is_late: bool
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedPledge:
    """What a member pledges. counts: how much of it counts; lost_to: the pledge that left no room.

    part: a part of it may count. matches: it adds to the pledges of others. withdrawn: they took
    it back. open: what they still owe, None before the campaign was met.
    """

    id: RecordId
    member: MemberId
    member_name: str
    amount: Decimal
    counts: Decimal
    part: bool
    matches: bool
    withdrawn: bool
    lost_to: RecordId | None
    open: Decimal | None


@dataclass(frozen=True, slots=True)
class CampaignDetails(ListedCampaign):
    """A campaign with the pledges to it, in the order in which they count."""

    backers: tuple[ListedPledge, ...]


def listed_campaign(view: LedgerView, id: bytes, row: CampaignRow) -> ListedCampaign:
    """Return a campaign as it stands in the ledger of a view."""
    title, note = texts(view, id)
    is_open = row.status == states.OPEN
    rows = counted(view.state, id, row) if is_open else []
    sum_now = sum(pledge.amount for pledge in rows) if is_open else row.total
    own = pledge_row(view.state, id, view.me)
    own = None if own is None or own.withdrawn is not None else own
    own_now = {pledge.member: pledge.amount for pledge in rows}.get(view.me)
    own_counts = own_now if is_open else (own and (own.counted or 0))
    promise = None if own is None else commitment_row(view.state, own.record)
    is_owed = promise is not None and promise.status == AGREED
    reward = row.reward
    return ListedCampaign(
        id=RecordId(id),
        title=title,
        note=note,
        member=MemberId(row.member),
        member_name=view.name(row.member),
        state=row.status,
        sort=row.sort,
        gives=row.gives,
        unit=row.unit,
        minimum=exact(row.minimum, row.scale),
        optimum=_amount(row.optimum, row),
        maximum=_amount(row.maximum, row),
        least=_amount(row.least, row),
        most=_amount(row.most, row),
        matching=row.matching,
        scope=row.scope,
        reward=None if reward is None else exact(reward[0], reward[1]),
        reward_unit=None if reward is None else reward[2],
        deadline_ms=row.deadline,
        collect_by_ms=row.collect_by,
        days_left=_days_left(view, row) if is_open else None,
        pledges=sum(pledge.withdrawn is None for _, pledge in pledges(view.state, id)),
        pledged=exact(sum_now, row.scale),
        would_be_met=sum_now >= max(row.needed, 1) if is_open else row.met,
        counted=None if is_open or not row.height else exact(row.total, row.scale),
        paid=exact(row.paid, row.scale),
        if_short=row.short,
        height=row.height,
        mine=None if own is None else exact(own.amount, row.scale),
        mine_counts=_amount(own_counts, row),
        mine_open=exact(promise.open.n, promise.open.scale) if promise and is_owed else None,
        mine_record=None if own is None else RecordId(own.record),
        is_mine=row.member == view.me,
        is_late=campaign_row(view.final, id) is None and row.deadline <= now_ms(),
        acts=_acts(view, row, own, is_owed and promise is not None and promise.open.n > 0),
    )


def campaign_details(view: LedgerView, id: bytes, row: CampaignRow) -> CampaignDetails:
    """Return a campaign and who pledges what to it."""
    now = {pledge.member: pledge for pledge in counted(view.state, id, row)}
    is_open, backers = row.status == states.OPEN, []
    for member, pledge in pledges(view.state, id):
        known = now.get(member) if is_open else None
        counts = known.amount if known else 0
        promise = commitment_row(view.state, pledge.record)
        is_owed = promise is not None and promise.status == AGREED
        lost = known.lost_to if known else None
        backers.append(
            ListedPledge(
                id=RecordId(pledge.record),
                member=MemberId(member),
                member_name=view.name(member),
                amount=exact(pledge.amount, row.scale),
                counts=exact(counts if is_open else pledge.counted or 0, row.scale),
                part=pledge.part,
                matches=pledge.matches,
                withdrawn=pledge.withdrawn is not None,
                lost_to=None if lost is None else RecordId(lost),
                open=exact(promise.open.n, promise.open.scale) if promise and is_owed else None,
            )
        )
    return CampaignDetails(**fields_of(listed_campaign(view, id, row)), backers=tuple(backers))


def texts(view: LedgerView, campaign: bytes) -> tuple[str, str]:
    """Return title and note of a campaign; "" where there are none, or they are erased."""
    title, _, note = (text_of(view.store, RecordId(campaign)) or "").partition("\n")
    return title.strip()[:TITLE_CHARS_MAX], note.strip()


def title_of(view: LedgerView, campaign: bytes) -> str:
    """Return what a campaign is called: its title, or how its id begins."""
    return texts(view, campaign)[0] or campaign.hex()[:8]


def amount_words(amount: Decimal, unit: str, words: Words) -> str:
    """Return an amount with its unit: 1,000 CNY."""
    return f"{amount:,f} {shown_unit(unit, words)}"


def outcome_words(campaign: ListedCampaign, words: Words) -> str:
    """Return in one sentence what would become of a campaign now, or what did."""
    unit, needed = campaign.unit, campaign.minimum - campaign.pledged
    match campaign.state:
        case states.OPEN if campaign.is_late:
            return words("No seal covered it before its deadline: it will count for nothing.")
        case states.OPEN if campaign.would_be_met:
            return words("If it closed now: met.")
        case states.OPEN if campaign.sort == states.KEEP:
            return words("If it closed now: not met, nobody pledged yet.")
        case states.OPEN:
            text = words(
                "If it closed now: not met, {amount} are missing. Nobody would owe anything."
            )
            return text.format(amount=amount_words(needed, unit, words))
        case states.COLLECTING:
            text = words("Met. Paid so far: {paid} of {counted}.")
            counts = campaign.counted or Decimal(0)
            paid = amount_words(campaign.paid, unit, words)
            return text.format(paid=paid, counted=amount_words(counts, unit, words))
        case states.SHORT:
            text = words("Too little was paid, {paid}: {then}.")
            then = words(IF_SHORT[campaign.if_short])
            return text.format(paid=amount_words(campaign.paid, unit, words), then=then)
        case states.COLLECTED:
            text = words("Collected: {paid}.")
            return text.format(paid=amount_words(campaign.paid, unit, words))
        case states.FAILED:
            return words("Not met: nobody owes anything, and no money moved.")
    return words("It was cancelled.") if campaign.state == states.CANCELLED else words("Replaced.")


def missed_words(campaign: ListedCampaign, words: Words) -> str:
    """Return what happens where the minimum is missed, or too little is paid."""
    if campaign.sort == states.KEEP:
        return words("What comes is kept, however much it is.")
    text = words(
        "If {minimum} are not pledged by then, nobody owes anything. If too little is paid: {then}."
    )
    minimum = amount_words(campaign.minimum, campaign.unit, words)
    return text.format(minimum=minimum, then=words(IF_SHORT[campaign.if_short]))


def known_campaign(view: LedgerView, text: str) -> RecordId:
    """Return the campaign whose id begins so.

    Raises UnknownId, AmbiguousId; VoidCampaign with the reason where that one counts for nothing.
    """
    try:
        return view.id_among(text, CAMPAIGN)
    except UnknownId:
        for id in view.store.ids(text.strip().lower()):
            reason = void_reason(view, id)
            if reason is not None:
                raise VoidCampaign(view.words(reason.value)) from None
        raise


def void_reason(view: LedgerView, campaign: bytes) -> Reason | None:
    """Return why a campaign counts for nothing; None of what is held as no such record."""
    record = view.store.record(RecordId(campaign))
    return None if record is None or record.kind != "campaign" else view.kept.verdict(record)


def row_of(view: LedgerView, campaign: bytes) -> CampaignRow:
    """Return the row of a campaign that is known."""
    row = campaign_row(view.state, campaign)
    assert row is not None, "it is a campaign"
    return row


def _acts(view: LedgerView, row: CampaignRow, own: PledgeRow | None, owes: bool) -> tuple[str, ...]:
    """Return what this member may do: pledge, withdraw, pay, cancel."""
    acts = []
    if row.status == states.OPEN:
        acts += ["pledge"] if own is None else ["pledge", "withdraw"]
    if owes:
        acts.append("pay")
    if row.status == states.OPEN and row.member == view.me:
        acts.append("cancel")
    return tuple(acts)


def _days_left(view: LedgerView, row: CampaignRow) -> int:
    """Return the whole days until the deadline by the last seal; before the first, by the clock."""
    at = sealed_ms(view.state, view.kept.cut.time_ms) or now_ms()
    return max(0, (row.deadline - at) // DAY_MS)


def _amount(n: int | None, row: CampaignRow) -> Decimal | None:
    return None if n is None else exact(n, row.scale)
