"""Consents: who may use which data of mine, who asks, what was used, and receipts to take away."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.data.consent_rows import STATES
from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import read_due_ms
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id

router = APIRouter()

FIELDS = ("data", "purposes", "recipients", "notice", "until", "per_use", "unit", "pool")


@router.get("/data/consents")
def consents(page: Page) -> Response:
    """Show the consents and requests, with forms to grant one and to ask for one."""
    return _listed(page, {"data": page.query("data")})


@router.post("/data/consents")
def grant(page: Page) -> Response:
    """Let others use data, once the member saw what it means."""
    typed = {name: page.field(name) for name in FIELDS}
    try:
        benefit = _benefit(typed)
        made = page.act(
            lambda me: me.grant_consent(
                typed["data"],
                _parts(typed["purposes"]),
                _parts(typed["recipients"]),
                typed["notice"],
                end_ms=_until(typed["until"]),
                **benefit,
            )
        )
    except CommonwealError as error:
        return _listed(page, typed, "grant", page.sentence(error))
    done = page.words("They may use it now. You can end this any time.")
    return page.go(f"/data/consents/{made.consent.hex()}", done)


@router.post("/data/consents/ask")
def ask(page: Page) -> Response:
    """Ask the owner of data for a consent."""
    typed = {name: page.field(name) for name in FIELDS}
    try:
        made = page.act(
            lambda me: me.ask_consent(
                typed["data"],
                _parts(typed["purposes"]),
                typed["notice"],
                end_ms=_until(typed["until"]),
            )
        )
    except CommonwealError as error:
        return _listed(page, typed, "ask", page.sentence(error))
    done = page.words("Asked. It waits in their Today.")
    return page.go(f"/data/consents/{made.consent.hex()}", done)


@router.get("/data/consents/{id}")
def consent(page: Page, id: str) -> Response:
    """Show a consent or a request, and what can be done with it."""
    return _one(page, id)


@router.post("/data/consents/{id}/answer")
def answer(page: Page, id: str) -> Response:
    """Consent to what a request asks."""
    typed = {name: page.field(name) for name in FIELDS}
    try:
        benefit, end_ms = _benefit(typed), _until(typed["until"])
        made = page.act(lambda me: me.answer_request(id, end_ms=end_ms, **benefit))
    except CommonwealError as error:
        return _one(page, id, typed, page.sentence(error))
    done = page.words("They may use it now. You can end this any time.")
    return page.go(f"/data/consents/{made.consent.hex()}", done)


@router.post("/data/consents/{id}/revoke")
def revoke(page: Page, id: str) -> Response:
    """End a consent, refuse a request, or take one back."""
    try:
        page.act(lambda me: me.revoke_consent(id))
    except CommonwealError as error:
        return _one(page, id, error=page.sentence(error))
    done = page.words("It is ended: no use counts after it. What was read cannot be unread.")
    return page.go(f"/data/consents/{id}", done)


@router.post("/data/consents/{id}/use")
def use(page: Page, id: str) -> Response:
    """Use the data under a consent, for one of its purposes."""
    purpose = page.field("purpose")
    try:
        made = page.act(lambda me: me.use_data(me.consent(id).resource.hex(), purpose, consent=id))
    except CommonwealError as error:
        return _one(page, id, error=page.sentence(error))
    done = page.words("Written. The content comes once a seal covers it; open it here then.")
    return page.go("/data/contents", done, at=f"r-{short_id(made.id)}")


@router.post("/data/consents/{id}/vote")
def vote(page: Page, id: str) -> Response:
    """Propose that a consent counts no more."""
    why = page.field("why")
    try:
        made = page.act(lambda me: me.void_consent(id, note=why or None))
    except CommonwealError as error:
        return _one(page, id, error=page.sentence(error))
    return page.go(f"/votes/{made.id.hex()}", page.words("Members vote on it now."))


@router.get("/data/consents/{id}/receipt.json")
def receipt(page: Page, id: str) -> Response:
    """Give a receipt of a consent."""
    with page.member() as member:
        text = json.dumps(member.consent_receipt(id), ensure_ascii=False, indent=1)
    return downloads.attached(text.encode(), "consent.json", downloads.JSON)


def _parts(text: str) -> list[str]:
    """Return what was typed with commas, Chinese ones too."""
    return [
        part for part in (typed.strip() for typed in text.replace("，", ",").split(",")) if part
    ]


def _until(text: str) -> int | None:
    return read_due_ms(text, now_ms()) if text else None


def _benefit(typed: dict[str, str]) -> dict[str, Any]:
    """Return what the owner gets, as the client takes it."""
    if typed["per_use"]:
        return {"per_use": (typed["per_use"], typed["unit"])}
    return {"pool": typed["pool"]} if typed["pool"] else {}


def _listed(page: PageRequest, typed: dict[str, str], form: str = "", error: str = "") -> Response:
    with page.member() as member:
        listed = member.consents(ended=bool(page.query("all")))
        return page.show(
            "owned/consents.html",
            422 if error else 200,
            rows=listed,
            uses=member.data_uses(),
            me=member.view.me,
            owned=[row for row in member.owned_data() if not row.erased],
            record_states=member.record_states([row.id for row in listed]),
            words_of=STATES,
            typed={name: typed.get(name, "") for name in FIELDS},
            nothing=dict.fromkeys(FIELDS, ""),
            form=form,
            error=error,
            all=page.query("all"),
            **_rules(member),
        )


def _one(
    page: PageRequest, id: str, typed: dict[str, str] | None = None, error: str = ""
) -> Response:
    with page.member() as member:
        row = member.consent(id)
        return page.show(
            "owned/consent.html",
            422 if error else 200,
            row=row,
            uses=[use for use in member.data_uses() if use.consent == row.id],
            me=member.view.me,
            purposes_of_use=[(purpose, purpose) for purpose in row.purposes],
            record_states=member.record_states([row.id]),
            words_of=STATES,
            typed=typed or dict.fromkeys(FIELDS, ""),
            error=error,
            **_rules(member),
        )


def _rules(member: Member) -> dict[str, Any]:
    """Return what the rules say that the forms show."""
    rules = member.view.kept.rules
    return {"purposes": rules.data.purposes, "pools": rules.data.pools, "roles": [*rules.roles]}
