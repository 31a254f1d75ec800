"""Data that is used: consents, requests for them, and who used what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, Field

from commonweal.client.member import Member
from commonweal.protocol.ledger.exchange.data.consents import (
    ACTIONS,
    PURPOSES_MAX,
    RECIPIENTS_MAX,
    USE,
)
from commonweal.web.api.calls import Body, Reader, SubjectRouter, Writes
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import result_of, rows_of
from commonweal.web.api.parameters import Id, NameText, NoteText, NumberText

router = SubjectRouter(tags=["consents"])

Purposes = Annotated[list[NameText], Field(min_length=1, max_length=PURPOSES_MAX)]
Actions = Annotated[list[NameText], Field(min_length=1, max_length=len(ACTIONS))]
Recipients = Annotated[list[NameText], Field(max_length=RECIPIENTS_MAX)]
Time = Annotated[int, Field(ge=0, lt=2**63)]


class UsePrice(Body):
    """What each use costs."""

    quantity: NumberText
    unit: NameText

    def said(self) -> tuple[str, str]:
        """Return it as the client takes it."""
        return self.quantity, self.unit


class ConsentTerms(Body):
    """A consent. data: an id or a name; recipients: members, roles, or all; times: ms since 1970.

    notice: what they are told, kept for ever. per_use, or pool: what the owner gets. replaces: a
    consent that ends with this.
    """

    data: NameText
    purposes: Purposes
    recipients: Annotated[Recipients, Field(min_length=1)]
    notice: NoteText
    actions: Actions = ["use"]
    begin_ms: Time | None = None
    end_ms: Time | None = None
    per_use: UsePrice | None = None
    pool: NameText | None = None
    replaces: NameText | None = None


class ConsentQuestion(Body):
    """A request for a consent; no recipients: for who asks."""

    data: NameText
    purposes: Purposes
    notice: NoteText
    recipients: Recipients = []
    actions: Actions = ["use"]
    end_ms: Time | None = None


class ReceiptAnswer(BaseModel):
    """A receipt. receipt: a record of ISO/IEC TS 27560 in JSON-LD, with what a receipt adds."""

    receipt: dict[str, Any]


class ConsentAnswer(Body):
    """What answers a request; without a notice, its own words."""

    notice: NoteText | None = None
    end_ms: Time | None = None
    per_use: UsePrice | None = None
    pool: NameText | None = None


class ConsentEnd(Body):
    """How a consent ends. vote: members decide; note: why, kept for ever, with a vote."""

    vote: bool = False
    note: NoteText | None = None


class ConsentUse(Body):
    """What data is used for, under a consent. purpose: one of the consent's."""

    purpose: NameText
    action: NameText = USE
    note: NoteText | None = None


@router.reads("/owned-data", rows_of("data", Member.owned_data))
def owned_data(me: Reader, page: Page) -> Any:
    """The data of this member, who may use it and what it earned."""
    rows, rest = page.part(me.owned_data(), lambda row: row.id)
    return {"data": rows, "next": rest}


@router.reads("/used-data", rows_of("uses", Member.data_uses))
def data_uses(me: Reader, page: Page) -> Any:
    """The uses of this member's data, and theirs of data of others, the newest first."""
    rows, rest = page.part(me.data_uses(), lambda row: row.id)
    return {"uses": rows, "next": rest}


@router.reads("/consents", rows_of("consents", Member.consents))
def consents(me: Reader, page: Page, ended: bool = False) -> Any:
    """Consents and requests of this member and for them, as `weal consent list`."""
    rows, rest = page.part(me.consents(ended=ended), lambda row: row.id)
    return {"consents": rows, "next": rest}


@router.reads("/consents/{id}", result_of(Member.consent))
def consent(me: Reader, id: Id) -> Any:
    """A consent or a request, as `weal consent show`."""
    return me.consent(id)


@router.reads("/consents/{id}/receipt", ReceiptAnswer)
def receipt(me: Reader, id: Id) -> Any:
    """A receipt in JSON-LD, as `weal consent receipt`."""
    return {"receipt": me.consent_receipt(id)}


@router.writes("/consents", result_of(Member.grant_consent))
def grant(write: Writes, body: ConsentTerms) -> Response:
    """Let others use data, as `weal consent grant`."""
    said: dict[str, Any] = {"actions": body.actions, "begin_ms": body.begin_ms}
    said |= {"end_ms": body.end_ms, "per_use": body.per_use and body.per_use.said()}
    said |= {"pool": body.pool, "replaces": body.replaces}
    named = (body.data, body.purposes, body.recipients, body.notice)
    return write(lambda me: me.grant_consent(*named, **said), body)


@router.writes("/consent-requests", result_of(Member.ask_consent))
def ask(write: Writes, body: ConsentQuestion) -> Response:
    """Ask for a consent, as `weal consent ask`."""
    said: dict[str, Any] = {"recipients": body.recipients, "actions": body.actions}
    said |= {"end_ms": body.end_ms}
    return write(lambda me: me.ask_consent(body.data, body.purposes, body.notice, **said), body)


@router.writes("/consent-requests/{id}/answer", result_of(Member.answer_request))
def answer(write: Writes, id: Id, body: ConsentAnswer) -> Response:
    """Consent to what is asked, as `weal consent grant --request`."""
    said: dict[str, Any] = {"end_ms": body.end_ms, "pool": body.pool}
    said |= {"per_use": body.per_use and body.per_use.said()}
    return write(lambda me: me.answer_request(id, body.notice, **said), body)


@router.writes("/consents/{id}/uses", result_of(Member.use_data))
def use(write: Writes, id: Id, body: ConsentUse) -> Response:
    """Use the data under a consent, as `weal data use --consent`."""

    def act(me: Member) -> Any:
        data = me.consent(id).resource.hex()
        return me.use_data(data, body.purpose, consent=id, action=body.action, note=body.note)

    return write(act, body)


@router.writes("/consents/{id}/revocation", result_of(Member.revoke_consent))
def revoke(write: Writes, id: Id, body: ConsentEnd | None = None) -> Response:
    """End a consent, refuse a request or take one back, as `weal consent revoke`."""
    said = body or ConsentEnd()
    if not said.vote:
        return write(lambda me: me.revoke_consent(id), body)
    return write(lambda me: me.void_consent(id, note=said.note), body)
