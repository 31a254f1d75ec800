"""Offers and needs that stand: renewed, paused, opened again and withdrawn.

Nothing is edited: what is renewed is published again, in the place of the old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.exchange.offer_rows import PAUSED, intents_of
from commonweal.client.exchange.offer_terms import field_of
from commonweal.client.home.submit import now_ms
from commonweal.client.language.days import read_until_ms, shown_until
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import OfferStands, UnfitDay
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import OFFER as OFFERS
from commonweal.protocol.ledger.exchange.offers.offers import OfferRow, offer_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView

RENEWED_UNTIL = "in 1 month"
"""Until when an offer is renewed where no day is said."""

STANDING = ("open", "paused")


@dataclass(frozen=True, slots=True)
class RenewedOffer:
    """An offer that took the place of another one. end_ms: until when it stands."""

    id: RecordId
    seq: int
    replaces: RecordId
    end_ms: int


@dataclass(frozen=True, slots=True)
class ChangedOffer:
    """An offer that was paused, opened again or withdrawn, and a record that does it."""

    id: RecordId
    seq: int
    offer: RecordId


class OfferChanges(HomeAccess):
    """What becomes of what this member offers and needs."""

    def renew_offer(self, id: str | bytes, *, until: str | None = None) -> RenewedOffer:
        """Publish what is left of an offer or a need again, with a later end.

        until: a day or a time; a month from now if it is not said. Raises UnknownId, AmbiguousId,
        UnfitDay, OfferStands, WouldNotCount.
        """
        chosen, row = self._chosen(id)
        now = now_ms()
        end_ms = read_until_ms(until or RENEWED_UNTIL, now)
        intents = [pair for pair in intents_of(self.view, row.publishes) if _is_left(pair[1])]
        if row.status != "open" or not intents:
            text = self.words("nothing of it is left: offer it again")
            raise OfferStands(text)
        latest = max((of.end or end_ms + 1 for _id, of in intents), default=0)
        if end_ms <= now or end_ms <= latest != end_ms + 1:
            text = self.words("it stands until {end}: name a later day")
            raise UnfitDay(text.format(end=shown_until(max(now, latest))))
        drafts = self.view.drafts()
        ids = [self._renewed(drafts, pair, chosen, end_ms, now) for pair in intents]
        data = _offer_data(row) | {"publishes": ids, "hasEnd": end_ms, "replaces": bytes(chosen)}
        drafts.add(wish_of("proposal.offer", data))
        written = self._write_drafts(drafts)[-1]
        return RenewedOffer(written.id, written.seq, chosen, end_ms)

    def pause_offer(self, id: str | bytes, *, paused: bool = True) -> ChangedOffer:
        """Let nothing be taken of an offer or a need for now; or, not `paused`, open it again.

        Raises UnknownId, AmbiguousId, OfferStands, WouldNotCount.
        """
        chosen, row = self._chosen(id)
        standing = [pair for pair in intents_of(self.view, row.publishes) if _is_left(pair[1])]
        others = [intent for intent, of in standing if (of.status == PAUSED) is not paused]
        if not others:
            done = self.words("it is paused already") if paused else self.words("it is not paused")
            gone = self.words("nothing of it is left to be taken")
            raise OfferStands(done if standing else gone)
        return self._change(chosen, "intent.pause", others, {"paused": paused})

    def withdraw_offer(self, id: str | bytes) -> ChangedOffer:
        """Take an offer or a need back, for good. What others were promised of it stands.

        Raises UnknownId, AmbiguousId, OfferStands, WouldNotCount.
        """
        chosen, row = self._chosen(id)
        if row.status == "withdrawn":
            raise OfferStands(self.words("it is withdrawn already"))
        wishes = [wish_of("proposal.withdraw", {"offer": bytes(chosen)}, (chosen,))]
        elsewhere = _published_elsewhere(self.view, chosen)
        for intent, of in intents_of(self.view, [*row.publishes, *row.reciprocal]):
            if of.status in STANDING and not of.is_met and intent not in elsewhere:
                wishes.append(
                    wish_of("intent.withdraw", {"intent": bytes(intent)}, (intent, chosen))
                )
        written = self._write(*wishes)[0]
        return ChangedOffer(written.id, written.seq, chosen)

    def _chosen(self, id: str | bytes) -> tuple[RecordId, OfferRow]:
        """Return an offer that this member may change. Raises UnknownId, AmbiguousId."""
        chosen = self.view.id_among(prefix(id), OFFERS)
        row = offer_row(self.view.state, chosen)
        assert row is not None, "it is an offer"
        if row.status == "replaced":
            by = "" if row.by is None else row.by.hex()[:12]
            text = self.words("it was renewed already, as {id}")
            raise OfferStands(text.format(id=by))
        return chosen, row

    def _renewed(
        self,
        drafts: Drafts,
        pair: tuple[RecordId, IntentRow],
        offer: RecordId,
        end_ms: int,
        now: int,
    ) -> bytes:
        """Draft what is left of an intent again, in the place of the old one.

        It cites the offer, which could not be published any more if it came after this.
        """
        intent, row = pair
        data = _intent_data(row) | {"hasEnd": end_ms}
        left = dict(zip(("n", "scale", "unit"), row.left, strict=True))
        field = field_of(row.action, left)
        whole = dict(zip(("n", "scale", "unit"), row.quantity, strict=True))
        data[field] = left if row.available is None else whole
        if row.available is not None:
            data["availableQuantity"] = left
        minimum = data.get("minimumQuantity")
        if minimum is not None and exact(minimum["n"], minimum["scale"]) > exact(*row.left[:2]):
            data["minimumQuantity"] = left
        if row.begin is not None and row.begin > now:
            data["hasBeginning"] = row.begin
        if row.due is not None:
            data["due"] = end_ms if row.due == row.end or row.due <= now else row.due
        if row.taken[0]:
            drafts.add(wish_of("intent.withdraw", {"intent": bytes(intent)}, (intent, offer)))
        else:
            data["replaces"] = bytes(intent)
        body = note_body(text_of(self.view.store, intent) or None, words=self.words)
        return bytes(drafts.add(wish_of("intent", data, (intent, offer), body)))

    def _change(
        self, offer: RecordId, kind: str, intents: list[RecordId], more: dict[str, Any]
    ) -> ChangedOffer:
        wishes = [wish_of(kind, {"intent": bytes(id), **more}, (id, offer)) for id in intents]
        written = self._write(*wishes)[-1]
        return ChangedOffer(written.id, written.seq, offer)


def _published_elsewhere(view: LedgerView, offer: RecordId) -> set[bytes]:
    """Return the intents of an offer that another one, which stands, has too."""
    rows = view.kept.layers.rows(
        "SELECT other.intent FROM offer_part_row AS mine"
        " JOIN offer_part_row AS other ON other.intent = mine.intent AND other.offer <> mine.offer"
        " JOIN offer_row ON offer_row.id = other.offer AND offer_row.status = 'open'"
        " WHERE mine.offer = ?",
        (offer,),
    )
    return {intent for (intent,) in rows}


def _is_left(row: IntentRow) -> bool:
    return row.status in STANDING and bool(row.left.n)


def _intent_data(row: IntentRow) -> dict[str, Any]:
    """Return the data of an intent without its quantity and times."""
    minimum = row.minimum and dict(zip(("n", "scale", "unit"), row.minimum, strict=True))
    fields = {
        "action": row.action,
        "provider": row.provider,
        "receiver": row.receiver,
        "resourceConformsTo": row.spec,
        "resourceInventoriedAs": row.resource,
        "resourceClassifiedAs": row.tags or None,
        "inScopeOf": row.scope,
        "minimumQuantity": minimum,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _offer_data(row: OfferRow) -> dict[str, Any]:
    """Return the data of an offer without its intents and times."""
    fields = {
        "purpose": row.purpose,
        "reciprocal": row.reciprocal or None,
        "unitBased": row.unit_based or None,
        "proposedTo": row.proposed_to or None,
        "eligibleLocation": row.location,
    }
    return {key: value for key, value in fields.items() if value is not None}
