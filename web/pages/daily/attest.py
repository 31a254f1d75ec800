"""Attest: what others gave, and the word of this member on it."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Response

from commonweal.client.language.words import N_, Nn_
from commonweal.client.ledger.forecast import forecast_words
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.protocol.records.record import RecordId
from commonweal.web.pages.request import Page, PageRequest, own_path
from commonweal.web.pages.template_set import short_id

router = APIRouter()

ID_BYTES = 32
SAID = {
    "yes": Nn_("You said yes to {n} contribution.", "You said yes to {n} contributions."),
    "no": Nn_("You said no to {n} contribution.", "You said no to {n} contributions."),
    "withdraw": Nn_(
        "You took back what you said of {n} contribution.",
        "You took back what you said of {n} contributions.",
    ),
}
NO_REASON = N_("Say why, so that they can answer.")
NOTHING_CHOSEN = N_("Choose what you want to say it of.")


@router.get("/attest")
def attest(page: Page) -> Response:
    """Show what waits for this member's word, as the address selects it."""
    return _shown(page)


@router.post("/attest/say")
def say(page: Page) -> Response:
    """Say yes or no to contributions, corrections and claims of agents; or take it back."""
    word, ids = page.field("say"), page.fields("id")
    try:
        if word not in SAID or not ids:
            raise UsageError(page.words(NOTHING_CHOSEN))
        page.act(
            lambda member: [said.id for said in member.attest(*ids, say=word)],
            again=lambda earlier: [said.id for said in earlier],
        )
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error), at=ids[0] if ids else "")
    notice = page.words.plural(*SAID[word], len(ids)).format(n=len(ids))
    return _next(page, notice, ids[0] if len(ids) == 1 else "")


@router.post("/attest/dispute")
def dispute(page: Page) -> Response:
    """Dispute a contribution, with the reason; or take the dispute back."""
    id, note = page.field("id"), page.field("note")
    is_back = page.field("say") == "withdraw"
    try:
        if not note and not is_back:
            raise UsageError(page.words(NO_REASON))
        page.act(
            lambda member: member.dispute(id, note=note or None, withdraw=is_back).id,
            again=lambda earlier: earlier[0].id,
        )
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error), at=id, note=note)
    taken_back = page.words("Your dispute is withdrawn.")
    disputed = page.words("Disputed: it is worth nothing until you withdraw the dispute.")
    return _next(page, taken_back if is_back else disputed, "")


def _next(page: PageRequest, notice: str, said: str) -> Response:
    """Send the browser on to what waits next, on the page that the form stood on."""
    back = own_path(page.field("back"), "/attest")
    if back != "/attest":
        return page.go(back, notice, at=page.field("next"))
    asked = {name: page.field(name) for name in ("member", "scope")}
    is_back = page.field("say") == "withdraw"
    return page.go("/attest", notice, at=page.field("next"), **asked, said="" if is_back else said)


def _shown(
    page: PageRequest, status: int = 200, *, error: str = "", at: str = "", note: str = ""
) -> Response:
    read = page.query if page.form is None else page.field
    asked = {"member": read("member"), "scope": read("scope")}
    with page.member() as member:
        listed = member.to_attest(**asked)
        return page.show(
            "daily/attest.html",
            status,
            listed=listed,
            asked=asked,
            said=_said(member, page.query("said")),
            states=member.record_states(row.id for row in listed.rows),
            following=_following([short_id(row.id) for row in listed.rows]),
            error=error,
            at=at,
            note=note,
            worth=partial(forecast_words, words=page.words),
        )


def _following(ids: list[str]) -> dict[str, str]:
    """Return for each row the one that stands after it, to go to once it is gone."""
    after = [f"r-{id}" for id in [*ids[1:], *ids[-2:-1]]]
    return dict.fromkeys(ids, "") | dict(zip(ids, after, strict=False))


def _said(member: Member, text: str) -> tuple[RecordId, str] | None:
    """Return what this member spoke of just now, as the address names it, and its words."""
    try:
        id = RecordId(bytes.fromhex(text))
    except ValueError:
        return None
    if len(id) != ID_BYTES or member.forecast(id) is None:
        return None
    return id, member.words_of(id)
