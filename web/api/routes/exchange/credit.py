"""Balances between members: who has what, what they pay and ask, and what can be set off."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from commonweal.client.exchange.credit.balances import CreditBalance
from commonweal.client.member import Member
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import model_of, page_of, result_of
from commonweal.web.api.parameters import Filter, IdText, NameText, NoteText, NumberText

router = SubjectRouter(tags=["credit"])


class PaidAmount(Body):
    """How much, and of or from which member: by name or id. unit: one that has balances."""

    member: NameText
    quantity: NumberText
    unit: NameText
    note: NoteText | None = None


class NewPayment(PaidAmount):
    """A payment. fulfills: the promise, or the deal with one, that it is for."""

    fulfills: IdText | None = None


class NewRequest(PaidAmount):
    """A payment that is asked for. due: a day, a time, or 3d from now on."""

    due: NameText | None = None


@router.reads(
    "/balances",
    page_of("balances", model_of(CreditBalance), height=int, former=dict[str, str]),
)
def balances(me: Reader, page: Page, member: Filter = None) -> Any:
    """Balances between members, as `weal balance --all`; member: only theirs."""
    listed = me.balances(member)
    rows, rest = page.part(listed.balances, lambda row: (row.unit, row.member_name, row.member))
    return {"balances": rows, "height": listed.height, "former": listed.former, "next": rest}


@router.reads("/set-offs", result_of(Member.set_off))
def set_offs(me: Reader) -> Any:
    """Debts that go round, as `weal settle --net --dry-run`; nothing is proposed."""
    return me.set_off(dry_run=True)


@router.writes("/payments", result_of(Member.pay))
def pay(write: Writes, body: NewPayment) -> Response:
    """Pay a member, as `weal pay`."""
    return write(
        lambda me: me.pay(
            body.member, body.quantity, body.unit, fulfills=body.fulfills, note=body.note
        ),
        body,
    )


@router.writes("/payment-requests", result_of(Member.ask))
def ask(write: Writes, body: NewRequest) -> Response:
    """Ask a member to pay, as `weal ask`."""
    return write(
        lambda me: me.ask(body.member, body.quantity, body.unit, due=body.due, note=body.note),
        body,
    )


@router.writes("/set-offs", result_of(Member.set_off))
def propose_set_offs(write: Writes) -> Response:
    """Propose to set off each ring of debts that this member is in, as `weal settle --net`."""
    return write(lambda me: me.set_off())
