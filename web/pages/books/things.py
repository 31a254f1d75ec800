"""Things: what there is, whose it is and who has it; units and kinds; labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.lending.rows import LentThing
from commonweal.client.exchange.lending.states import voices
from commonweal.client.language.digits import whole_number
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import Words
from commonweal.client.ledger.rows.contribution_rows import ResourceState
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    AmbiguousId,
    CommonwealError,
    UnknownId,
    UnreadableQuantity,
    UnusableText,
)
from commonweal.protocol.vocabulary.rule_params import FACTORS
from commonweal.web.pages.books.why import TRACED_MAX, trees
from commonweal.web.pages.exchange.lending.lending_form import (
    BLOCK,
    SEVERAL,
    TERMS,
    lending_of,
    typed_terms,
)
from commonweal.web.pages.qr_codes import qr_code
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

THINGS_SHOWN = 50
"""Things on one page."""

HISTORY_SHOWN = 100
"""Events in the history of a thing, the last ones."""

NEW = ("name", "amount", "unit", "factor", "common", "note")


@router.get("/things")
def things(page: Page) -> Response:
    """Show what there is."""
    return _list(page)


@router.post("/things")
def add(page: Page) -> Response:
    """Bring a thing into the books."""
    try:
        made = page.act(
            lambda me: me.add_resource(
                page.field("name"),
                page.field("amount"),
                page.field("unit"),
                factor=page.field("factor") or None,
                common=bool(page.field("common")),
                note=page.field("note") or None,
            )
        )
    except CommonwealError as error:
        return _list(page, {_field_of(error): page.sentence(error)})
    return page.go(f"/things/{made.id.hex()}", page.words("It is in the books."))


@router.get("/things/kinds")
def kinds(page: Page) -> Response:
    """Show the units and the kinds of things."""
    return _kinds(page)


@router.post("/things/kinds")
def add_kind(page: Page) -> Response:
    """Define a kind of thing."""
    name, unit, factor = page.field("name"), page.field("unit"), page.field("factor")
    try:
        page.act(lambda me: me.specify_resource(name, unit=unit or None, factor=factor or None))
    except CommonwealError as error:
        return _kinds(page, {"name": page.sentence(error)})
    return page.go("/things/kinds", page.words("The kind is added."))


@router.post("/things/units")
def add_unit(page: Page) -> Response:
    """Add a unit in which things are counted."""
    name = page.field("new_unit")
    try:
        page.act(lambda me: me.add_unit(name))
    except CommonwealError as error:
        return _kinds(page, {"new_unit": page.sentence(error)})
    return page.go("/things/kinds", page.words("The unit is added."))


@router.get("/things/{id}")
def thing(page: Page, id: str) -> Response:
    """Show one thing: its history, where it comes from, and what one can do with it."""
    return thing_page(page, id)


@router.get("/things/{id}/label")
def label(page: Page, id: str) -> Response:
    """Show a label to print, with a QR code by which others find the thing in their ledger."""
    with page.member() as member:
        shown = member.resource(id)
        community = member.view.community.hex()
    code = qr_code(f"commonweal thing {shown.id.hex()}\ncommunity {community}")
    return page.show("books/label.html", thing=shown, code=code)


@router.post("/things/{id}/lend")
def lend(page: Page, id: str) -> Response:
    """Hand a thing over to somebody who does not become its owner."""
    done = page.words("It is handed over.")
    return _acted(page, id, "lend", done, lambda me: me.lend(id, page.field("to"), _part(page)))


@router.post("/things/{id}/give-back")
def give_back(page: Page, id: str) -> Response:
    """Hand a thing back to who lent it."""
    done = page.words("It is back with its owner.")
    return _acted(page, id, "back", done, lambda me: me.give_back(id, _part(page)))


@router.post("/things/{id}/give")
def give(page: Page, id: str) -> Response:
    """Give a thing to somebody who becomes its owner."""
    amount, unit = page.field("amount"), page.field("unit")

    def do(me: Member) -> Any:
        return me.record(
            "transfer", amount, unit, resource=id, receiver=page.field("to"), new_resource=""
        )

    return _acted(page, id, "give", page.words("It is given."), do)


@router.post("/things/{id}/use")
def use(page: Page, id: str) -> Response:
    """Note that a thing was used, and how long."""
    amount, unit, note = page.field("amount"), page.field("unit"), page.field("note") or None

    def do(me: Member) -> Any:
        return me.record("use", amount, unit, resource=id, note=note)

    return _acted(page, id, "use", page.words("Its use is noted."), do)


@router.post("/things/{id}/lower")
def lower(page: Page, id: str) -> Response:
    """Note that there is less of a thing: used up, broken or lost."""
    amount, unit, note = page.field("amount"), page.field("unit"), page.field("note") or None

    def do(me: Member) -> Any:
        return me.record("lower", amount, unit, resource=id, note=note)

    return _acted(page, id, "lower", page.words("There is less of it in the books now."), do)


def _part(page: PageRequest) -> tuple[str, str] | None:
    """Return how much is handed over; None for all of it."""
    amount = page.field("amount")
    return (amount, page.field("unit")) if amount else None


def _acted(
    page: PageRequest, id: str, form: str, done: str, do: Callable[[Member], Any]
) -> Response:
    """Act on a thing, and show it again; what cannot be done is said in its form."""
    try:
        page.act(do)
    except CommonwealError as error:
        return thing_page(page, id, form, page.sentence(error))
    return page.go(f"/things/{id}", done, at="acts")


def _field_of(error: CommonwealError) -> str:
    return (
        "amount"
        if isinstance(error, UnreadableQuantity)
        else ("unit" if isinstance(error, UnusableText) else "name")
    )


def _list(page: PageRequest, errors: dict[str, str] | None = None) -> Response:
    asked = {name: page.query(name) for name in ("q", "who", "all")}
    with page.member() as member:
        try:
            rows = member.resources(
                text=asked["q"] or None, member=asked["who"] or None, there=not asked["all"]
            )
        except (UnknownId, AmbiguousId) as error:
            errors, rows = {"who": page.sentence(error)}, member.resources(there=True)
        start = whole_number(page.query("from")) or 0
        return page.show(
            "books/things.html",
            422 if errors else 200,
            rows=rows[start : start + THINGS_SHOWN],
            total=len(rows),
            start=start,
            size=THINGS_SHOWN,
            asked=asked,
            owners=_owners(member, page.words),
            units=_unit_names(member),
            factors=_factors(page.words),
            typed={name: page.field(name) for name in NEW},
            errors=errors or {},
        )


def _owners(member: Member, words: Words) -> list[tuple[str, str]]:
    """Return who may have things: active members, and the community."""
    active = [row for row in member.members() if row.status == "active"]
    named = [(row.member.hex(), row.name) for row in active]
    return [("", words("anybody")), *named, ("community", words("the community"))]


def _unit_names(member: Member) -> list[str]:
    return [shown_unit(row.unit, member.words) for row in member.units()]


def _factors(words: Words) -> list[tuple[str, str]]:
    return [("", words("none")), *((factor, words(factor)) for factor in FACTORS)]


def _kinds(page: PageRequest, errors: dict[str, str] | None = None) -> Response:
    with page.member() as member:
        return page.show(
            "books/kinds.html",
            422 if errors else 200,
            units=member.units(),
            kinds=member.specifications(),
            names=_unit_names(member),
            factors=_factors(page.words),
            typed={name: page.field(name) for name in ("name", "unit", "factor", "new_unit")},
            errors=errors or {},
        )


def thing_page(page: PageRequest, id: str, form: str = "", error: str = "") -> Response:
    """Show a thing. form, error: the form that was sent, and why it cannot be done."""
    with page.member() as member:
        shown = member.resource(id)
        lending = lending_of(member, shown.id, page.words)
        known = typed_terms(lending["lent"], page.words)
        events = shown.events[-HISTORY_SHOWN:][::-1]
        return page.show(
            "books/thing.html",
            422 if error else 200,
            thing=shown,
            id=shown.id.hex(),
            acts=member.thing_acts(shown.id),
            history=[(event, member.event_words(event)) for event in events],
            earlier=len(shown.events) - len(events),
            state=member.record_states([shown.id]).get(shown.id),
            trees=trees(member.trace(shown.id, steps_max=TRACED_MAX), page.words),
            others=_receivers(member, shown, page.words),
            units=_unit_names(member),
            typed={name: page.field(name) for name in ("to", "amount", "unit", *BLOCK)},
            **lending,
            terms={name: page.field(name) for name in TERMS} if form == "terms" else known,
            roles=_roles(member, lending["lent"], page.words),
            may_lend=shown.custodian in voices(member.view),
            form=form,
            error=error,
        )


def _roles(member: Member, lent: LentThing | None, words: Words) -> list[tuple[str, str]]:
    """Return who may book a thing without asking, as choices of a form, and their words."""
    text, names = words("{role}: without asking"), sorted(member.view.kept.rules.roles)
    choices = [("", words("each booking is asked"))]
    choices += [(name, text.format(role=name)) for name in names]
    if lent is not None and len(lent.accepts) > 1:
        choices.append((SEVERAL, text.format(role=words(", ").join(lent.accepts))))
    return choices


def _receivers(member: Member, shown: ResourceState, words: Words) -> list[tuple[str, str]]:
    owners = _owners(member, words)[1:]
    return [pair for pair in owners if pair[0] != shown.custodian.hex()]
