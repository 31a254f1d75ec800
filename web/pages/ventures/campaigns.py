"""Campaigns: what is pledged and needed, who pledges, and the forms to begin, pledge and pay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.member import Member
from commonweal.client.ventures.campaigns.rows import (
    GIVES,
    STATES,
    TITLE_CHARS_MAX,
    ListedCampaign,
    missed_words,
    outcome_words,
)
from commonweal.protocol.errors import CommonwealError, UnreadableTime, UnusableText
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

FIELDS = (
    *("title", "minimum", "unit", "deadline", "pay_by", "optimum", "maximum"),
    *("least", "gives", "keep", "reward", "reward_unit", "note"),
)
NOTE_CHARS_MAX = 2_000
QUANTITY_CHARS_MAX = 40
TONES = {
    "open": "busy",
    "collecting": "busy",
    "collected": "good",
    "short": "bad",
    "failed": "bad",
}


@router.get("/campaigns")
def campaigns(page: Page) -> Response:
    """Show the campaigns that are open or being paid, and those that are over."""
    with page.member() as member:
        listed = member.campaigns(closed=True)
    running = [row for row in listed if row.state in ("open", "collecting", "short")]
    return page.show(
        "ventures/campaigns.html",
        running=running,
        over=[row for row in listed if row not in running],
        **_words(page),
    )


@router.get("/campaigns/new")
def new(page: Page) -> Response:
    """Show the form by which a campaign is begun."""
    return _form(page, {name: page.query(name) for name in FIELDS}, {})


@router.post("/campaigns/new")
def begin(page: Page) -> Response:
    """Begin a campaign."""
    typed = {name: page.field(name) for name in FIELDS}
    terms: Any = {
        name: typed[name]
        for name in ("pay_by", "optimum", "maximum", "least", "gives", "note")
        if typed[name]
    }
    if typed["keep"]:
        terms["keep"] = True
    if typed["reward"]:
        terms |= {"reward": (typed["reward"], typed["reward_unit"]), "gives": "reward"}
    made: list[str] = []

    def act(me: Member) -> str:
        begun = me.begin_campaign(
            typed["title"], typed["minimum"], typed["unit"], typed["deadline"], **terms
        )
        made.append(begun.id.hex())
        return me.words("The campaign has begun. Tell the others.")

    try:
        notice = page.act(act)
    except UnreadableTime as error:
        return _form(page, typed, {"deadline": page.sentence(error)})
    except UnusableText as error:
        return _form(page, typed, {"title": page.sentence(error)})
    except CommonwealError as error:
        return _form(page, typed, {"minimum": page.sentence(error)})
    return page.go(f"/campaigns/{made[0]}" if made else "/campaigns", notice)


@router.get("/campaigns/{id}")
def campaign(page: Page, id: str) -> Response:
    """Show a campaign: what would become of it now, who pledges, and what this member may do."""
    return _shown(page, id, {}, {})


@router.post("/campaigns/{id}/pledge")
def pledge(page: Page, id: str) -> Response:
    """Pledge, in place of what this member pledged before."""
    typed = {name: page.field(name) for name in ("amount", "part", "matches")}

    def act(me: Member) -> str:
        made = me.pledge(
            id, typed["amount"], part=bool(typed["part"]), matches=bool(typed["matches"])
        )
        if made.counts < made.amount:
            return me.words("You pledge it. If it closed now, a part of it would not count.")
        return me.words("You pledge it. You owe nothing before a seal finds the campaign met.")

    return _acted(page, id, act, typed, "amount")


@router.post("/campaigns/{id}/withdraw")
def withdraw(page: Page, id: str) -> Response:
    """Pledge nothing any more."""

    def act(me: Member) -> str:
        me.withdraw_pledge(id)
        return me.words("You pledge nothing to it any more.")

    return _acted(page, id, act, {}, "amount")


@router.post("/campaigns/{id}/pay")
def pay(page: Page, id: str) -> Response:
    """Say that this member paid."""
    typed = {"paid": page.field("paid")}

    def act(me: Member) -> str:
        me.pay_pledge(id, typed["paid"] or None)
        return me.words("It is written that you paid. It counts once others attest it.")

    return _acted(page, id, act, typed, "paid")


@router.post("/campaigns/{id}/cancel")
def cancel(page: Page, id: str) -> Response:
    """Cancel a campaign, or propose that members vote on it."""
    vote = page.field("vote") == "yes"

    def act(me: Member) -> str:
        me.cancel_campaign(id, vote=vote)
        return me.words("Members vote on it now.") if vote else me.words("It is cancelled.")

    return _acted(page, id, act, {}, "cancel")


def _acted(
    page: PageRequest, id: str, act: Callable[[Member], str], typed: dict[str, str], name: str
) -> Response:
    try:
        notice = page.act(act)
    except CommonwealError as error:
        return _shown(page, id, typed, {name: page.sentence(error)})
    return page.go(f"/campaigns/{id}", notice)


def _shown(page: PageRequest, id: str, typed: dict[str, str], errors: dict[str, str]) -> Response:
    with page.member() as member:
        details = member.campaign(id)
        state = member.record_states([details.id]).get(details.id)
    return page.show(
        "ventures/campaign.html",
        422 if errors else 200,
        campaign=details,
        record_state=state,
        typed={"amount": "", "part": "", "matches": "", "paid": ""} | typed,
        errors=dict.fromkeys(("amount", "paid", "cancel"), "") | errors,
        quantity_chars=QUANTITY_CHARS_MAX,
        **_words(page),
    )


def _form(page: PageRequest, typed: dict[str, str], errors: dict[str, str]) -> Response:
    with page.member() as member:
        rules = member.view.kept.ruleset
        sentence = (
            rules.sentence(page.words.language, "campaigns")
            if ("campaigns" in rules.document)
            else ""
        )
    gives = [(key, page.words(word)) for key, word in GIVES.items() if key != "reward"]
    return page.show(
        "ventures/campaign_form.html",
        422 if errors else 200,
        typed=typed,
        errors=dict.fromkeys(FIELDS, "") | errors,
        gives=gives,
        sentence=sentence,
        title_chars=TITLE_CHARS_MAX,
        note_chars=NOTE_CHARS_MAX,
        quantity_chars=QUANTITY_CHARS_MAX,
    )


def _words(page: PageRequest) -> dict[str, Any]:
    """Return how campaigns are said on the page."""

    def outcome(campaign: ListedCampaign) -> str:
        return outcome_words(campaign, page.words)

    def missed(campaign: ListedCampaign) -> str:
        return missed_words(campaign, page.words)

    def part(campaign: ListedCampaign) -> int:
        """Return how much of what is needed is pledged, in hundredths, at most 100."""
        goal = campaign.minimum or campaign.optimum or campaign.pledged
        return min(100, int(campaign.pledged * 100 / goal)) if goal else 0

    named = {"outcome": outcome, "missed": missed, "part": part}
    return {**named, "states": STATES, "tones": TONES, "gives": GIVES}
