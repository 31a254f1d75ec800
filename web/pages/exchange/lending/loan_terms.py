"""On which terms a thing is lent, and when it is out of use: forms on the page of the thing."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.protocol.errors import CommonwealError
from commonweal.web.pages.books.things import thing_page
from commonweal.web.pages.exchange.lending.lending_form import TERMS, read_block, read_terms
from commonweal.web.pages.request import Page

router = APIRouter()


@router.post("/things/{id}/terms")
def terms(page: Page, id: str) -> Response:
    """Say on which terms a thing is lent."""
    typed = {name: page.field(name) for name in TERMS}
    try:
        said = read_terms(typed, page.words)
        page.act(lambda me: me.set_terms(id, **said))
    except CommonwealError as error:
        return thing_page(page, id, "terms", page.sentence(error))
    return page.go(f"/things/{id}", page.words("It is lent on these terms."), at="lending")


@router.post("/things/{id}/block")
def block(page: Page, id: str) -> Response:
    """Say when a thing is out of use, or show a hint."""
    try:
        begin_ms, end_ms = read_block(page)
        page.act(
            lambda me: me.block_thing(
                id,
                begin_ms,
                end_ms,
                hint=bool(page.field("hint")),
                note=page.field("note") or None,
            )
        )
    except CommonwealError as error:
        return thing_page(page, id, "block", page.sentence(error))
    return page.go(f"/things/{id}", page.words("It is written down."), at="lending")


@router.post("/things/{id}/lift")
def lift(page: Page, id: str) -> Response:
    """Take a block back."""
    try:
        page.act(lambda me: me.lift_block(page.field("block")))
    except CommonwealError as error:
        return thing_page(page, id, "block", page.sentence(error))
    return page.go(f"/things/{id}", page.words("It is taken back."), at="lending")
