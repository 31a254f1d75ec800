"""Offers and needs: published, renewed, paused and withdrawn.

An offer and its intents are written at once, or nothing is. What is published stays readable to all
members; its title and note can be erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Unpack

from commonweal.client.access import HomeAccess, wish_of
from commonweal.client.exchange.market import tags_in_use
from commonweal.client.exchange.offer_rows import (
    NEED,
    OFFER,
    PURPOSES,
    price_text,
    to_name,
)
from commonweal.client.exchange.offer_terms import (
    OfferTerms,
    TypedOffer,
    TypedPart,
    amount,
    field_of,
    of_kind,
    read_offer,
)
from commonweal.client.exchange.prices import TypedPrice
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import SCALE_MAX, exact
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import (
    CommonwealError,
    UnreadableQuantity,
)
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.drafts import Drafts


@dataclass(frozen=True, slots=True)
class NewOffer:
    """An offer or a need that was published. sort: "offer" or "need". intents: its parts."""

    id: RecordId
    seq: int
    sort: str
    title: str
    action: str
    quantity: Decimal
    unit: str
    begin_ms: int | None
    end_ms: int | None
    intents: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class OfferPreview:
    """What an offer would publish: all members can read it, for as long as the ledger is kept.

    amounts: title and quantity of each part. price: in words. Titles and note can be erased.
    """

    sort: str
    agent_name: str
    action: str
    amounts: tuple[tuple[str, str], ...]
    note: str
    price: str
    minimum: str | None
    tags: tuple[str, ...]
    to: tuple[str, ...]
    place: str | None
    scope: str | None
    begin_ms: int | None
    end_ms: int | None
    due_ms: int | None


class Offers(HomeAccess):
    """What this member offers and needs."""

    def offer(
        self, what: str, quantity: str | int | Decimal, unit: str, **terms: Unpack[OfferTerms]
    ) -> NewOffer:
        """Offer something to the community. what: a short title. terms: see OfferTerms.

        Raises UnreadableQuantity, AmbiguousUnit, UnreadableTime, UnknownAction, UnknownId,
        AmbiguousId, UnusableText, UnfitOffer, UnfitDay, WouldNotCount.
        """
        return self._publish(OFFER, (what, str(quantity), unit), terms)

    def need(
        self, what: str, quantity: str | int | Decimal, unit: str, **terms: Unpack[OfferTerms]
    ) -> NewOffer:
        """Say that this member, or the community, needs something. Takes and raises as `offer`."""
        return self._publish(NEED, (what, str(quantity), unit), terms)

    def preview_offer(
        self,
        sort: str,
        what: str,
        quantity: str | int | Decimal,
        unit: str,
        **terms: Unpack[OfferTerms],
    ) -> OfferPreview:
        """Return what would become public; write nothing. sort: "offer" or "need".

        Raises as `offer` does, so what would count for nothing is refused here, too.
        """
        typed = self._typed(sort, (what, str(quantity), unit), terms)
        self._drafted(typed)
        shared, words = typed.shared, self.words
        prices = [f"{amount(price.quantity, words)} {price.what}".strip() for price in typed.prices]
        per = Decimal(1) if typed.is_each else None
        return OfferPreview(
            sort=sort,
            agent_name=self.view.name(typed.agent),
            action=typed.action,
            amounts=tuple((part.title, amount(part.quantity, words)) for part in typed.parts),
            note=typed.note,
            price=price_text(prices, typed.parts[0].quantity["unit"], per, words),
            minimum=None if typed.minimum is None else amount(typed.minimum, words),
            tags=tuple(shared.get("resourceClassifiedAs", ())),
            to=tuple(to_name(self.view, other) for other in typed.to),
            place=typed.place,
            scope=shared.get("inScopeOf"),
            begin_ms=typed.begin_ms,
            end_ms=typed.end_ms,
            due_ms=shared.get("due"),
        )

    def may_speak_for_community(self) -> bool:
        """Return whether this member may offer and need for the community, by the rules."""
        from commonweal.protocol.ledger.members.roles import holds

        speaker = self.view.kept.rules.speaks_for_community
        return not speaker or holds(self.view.state, self.view.me, speaker)

    def wrong_field(
        self,
        sort: str,
        what: str,
        quantity: str | int | Decimal,
        unit: str,
        **terms: Unpack[OfferTerms],
    ) -> str:
        """Return which of the parameters `preview_offer` refuses; "" where it is none of them."""
        reading: list[str] = []
        try:
            self._typed(sort, (what, str(quantity), unit), terms, reading)
        except CommonwealError:
            return reading[-1]
        return ""

    def _publish(self, sort: str, part: tuple[str, str, str], terms: OfferTerms) -> NewOffer:
        typed = self._typed(sort, part, terms)
        written = self._write_drafts(self._drafted(typed))
        first = typed.parts[0]
        return NewOffer(
            id=written[-1].id,
            seq=written[-1].seq,
            sort=sort,
            title=first.title,
            action=typed.action,
            quantity=exact(first.quantity["n"], first.quantity["scale"]),
            unit=first.quantity["unit"],
            begin_ms=typed.begin_ms,
            end_ms=typed.end_ms,
            intents=tuple(record.id for record in written[: len(typed.parts)]),
        )

    def _typed(
        self,
        sort: str,
        part: tuple[str, str, str],
        terms: OfferTerms,
        reading: list[str] | None = None,
    ) -> TypedOffer:
        assert sort in PURPOSES, sort
        in_use = tags_in_use(self.view) if terms.get("tags") else ()
        return read_offer(
            self.view, sort, part, terms, now_ms=now_ms(), tags_in_use=in_use, reading=reading
        )

    def _drafted(self, typed: TypedOffer) -> Drafts:
        """Return the drafts of an offer: its intents, what is asked in return, and itself."""
        drafts = self.view.drafts()
        published = [self._part(drafts, typed, number) for number in range(len(typed.parts))]
        asked = [self._price(drafts, typed, price) for price in typed.prices]
        data: dict[str, Any] = {"purpose": PURPOSES[typed.sort], "publishes": published}
        more = {
            "reciprocal": asked,
            "unitBased": typed.is_each,
            "proposedTo": list(typed.to),
            "eligibleLocation": typed.place,
            "hasBeginning": typed.begin_ms,
            "hasEnd": typed.end_ms,
        }
        data |= {key: value for key, value in more.items() if value}
        drafts.add(wish_of("proposal.offer", data))
        return drafts

    def _part(self, drafts: Drafts, typed: TypedOffer, number: int) -> bytes:
        part = typed.parts[number]
        side = "provider" if typed.sort == OFFER else "receiver"
        quantity = _one(part.quantity) if typed.is_each else part.quantity
        data: dict[str, Any] = {"action": typed.action, side: typed.agent, **typed.shared}
        data[field_of(typed.action, quantity)] = quantity
        if typed.is_each:
            data["availableQuantity"] = part.quantity
        if typed.minimum is not None:
            data["minimumQuantity"] = typed.minimum
        text = f"{part.title}\n\n{typed.note}" if typed.note and not number else part.title
        return bytes(drafts.add(wish_of("intent", data, (), note_body(text, words=self.words))))

    def _price(self, drafts: Drafts, typed: TypedOffer, price: TypedPrice) -> bytes:
        side = "receiver" if typed.sort == OFFER else "provider"
        data: dict[str, Any] = {"action": "transfer", side: typed.agent} | of_kind(self.view, price)
        data["resourceQuantity"] = price.quantity
        if typed.is_each:
            data["availableQuantity"] = _times(price.quantity, typed.parts[0], self.words)
        is_named = price.what and "resourceConformsTo" not in data
        body = note_body(price.what, words=self.words) if is_named else None
        return bytes(drafts.add(wish_of("intent", data, (), body)))


def _one(quantity: dict[str, Any]) -> dict[str, Any]:
    return {"n": 1, "scale": 0, "unit": quantity["unit"]}


def _times(price: dict[str, Any], part: TypedPart, words: Words) -> dict[str, Any]:
    """Return the price of all of a part, at the price of one. Raises UnreadableQuantity."""
    n, scale = price["n"] * part.quantity["n"], price["scale"] + part.quantity["scale"]
    while scale and not n % 10:
        n, scale = n // 10, scale - 1
    if scale > SCALE_MAX or n > INT_MAX:
        raise UnreadableQuantity(words("the price of all of it has more digits than are kept"))
    return {"n": n, "scale": scale, "unit": price["unit"]}
