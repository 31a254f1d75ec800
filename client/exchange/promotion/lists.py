"""Promotions, referrals and commissions, read from the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.exchange.offer_rows import intents_of, sealed_at, title_of
from commonweal.client.exchange.promotion import rows
from commonweal.client.exchange.promotion.rows import (
    ListedCommission,
    ListedPromotion,
    ListedReferral,
)
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.names.named import outside_name
from commonweal.client.sharing.commissions import percent
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.offers.intents import OPEN
from commonweal.protocol.ledger.exchange.offers.offers import GIVE
from commonweal.protocol.ledger.exchange.promotion.commissions import (
    COMMISSION,
    CommissionRow,
)
from commonweal.protocol.ledger.exchange.promotion.promotions import (
    PART_OF_CODE,
    PROMOTION,
    PromotionRow,
    offers_from,
    promotion_row,
    seller_of,
)
from commonweal.protocol.ledger.exchange.promotion.referrals import (
    REFERRAL,
    ReferralRow,
    referral_row,
)
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.rule_params import HOUR_MS

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

LINK_DIGITS = 16
"""Digits of a member's id in the code that names them: no two members begin alike."""


def link_of(code: str, member: bytes) -> str:
    """Return the code of a promotion with a member who promotes, as it is passed on."""
    return f"{code}{PART_OF_CODE}{member.hex()[:LINK_DIGITS]}"


def agent_name(view: LedgerView, agent: bytes) -> str:
    """Return how a member, the community or somebody outside is called."""
    if agents.is_outside(agents.person(view.state, agent)):
        return outside_name(view, agent) or agent.hex()[:LINK_DIGITS]
    return view.name(MemberId(agents.person(view.state, agent)))


def why_not_promote(view: LedgerView, row: PromotionRow) -> str:
    """Return why this member may not promote an offer, as a sentence; empty where they may."""
    if _seller(view, row) == view.me:
        return view.words("it is yours: others promote it")
    rule = view.kept.rules.promotion
    for role in ("" if rule is None else rule.role, row.who):
        if role and not roles.holds(view.state, view.me, role):
            text = view.words("to promote it, take the role {role}: weal role claim {role}")
            return text.format(role=role)
    return ""


def promotions_in(view: LedgerView) -> Iterator[ListedPromotion]:
    """Yield all promotions, the newest first."""
    brought = Counter(row.promotion for _, row in _referrals(view) if row.since_ms is not None)
    earned = Counter(row.promotion for row in commissions_in(view))
    known = [(RecordId(key[2:]), PromotionRow(*v)) for key, v in view.state.items(PROMOTION)]
    for id, row in sorted(known, key=lambda pair: (-pair[1].clock, pair[0])):
        yield _promotion(view, id, row, brought[id], earned[id])


def promotion_in(view: LedgerView, id: RecordId) -> ListedPromotion:
    """Return one promotion, which is known."""
    row = promotion_row(view.state, id)
    assert row is not None, "it is known"
    brought = [other for _, other in _referrals(view) if other.promotion == id]
    earned = [other for other in commissions_in(view) if other.promotion == id]
    counting = sum(other.since_ms is not None for other in brought)
    return _promotion(view, id, row, counting, len(earned))


def referrals_in(view: LedgerView) -> Iterator[ListedReferral]:
    """Yield all referrals to offers, the newest first."""
    at_ms = sealed_at(view)
    for id, row in sorted(_referrals(view), key=lambda pair: (-pair[1].clock, pair[0])):
        promotion = promotion_row(view.state, row.promotion)
        assert promotion is not None, "what a referral names is known"
        state = rows.WAITS
        if row.until_ms is not None:
            state = rows.COUNTS if at_ms <= row.until_ms else rows.OVER
        yield ListedReferral(
            id,
            RecordId(row.promotion),
            promotion.code,
            MemberId(row.promoter),
            view.name(MemberId(row.promoter)),
            row.buyer,
            agent_name(view, row.buyer),
            row.since_ms,
            row.until_ms,
            state,
        )


def commissions_in(view: LedgerView) -> Iterator[ListedCommission]:
    """Yield the commissions on all incomes of promoted offers, the newest income first."""
    commissions = []
    for key, value in view.state.items(COMMISSION):
        event = event_row(view.state, key[len(COMMISSION) :])
        assert event is not None, "an income is an event"
        commissions.append((event.clock, RecordId(key[len(COMMISSION) :]), CommissionRow(*value)))
    for _, id, row in sorted(commissions, key=lambda entry: (-entry[0], entry[1])):
        yield commission_in(view, id, row)


def commission_in(view: LedgerView, id: RecordId, row: CommissionRow) -> ListedCommission:
    """Return the commission on an income. row: of that income."""
    event, referral = event_row(view.state, id), referral_row(view.state, row.referral)
    assert event is not None and event.quantity is not None and referral is not None, "known"
    promotion = promotion_row(view.state, referral.promotion)
    assert promotion is not None, "what a referral names is known"
    seller, owed = _seller(view, promotion), commitment_row(view.state, id)
    amount = Decimal() if owed is None else exact(*owed.quantity[:2])
    left = Decimal() if owed is None else exact(*owed.open[:2])
    state = rows.OWED if left else rows.PAID if amount else rows.NOTHING
    if row.counted is None:
        state = rows.DISPUTED if event.disputes else rows.NOT_ATTESTED
    return ListedCommission(
        id,
        promotion.code,
        RecordId(referral.promotion),
        seller,
        agent_name(view, seller),
        MemberId(referral.promoter),
        view.name(MemberId(referral.promoter)),
        event.provider,
        agent_name(view, event.provider),
        percent(promotion.rate),
        exact(*event.quantity[:2]),
        amount,
        left,
        str(event.quantity[2]),
        state,
    )


def _referrals(view: LedgerView) -> Iterator[tuple[RecordId, ReferralRow]]:
    for key, value in view.state.items(REFERRAL):
        yield RecordId(key[len(REFERRAL) :]), ReferralRow(*value)


def _seller(view: LedgerView, promotion: PromotionRow) -> bytes:
    """Return who sells what is promoted; if a request took its place, who sold it before that."""
    offers = offers_from(view.state, promotion.offer)
    sellers = [seller_of(view.state, offer) for _, offer in offers]
    *_, last = (seller for seller in sellers if seller is not None)
    return last


def _promotion(
    view: LedgerView, id: RecordId, row: PromotionRow, referrals: int, commissions: int
) -> ListedPromotion:
    *_, (offer_id, offer) = offers_from(view.state, row.offer)
    seller = _seller(view, row)
    at_ms, is_over = sealed_at(view), offer.status != OPEN or offer.purpose != GIVE
    is_over = is_over or (offer.end is not None and offer.end <= at_ms)
    state = rows.ENDED if row.ended is not None else rows.GONE if is_over else rows.OPEN
    why_not = why_not_promote(view, row)
    first = intents_of(view, offer.publishes[:1])[0][1]
    speaks = view.kept.rules.speaks_for_community
    is_mine = row.member == view.me
    if first.is_of_community and speaks:
        is_mine = roles.holds(view.state, view.me, speaks)
    is_open = state == rows.OPEN
    return ListedPromotion(
        id,
        row.code,
        RecordId(offer_id),
        title_of(view, offer),
        seller,
        agent_name(view, seller),
        percent(row.rate),
        row.window_ms // HOUR_MS,
        row.who,
        state,
        link_of(row.code, view.me) if is_open and not why_not else None,
        why_not,
        referrals,
        commissions,
        is_mine,
    )
