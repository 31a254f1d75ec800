"""Deals: what members agree to give each other."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from commonweal.client.exchange.deals.terms import ClauseTerms, check_count, with_due
from commonweal.client.member import Member
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.exchange.deals.agreements import CLAUSES_MAX
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import result_of, rows_of
from commonweal.web.api.parameters import Id, IdText, NameText, NoteText, NumberText

router = SubjectRouter(tags=["deals"])


class Clause(Body):
    """What one is to give another: giver, taker by name or id; what: a specification.

    begin, end, due: a day, a time, or 3d from now on. satisfies: ids of the intents that it
    answers. in_return: it is given for the other clauses.
    """

    giver: NameText
    taker: NameText
    action: NameText
    quantity: NumberText
    unit: NameText
    what: NameText | None = None
    resource: NameText | None = None
    begin: NameText | None = None
    end: NameText | None = None
    due: NameText | None = None
    satisfies: Annotated[list[IdText], Field(max_length=2)] = []
    in_return: bool = False

    def terms(self) -> ClauseTerms:
        """Return it as the client takes it."""
        return ClauseTerms(**self.model_dump(exclude={"satisfies"}), satisfies=(*self.satisfies,))


class MatchedFlow(Body):
    """A match: what one offers, and what another needs, by the ids of their intents."""

    offer: IdText
    need: IdText


class DealTerms(Body):
    """Terms of a deal, clause by clause. due: of every clause, where one is said."""

    clauses: Annotated[list[Clause], Field(max_length=2 * CLAUSES_MAX)] = []
    answer_by: NameText | None = None
    due: NameText | None = None
    note: NoteText | None = None


class DealProposal(DealTerms):
    """A deal: of an offer or a need, by its id, or a part of it; of matches; or clause by clause.

    One of the three is given. quantity: all that is left, where nothing is said.
    """

    offer: IdText | None = None
    quantity: NumberText | None = None
    unit: NameText | None = None
    flows: Annotated[list[MatchedFlow], Field(max_length=CLAUSES_MAX)] = []


class DealEnd(Body):
    """Why a deal ends: it is done, or given up."""

    why: Literal["done", "given up"]


class DealRemark(Body):
    """Words about a deal; they can be erased later."""

    text: NoteText


@router.reads("/deals", rows_of("deals", Member.deals))
def deals(me: Reader, page: Page, closed: bool = False, everyone: bool = False) -> Any:
    """The deals of this member, as `weal deal list`; closed, everyone: as with its options."""
    rows, rest = page.part(me.deals(closed=closed, everyone=everyone), lambda row: row.id)
    return {"deals": rows, "next": rest}


@router.reads("/deals/{id}", result_of(Member.deal))
def deal_of(me: Reader, id: Id) -> Any:
    """A deal in full, as `weal deal show`."""
    return me.deal(id)


@router.writes("/deals", result_of(Member.propose_deal))
def propose(write: Writes, body: DealProposal) -> Response:
    """Propose a deal, as `weal deal propose`."""
    if [body.offer is not None, bool(body.flows), bool(body.clauses)].count(True) != 1:
        raise UsageError("offer, flows, clauses: give one of them")

    def proposed(me: Member) -> Any:
        if body.offer is not None:
            terms = me.terms_from(body.offer, body.quantity, body.unit)
        elif body.flows:
            terms = me.terms_of_flows([(flow.offer, flow.need) for flow in body.flows])
        else:
            terms = tuple(clause.terms() for clause in body.clauses)
        terms = with_due(terms, body.due)
        return me.propose_deal(terms, answer_by=body.answer_by, note=body.note)

    return write(proposed, body)


@router.writes("/deals/{id}/counters", result_of(Member.counter_deal))
def counter(write: Writes, id: Id, body: DealTerms) -> Response:
    """Propose other terms in place of a deal, as `weal deal counter`."""

    def countered(me: Member) -> Any:
        terms = with_due((clause.terms() for clause in body.clauses), body.due)
        check_count(terms, me.words)
        return me.counter_deal(id, terms, answer_by=body.answer_by, note=body.note)

    return write(countered, body)


@router.writes("/deals/{id}/acceptance", result_of(Member.accept_deal))
def accept(write: Writes, id: Id) -> Response:
    """Say yes to a deal, as `weal deal accept`."""
    return write(lambda me: me.accept_deal(id))


@router.writes("/deals/{id}/refusal", result_of(Member.decline_deal))
def decline(write: Writes, id: Id) -> Response:
    """Say no to a deal, as `weal deal decline`."""
    return write(lambda me: me.decline_deal(id))


@router.writes("/deals/{id}/withdrawal", result_of(Member.withdraw_deal))
def withdraw(write: Writes, id: Id) -> Response:
    """Take a yes to a deal back, as `weal deal withdraw`."""
    return write(lambda me: me.withdraw_deal(id))


@router.writes("/deals/{id}/end", result_of(Member.end_deal))
def end(write: Writes, id: Id, body: DealEnd) -> Response:
    """Say that a deal is done or given up, as `weal deal done` and `weal deal end`."""
    return write(lambda me: me.done_deal(id) if body.why == "done" else me.end_deal(id), body)


@router.writes("/deals/{id}/comments", result_of(Member.comment_deal))
def comment(write: Writes, id: Id, body: DealRemark) -> Response:
    """Say something about a deal, as `weal deal comment`."""
    return write(lambda me: me.comment_deal(id, body.text), body)
