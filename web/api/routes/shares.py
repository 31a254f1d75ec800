"""What members get and are owed: shares, claims, payments, and giving rounds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from commonweal.client.ledger.rows.claim_rows import ClaimState, Overpaid
from commonweal.client.member import Member
from commonweal.client.sharing.shares import PoolState, Share, ShareLine
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import HexText, model_of, page_of, result_of, rows_of
from commonweal.web.api.parameters import HEIGHT_MAX, Filter, Height, Name, NameText

RECEIVERS_MAX = 500

router = SubjectRouter(tags=["sharing"])

IfSealed = Annotated[bool, Query(description="As if all that waits were sealed now.")]
_OF_SHARES: dict[str, Any] = {
    "height": int,
    "ruleset": HexText,
    "provisional": bool,
    "pools": list[model_of(PoolState)],  # type: ignore[misc]
}


class PointGift(Body):
    """All that the member gives in a round now. points: by the name or id of who receives them."""

    points: dict[NameText, Annotated[int, Field(ge=0, le=2**53)]] = Field(
        min_length=1, max_length=RECEIVERS_MAX
    )


@router.reads("/shares", page_of("shares", model_of(Share), **_OF_SHARES))
def shares(me: Reader, page: Page, height: Height = None, if_sealed: IfSealed = False) -> Any:
    """Each share by the rules, and the pools, as `weal shares`."""
    listed = me.shares(height=height, if_sealed=if_sealed)
    rows, rest = page.part(listed.shares, lambda row: (row.member, row.unit))
    return {name: getattr(listed, name) for name in _OF_SHARES} | {"shares": rows, "next": rest}


@router.reads("/shares/lines", page_of("lines", model_of(ShareLine), **_OF_SHARES))
def share_lines(me: Reader, page: Page, height: Height = None, if_sealed: IfSealed = False) -> Any:
    """Every line of the shares, as `weal shares --lines`."""
    listed = me.shares(height=height, if_sealed=if_sealed)
    rows, rest = page.part(listed.lines, lambda row: row.line)
    return {name: getattr(listed, name) for name in _OF_SHARES} | {"lines": rows, "next": rest}


@router.reads("/balance", result_of(Member.account))
def balance(me: Reader, member: Filter = None) -> Any:
    """What a member has a share of, has and gave, and their balances, as `weal balance`."""
    return me.account(member)


@router.reads(
    "/claims",
    page_of("claims", model_of(ClaimState), height=int, too_much=list[model_of(Overpaid)]),  # type: ignore[misc]
)
def claims(
    me: Reader,
    page: Page,
    member: Filter = None,
    unsettled: Annotated[bool, Query(description="Those that are not settled whole.")] = True,
    settled: Annotated[bool, Query(description="Those that are settled.")] = True,
    if_sealed: IfSealed = False,
) -> Any:
    """What members are owed, and how much of it is settled, as `weal claims`."""
    listed = me.claims(member=member, unsettled=unsettled, settled=settled, if_sealed=if_sealed)
    rows, rest = page.part(listed.claims, lambda row: (row.claim, row.sealed))
    about = {"height": listed.height, "too_much": listed.too_much}
    return {"claims": rows, "next": rest, **about}


@router.reads("/payouts", rows_of("payouts", Member.payouts, height=int))
def payouts(me: Reader, page: Page, height: Height = None) -> Any:
    """The payments that are due, as `weal payouts`."""
    rows, rest = page.part(me.payouts(height), lambda row: row.claim)
    return {"payouts": rows, "height": me.view.kept.cut.height, "next": rest}


@router.reads("/reports/money", result_of(Member.money_flow))
def money_flow(me: Reader) -> Any:
    """Where the money of all pools came from and went, as far as seals cover it."""
    return me.money_flow()


@router.reads("/reports/community", result_of(Member.report))
def report(
    me: Reader,
    period: Annotated[str, Query(max_length=16, description="2026-11, 2026, or all.")] = "",
) -> Any:
    """What was given of each factor, how far it came, and what came in, in a period."""
    return me.report(period)


First = Annotated[int | None, Query(alias="from", ge=1, le=HEIGHT_MAX)]
Last = Annotated[int | None, Query(alias="to", ge=1, le=HEIGHT_MAX)]


@router.reads("/reports/factors", result_of(Member.factors))
def factors(me: Reader, first: First = None, last: Last = None) -> Any:
    """Factors of a period of seals, as `weal report factors`."""
    return me.factors(first, last)


@router.reads("/reports/funnel", result_of(Member.funnel))
def funnel(me: Reader, first: First = None, last: Last = None) -> Any:
    """Who was invited, came, gave and brought others, as `weal report funnel`."""
    return me.funnel(first, last)


@router.reads("/reports/kept", result_of(Member.kept))
def kept(me: Reader, first: First = None, last: Last = None) -> Any:
    """How many promises of a period were kept, as `weal report kept`."""
    return me.kept(first, last)


@router.reads("/reports/things", result_of(Member.things_and_needs))
def things(me: Reader, first: First = None, last: Last = None) -> Any:
    """What lay idle and which needs nobody met, as `weal report things`."""
    return me.things_and_needs(first, last)


@router.reads("/rounds", rows_of("rounds", Member.rounds))
def rounds(me: Reader, page: Page) -> Any:
    """The last giving round of each name, as `weal round list`."""
    rows, rest = page.part(me.rounds(), lambda row: row.round)
    return {"rounds": rows, "next": rest}


@router.reads("/rounds/{name}", result_of(Member.round))
def round_of(me: Reader, name: Name) -> Any:
    """A round, and what was given and received in it, as `weal round show`."""
    return me.round(name)


@router.writes("/rounds/{name}/gifts", result_of(Member.give_points))
def give_points(write: Writes, name: Name, body: PointGift) -> Response:
    """Give points in a round, as `weal round give`."""
    return write(lambda me: me.give_points(body.points, in_round=name), body)
