"""People: who belongs, who waits, which roles there are and what they ask, and who is outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.reviews.rows import ReviewSummary
from commonweal.client.member import Member
from commonweal.client.reports.report_words import stars
from commonweal.protocol.errors import CommonwealError, UnknownId
from commonweal.storage.home import keystore
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

WITNESS = "witness"
ACTS = ("vouch", "endorse", "claim", "resign", "agents", "referral")
LISTED_MAX = 200
"""Members, and agents outside, on one page."""


@router.get("/people")
def people(page: Page) -> Response:
    """Show members, newcomers, roles and agents outside."""
    return _list(page)


@router.post("/people/vouch")
def vouch(page: Page) -> Response:
    """Vouch for a newcomer."""
    member = page.field("member")

    def done(me: Member) -> str:
        made = me.vouch(member)
        if made.given >= made.needed:
            return page.words("You vouched. That is enough: they are a member.")
        text = page.words("You vouched: {given} of {needed}.")
        return text.format(given=made.given, needed=made.needed)

    return _done(page, done, "vouch", member)


@router.post("/people/endorse")
def endorse(page: Page) -> Response:
    """Agree that a member serves in a role."""
    member, role = page.field("member"), page.field("role")

    def done(me: Member) -> str:
        me.endorse_role(member, role)
        return page.words("You endorsed it.")

    return _done(page, done, "endorse", f"{member} {role}")


@router.post("/people/claim")
def claim(page: Page) -> Response:
    """Claim a role."""
    role = page.field("role")
    if role == WITNESS and page.field("sure") != "yes":
        wrong = page.words("Confirm that your computer stays on first.")
        return _list(page, wrong=("role", role, wrong))

    def done(me: Member) -> str:
        made = me.claim_role(role)
        if made.asked:
            text = page.words("You claimed it. A seat takes the endorsement of: {names}.")
            return text.format(names=page.words(", ").join(made.asked))
        if made.needed:
            text = page.words.plural(
                "You claimed it. {n} member must endorse it.",
                "You claimed it. {n} members must endorse it.",
                made.needed,
            )
            return text.format(n=made.needed)
        return page.words("The role is yours.")

    return _done(page, done, "role", role)


@router.post("/people/resign")
def resign(page: Page) -> Response:
    """Give a role back."""
    role = page.field("role")

    def done(me: Member) -> str:
        made = me.resign_role(role)
        if made.is_seated:
            return page.words("You gave it back. Your seat ends with the next seal.")
        return page.words("You gave it back.")

    return _done(page, done, "role", role)


@router.post("/people/agents")
def new_agent(page: Page) -> Response:
    """Name somebody outside."""
    name = page.field("name")

    def done(me: Member) -> str:
        me.new_agent(name)
        return page.words("They can be named in contributions now.")

    return _done(page, done, "name", name, "agents")


@router.post("/people/agents/claim")
def claim_agent(page: Page) -> Response:
    """Say that this member is an agent outside."""
    agent = page.field("agent")

    def done(me: Member) -> str:
        me.claim_agent(agent)
        return page.words("You claimed it. It counts once another member attests it.")

    return _done(page, done, "agent", agent, "agents")


@router.post("/people/referral")
def refer(page: Page) -> Response:
    """Say who brought this member here."""
    member = page.field("member")

    def done(me: Member) -> str:
        me.refer(member)
        return page.words("It is written who brought you here.")

    return _done(page, done, "referral", member, "referral")


@router.get("/people/{act}/{of}")
def back(page: Page, act: str, of: str) -> Response:
    """Lead from the address of an act to its page, as after a change of the language."""
    return page.go("/people" if act == "agents" else f"/people/{act}", at=of)


@router.get("/people/{id}")
def one_member(page: Page, id: str) -> Response:
    """Show one member; from the address of an act lead to the page."""
    return page.go("/people", at=id) if id in ACTS else _details(page, id)


@router.post("/people/{id}/remove")
def remove(page: Page, id: str) -> Response:
    """Propose that somebody is a member no longer."""
    why = page.field("why")
    if not why:
        return _details(page, id, 422, error=page.words("Say why; the others vote on it."))
    try:
        made = page.act(lambda me: me.remove(id, note=why))
    except CommonwealError as error:
        return _details(page, id, 422, error=page.sentence(error), why=why)
    text = page.words("The removal is proposed. {n} members can vote on it.")
    return page.go(f"/votes/{made.id.hex()}", text.format(n=made.others))


@router.post("/people/{id}/leave")
def leave(page: Page, id: str) -> Response:
    """Leave the community, for good."""
    with page.member() as member:
        if member.view.me.hex() != id:
            raise UnknownId(id)
    if page.field("sure") != "yes":
        return _details(page, id, 422, error=page.words("Confirm that you want to leave."))

    def go_away(me: Member) -> None:
        me.check_passphrase()
        me.leave()

    try:
        page.act(go_away, passphrase=page.secret("passphrase"))
    except CommonwealError as error:
        return _details(page, id, 422, error=page.sentence(error))
    return page.go(f"/people/{id}", page.words("You left the community."))


def _done(
    page: PageRequest, do: Callable[[Member], str], field: str, what: str, at: str = "main"
) -> Response:
    """Do an act and go back to the page, or show it again with why it was not done."""
    try:
        notice = page.act(do)
    except CommonwealError as error:
        return _list(page, wrong=(field, what, page.sentence(error)))
    return page.go("/people", notice, at=at)


def _list(page: PageRequest, wrong: tuple[str, str, str] = ("", "", "")) -> Response:
    with page.member() as member:
        listed = member.members()
        agents = member.outside_agents()
        values: dict[str, Any] = {
            "members": [row for row in listed if row.status == "active"][:LISTED_MAX],
            "former": [row for row in listed if row.status in ("left", "removed")][:LISTED_MAX],
            "count": sum(row.status == "active" for row in listed),
            "alike": member.names_alike(),
            "newcomers": member.newcomers(),
            "steps": member.role_steps(),
            "claims": member.open_claims(),
            "agents": agents[:LISTED_MAX],
            "agents_left": max(0, len(agents) - LISTED_MAX),
            "me": member.view.me,
            "reviewed": member.review_summaries(),
        }
        claims = [row.claim for row in values["claims"]]
        requests = [row.request for row in values["newcomers"]]
        values["states"] = member.record_states([*claims, *requests][:LISTED_MAX])
    return page.show(
        "people/people.html",
        422 if wrong[0] else 200,
        wrong=wrong,
        witness=WITNESS,
        stars=stars,
        **values,
    )


def _details(
    page: PageRequest, id: str, status: int = 200, error: str = "", why: str = ""
) -> Response:
    with page.member() as member:
        rows = [row for row in member.members() if row.member.hex() == id]
        if not rows:
            raise UnknownId(id)
        devices = member.devices(member=id)
        balance = member.balance(id)
        claims = [row for row in member.open_claims() if row.member.hex() == id]
        promises = [row for row in member.kept().members if row.member.hex() == id]
        said = member.review_summaries().get(rows[0].member, ReviewSummary())
    return page.show(
        "people/member.html",
        status,
        person=rows[0],
        devices=devices,
        balance=balance,
        claims=claims,
        promises=promises[0] if promises else None,
        said=said,
        stars=stars,
        error=error,
        why=why,
        is_protected=keystore.needs_passphrase(page.home.keystore),
    )
