"""Offers, needs and matches as terms of a deal, and why one of them cannot be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.exchange.deals.states import judged_at_ms
from commonweal.client.exchange.deals.terms import ClauseTerms, agent_text
from commonweal.client.exchange.deals.words import taker_words
from commonweal.client.language.quantity import exact, read_quantity, shown_number, shown_unit
from commonweal.client.ledger.names.directory import begins, whole_id
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.plans.schedule import scaled
from commonweal.protocol.errors import UnreadableQuantity, UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import INTENT, IntentRow, intent_row
from commonweal.protocol.ledger.exchange.offers.offers import OFFER, OfferRow, offer_row
from commonweal.protocol.ledger.members import roles
from commonweal.protocol.ledger.things.quantities import Quantity, is_less
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

FLOWS_MAX = 16
"""Matches that one deal takes."""


class Wanted(NamedTuple):
    """How much of an offer or a need is meant; None: all of it that is left."""

    quantity: str | int | Decimal | None = None
    unit: str | None = None


class OfferedFlow(NamedTuple):
    """A match: what one offers, and what another needs. Ids of intents."""

    offer: RecordId
    need: RecordId


def offered_terms(view: LedgerView, id: RecordId, wanted: Wanted) -> tuple[ClauseTerms, ...]:
    """Return the terms on which this member takes an offer or a need, or a bare intent.

    What is wanted in return grows with how much is taken; what cannot be written exactly is rounded
    up. Raises UsageError, UnreadableQuantity, WouldNotCount.
    """
    offer, me = offer_row(view.state, id), bytes(view.me)
    if offer is None:
        return (_taken(view, id, _part(view, id, wanted, per_unit=False), me),)
    _check_offer(view, offer)
    published = [RecordId(intent) for intent in offer.publishes]
    if len(published) > 1 and wanted.quantity is not None:
        text = view.words("this offers several things: take all, or name one of them: {ids}")
        raise UsageError(text.format(ids=", ".join(id.hex()[:8] for id in published)))
    parts = [_part(view, intent, wanted, per_unit=offer.unit_based) for intent in published]
    given = [_taken(view, intent, part, me) for intent, part in zip(published, parts, strict=True)]
    times = max(map(partial(_times, view), published, parts))
    return (*given, *_returned(view, offer, times, me))


def flow_terms(view: LedgerView, flows: Sequence[OfferedFlow]) -> tuple[ClauseTerms, ...]:
    """Return the terms of a match or a ring: what is offered goes to the one who needs it.

    Of each as much as is left on both sides. What is wanted in return for an offer stands in the
    terms of one match; where several give to each other, nothing else is wanted. Raises UsageError,
    WouldNotCount.
    """
    words = view.words
    if not 1 <= len(flows) <= FLOWS_MAX:
        raise UsageError(words("name 1 to {most} matches").format(most=FLOWS_MAX))
    terms: list[ClauseTerms] = []
    for flow in flows:
        offer, need = (intent_row(view.state, id) for id in flow)
        if offer is None or need is None or offer.provider is None or need.receiver is None:
            raise UsageError(words("a match is what one offers, then what another needs"))
        least = need.left if is_less(need.left, offer.left) else offer.left
        check_left(view, offer, least)
        check_left(view, need, least)
        taken = _taken(view, flow.offer, least, need.receiver)
        what = spec_name(view, need.spec or offer.spec)
        terms.append(replace(taken, what=what, satisfies=(flow.offer.hex(), flow.need.hex())))
        published = _priced(view, flow.offer, offer) if len(flows) == 1 else None
        if published is not None:
            times = _times(view, flow.offer, least)
            terms += _returned(view, published, times, need.receiver)
    return tuple(terms)


def _priced(view: LedgerView, id: bytes, row: IntentRow) -> OfferRow | None:
    """Return the offer by which an intent is published for something; None if it is also free."""
    offers = (
        offer_row(view.state, record)
        for record, sort in open_records.open_of(view.state, row.member)
        if sort == open_records.OFFER
    )
    naming = [offer for offer in offers if offer is not None and id in offer.publishes]
    is_priced = naming and all(offer.reciprocal for offer in naming)
    return max(naming, key=lambda offer: offer.clock) if is_priced else None


def offered_id(view: LedgerView, text: str) -> RecordId:
    """Return the offer, need or intent whose id begins so. Raises UnknownId, AmbiguousId."""
    whole = whole_id(text)
    if whole is not None and any(view.state.get(table + whole) for table in (OFFER, INTENT)):
        return whole
    ids = (key[len(table) :] for table in (OFFER, INTENT) for key, _ in view.state.items(table))
    return begins(map(RecordId, ids), text)


def check_left(view: LedgerView, row: IntentRow, taken: Quantity) -> None:
    """Raise WouldNotCount when so much of an offer or a need cannot be taken, and say why."""
    words, name = view.words, view.name(_owner(view, row))
    if row.status == intents.PAUSED:
        raise WouldNotCount(words("{name} paused it for now").format(name=name))
    if row.status != intents.OPEN:
        raise WouldNotCount(words("{name} does not offer or need it any more").format(name=name))
    if not intents.is_open(view.state, row, judged_at_ms(view)):
        raise WouldNotCount(words("what {name} offered or needed has ended").format(name=name))
    left = row.left
    if not left.n:
        text = words("nothing is left of it: it went to {winner}")
        raise WouldNotCount(text.format(winner=taker_words(view, row.by)))
    if is_less(left, taken):
        amount = f"{shown_number(left.n, left.scale)} {shown_unit(left.unit, words)}"
        raise WouldNotCount(words("only {amount} is left of it").format(amount=amount))
    least = None if row.minimum is None else Quantity(*row.minimum)
    if least is not None and is_less(taken, least):
        amount = f"{shown_number(least.n, least.scale)} {shown_unit(least.unit, words)}"
        raise WouldNotCount(words("it is given from {amount} on").format(amount=amount))


def _owner(view: LedgerView, row: IntentRow) -> bytes:
    return view.community if row.is_of_community else row.member


def _check_offer(view: LedgerView, offer: OfferRow) -> None:
    words, name = view.words, view.name(offer.member)
    if offer.status != intents.OPEN:
        raise WouldNotCount(words("{name} does not offer or need it any more").format(name=name))
    if offer.end is not None and offer.end <= judged_at_ms(view):
        raise WouldNotCount(words("what {name} offered or needed has ended").format(name=name))
    meant = offer.proposed_to
    is_meant = any(
        roles.holds(view.state, view.me, agent) if isinstance(agent, str) else agent == view.me
        for agent in meant
    )
    if meant and not is_meant:
        raise WouldNotCount(words("{name} proposes it to others").format(name=name))


def _part(view: LedgerView, id: RecordId, wanted: Wanted, *, per_unit: bool) -> Quantity:
    """Return how much of an intent is taken, and check that it can be. per_unit: it is sold so."""
    row = intent_row(view.state, id)
    assert row is not None, "an offer names intents that are known"
    if _owner(view, row) == view.me:
        raise UsageError(view.words("this is your own"))
    if wanted.quantity is None:
        if per_unit and row.available is not None:
            shown = f"{shown_number(*row.quantity[:2])} {shown_unit(row.quantity[2], view.words)}"
            text = view.words("say how much of it: it is offered for each {amount}")
            raise UsageError(text.format(amount=shown))
        part = row.left
    else:
        read = read_quantity(str(wanted.quantity), wanted.unit or row.quantity[2], view.words)
        n, scale, unit = read["n"], read["scale"], read["unit"]
        assert isinstance(n, int) and isinstance(scale, int) and isinstance(unit, str)
        part = Quantity(n, scale, unit)
        if not part.n:
            raise UnreadableQuantity(view.words("a quantity is more than nothing"))
        if part.unit != row.quantity[2]:
            text = view.words("it is counted in {unit}")
            raise UsageError(text.format(unit=shown_unit(row.quantity[2], view.words)))
    check_left(view, row, part)
    return part


def _taken(view: LedgerView, id: RecordId, part: Quantity, other: bytes) -> ClauseTerms:
    """Return the clause by which `other` takes a part of what somebody published."""
    row = intent_row(view.state, id)
    assert row is not None, "it was looked at"
    return ClauseTerms(
        giver=agent_text(view, row.provider or other),
        taker=agent_text(view, row.receiver or other),
        action=row.action,
        quantity=shown_number(part.n, part.scale),
        unit=part.unit,
        what=spec_name(view, row.spec),
        resource=None if row.resource is None else row.resource.hex(),
        satisfies=(id.hex(),),
    )


def _times(view: LedgerView, id: RecordId, part: Quantity) -> Fraction:
    """Return how many times the quantity that an intent names is taken."""
    row = intent_row(view.state, id)
    assert row is not None, "it was looked at"
    return Fraction(exact(part.n, part.scale)) / Fraction(exact(*row.quantity[:2]))


def _returned(
    view: LedgerView, offer: OfferRow, times: Fraction, other: bytes
) -> Iterator[ClauseTerms]:
    """Yield the clauses by which what is wanted in return for an offer changes hands."""
    for id in map(RecordId, offer.reciprocal):
        row = intent_row(view.state, id)
        assert row is not None, "an offer names intents that are known"
        amount = scaled(row.quantity, times)
        if amount is None:
            raise UnreadableQuantity(view.words("that is more than a quantity holds"))
        part = Quantity(amount.n, amount.scale, amount.unit)
        terms = replace(_taken(view, id, part, other), in_return=True)
        # Rounded up, a last part may be a little more than is left of what is wanted.
        yield replace(terms, satisfies=()) if is_less(row.left, part) else terms
