"""Campaigns: begun and cancelled, pledged to, paid, and put to a vote.

What would be refused is said before anything is written. Never decides what counts: the fold does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import exact, read_quantity, read_scope, read_unit
from commonweal.client.language.times import read_due_ms
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ventures.campaigns import rows
from commonweal.client.ventures.campaigns.rows import (
    DAY_MS,
    TITLE_CHARS_MAX,
    CampaignDetails,
    ListedCampaign,
    campaign_details,
    known_campaign,
    listed_campaign,
    row_of,
    title_of,
)
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import UnreadableQuantity, UnusableText, UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import AGREED, commitment_row
from commonweal.protocol.ledger.ventures.campaigns import campaign_row as states
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import pledge_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

COLLECT_DAYS = 14
"""How long after the deadline members have to pay, unless said."""


class CampaignTerms(TypedDict, total=False):
    """What else a campaign says, as typed: amounts in its unit, times as `read_due_ms` takes them.

    keep: what comes is kept, and it has no minimum. reward: a number and a unit. note, scope: text.
    """

    optimum: str
    maximum: str
    least: str
    most: str
    matching: int
    keep: bool
    gives: str
    reward: tuple[str, str]
    pay_by: str
    scope: str
    note: str
    replaces: str


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign that was begun."""

    id: RecordId
    seq: int
    title: str
    minimum: Decimal
    unit: str
    deadline_ms: int
    collect_by_ms: int


@dataclass(frozen=True, slots=True)
class NewPledge:
    """A pledge that was made. counts: how much of it would count if the campaign closed now."""

    id: RecordId
    seq: int
    campaign: RecordId
    title: str
    amount: Decimal
    counts: Decimal
    unit: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class CampaignAct:
    """Something that was done about a campaign, and what it is called."""

    id: RecordId
    seq: int
    campaign: RecordId
    title: str


@dataclass(frozen=True, slots=True)
class PledgePayment:
    """A payment of what was pledged. left: what is still owed of it."""

    id: RecordId
    seq: int
    campaign: RecordId
    title: str
    amount: Decimal
    left: Decimal
    unit: str


