"""Commissions: what the seller of a promoted offer owes who brought the buyer, for one income.

Income of an offer is a payment by which its buyer fulfils a deal on it, or one from an agent
outside whose event names the offer, by who manages it. It counts if a referral of the buyer counts
when it is written, and its time is not over at the seal that covers it. Once others than the
promoter attest the income, and nobody disputes it, the fold derives a commitment of the seller to
the promoter, agreed and with the id of the income: the rate of the income, rounded down to the
smallest amount of the unit; the rest stays with the seller. After a correction of the income that
is attested, it is the rate of what is left. Nothing is paid on what others earn by bringing
somebody: there is one step.
State: 93 incomes of promoted offers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.commitments import (
    AGREED,
    COMMITMENT,
    ENDED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.deals.agreement_row import agreement_row, clause_rows
from commonweal.protocol.ledger.exchange.offers.offers import offer_row
from commonweal.protocol.ledger.exchange.promotion.promotions import (
    PromotionRow,
    may_manage,
    offers_from,
    promotion_row,
    seller_of,
)
from commonweal.protocol.ledger.exchange.promotion.referrals import (
    ReferralRow,
    referral_row,
    referrals_of,
)
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow, event_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.currencies import decimals
from commonweal.protocol.vocabulary.rule_params import RATE_WHOLE

COMMISSION = Table.COMMISSION.prefix

ACTIONS = ("transfer", "transferAllRights")
"""What an event does that pays."""


class CommissionRow(NamedTuple):
    """An income of a promoted offer. referral: that of its buyer.

    attested, counted: with how many corrections the income was last found attested, and last
    counted; None while it was not.
    """

    referral: bytes
    attested: int | None
    counted: int | None


def commission_row(state: State, event: bytes) -> CommissionRow | None:
    """Return by which referral an income has a commission; None when it has none."""
    value = state.get(COMMISSION + event)
    return None if value is None else CommissionRow(*value)


def promoter_of(state: State, event: bytes) -> bytes | None:
    """Return who has a commission on an income; None when nobody has."""
    row = commission_row(state, event)
    return None if row is None else _promised(state, row)[0].promoter


def note(state: State, record: Record, context: Context, event: EventRow) -> Verdict:
    """Note by which referral a new event is income of a promoted offer, if it is by any."""
    named = record.data.get("offer")
    if named is not None:
        refused = _names_wrongly(state, context, event, named)
        if refused is not None:
            return refused
    if not _is_payment(event) or (named is None and event.fulfills is None):
        return None
    sold = _sold_by(state, event)
    now_ms = times.now_ms(state, context)
    candidates = [
        (row.since_ms, id)
        for id, row in _referrals(state, event.provider)
        if row.since_ms is not None
        and row.until_ms is not None
        and now_ms <= row.until_ms
        and _is_of(state, event, row, named, sold)
    ]
    if candidates:
        _, first = min(candidates)
        state.put(COMMISSION + record.id, [*CommissionRow(first, None, None)])
    return None


def reckon(state: State, id: bytes, is_attested: bool | None) -> None:
    """Derive the commission of an income as it now stands, if it is attested and not disputed.

    is_attested: None: as it was before.
    """
    row, event = commission_row(state, id), event_row(state, id)
    if row is None or event is None:
        return
    if is_attested is not None:
        row = row._replace(attested=event.corrections if is_attested else None)
    is_due = row.attested == event.corrections and not event.disputes
    if is_due and row.counted != event.corrections:
        _owe(state, id, event, row)
        row = row._replace(counted=event.corrections)
    state.put(COMMISSION + id, [*row])


def due(rate: int, quantity: list[Any]) -> list[Any]:
    """Return the commission on a quantity [n, scale, unit], rounded down, as such a quantity.

    It has the decimals of the unit, or of the quantity where that has more.
    """
    n, scale, unit = quantity
    finer = max(scale, decimals(unit))
    if n * 10 ** (finer - scale) * rate // RATE_WHOLE > INT_MAX:
        finer = scale
    return [n * 10 ** (finer - scale) * rate // RATE_WHOLE, finer, unit]


def _owe(state: State, id: bytes, event: EventRow, row: CommissionRow) -> None:
    """Write how much the seller owes for an income; nothing, where nothing is left of it."""
    referral, promotion = _promised(state, row)
    offer = offer_row(state, promotion.offer)
    seller = None if offer is None else seller_of(state, offer)
    assert seller is not None and event.quantity is not None, "a payment on an offer"
    quantity = due(promotion.rate, event.quantity)
    owed = commitment_row(state, id)
    if owed is None and not quantity[0]:
        return
    status = AGREED if quantity[0] else ENDED
    if owed is not None:
        state.put(COMMITMENT + id, [*owed._replace(quantity=quantity, status=status)])
        return
    made = CommitmentRow(
        event.member,
        event.clock,
        action="transfer",
        provider=seller,
        receiver=referral.promoter,
        quantity=quantity,
        given=[0, *quantity[1:]],
        spec=None,
        satisfies=[],
        resource=None,
        begin=None,
        end=None,
        due=None,
        status=status,
        agreement=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )
    state.put(COMMITMENT + id, [*made])


def _promised(state: State, row: CommissionRow) -> tuple[ReferralRow, PromotionRow]:
    referral = referral_row(state, row.referral)
    assert referral is not None, "the referral counted"
    promotion = promotion_row(state, referral.promotion)
    assert promotion is not None, "what a referral names is known"
    return referral, promotion


def _names_wrongly(state: State, context: Context, event: EventRow, named: Any) -> Verdict:
    """Return why an event cannot be the income of the offer that it names; otherwise None."""
    if not is_bytes(named):
        return Reason.SHAPE
    offer = offer_row(state, named)
    if offer is None:
        return Reason.UNKNOWN_PLAN
    if not may_manage(state, context, offer):
        return Reason.NOT_YOURS
    is_income = _is_payment(event) and agents.is_outside(event.provider)
    seller = seller_of(state, offer)
    if not is_income or seller is None or not _is_person(state, event.receiver, seller):
        return Reason.DOES_NOT_FIT
    return None


def _is_payment(event: EventRow) -> bool:
    """Return whether an event pays: it transfers an amount, not a thing."""
    is_amount = event.quantity is not None and event.spec is None and event.source is None
    return event.action in ACTIONS and is_amount


def _sold_by(state: State, event: EventRow) -> dict[bytes, None]:
    """Return the intents that the deal takes which a payment fulfils."""
    paid = None if event.fulfills is None else commitment_row(state, event.fulfills)
    if paid is None:
        return {}
    sold = dict.fromkeys(paid.satisfies)
    deal = None if paid.agreement is None else agreement_row(state, paid.agreement)
    for _, clause in [] if deal is None else clause_rows(state, deal):
        sold |= dict.fromkeys(clause.satisfies)
    return sold


def _referrals(state: State, buyer: bytes) -> Iterator[tuple[bytes, ReferralRow]]:
    """Yield the referrals of who pays, and of the member who claimed an agent outside."""
    for named in dict.fromkeys((buyer, agents.person(state, buyer))):
        yield from referrals_of(state, named)


def _is_of(
    state: State, event: EventRow, row: ReferralRow, named: Any, sold: dict[bytes, None]
) -> bool:
    """Return whether a payment is income of the offer that a referral is about, and pays for it.

    A request in the place of an offer sells nothing: the offers before and after it do.
    """
    promotion = promotion_row(state, row.promotion)
    assert promotion is not None, "what a referral names is known"
    buyer = agents.person(state, event.provider)
    is_of_offer = False
    for id, offer in offers_from(state, promotion.offer):
        seller = seller_of(state, offer)
        if seller is None:
            continue
        if not _is_person(state, event.receiver, seller):
            return False
        published = (*offer.publishes, *offer.reciprocal)
        is_of_offer = is_of_offer or id == named or any(intent in sold for intent in published)
    return is_of_offer and row.promoter != buyer


def _is_person(state: State, agent: bytes | None, other: bytes) -> bool:
    return agent is not None and agents.person(state, agent) == agents.person(state, other)
