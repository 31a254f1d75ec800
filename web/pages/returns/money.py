"""Money: pools, incomes, where they went, what members are owed, and what of it is paid."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.language.plain import plain_rows
from commonweal.client.language.words import N_
from commonweal.client.ledger.rows.claim_rows import OPEN, PAYMENTS, STATUSES, ClaimState
from commonweal.client.member import Member
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page
from commonweal.web.pages.returns.money_pictures import claim_pictures, flow_pictures, shares_link

router = APIRouter()

CLAIMS_SHOWN_MAX = 12
INCOMES_SHOWN_MAX = 10
PAYMENTS_SHOWN_MAX = 10
LINES_SHOWN_MAX = 200
"""Rows of each kind on one page; the address `all=1` shows ALL_SHOWN_MAX of the claims."""
ALL_SHOWN_MAX = 1_000

CHOICES = {"open": N_("to be paid"), "settled": N_("settled"), "all": N_("all")}
PAYOUT_COLUMNS = (
    *("height", "seal", "time", "ruleset", "pool", "claim", "member", "member_name", "amount"),
    "unit",
)


@router.get("/money")
def money(page: Page) -> Response:
    """Show pools, the flow of money, claims, payments and incomes."""
    chosen = page.query("claims") if page.query("claims") in CHOICES else "open"
    with page.member() as member:
        claims = member.claims()
        listed = [claim for claim in reversed(claims.claims) if _fits(claim, chosen)]
        payments, incomes = member.payments(), member.incomes(limit=INCOMES_SHOWN_MAX)
        room = ALL_SHOWN_MAX if page.query("all") else CLAIMS_SHOWN_MAX
        flow = member.money_flow()
        return page.show(
            "returns/money.html",
            height=flow.height,
            pools=flow.pools,
            flows=flow_pictures(flow, page.words),
            claimed=claim_pictures(claims.totals(), page.words),
            claims=listed[:room],
            claims_in_all=len(listed),
            chosen=chosen,
            choices=CHOICES,
            statuses=STATUSES,
            too_much=claims.too_much,
            asking=[payment for payment in payments if payment.asks_me],
            payments=[payment for payment in payments if not payment.asks_me][:PAYMENTS_SHOWN_MAX],
            payment_words=PAYMENTS,
            incomes=incomes,
            balances=member.account().credit,
            me=member.view.me,
            shares_link=shares_link,
        )


def _fits(claim: ClaimState, chosen: str) -> bool:
    return chosen == "all" or (claim.status in OPEN) == (chosen == "open")


@router.get("/money/shares")
def shares(page: Page) -> Response:
    """Show the lines that a bucket gave, or gave a member, each with its reasons."""
    pool, bucket, who = page.query("pool"), page.query("bucket"), page.query("member")
    with page.member() as member:
        lines = member.share_lines(pool, bucket=bucket or None, member=who or None)
        return page.show(
            "returns/shares.html",
            pool=pool,
            bucket=bucket,
            member_name=lines[0].member_name if who and lines else "",
            lines=lines[:LINES_SHOWN_MAX],
            in_all=len(lines),
        )


@router.get("/money/payouts.csv")
def payouts(page: Page) -> Response:
    """Give the file to pay by, the same that `weal payouts -o csv` writes."""
    return downloads.sheet(page, "payouts", PAYOUT_COLUMNS, _payouts)


def _payouts(member: Member) -> list[dict[str, object]]:
    return plain_rows(member.payouts())
