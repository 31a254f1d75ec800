"""New deals and other terms: a form of clauses, filled in from an offer, a match or a deal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Response

from commonweal.client.exchange.deals.rows import NewDeal
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.client.language.times import read_due_ms, shown
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UnreadableTime
from commonweal.protocol.ledger.exchange.deals.agreements import CLAUSES_MAX
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

FIELDS = ("giver", "taker", "action", "quantity", "unit", "what", "due", "resource")
HIDDEN = ("begin", "end", "satisfies")
"""Fields that a member does not change: of a booking, and which intents a clause answers."""
SIDES = {"given": False, "back": True}
"""How the clauses of each side are named in the form, and whether they are given in return."""
FLOWS_MAX = 16


@router.get("/deals/new")
def new(page: Page) -> Response:
    """Show the form of a new deal, filled in as the address says."""
    if page.typed:
        return _one_more(page, None)
    error = ""
    clauses: Sequence[ClauseTerms] = ()
    flows = page.request.query_params.getlist("flow")[:FLOWS_MAX]
    try:
        with page.member() as member:
            if page.query("offer"):
                amount = (page.query("quantity") or None, page.query("unit") or None)
                clauses = member.terms_from(page.query("offer"), *amount)
            elif flows:
                clauses = member.terms_of_flows([_flow(text) for text in flows])
    except CommonwealError as problem:
        error = page.sentence(problem)
    return _form(page, clauses or [_blank(page)], status=422 if error else 200, error=error)


@router.post("/deals/new")
def propose(page: Page) -> Response:
    """Propose a deal; or show the form with one more clause."""
    return _proposed(page, None)


@router.get("/deals/{id}/counter")
def counter(page: Page, id: str) -> Response:
    """Show the terms of a deal, to be changed."""
    if page.typed:
        return _one_more(page, id)
    with page.member() as member:
        clauses = [_in_local_time(clause) for clause in member.deal_terms(id)]
    return _form(page, clauses, counters=id)


@router.post("/deals/{id}/counter")
def propose_other(page: Page, id: str) -> Response:
    """Propose other terms in place of a deal; or show the form with one more clause."""
    return _proposed(page, id)


def _in_local_time(clause: ClauseTerms) -> ClauseTerms:
    """Return terms whose due time stands as it is shown on this machine, to the minute.

    One that no calendar has is left out: nobody can type it.
    """
    try:
        return replace(clause, due=clause.due and shown(read_due_ms(clause.due, 0)))
    except UnreadableTime:
        return replace(clause, due=None)


def _flow(text: str) -> tuple[str, str]:
    """Return the ids of a match, OFFER-NEED; what is missing names nothing."""
    offer, _, need = text.partition("-")
    return offer, need


def _one_more(page: PageRequest, counters: str | None) -> Response:
    """Show what was typed, with one more clause on the side that was asked for."""
    blank = _blank(page, in_return=page.field("more") == "back")
    return _form(page, [*_typed(page), blank], counters=counters)


def _proposed(page: PageRequest, counters: str | None) -> Response:
    if page.field("more") in SIDES:
        return page.show_typed(page.path)
    clauses = _typed(page)
    left_out = _left_out(page)
    said = [clause for n, clause in enumerate(clauses) if n not in left_out]
    answer_by, note = page.field("answer_by") or None, page.field("note") or None

    def act(me: Member) -> NewDeal:
        return me.propose_deal(said, answer_by=answer_by, note=note, counters=counters)

    try:
        made = page.act(act, again=None)
    except CommonwealError as error:
        shown = clauses or [_blank(page)]
        return _form(page, shown, 422, counters=counters, error=page.sentence(error))
    return page.go(f"/deals/{made.id.hex()}", page.words("It is proposed. It is your yes."))


def _blank(page: PageRequest, *, in_return: bool = False) -> ClauseTerms:
    """Return a clause without content, by which this member gives; in return they get."""
    with page.member() as member:
        me = member.view.name(member.view.me)
    sides = ("", me) if in_return else (me, "")
    return ClauseTerms(*sides, "work", "", "", in_return=in_return)


def _left_out(page: PageRequest) -> set[int]:
    """Return the places of clauses that are to be left out, as they stand in the form."""
    sides = [(side, n) for side in SIDES for n in range(CLAUSES_MAX) if _has_clause(page, side, n)]
    return {
        place for place, (side, n) in enumerate(sides) if page.field(f"{side}-{n}-out") == "yes"
    }


def _has_clause(page: PageRequest, side: str, number: int) -> bool:
    """Whether a clause was sent, and all those before it: the form has no gap."""
    return all(page.field(f"{side}-{n}-action") for n in range(number + 1))


def _typed(page: PageRequest) -> list[ClauseTerms]:
    """Return the clauses that were sent; one side after the other, as they stand in the form."""
    clauses: list[ClauseTerms] = []
    for side, in_return in SIDES.items():
        for number in range(CLAUSES_MAX):
            sent = {name: page.field(f"{side}-{number}-{name}") for name in (*FIELDS, *HIDDEN)}
            if not _has_clause(page, side, number):
                break
            clauses.append(
                ClauseTerms(
                    giver=sent["giver"],
                    taker=sent["taker"],
                    action=sent["action"],
                    quantity=sent["quantity"],
                    unit=sent["unit"],
                    what=sent["what"] or None,
                    resource=sent["resource"] or None,
                    begin=sent["begin"] or None,
                    end=sent["end"] or None,
                    due=sent["due"] or None,
                    satisfies=tuple(sent["satisfies"].split()),
                    in_return=in_return,
                )
            )
    return clauses


def _form(
    page: PageRequest,
    clauses: Sequence[ClauseTerms],
    status: int = 200,
    *,
    counters: str | None = None,
    error: str = "",
) -> Response:
    with page.member() as member:
        choices = member.give_choices()
    return page.show(
        "exchange/deal_terms.html",
        status,
        sides=[(side, [c for c in clauses if c.in_return is back]) for side, back in SIDES.items()],
        clauses_max=CLAUSES_MAX,
        counters=counters,
        choices=choices,
        note=page.field("note"),
        answer_by=page.field("answer_by"),
        error=error,
    )
