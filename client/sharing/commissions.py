"""The commission on an income of a promoted offer, as a sum and as a sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.language.quantity import exact, shown_unit
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.promotion.commissions import commission_row
from commonweal.protocol.ledger.exchange.promotion.promotions import promotion_row
from commonweal.protocol.ledger.exchange.promotion.referrals import referral_row
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.vocabulary.rule_params import RATE_WHOLE

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class CommissionReason(NamedTuple):
    """Why a commission is what it is. rate: in percent. owed: None while nothing is owed."""

    referral: bytes
    promoter_name: str
    code: str
    rate: Decimal
    income: Decimal
    owed: Decimal | None
    open: Decimal
    unit: str


def percent(rate: int) -> Decimal:
    """Return a rate, in parts of RATE_WHOLE, in percent."""
    return (Decimal(rate) * 100 / RATE_WHOLE).normalize() + 0


def commission_reason(view: LedgerView, event: bytes) -> CommissionReason | None:
    """Return why the commission on an income is what it is; None for what has none."""
    row, income = commission_row(view.state, event), event_row(view.state, event)
    if row is None or income is None or income.quantity is None:
        return None
    referral = referral_row(view.state, row.referral)
    assert referral is not None, "the referral counted"
    promotion = promotion_row(view.state, referral.promotion)
    assert promotion is not None, "what a referral names is known"
    promise = commitment_row(view.state, event) if row.counted is not None else None
    return CommissionReason(
        row.referral,
        view.name(MemberId(referral.promoter)),
        promotion.code,
        percent(promotion.rate),
        exact(*income.quantity[:2]),
        None if promise is None else exact(*promise.quantity[:2]),
        Decimal() if promise is None else exact(*promise.open[:2]),
        str(income.quantity[2]),
    )


def commission_sentences(view: LedgerView, event: bytes) -> list[str]:
    """Return what is owed on an income to who brought its buyer, and why, as sentences."""
    reason, words = commission_reason(view, event), view.words
    if reason is None:
        return []
    about = {
        "name": reason.promoter_name,
        "rate": f"{reason.rate:f}",
        "income": f"{reason.income:f}",
        "code": reason.code,
        "unit": shown_unit(reason.unit, words),
    }
    if reason.owed is None:
        text = words("{name} brought the buyer by the code {code}: {rate}% once others attest it.")
        return [text.format(**about)]
    text = words(
        "{name} brought the buyer by the code {code}: {rate}% of {income} {unit} is {owed} {unit},"
        " rounded down; {open} {unit} of it is not paid."
    )
    return [text.format(**about, owed=f"{reason.owed:f}", open=f"{reason.open:f}")]
