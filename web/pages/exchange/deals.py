"""Deals: what is asked of this member, what is under way, and one deal with all that is in it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from commonweal.client.exchange.deals.rows import (
    CLAUSE_STATES,
    DEAL_GROUPS,
    DEAL_SORTS,
    DEAL_STATES,
    IN_FORCE,
    RING,
    DealClause,
    DealDetails,
)
from commonweal.client.exchange.reviews.rows import REVIEW_STATES
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.exchange.reviews.review_secret import RATING_MAX, RATING_MIN
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id
from commonweal.web.pictures import GiftArrow, Picture, circle

router = APIRouter()

CLOSED_MAX = 100
"""Deals of a group that are shown; the newest ones."""
STARS = tuple(str(stars) for stars in range(RATING_MAX, RATING_MIN - 1, -1))
STATES_MAX = 200
"""Records whose states are told on one page."""


@router.get("/deals")
def deals(page: Page) -> Response:
    """Show the deals of this member, by what they are to them."""
    closed = bool(page.query("all"))
    with page.member() as member:
        listed = member.deals(closed=closed, everyone=bool(page.query("everyone")))
        groups = [
            (heading, [deal for deal in listed if deal.group == group])
            for group, heading in DEAL_GROUPS.items()
        ]
        shown = [deal.id for _, group in groups for deal in group[:CLOSED_MAX]]
        states = member.record_states(shown[:STATES_MAX])
    return page.show(
        "exchange/deals.html",
        groups=[(heading, group[:CLOSED_MAX], len(group)) for heading, group in groups if group],
        states=states,
        closed=closed,
        everyone=bool(page.query("everyone")),
        **_telling(),
    )


@router.get("/deals/{id}")
def deal(page: Page, id: str) -> Response:
    """Show one deal: its clauses on all sides, who has signed, what is open, what was said."""
    return _details(page, id)


@router.get("/deals/{id}/{act}")
def back(page: Page, id: str, act: str) -> Response:
    """Lead from the address of an act to the deal, as after a change of the language."""
    return page.go(f"/deals/{id}", at=act)


@router.post("/deals/{id}/accept")
def accept(page: Page, id: str) -> Response:
    """Say yes."""
    return _act(page, id, lambda me: me.accept_deal(id), page.words("You said yes."))


@router.post("/deals/{id}/decline")
def decline(page: Page, id: str) -> Response:
    """Say no."""
    return _act(page, id, lambda me: me.decline_deal(id), page.words("You declined."))


@router.post("/deals/{id}/withdraw")
def withdraw(page: Page, id: str) -> Response:
    """Take a yes back."""
    return _act(page, id, lambda me: me.withdraw_deal(id), page.words("You withdrew."))


@router.post("/deals/{id}/done")
def done(page: Page, id: str) -> Response:
    """Say that it is done."""
    said = page.words("You said that it is done.")
    return _act(page, id, lambda me: me.done_deal(id), said)


@router.post("/deals/{id}/end")
def end(page: Page, id: str) -> Response:
    """Give it up."""
    return _act(page, id, lambda me: me.end_deal(id), page.words("You gave it up."))


@router.post("/deals/{id}/comment")
def comment(page: Page, id: str) -> Response:
    """Comment on a deal."""
    text = page.field("text")
    try:
        written = page.act(lambda me: me.comment_deal(id, text))
    except CommonwealError as error:
        return _details(page, id, 422, wrong={"text": page.sentence(error)}, typed=text)
    at = f"r-{short_id(written.id)}"
    return page.go(f"/deals/{id}", page.words("Your comment is written."), at=at)


@router.post("/deals/{id}/review")
def review(page: Page, id: str) -> Response:
    """Review another party of a deal, unseen by them until both are sealed."""
    rating = page.field("rating")
    note = page.field("note")
    try:
        page.act(
            lambda me: me.review_deal(
                id,
                int(rating) if rating in STARS else 0,
                on_time=bool(page.field("on_time")),
                as_agreed=bool(page.field("as_agreed")),
                note=note or None,
                about=page.field("about") or None,
            )
        )
    except CommonwealError as error:
        return _details(page, id, 422, wrong={"review": page.sentence(error)}, noted=note)
    said = page.words("Your review is written. Only this home has it until it is opened.")
    return page.go(f"/deals/{id}", said, at="reviews")


def _act(page: PageRequest, id: str, act: Callable[[Member], object], notice: str) -> Response:
    try:
        page.act(act)
    except CommonwealError as error:
        return _details(page, id, 422, wrong={"acts": page.sentence(error)})
    return page.go(f"/deals/{id}", notice, at="signatures")


def _details(
    page: PageRequest,
    id: str,
    status: int = 200,
    wrong: dict[str, str] | None = None,
    typed: str = "",
    noted: str = "",
) -> Response:
    with page.member() as member:
        details = member.deal(id)
        reviews = member.reviews(details.id)
        records = [details.id, *(party.record for party in details.signatures if party.record)]
        records += [step.id for step in details.history]
        states = member.record_states(records[:STATES_MAX])
        me = member.view.me
        payees = {row.member for row in member.members() if row.status == "active"}
    givers: dict[bytes, list[DealClause]] = {}
    for clause in details.terms:
        givers.setdefault(clause.provider, []).append(clause)
    return page.show(
        "exchange/deal.html",
        status,
        deal=details,
        givers=sorted(givers.items(), key=lambda pair: pair[0] != me),
        states=states,
        me=me,
        picture=_picture(page, details),
        give_link=_give_link,
        is_payment=lambda clause: _is_payment(clause, payees),
        wrong=wrong or {},
        typed=typed,
        reviews=reviews,
        review_states=REVIEW_STATES,
        stars=STARS,
        noted=noted,
        **_telling(),
    )


def _picture(page: PageRequest, deal: DealDetails) -> Picture | None:
    """Return a ring as a picture; None of any other deal."""
    if deal.sort != RING:
        return None
    names = dict(zip(deal.parties, deal.party_names, strict=True))
    if len(set(names.values())) < len(names):
        names = {id: f"{name} ({id.hex()[:6]})" for id, name in names.items()}
    arrows = [
        GiftArrow(
            clause.number,
            names.get(clause.provider, clause.provider_name),
            names.get(clause.receiver, clause.receiver_name),
            clause.words.partition(" · ")[0],
        )
        for clause in deal.terms
    ]
    return circle(page.words("Who gives what, and who gets it"), arrows, page.words)


def _is_payment(clause: DealClause, payees: Collection[bytes]) -> bool:
    """Return whether a clause is kept by paying a member, and not by giving a thing."""
    is_money = clause.action == "transfer" and not clause.what and clause.resource is None
    return is_money and clause.receiver in payees


def _give_link(clause: DealClause, *, pays: bool) -> str:
    """Return the address of Give, or of Pay, filled in with what is open of a clause."""
    amount = {"quantity": f"{clause.open:f}", "unit": clause.unit}
    if pays:
        named = {"for": clause.id.hex(), "member": clause.receiver.hex()}
        return "/money/balance/pay?" + urlencode(named | amount)
    fields = {
        "action": clause.action,
        **amount,
        "receiver": clause.receiver.hex(),
        "spec": clause.what or "",
        "fulfills": clause.id.hex(),
    }
    return "/give?" + urlencode({name: value for name, value in fields.items() if value})


def _telling() -> dict[str, Any]:
    """Return what templates say of deals."""
    return {
        "deal_states": DEAL_STATES,
        "clause_states": CLAUSE_STATES,
        "sorts": DEAL_SORTS,
        "tone": _tone,
        "in_force": IN_FORCE,
    }


def _tone(state: str) -> str:
    """Return the tone of the chip of a deal or a clause."""
    if state in ("agreed", "running", "done", "met", "partly"):
        return "good"
    if state in ("overdue", "disputed", "lost", "void"):
        return "bad"
    return "busy" if state in ("asked", "said") else ""