class Campaigns(HomeAccess):
    """Sums that members raise together."""

    def campaigns(self, *, closed: bool = False) -> list[ListedCampaign]:
        """Return campaigns, those first that close first. closed: also those that are over."""
        view = self.view
        listed = [
            listed_campaign(view, id, row)
            for id, row in states.campaigns(view.state)
            if closed or row.status in (states.OPEN, states.COLLECTING, states.SHORT)
        ]
        order = [*rows.STATES]
        return sorted(listed, key=lambda row: (order.index(row.state), row.deadline_ms, row.id))

    def campaign(self, id: str | bytes) -> CampaignDetails:
        """Return a campaign and who pledges what. Raises UnknownId, VoidCampaign, AmbiguousId."""
        view = self.view
        campaign = known_campaign(view, prefix(id))
        return campaign_details(view, campaign, row_of(view, campaign))

    def begin_campaign(
        self, title: str, minimum: str, unit: str, deadline: str, **terms: Unpack[CampaignTerms]
    ) -> NewCampaign:
        """Begin a campaign for the community. minimum: what must be pledged; "0" with keep.

        Raises UnreadableQuantity, AmbiguousUnit, UnreadableTime, UnusableText, UsageError,
        UnknownId, WouldNotCount with the reason.
        """
        wish = self._campaign_wish(title, minimum, unit, deadline, terms)
        written = self._write(wish)[0]
        data = wish.data
        return NewCampaign(
            written.id,
            written.seq,
            title.strip(),
            exact(data["minimum"], data["scale"]),
            data["unit"],
            data["deadline"],
            data["collectBy"],
        )

    def check_campaign(
        self, title: str, minimum: str, unit: str, deadline: str, **terms: Unpack[CampaignTerms]
    ) -> None:
        """Raise what `begin_campaign` would, and write nothing."""
        self.view.check(self._campaign_wish(title, minimum, unit, deadline, terms))

    def cancel_campaign(self, id: str | bytes, *, vote: bool = False) -> CampaignAct:
        """Cancel a campaign: this member's own, to which nothing is pledged, or by a vote.

        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        if vote:
            return self._put_to_vote(id, {"decide": "cancel"})
        return self._act_on(id, "campaign.cancel")

    def extend_campaign(self, id: str | bytes, until: str) -> CampaignAct:
        """Propose that members have until a time to pay. Raises as `cancel_campaign` does."""
        return self._put_to_vote(id, {"decide": "extend", "until": read_due_ms(until, now_ms())})

    def pledge(
        self,
        id: str | bytes,
        amount: str,
        unit: str | None = None,
        *,
        part: bool = False,
        matches: bool = False,
    ) -> NewPledge:
        """Pledge an amount, in place of what this member pledged before.

        unit: that of the campaign unless said. part, matches: as in ListedPledge. Raises UnknownId,
        AmbiguousId, UnreadableQuantity, WouldNotCount with the reason.
        """
        view = self.view
        campaign = known_campaign(view, prefix(id))
        row = row_of(view, campaign)
        quantity = read_quantity(amount, unit or row.unit, self.words)
        data: dict[str, Any] = {"campaign": bytes(campaign), "quantity": quantity}
        data |= {"part": True} if part else {}
        data |= {"matches": True} if matches else {}
        written = self._write_one("pledge", data, (campaign,))
        now = self.campaign(campaign)
        (mine,) = (backer for backer in now.backers if backer.member == self.view.me)
        return NewPledge(
            *(written.id, written.seq, campaign, now.title, mine.amount, mine.counts),
            *(now.unit, now.deadline_ms),
        )

    def withdraw_pledge(self, id: str | bytes) -> CampaignAct:
        """Pledge nothing any more. Raises UnknownId, AmbiguousId, WouldNotCount."""
        return self._act_on(id, "pledge.withdraw")

    def pay_pledge(
        self, id: str | bytes, amount: str | None = None, *, note: str | None = None
    ) -> PledgePayment:
        """Say that this member paid what they pledged; another member attests it.

        amount: all that is open unless said. Raises UnknownId, AmbiguousId, UnreadableQuantity,
        UnusableText, WouldNotCount.
        """
        view = self.view
        campaign = known_campaign(view, prefix(id))
        row = row_of(view, campaign)
        own = pledge_row(view.state, campaign, view.me)
        promise = None if own is None else commitment_row(view.state, own.record)
        if own is None or promise is None or promise.status != AGREED:
            raise WouldNotCount(self.words("you owe this campaign nothing"))
        quantity: dict[str, Any] = dict(zip(("n", "scale", "unit"), promise.open, strict=True))
        if amount is not None:
            quantity = read_quantity(amount, row.unit, self.words)
        if quantity["n"] < 1:
            raise UnreadableQuantity(self.words("0 is nothing: say how much it was"))
        data: dict[str, Any] = {"action": "transfer", "provider": bytes(view.me)}
        data |= {"receiver": bytes(view.community), "resourceQuantity": quantity}
        data |= {"fulfills": own.record}
        data |= {"inScopeOf": row.scope} if row.scope else {}
        body = note_body(note, words=self.words)
        written = self._write_one("event", data, (RecordId(own.record),), body)
        left = commitment_row(self.view.state, own.record)
        assert left is not None, "it is promised"
        return PledgePayment(
            written.id,
            written.seq,
            campaign,
            title_of(self.view, campaign),
            exact(quantity["n"], quantity["scale"]),
            exact(left.open.n, left.open.scale),
            row.unit,
        )

    def _act_on(self, id: str | bytes, kind: str) -> CampaignAct:
        campaign = known_campaign(self.view, prefix(id))
        written = self._write_one(kind, {"campaign": bytes(campaign)}, (campaign,))
        return CampaignAct(written.id, written.seq, campaign, title_of(self.view, campaign))

    def _put_to_vote(self, id: str | bytes, data: dict[str, Any]) -> CampaignAct:
        campaign = known_campaign(self.view, prefix(id))
        data = {"subject": "campaign", "campaign": bytes(campaign), **data}
        written = self._write_one("rules.propose", data, (campaign,))
        return CampaignAct(written.id, written.seq, campaign, title_of(self.view, campaign))

    def _campaign_wish(
        self, title: str, minimum: str, unit: str, deadline: str, terms: CampaignTerms
    ) -> Any:
        """Return the record of a campaign as typed."""
        view, words = self.view, self.words
        name = " ".join(title.split())
        if not 1 <= len(name) <= TITLE_CHARS_MAX:
            text = words("a title has 1 to {most} characters")
            raise UnusableText(text.format(most=TITLE_CHARS_MAX))
        data = _amounts(view, minimum, unit, terms)
        data["deadline"] = read_due_ms(deadline, now_ms())
        pay_by = terms.get("pay_by")
        later = data["deadline"] + COLLECT_DAYS * DAY_MS
        data["collectBy"] = later if pay_by is None else read_due_ms(pay_by, now_ms())
        is_kept = terms.get("keep", False)
        data |= {"sort": states.KEEP if is_kept else states.ALL}
        data["gives"] = terms.get("gives", states.REWARD if terms.get("reward") else states.GIFT)
        if data["gives"] not in rows.GIVES:
            names = ", ".join(rows.GIVES)
            raise UsageError(words("a campaign is one of: {names}").format(names=names))
        if reward := terms.get("reward"):
            data["reward"] = read_quantity(*reward, words)
        if matching := terms.get("matching"):
            data["matching"] = matching
        if scope := terms.get("scope"):
            data["inScopeOf"] = read_scope(scope, words)
        cited: tuple[RecordId, ...] = ()
        if replaced := terms.get("replaces"):
            cited = (known_campaign(view, prefix(replaced)),)
            data["replaces"] = bytes(cited[0])
        note = terms.get("note") or ""
        body = note_body(f"{name}\n{note}".strip(), words=words)
        return wish_of("campaign", data, cited, body)


def _amounts(view: LedgerView, minimum: str, unit: str, terms: CampaignTerms) -> dict[str, Any]:
    """Return the sums of a campaign at the finest scale that one of them was typed with."""
    typed = {"minimum": minimum}
    for key, name in _SUMS.items():
        if terms.get(key):
            typed[name] = str(terms[key])  # type: ignore[literal-required]
    read = {name: read_quantity(text, unit, view.words) for name, text in typed.items()}
    scale = max(int(str(quantity["scale"])) for quantity in read.values())
    sums: dict[str, Any] = {"unit": read_unit(unit, view.words), "scale": scale}
    for name, quantity in read.items():
        n = int(str(quantity["n"])) * 10 ** (scale - int(str(quantity["scale"])))
        if n > INT_MAX:
            text = view.words("{number} has more digits than are kept")
            raise UnreadableQuantity(text.format(number=typed[name]))
        sums[name] = n
    return sums


_SUMS = {
    "optimum": "optimum",
    "maximum": "maximum",
    "least": "perPledgeMin",
    "most": "perPledgeMax",
}
