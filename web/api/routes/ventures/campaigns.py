"""Campaigns: what is pledged and needed, begun, pledged to, paid, cancelled."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from commonweal.client.member import Member
from commonweal.client.ventures.campaigns.campaigns import CampaignTerms
from commonweal.client.ventures.campaigns.rows import ListedCampaign
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of
from commonweal.web.api.parameters import Id, NameText, NoteText, NumberText

router = SubjectRouter(tags=["campaigns"])


class NewCampaignBody(Body):
    """A campaign. deadline, pay_by: a day, a time, or 3d from now on. The sums are in unit.

    keep: what comes is kept, and minimum is 0. gives: gift, loan, share or reward; reward: what
    each who pays all is promised, a number and a unit. matching: what matching pledges add to 1.
    """

    title: NameText
    minimum: NumberText
    unit: NameText
    deadline: NameText
    optimum: NumberText | None = None
    maximum: NumberText | None = None
    least: NumberText | None = None
    most: NumberText | None = None
    keep: bool = False
    gives: NameText | None = None
    reward: tuple[NumberText, NameText] | None = None
    matching: int | None = None
    pay_by: NameText | None = None
    scope: NameText | None = None
    note: NoteText | None = None
    replaces: NameText | None = None

    def terms(self) -> CampaignTerms:
        """Return what a campaign says beside title, minimum, unit and deadline."""
        asked = {"title", "minimum", "unit", "deadline"}
        values: Any = {
            name: value for name, value in self.model_dump(exclude=asked).items() if value
        }
        return values  # type: ignore[no-any-return]


class PledgeBody(Body):
    """A pledge. unit: that of the campaign unless said. part: a part of it may count."""

    amount: NumberText
    unit: NameText | None = None
    part: bool = False
    matches: bool = False


class PaidBody(Body):
    """What was paid of a pledge; all that is open unless said."""

    amount: NumberText | None = None
    note: NoteText | None = None


class CancelBody(Body):
    """vote: propose it, members vote."""

    vote: bool = False


class UntilBody(Body):
    """until: a day, a time, or 3d from now on."""

    until: NameText


@router.reads("/campaigns", page_of("campaigns", model_of(ListedCampaign)))
def campaigns(me: Reader, page: Page, closed: bool = False) -> Any:
    """Campaigns, as `weal campaign list`; closed: also those that are over."""
    listed = me.campaigns(closed=closed)
    rows, rest = page.part(listed, lambda row: (row.deadline_ms, row.id))
    return {"campaigns": rows, "next": rest}


@router.reads("/campaigns/{id}", result_of(Member.campaign))
def campaign(me: Reader, id: Id) -> Any:
    """A campaign and who pledges what, as `weal campaign show`."""
    return me.campaign(id)


@router.writes("/campaigns", result_of(Member.begin_campaign))
def begin(write: Writes, body: NewCampaignBody) -> Response:
    """Begin a campaign, as `weal campaign new`."""
    return write(
        lambda me: me.begin_campaign(
            body.title, body.minimum, body.unit, body.deadline, **body.terms()
        ),
        body,
    )


@router.writes("/campaigns/{id}/pledge", result_of(Member.pledge))
def pledge(write: Writes, id: Id, body: PledgeBody) -> Response:
    """Pledge to a campaign, as `weal pledge`."""
    return write(
        lambda me: me.pledge(id, body.amount, body.unit, part=body.part, matches=body.matches),
        body,
    )


@router.writes("/campaigns/{id}/withdrawal", result_of(Member.withdraw_pledge))
def withdraw(write: Writes, id: Id) -> Response:
    """Take this member's pledge back, as `weal pledge withdraw`."""
    return write(lambda me: me.withdraw_pledge(id))


@router.writes("/campaigns/{id}/payment", result_of(Member.pay_pledge))
def pay(write: Writes, id: Id, body: PaidBody) -> Response:
    """Say that this member paid their pledge, as `weal pledge pay`."""
    return write(lambda me: me.pay_pledge(id, body.amount, note=body.note), body)


@router.writes("/campaigns/{id}/cancellation", result_of(Member.cancel_campaign))
def cancel(write: Writes, id: Id, body: CancelBody) -> Response:
    """Cancel a campaign, or propose to, as `weal campaign cancel`."""
    return write(lambda me: me.cancel_campaign(id, vote=body.vote), body)


@router.writes("/campaigns/{id}/extension", result_of(Member.extend_campaign))
def extend(write: Writes, id: Id, body: UntilBody) -> Response:
    """Propose more time to pay, as `weal campaign extend`."""
    return write(lambda me: me.extend_campaign(id, body.until), body)
