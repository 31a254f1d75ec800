"""Promotion: what is promoted for a commission, who brought me, and what promotion earned.

A code is shown as text and as a picture where this member may pass it on. A form says what the
rules will make of it before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.offer_rows import OFFER
from commonweal.client.exchange.promotion.rows import (
    COMMISSION_STATES,
    OPEN,
    REFERRAL_STATES,
    STATES,
    ListedPromotion,
)
from commonweal.client.language.days import shown_until
from commonweal.client.language.digits import whole_number
from commonweal.client.member import Member
from commonweal.client.sharing.commissions import percent
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.protocol.vocabulary.rule_params import HOUR_MS
from commonweal.web.pages.qr_codes import QR_CHARS_MAX, qr_code
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id

router = APIRouter()

PROMOTION = "/promotion"
SHOWN_MAX = 50
"""Promotions, and as many referrals and commissions, on one page."""
OFFERS_MAX = 50
"""Offers among which a member chooses what to promote."""
FIELDS = ("offer", "rate", "code", "hours", "who")


@router.get(PROMOTION)
def promotion(page: Page) -> Response:
    """Show what is promoted, the forms, and what promotion earned."""
    return _show(page, typed={name: page.query(name) for name in (*FIELDS, "said", "by")})


@router.post("/promotion/new")
def promote(page: Page) -> Response:
    """Promote an offer of this member."""
    typed = {name: page.field(name) for name in FIELDS}

    def act(me: Member) -> bytes:
        terms: dict[str, Any] = {"code": typed["code"] or None, "who": typed["who"]}
        hours = whole_number(typed["hours"])
        if typed["hours"] and hours is None:
            text = page.words("{text} is no whole number").format(text=typed["hours"])
            raise UsageError(text)
        return me.promote(typed["offer"], rate=typed["rate"], hours=hours, **terms).id

    done = page.words("It is promoted. Pass the code on to those who may promote it.")
    return _acted(page, act, done, "promote", typed)


@router.post("/promotion/end")
def end(page: Page) -> Response:
    """End a promotion."""
    done = page.words("It takes no more referrals. Those that count stand.")
    return _acted(page, lambda me: me.end_promotion(page.field("id")).promotion, done, "list", {})


@router.post("/promotion/referral")
def referral(page: Page) -> Response:
    """Say who brought this member, or somebody outside, to an offer."""
    typed = {name: page.field(name) for name in ("said", "by", "buyer")}

    def act(me: Member) -> bytes:
        return me.refer_by(typed["said"], by=typed["by"] or None, buyer=typed["buyer"] or None).id

    done = page.words("It is written down. The first referral counts, from its seal on.")
    return _acted(page, act, done, "referral", typed)


@router.post("/promotion/pay")
def pay(page: Page) -> Response:
    """Write down that a commission was paid."""
    done = page.words("It is written down as paid.")
    return _acted(page, lambda me: me.pay_commission(page.field("id")).income, done, "earned", {})


def _acted(
    page: PageRequest,
    do: Callable[[Member], bytes],
    done: str,
    place: str,
    typed: dict[str, str],
) -> Response:
    """Do something, and lead to what changed; what cannot be done is said beside its form."""
    try:
        id = page.act(do, again=lambda earlier: earlier[-1].id)
    except CommonwealError as error:
        return _show(page, 422, error=page.sentence(error), place=place, typed=typed)
    return page.go(PROMOTION, done, at=f"r-{short_id(id)}")


def _show(
    page: PageRequest,
    status: int = 200,
    *,
    error: str = "",
    place: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    with page.member() as member:
        rule = member.view.kept.rules.promotion
        listed = member.promotions().promotions
        offers = member.market(sort=OFFER, mine=True, state=None, limit=OFFERS_MAX).offers
        roles = sorted(member.view.kept.rules.roles)
        kept = [row for row in listed if row.state == OPEN] + [
            row for row in listed if row.state != OPEN
        ]
        referrals = member.offer_referrals(mine=True)[:SHOWN_MAX]
        written = [row.id for row in kept[:SHOWN_MAX]] + [row.id for row in referrals]
        return page.show(
            "exchange/promotion.html",
            status,
            error=error,
            place=place,
            typed={name: (typed or {}).get(name, "") for name in (*FIELDS, "said", "by", "buyer")},
            rule=rule,
            rate_max=None if rule is None else f"{percent(rule.rate_max):f}",
            hours_max=None if rule is None else rule.window_ms_max // HOUR_MS,
            promotions=kept[:SHOWN_MAX],
            total=len(kept),
            codes={row.id: _code(row) for row in kept[:SHOWN_MAX]},
            offers=offers,
            offer_choices=[(offer.id.hex(), offer.title) for offer in offers],
            role_choices=[("", page.words("nobody more")), *((name, name) for name in roles)],
            referrals=referrals,
            records=member.record_states(written),
            commissions=member.commissions(mine=True)[:SHOWN_MAX],
            me=bytes(member.view.me),
            states=STATES,
            referral_states=REFERRAL_STATES,
            commission_states=COMMISSION_STATES,
            until=shown_until,
        )


def _code(row: ListedPromotion) -> Any:
    """Return the picture of the code that this member passes on; None without one."""
    if row.link is None or not row.link.isascii() or len(row.link) > QR_CHARS_MAX:
        return None
    return qr_code(row.link)
