"""What of reviews waits for a member: deals that they can review now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.deals.details import deal_ids_of
from commonweal.client.exchange.deals.states import known_agreement
from commonweal.client.exchange.deals.words import deal_words
from commonweal.client.exchange.reviews.deal_reviews import reviews_of_deal
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.words import N_
from commonweal.protocol.ledger.exchange.deals import completion

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

TO_REVIEW = "review"
DEALS_LOOKED_AT_MAX = 200
"""The newest deals of a member, of which those are told that they can review."""


def waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield the deals that this member can review, until when."""
    for id in deal_ids_of(view, (bytes(view.me),))[:DEALS_LOOKED_AT_MAX]:
        completed = completion.completion_row(view.state, id)
        if completed is None or completed.stage != completion.OPEN:
            continue
        deal = known_agreement(view.state, id)
        for review in reviews_of_deal(view, id, deal):
            if review.may_write:
                about, until = review.about.hex(), review.until_ms
                yield Waiting(TO_REVIEW, id, None, deal.clock, until, about=about)


def sentence(view: LedgerView, entry: Waiting) -> str:
    """Return what waits, as a short sentence."""
    text = view.words("review your deal with {name}: {what}")
    what = deal_words(view, known_agreement(view.state, entry.id))
    return text.format(name=view.name(bytes.fromhex(entry.about)), what=what)


def command(view: LedgerView, entry: Waiting) -> str:
    """Return what is typed after `weal`."""
    typed = f"review {entry.id.hex()[:COMMAND_ID_DIGITS]} 5 --on-time --as-agreed"
    parties = known_agreement(view.state, entry.id).parties
    return typed if len(parties) == 2 else f"{typed} --about {entry.about[:COMMAND_ID_DIGITS]}"


def path(entry: Waiting) -> str:
    """Return the page of the deal."""
    return f"/deals/{entry.id.hex()}#reviews"


SOURCE = WaitingSource({TO_REVIEW: N_("deal to review")}, waiting, sentence, command, path)
