"""What an offer or a need says, as members type it and as its records hold it.

All that can be wrong in what is typed is refused here, before anything is drafted, with what to do
instead; what only the ledger knows is refused by the fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from commonweal.client.contributions.event_details import read_code
from commonweal.client.exchange.offer_rows import (
    NEED,
    OFFER,
    TITLE_CHARS_MAX,
    has_thing,
)
from commonweal.client.exchange.prices import TypedPrice, read_price
from commonweal.client.language.days import read_from_ms, read_until_ms, shown_until
from commonweal.client.language.quantity import (
    TIME_UNITS,
    converted,
    exact,
    quantity_field,
    read_action,
    read_quantity,
    read_scope,
    shown_number,
    shown_unit,
    units_alike,
)
from commonweal.client.ledger.names.named import (
    find_agent,
    find_resource,
    find_spec,
    owned_by,
    spec_named,
)
from commonweal.protocol.errors import (
    AmbiguousId,
    UnfitDay,
    UnfitOffer,
    UnknownId,
    UnusableText,
)
from commonweal.protocol.ledger.exchange.offers.intents import TAGS_MAX
from commonweal.protocol.ledger.exchange.offers.offers import INTENTS_MAX, PROPOSED_TO_MAX
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.vocabulary.identifiers import (
    NAME_CHARACTERS_MAX,
    displayed_name,
    is_name,
    skeleton,
)

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.ledger_view import LedgerView

SHORT_UNITS = ("minute", "second")
"""Times that are counted in hours where they are a number of hours, so that offers meet needs."""


class OfferTerms(TypedDict, total=False):
    """What an offer or a need says beside what and how much; what is None or missing is not said.

    note: more words. action: of Valueflows; else work for a time, and transfer for a thing. price:
    what is asked in return, or given for it, like "10 EUR" or "30 EUR an hour"; several are all
    asked. tags: by which it is found. spec, resource: a kind of thing, or one thing, by name or id.
    scope: a project. since, until: days, or times, between which it stands. due: by when a need is
    to be met, which ends it if nothing else does. minimum: the least that is given at once. to: the
    members and roles that it is meant for. place: where. common: it is the community's. more: other
    things in the same offer: title, number and unit of each.
    """

    note: str | None
    action: str | None
    price: Sequence[str] | None
    tags: Sequence[str] | None
    spec: str | None
    resource: str | None
    scope: str | None
    since: str | None
    until: str | None
    due: str | None
    minimum: str | None
    to: Sequence[str] | None
    place: str | None
    common: bool | None
    more: Sequence[tuple[str, str, str]] | None


@dataclass(frozen=True, slots=True)
class TypedPart:
    """One thing that is offered or needed. quantity: {"n", "scale", "unit"}, all of it."""

    title: str
    quantity: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TypedOffer:
    """An offer or a need that was typed, sound as far as one can see without the fold.

    agent: who gives or gets. shared: what the data of all its intents have in common.
    """

    sort: str
    parts: tuple[TypedPart, ...]
    note: str
    action: str
    agent: bytes
    shared: dict[str, Any]
    minimum: dict[str, Any] | None
    prices: tuple[TypedPrice, ...]
    to: tuple[bytes | str, ...]
    place: str | None
    begin_ms: int | None
    end_ms: int | None

    @property
    def is_each(self) -> bool:
        """Whether the price is for each unit."""
        return any(price.is_each for price in self.prices)


def read_offer(
    view: LedgerView,
    sort: str,
    part: tuple[str, str, str],
    terms: OfferTerms,
    *,
    now_ms: int,
    tags_in_use: Iterable[str],
    reading: list[str] | None = None,
) -> TypedOffer:
    """Return what was typed. part: title, number and unit. tags_in_use: of the market.

    reading: takes in the name of each field before it is read, so that its last is the wrong one
    where this raises. Raises UnreadableQuantity, AmbiguousUnit, UnreadableTime, UnfitDay,
    UnknownAction, UnknownId, AmbiguousId, UnusableText, UnfitOffer.
    """
    words, at = view.words, ([] if reading is None else reading).append
    agent = bytes(view.community if terms.get("common") else view.me)
    typed = (part, *(terms.get("more") or ()))
    at("what")
    if len(typed) > INTENTS_MAX:
        text = words("one offer holds at most {most} things, not {count}: make two of it")
        raise UnfitOffer(text.format(most=INTENTS_MAX, count=len(typed)))
    titles = [read_title(title, words) for title, _number, _unit in typed]
    at("quantity")
    amounts = [_amount(number, unit, words) for _title, number, unit in typed]
    parts = tuple(map(TypedPart, titles, amounts))
    shared, action = _kind(view, agent, amounts[0]["unit"], terms, at)
    at("resource")
    if sort == OFFER:
        _check_owned(view, agent, action, shared.get("resourceInventoriedAs"))
    at("tags")
    if tags := terms.get("tags"):
        shared["resourceClassifiedAs"] = read_tags(tags, tags_in_use, words)
    begin_ms, end_ms, due_ms = _times(sort, terms, now_ms, words, at)
    times = {"hasBeginning": begin_ms, "hasEnd": end_ms, "due": due_ms}
    shared |= {key: at_ms for key, at_ms in times.items() if at_ms is not None}
    at("place")
    place = read_code(str(terms["place"]), words) if terms.get("place") else None
    at("minimum")
    minimum = _minimum(parts, terms.get("minimum"), words)
    at("price")
    prices = _prices(parts, terms.get("price") or (), words)
    at("to")
    to = _audience(view, terms.get("to") or ())
    at("")
    note = (terms.get("note") or "").strip()
    place_of = (to, place, begin_ms, end_ms)
    return TypedOffer(sort, parts, note, action, agent, shared, minimum, prices, *place_of)


def read_title(title: str, words: Words) -> str:
    """Return what is offered, on one line. Raises UnusableText."""
    plain = " ".join(title.split())
    if not 1 <= len(plain) <= TITLE_CHARS_MAX:
        text = words("say in 1 to {most} characters what it is; more goes into the note")
        raise UnusableText(text.format(most=TITLE_CHARS_MAX))
    return plain


def read_tags(tags: Sequence[str], in_use: Iterable[str], words: Words) -> list[str]:
    """Return tags as a record has them. Raises UnusableText, UnfitOffer for one that looks alike.

    in_use: one that looks like one of these and is not the same is refused, so that who looks for
    the one finds both.
    """
    alike = {skeleton(tag): tag for tag in in_use}
    read: dict[str, str] = {}
    for tag in dict.fromkeys(filter(None, map(str.strip, tags))):
        plain = read_tag(tag, words)
        known = alike.get(skeleton(plain), plain)
        if known != plain:
            text = words("the tag {tag} looks like {known}, which is in use: type {known}")
            raise UnfitOffer(text.format(tag=plain, known=known))
        if read.setdefault(skeleton(plain), plain) != plain:
            text = words("the tags {one} and {other} look alike: type one of them")
            raise UnfitOffer(text.format(one=read[skeleton(plain)], other=plain))
    if len(read) > TAGS_MAX:
        text = words("at most {most} tags, not {count}: leave some out")
        raise UnfitOffer(text.format(most=TAGS_MAX, count=len(read)))
    return sorted(read.values())


def read_tag(tag: str, words: Words) -> str:
    """Return a tag in the one form that records have: in small letters. Raises UnusableText."""
    bare = tag.removeprefix("#").strip()
    plain = displayed_name(bare).casefold()
    if not is_name(plain) or len(bare) > NAME_CHARACTERS_MAX or displayed_name(plain) != plain:
        text = words("a tag has 1 to {most} characters, all visible")
        raise UnusableText(text.format(most=NAME_CHARACTERS_MAX))
    return plain


def _amount(number: str, unit: str, words: Words) -> dict[str, Any]:
    """Return how much it is: a time in hours, where it is a number of hours."""
    quantity: dict[str, Any] = dict(read_quantity(str(number), unit, words))
    if not quantity["n"]:
        raise UnfitOffer(words("0 is nothing: say how much it is"))
    if quantity["unit"] in SHORT_UNITS and "hour" in units_alike(quantity["unit"]):
        hours = converted(quantity["n"], quantity["scale"], quantity["unit"], "hour")
        if hours is not None:
            return {"n": hours[0], "scale": hours[1], "unit": "hour"}
    return quantity


def _kind(
    view: LedgerView, agent: bytes, unit: str, terms: OfferTerms, at: Callable[[str], None]
) -> tuple[dict[str, Any], str]:
    """Return what the data say of the kind of thing, and the action."""
    shared: dict[str, Any] = {}
    at("resource")
    resource = terms.get("resource")
    if resource:
        shared["resourceInventoriedAs"] = bytes(find_resource(view, resource, *owned_by(agent)))
    at("spec")
    if spec := terms.get("spec"):
        shared["resourceConformsTo"] = bytes(find_spec(view, spec))
    at("scope")
    if scope := terms.get("scope"):
        shared["inScopeOf"] = read_scope(scope, view.words)
    at("action")
    if typed := terms.get("action"):
        return shared, read_action(typed, view.words)
    if unit not in TIME_UNITS:
        return shared, "transfer"
    return shared, "use" if resource else "work"


def _check_owned(view: LedgerView, agent: bytes, action: str, resource: bytes | None) -> None:
    """Raise UnfitOffer for a thing that whoever offers it neither owns nor may let others use."""
    row = None if resource is None else resource_row(view.state, resource)
    if row is None or has_thing(row, agent, action):
        return
    text = view.words("the thing is {owner}'s: offer what is yours, or ask {owner} to offer it")
    raise UnfitOffer(text.format(owner=view.name(row.accountable)))


def _times(
    sort: str, terms: OfferTerms, now_ms: int, words: Words, at: Callable[[str], None]
) -> tuple[int | None, int | None, int | None]:
    """Return when it begins and ends, and by when a need is to be met. Raises UnfitDay."""
    at("since")
    begin_ms = read_from_ms(str(terms["since"]), now_ms) if terms.get("since") else None
    at("due")
    due_ms = _coming(terms.get("due"), now_ms, words)
    at("until")
    end_ms = _coming(terms.get("until"), now_ms, words)
    if sort == NEED and end_ms is None:
        at("due")
        end_ms = due_ms
    if begin_ms is not None and end_ms is not None and end_ms <= begin_ms:
        text = words("it ends on {end}, before it begins: name a later end")
        raise UnfitDay(text.format(end=shown_until(end_ms)))
    if due_ms is not None and end_ms is not None and due_ms > end_ms:
        text = words("it is due on {due} and ends before, on {end}: name a later end")
        raise UnfitDay(text.format(due=shown_until(due_ms), end=shown_until(end_ms)))
    return begin_ms, end_ms, due_ms


def _coming(typed: str | None, now_ms: int, words: Words) -> int | None:
    """Return the end of a day that is to come; None where none is typed. Raises UnfitDay."""
    at_ms = read_until_ms(typed, now_ms) if typed else None
    if at_ms is not None and at_ms <= now_ms:
        text = words("{day} is past: name a day that is to come")
        raise UnfitDay(text.format(day=shown_until(at_ms)))
    return at_ms


def _minimum(parts: Sequence[TypedPart], typed: str | None, words: Words) -> dict[str, Any] | None:
    """Return the least that is given at once. Raises UnfitOffer where that is more than all."""
    if not typed:
        return None
    whole = parts[0].quantity
    number, _, unit = typed.strip().partition(" ")
    least: dict[str, Any] = dict(read_quantity(number, unit or whole["unit"], words))
    if not least["n"]:
        raise UnfitOffer(words("0 is no least amount: leave it out"))
    if least["unit"] != whole["unit"]:
        text = words("the least is in {unit}, and the offer is counted in {other}")
        names = {"unit": shown_unit(least["unit"], words)}
        raise UnfitOffer(text.format(**names, other=shown_unit(whole["unit"], words)))
    for part in parts:
        if exact(least["n"], least["scale"]) > exact(part.quantity["n"], part.quantity["scale"]):
            text = words("the least, {least}, is more than all of it, {all}: name less")
            shown = {"least": amount(least, words), "all": amount(part.quantity, words)}
            raise UnfitOffer(text.format(**shown))
    return least


def _prices(
    parts: Sequence[TypedPart], typed: Sequence[str], words: Words
) -> tuple[TypedPrice, ...]:
    """Return what is asked in return. Raises UnfitOffer for a price that does not fit."""
    if len(typed) > INTENTS_MAX:
        text = words("at most {most} things in return, not {count}")
        raise UnfitOffer(text.format(most=INTENTS_MAX, count=len(typed)))
    prices = tuple(read_price(text, parts[0].quantity["unit"], words) for text in typed)
    if any(price.is_each for price in prices):
        if len(parts) > 1:
            text = words("a price for each needs an offer of one thing: make two offers of it")
            raise UnfitOffer(text)
        if not all(price.is_each for price in prices):
            text = words("either all prices are for each, or none: {prices}")
            raise UnfitOffer(text.format(prices=", ".join(typed)))
    return prices


def _audience(view: LedgerView, names: Sequence[str]) -> tuple[bytes | str, ...]:
    """Return the members and roles that names mean. Raises UnknownId, AmbiguousId, UnfitOffer."""
    chosen = tuple(dict.fromkeys(_addressee(view, name) for name in names if name.strip()))
    if len(chosen) > PROPOSED_TO_MAX:
        text = view.words("it is meant for at most {most} members and roles, not {count}")
        raise UnfitOffer(text.format(most=PROPOSED_TO_MAX, count=len(chosen)))
    return chosen


def _addressee(view: LedgerView, name: str) -> bytes | str:
    roles, plain = view.kept.rules.roles, displayed_name(name)
    try:
        member = bytes(find_agent(view, name))
    except UnknownId:
        if plain in roles:
            return plain
        if roles:
            text = view.words("{name}; the roles are {roles}")
            raise UnknownId(text.format(name=name, roles=", ".join(sorted(roles)))) from None
        raise
    if member == view.me:
        raise UnfitOffer(view.words("it is yours: name others that it is meant for"))
    is_named = view.name(member) == plain
    if is_named and plain in roles:
        text = view.words("{name} is a member and a role: name the member by their id")
        raise UnfitOffer(text.format(name=plain))
    alike = next((group for group in view.alike() if f"{plain} (" in group), None)
    if is_named and alike is not None:
        raise AmbiguousId(alike)
    return member


def of_kind(view: LedgerView, price: TypedPrice) -> dict[str, Any]:
    """Return what the data say of the kind of a price: its specification, where one is so named."""
    spec = spec_named(view, price.what) if price.what else None
    return {} if spec is None else {"resourceConformsTo": bytes(spec)}


def field_of(action: str, quantity: dict[str, Any]) -> str:
    """Return where an intent says how much: "effortQuantity" or "resourceQuantity"."""
    return quantity_field(action, str(quantity["unit"]))


def amount(quantity: dict[str, Any], words: Words) -> str:
    """Return a quantity of a record as people read it."""
    number = shown_number(quantity["n"], quantity["scale"])
    return f"{number} {shown_unit(str(quantity['unit']), words)}"
