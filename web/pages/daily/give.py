"""Give: writing down what one gave, after a look at what the rules will make of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.contributions.contributions import ContributionPreview
from commonweal.client.contributions.give_choices import OwnContribution
from commonweal.client.ledger.forecast import forecast_words
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    AmbiguousId,
    AmbiguousUnit,
    CommonwealError,
    EvidenceTooLarge,
    FutureTime,
    UnknownAction,
    UnknownId,
    UnreadableQuantity,
    UnreadableTime,
)
from commonweal.protocol.records.record import RecordId
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id

router = APIRouter()

ID_BYTES = 32
DETAILS = {
    "scope": "scope",
    "when": "when",
    "factor": "factor",
    "receiver": "receiver",
    "resource": "resource",
    "process": "input_of",
    "spec": "spec",
    "fulfills": "fulfills",
}
"""Fields of the form, and the details of a contribution that they are."""
NAMING = ("receiver", "resource", "process", "spec")
"""Fields that name what the ledger has to know."""
FIELDS = ("action", "quantity", "unit", "note", "effort", "effort_unit", *DETAILS)
FIELD_OF: dict[type[CommonwealError], str] = {
    UnknownAction: "action",
    UnreadableQuantity: "quantity",
    AmbiguousUnit: "unit",
    EvidenceTooLarge: "note",
    UnreadableTime: "when",
    FutureTime: "when",
}
"""Beside which field an error stands; any other stands above the form."""


@router.get("/give")
def give(page: Page) -> Response:
    """Show the form, filled in as the address says, and what was recorded just now."""
    return _shown(page, _typed(page.query))


@router.get("/give/look")
@router.post("/give/look")
def look(page: Page) -> Response:
    """Show what a contribution would become; nothing is written."""
    if page.is_sent:
        return page.show_typed("/give/look", at="look")
    if not page.typed:
        return page.go("/give")
    typed = _typed(page.field)
    try:
        with page.member() as member:
            preview = member.preview_record(**_asked(typed))
    except CommonwealError as error:
        return _refused(page, typed, error)
    return _shown(page, typed, preview=preview)


@router.post("/give/record")
def record(page: Page) -> Response:
    """Write a contribution down."""
    typed = _typed(page.field)
    try:
        id = page.act(
            lambda member: member.record(**_asked(typed)).id,
            again=lambda earlier: earlier[-1].id,
        )
    except CommonwealError as error:
        return _refused(page, typed, error)
    return page.go(
        "/give", page.words("It is written down."), at=f"r-{short_id(id)}", done=id.hex()
    )


@router.post("/give/undo")
def undo(page: Page) -> Response:
    """Withdraw a contribution of which nobody has spoken yet."""
    try:
        words = page.act(
            lambda member: member.undo(page.field("id")).words, again=lambda _earlier: ""
        )
    except CommonwealError as error:
        return _refused(page, dict.fromkeys(FIELDS, ""), error)
    text = page.words("Withdrawn: {what}") if words else page.words("It is withdrawn.")
    return page.go("/give", text.format(what=words))


def _typed(read: Callable[[str], str]) -> dict[str, str]:
    return {name: read(name) for name in FIELDS}


def _asked(typed: dict[str, str]) -> dict[str, Any]:
    """Return what `Member.record` is asked for."""
    details = {detail: typed[field] or None for field, detail in DETAILS.items()}
    effort = (typed["effort"], typed["effort_unit"]) if typed["effort"] else None
    amount = {name: typed[name] for name in ("action", "quantity", "unit")}
    return {**amount, **details, "effort": effort, "note": typed["note"] or None}


def _refused(page: PageRequest, typed: dict[str, str], error: CommonwealError) -> Response:
    """Show the form again, with what was typed and what is wrong beside its field."""
    field = FIELD_OF.get(type(error), "")
    if isinstance(error, UnknownId | AmbiguousId):
        named = (name for name in NAMING if typed[name] and typed[name] in str(error))
        field = next(named, "")
    return _shown(page, typed, status=422, errors={field: page.sentence(error)})


def _shown(
    page: PageRequest,
    typed: dict[str, str],
    *,
    status: int = 200,
    preview: ContributionPreview | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    with page.member() as member:
        done = _done(member, page.query("done"))
        return page.show(
            "daily/give.html",
            status,
            choices=member.give_choices(),
            typed=typed,
            errors=defaultdict(str, errors or {}),
            preview=preview,
            is_more_open=any(typed[name] for name in (*NAMING, "factor", "effort")),
            done=done,
            state=None if done is None else member.record_states([done.id]).get(done.id),
            worth=partial(forecast_words, words=page.words),
        )


def _done(member: Member, text: str) -> OwnContribution | None:
    """Return the contribution that was written just now, as the address names it."""
    try:
        id = bytes.fromhex(text)
    except ValueError:
        return None
    return member.own_contribution(RecordId(id)) if len(id) == ID_BYTES else None
