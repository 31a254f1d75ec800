"""Market: what members offer and need, what is mine of it, and the forms by which it is published.

Before it is published, a form says what becomes public. What is shown stands as of the last seal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from commonweal.client.exchange.market import ALL
from commonweal.client.exchange.matching.matches import is_mine
from commonweal.client.exchange.matching.reasons import telling
from commonweal.client.exchange.offer_rows import (
    NEED,
    OFFER,
    STATES,
    price_words,
)
from commonweal.client.exchange.offer_terms import OfferTerms
from commonweal.client.exchange.offers import OfferPreview
from commonweal.client.language.days import shown_from, shown_until
from commonweal.client.language.digits import whole_number
from commonweal.client.language.quantity import shown_unit
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    AmbiguousUnit,
    CommonwealError,
    UnknownTag,
)
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.pages.template_set import short_id

router = APIRouter()

OFFERS_SHOWN = 30
"""Offers and needs on one page."""
TAGS_SHOWN = 24
"""Tags that are offered as filters, the most used."""
MINE_SHOWN = 100
MATCHES_SHOWN = 3
"""Suggestions above the market."""
SUGGESTIONS_SHOWN = 20
"""Suggestions of one sort on the page of all."""

SORTS = {"offers": OFFER, "needs": NEED}
FIELDS = ("what", "quantity", "unit", "price", "tags", "until", "due", "note")
MORE = ("since", "minimum", "to", "place", "resource", "spec", "scope", "common")


@router.get("/market")
def market(page: Page) -> Response:
    """Show what others offer and need."""
    return _list(page)


@router.get("/market/mine")
def mine(page: Page) -> Response:
    """Show what this member offers and needs."""
    return _mine(page)


@router.get("/market/suggestions")
def suggestions(page: Page) -> Response:
    """Show what suits what this member offers and needs, rings, and a round for all."""
    with page.member() as member:
        rings = member.rings()
        return page.show(
            "exchange/suggestions.html",
            listed=member.matches(limit=SUGGESTIONS_SHOWN),
            rings=rings,
            my_rings=[
                ring.number
                for ring in rings.rings
                if any(is_mine(member.view, flow) for flow in ring.flows)
            ],
            round=member.match_round(),
            shown=SUGGESTIONS_SHOWN,
            me=bytes(member.view.me),
            telling=telling,
        )


@router.post("/market/renew")
def renew(page: Page) -> Response:
    """Let what is left of an offer stand longer."""
    until = page.field("until") or None
    return _changed(
        page,
        lambda me: me.renew_offer(page.field("id"), until=until).id,
        page.words("It stands longer now."),
    )


@router.post("/market/pause")
def pause(page: Page) -> Response:
    """Pause an offer, or open it again."""
    paused = page.field("paused") == "yes"
    done = page.words("It is paused: nobody takes of it.") if paused else ""
    return _changed(
        page,
        lambda me: me.pause_offer(page.field("id"), paused=paused).offer,
        done or page.words("It is open again."),
    )


@router.post("/market/withdraw")
def withdraw(page: Page) -> Response:
    """Withdraw an offer for good."""
    return _changed(
        page,
        lambda me: me.withdraw_offer(page.field("id")).offer,
        page.words("It is withdrawn. What was promised of it stands."),
    )


@router.get("/market/{sort}")
def form(page: Page, sort: str) -> Response:
    """Show the form by which something is offered or needed."""
    return _form(page, sort, _typed(page.query)) if sort in (OFFER, NEED) else page.go("/market")


@router.get("/market/{sort}/look")
@router.post("/market/{sort}/look")
def look(page: Page, sort: str) -> Response:
    """Show what would become public; nothing is written."""
    typed = _typed(page.field)
    if sort not in (OFFER, NEED):
        return page.go("/market")
    if page.is_sent:
        return page.show_typed(f"/market/{sort}/look", at="look")
    if not page.typed:
        return page.go(f"/market/{sort}")
    try:
        with page.member() as member:
            preview = member.preview_offer(sort, *_part(typed), **_terms(typed))
    except CommonwealError as error:
        return _refused(page, sort, typed, error)
    return _form(page, sort, typed, preview=preview)


@router.post("/market/{sort}/publish")
def publish(page: Page, sort: str) -> Response:
    """Publish an offer or a need."""
    typed = _typed(page.field)
    if sort not in (OFFER, NEED):
        return page.go("/market")

    def act(me: Member) -> bytes:
        do = me.offer if sort == OFFER else me.need
        return do(*_part(typed), **_terms(typed)).id

    try:
        id = page.act(act, again=lambda earlier: earlier[-1].id)
    except CommonwealError as error:
        return _refused(page, sort, typed, error)
    return page.go("/market/mine", page.words("It is published."), at=f"r-{short_id(id)}")


def _changed(page: PageRequest, do: Callable[[Member], bytes], done: str) -> Response:
    """Change an offer, and show it again; what cannot be done is said beside it."""
    try:
        id = page.act(do, again=lambda earlier: earlier[-1].id)
    except CommonwealError as error:
        return _mine(page, 422, error=page.sentence(error), at=page.field("id"))
    return page.go("/market/mine", done, at=f"r-{short_id(id)}")


def _list(page: PageRequest) -> Response:
    asked = {name: page.query(name) for name in ("sort", "tag", "q", "state")}
    start = whole_number(page.query("from")) or 0
    error = ""
    with page.member() as member:
        filters: dict[str, Any] = {
            "sort": SORTS.get(asked["sort"]),
            "tag": asked["tag"] or None,
            "text": asked["q"] or None,
            "state": asked["state"] if asked["state"] in (*STATES, ALL) else None,
        }
        try:
            listed = member.market(mine=False, start=start, limit=OFFERS_SHOWN, **filters)
        except CommonwealError as wrong:
            error = page.sentence(wrong)
            kept = {} if isinstance(wrong, UnknownTag) else filters
            listed = member.market(mine=False, limit=OFFERS_SHOWN, **{**kept, "tag": None})
        mine = member.market(mine=True, limit=0).total
        is_plain = not start and not any(asked.values())
        suitable = member.matches(limit=MATCHES_SHOWN).matches if mine and is_plain else ()
        return page.show(
            "exchange/market.html",
            422 if error else 200,
            listed=listed,
            start=start,
            size=OFFERS_SHOWN,
            asked=asked,
            error=error,
            tags=member.market_tags()[:TAGS_SHOWN],
            mine=mine,
            matches=suitable,
            me=bytes(member.view.me),
            telling=telling,
            **_shown(page),
        )


def _mine(page: PageRequest, status: int = 200, *, error: str = "", at: str = "") -> Response:
    with page.member() as member:
        listed = member.market(mine=True, limit=MINE_SHOWN)
        ids = [offer.id for offer in listed.offers]
        return page.show(
            "exchange/mine.html",
            status,
            listed=listed,
            records=member.record_states(ids),
            shown_ids=[id.hex() for id in ids],
            error=error,
            at=at,
            **_shown(page),
        )


def _refused(
    page: PageRequest, sort: str, typed: dict[str, str], error: CommonwealError
) -> Response:
    """Show the form again, with what is wrong beside its field."""
    with page.member() as member:
        field = member.wrong_field(sort, *_part(typed), **_terms(typed))
    if isinstance(error, AmbiguousUnit):
        field = "unit" if field == "quantity" else field
    if field not in (*FIELDS, *MORE):
        field = ""
    return _form(page, sort, typed, 422, errors={field: page.sentence(error)})


def _form(
    page: PageRequest,
    sort: str,
    typed: dict[str, str],
    status: int = 200,
    *,
    preview: OfferPreview | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    with page.member() as member:
        return page.show(
            "exchange/offer.html",
            status,
            sort=sort,
            typed=typed,
            errors=defaultdict(str, errors or {}),
            preview=preview,
            is_more_open=any(typed[name] for name in MORE),
            choices=member.give_choices(),
            units=[shown_unit(row.unit, page.words) for row in member.units()],
            tags=[row.tag for row in member.market_tags()],
            may_speak=member.may_speak_for_community(),
            **_shown(page),
        )


def _shown(page: PageRequest) -> dict[str, Any]:
    """Return what templates show offers with."""
    words = page.words
    return {
        "states": STATES,
        "price_of": lambda offer: price_words(offer, words),
        "until": shown_until,
        "since": shown_from,
    }


def _typed(read: Callable[[str], str]) -> dict[str, str]:
    return {name: read(name) for name in (*FIELDS, *MORE)}


def _part(typed: dict[str, str]) -> tuple[str, str, str]:
    return typed["what"], typed["quantity"], typed["unit"]


def _terms(typed: dict[str, str]) -> OfferTerms:
    """Return what `Member.offer` is asked for."""
    return OfferTerms(
        note=typed["note"] or None,
        price=[typed["price"]] if typed["price"] else [],
        tags=_names(typed["tags"]),
        spec=typed["spec"] or None,
        resource=typed["resource"] or None,
        scope=typed["scope"] or None,
        since=typed["since"] or None,
        until=typed["until"] or None,
        due=typed["due"] or None,
        minimum=typed["minimum"] or None,
        to=_names(typed["to"]),
        place=typed["place"] or None,
        common=bool(typed["common"]),
    )


def _names(text: str) -> list[str]:
    """Return names that are parted by commas, also Chinese ones."""
    for comma in "，、;；":
        text = text.replace(comma, ",")
    return [name.strip() for name in text.split(",") if name.strip()]
