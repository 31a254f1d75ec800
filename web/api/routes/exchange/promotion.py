"""Promotion: what is promoted, who brought which buyer, and the commissions that follow."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from commonweal.client.exchange.promotion.promotions import Promotions
from commonweal.client.exchange.promotion.rows import ListedPromotion
from commonweal.protocol.ledger.exchange.promotion.promotions import WINDOW_HOURS_MAX
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import Filter, Id, IdText, NameText

router = SubjectRouter(tags=["promotion"])

LISTED = page_of("promotions", model_of(ListedPromotion), height=int)


class PromotedOffer(Body):
    """An offer, and what is promised. rate: like "5%"; hours: for how long income counts."""

    offer: IdText
    rate: NameText = Field(examples=["5%"])
    code: NameText | None = Field(default=None, examples=["honey"])
    hours: Annotated[int, Field(ge=1, le=WINDOW_HOURS_MAX)] | None = None
    who: NameText | None = None


class OfferReferral(Body):
    """A code, with the promoter behind a slash, or `by`. buyer: an agent outside."""

    code: NameText = Field(examples=["honey/Mei"])
    by: NameText | None = None
    buyer: NameText | None = None


@router.reads("/promotions", LISTED)
def promotions(me: Reader, page: Page, mine: bool = False, offer: Filter = None) -> Any:
    """What is promoted, as `weal promote list`."""
    listed = me.promotions(mine=mine, offer=offer)
    rows, rest = page.part(listed.promotions, lambda row: row.id)
    return {"promotions": rows, "next": rest, "height": listed.height}


@router.reads("/promotions/{id}", result_of(Promotions.promotion_of))
def promotion_of(me: Reader, id: Id) -> Any:
    """One promotion, as it stands."""
    return me.promotion_of(id)


@router.writes("/promotions", result_of(Promotions.promote))
def promote(write: Writes, body: PromotedOffer) -> Response:
    """Promise a commission on an offer, as `weal promote`."""
    terms: dict[str, Any] = {"rate": body.rate, "code": body.code, "hours": body.hours}
    return write(lambda me: me.promote(body.offer, who=body.who or "", **terms), body)


@router.writes("/promotions/{id}/end", result_of(Promotions.end_promotion))
def end(write: Writes, id: Id) -> Response:
    """Let a promotion take no more referrals, as `weal promote end`."""
    return write(lambda me: me.end_promotion(id))


@router.reads("/offer-referrals", rows_of("referrals", Promotions.offer_referrals))
def referrals(me: Reader, page: Page, mine: bool = False) -> Any:
    """Who brought which buyer, as `weal promote referrals`."""
    rows, rest = page.part(me.offer_referrals(mine=mine), lambda row: row.id)
    return {"referrals": rows, "next": rest}


@router.writes("/offer-referrals", result_of(Promotions.refer_by))
def refer(write: Writes, body: OfferReferral) -> Response:
    """Say who brought this member, or somebody outside, to an offer, as `weal referral CODE`."""
    return write(lambda me: me.refer_by(body.code, by=body.by, buyer=body.buyer), body)


@router.reads("/commissions", rows_of("commissions", Promotions.commissions))
def commissions(me: Reader, page: Page, mine: bool = False) -> Any:
    """What sellers owe for which income, as `weal promote earned`."""
    rows, rest = page.part(me.commissions(mine=mine), lambda row: row.id)
    return {"commissions": rows, "next": rest}


@router.writes("/commissions/{id}/payments", result_of(Promotions.pay_commission))
def pay(write: Writes, id: Id) -> Response:
    """Write down that what is open of a commission was paid, as `weal promote pay`."""
    return write(lambda me: me.pay_commission(id))
