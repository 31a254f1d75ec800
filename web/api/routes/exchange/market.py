"""The market: what members offer and need."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field

from commonweal.client.exchange.market import Market
from commonweal.client.exchange.offer_changes import OfferChanges
from commonweal.client.exchange.offer_rows import NEED, OFFER, ListedOffer
from commonweal.client.exchange.offer_terms import OfferTerms
from commonweal.client.exchange.offers import Offers
from commonweal.client.language.plain import plain
from commonweal.client.member import Member
from commonweal.protocol.ledger.exchange.offers.intents import TAGS_MAX
from commonweal.protocol.ledger.exchange.offers.offers import INTENTS_MAX, PROPOSED_TO_MAX
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page, Paging
from commonweal.web.api.models import TimeText, model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import Filter, Id, NameText, NoteText, NumberText

router = SubjectRouter(tags=["market"])

StateFilter = Annotated[
    Literal["open", "partly", "met", "paused", "ended", "withdrawn", "replaced", "all"] | None,
    Query(description="How it stands at the last seal; without it, what is open or partly taken."),
]
LISTED = page_of("offers", model_of(ListedOffer), total=int, at=TimeText | None, height=int)
"""at: the time of the last seal, by which the states are computed."""


class OfferedThing(Body):
    """One thing more in the same offer."""

    what: NameText
    quantity: NumberText
    unit: NameText


class OfferBody(OfferedThing):
    """What is offered or needed. The fields are those of `weal offer` and `weal need`.

    price: what is asked or given in return, like "10 EUR" or "30 EUR an hour". since, until, due:
    days or times. resource: one thing, by name or id. common: it is the community's.
    """

    note: NoteText | None = None
    action: NameText | None = None
    price: list[NameText] = Field(default=[], max_length=INTENTS_MAX, examples=[["10 EUR"]])
    tags: list[NameText] = Field(default=[], max_length=TAGS_MAX)
    spec: NameText | None = None
    resource: NameText | None = None
    scope: NameText | None = None
    since: NameText | None = None
    until: NameText | None = Field(default=None, examples=["31.12."])
    due: NameText | None = None
    minimum: NameText | None = None
    to: list[NameText] = Field(default=[], max_length=PROPOSED_TO_MAX)
    place: NameText | None = None
    common: bool = False
    more: list[OfferedThing] = Field(default=[], max_length=INTENTS_MAX)


class Renewal(Body):
    """Until when it stands, a day or a time; a month from now, where nothing is said."""

    until: NameText | None = None


class Pausing(Body):
    """Whether it is paused, or open again."""

    paused: bool = True


@router.reads("/market", LISTED)
def market(
    me: Reader,
    page: Page,
    sort: Literal["offer", "need"] | None = None,
    mine: bool | None = None,
    tag: Filter = None,
    member: Filter = None,
    spec: Filter = None,
    text: Filter = None,
    state: StateFilter = None,
) -> Any:
    """What members offer and need, the newest first, as `weal market`."""
    asked = {"mine": mine, "tag": tag, "member": member, "spec": spec, "text": text}
    return _listed(me, page, sort=sort, state=state, **asked)


@router.reads("/offers", LISTED)
def offers(me: Reader, page: Page, tag: Filter = None, state: StateFilter = None) -> Any:
    """What members offer, as `weal market --offers`."""
    return _listed(me, page, sort=OFFER, tag=tag, state=state)


@router.reads("/needs", LISTED)
def needs(me: Reader, page: Page, tag: Filter = None, state: StateFilter = None) -> Any:
    """What members need, as `weal market --needs`."""
    return _listed(me, page, sort=NEED, tag=tag, state=state)


@router.reads("/market/tags", rows_of("tags", Member.market_tags))
def tags(me: Reader, page: Page) -> Any:
    """The tags of what is open, the most used first."""
    rows, rest = page.part(me.market_tags(), lambda row: row.tag)
    return {"tags": rows, "next": rest}


@router.reads("/offers/{id}", result_of(Market.offer_of))
def offer_of(me: Reader, id: Id) -> Any:
    """One offer or need, as it stands."""
    return me.offer_of(id)


@router.writes("/offers", result_of(Offers.offer))
def offer(write: Writes, body: OfferBody) -> Response:
    """Offer something, as `weal offer`."""
    return write(lambda me: me.offer(body.what, body.quantity, body.unit, **_terms(body)), body)


@router.writes("/needs", result_of(Offers.need))
def need(write: Writes, body: OfferBody) -> Response:
    """Say what is needed, as `weal need`."""
    return write(lambda me: me.need(body.what, body.quantity, body.unit, **_terms(body)), body)


@router.writes("/offers/{id}/renewals", result_of(OfferChanges.renew_offer))
def renew(write: Writes, id: Id, body: Renewal) -> Response:
    """Let what is left of an offer or a need stand longer, as `weal offer renew`."""
    return write(lambda me: me.renew_offer(id, until=body.until), body)


@router.writes("/offers/{id}/pauses", result_of(OfferChanges.pause_offer))
def pause(write: Writes, id: Id, body: Pausing) -> Response:
    """Pause an offer or a need, or open it again, as `weal offer pause` and `resume`."""
    return write(lambda me: me.pause_offer(id, paused=body.paused), body)


@router.writes("/offers/{id}/withdrawal", result_of(OfferChanges.withdraw_offer))
def withdraw(write: Writes, id: Id) -> Response:
    """Withdraw an offer or a need for good, as `weal offer withdraw`."""
    return write(lambda me: me.withdraw_offer(id))


def _listed(me: Member, page: Paging, **asked: Any) -> dict[str, Any]:
    listed = me.market(**asked)
    rows, rest = page.part(listed.offers, lambda row: row.id)
    standing = {"total": listed.total, "at": plain(listed)["at"], "height": listed.height}
    return {"offers": rows, "next": rest, **standing}


def _terms(body: OfferBody) -> OfferTerms:
    return OfferTerms(
        note=body.note,
        action=body.action,
        price=body.price,
        tags=body.tags,
        spec=body.spec,
        resource=body.resource,
        scope=body.scope,
        since=body.since,
        until=body.until,
        due=body.due,
        minimum=body.minimum,
        to=body.to,
        place=body.place,
        common=body.common,
        more=[(part.what, part.quantity, part.unit) for part in body.more],
    )
