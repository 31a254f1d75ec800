"""Referrals to an offer: a buyer says who brought them, and for a while that one is paid for it.

Record:
  referral  promotion; referrer: the member who promotes. By the buyer, or with buyer: an agent
            outside, by who manages the offer; then it counts once as many others attest it as a
            contribution needs, neither its author nor the referrer among them
Without `promotion` it says who brought a member to the community, see `members/agents`.
Of the referrals of one buyer to one offer the first that counts stands, until its time is over;
time counts from the seal that covers it. Nobody brings themselves, the seller, or who brought them
to the same offer. State: 9R referrals, 9x those of a buyer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.promotion.promotions import (
    PromotionRow,
    is_offered,
    may_manage,
    offers_from,
    promotion_row,
    seller_of,
)
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record

REFERRAL, OF_BUYER = Table.OFFER_REFERRAL.prefix, Table.REFERRAL_OF.prefix

REFERRALS_MAX = 64
"""Referrals of one buyer that count at the same time."""

_ID_BYTES = 32


class ReferralRow(NamedTuple):
    """A referral to an offer, in the state.

    member: its author. since_ms: from when it counts; None while others have to attest it.
    until_ms: the last time at which income counts; None as long as since_ms is.
    """

    member: bytes
    clock: int
    promotion: bytes
    promoter: bytes
    buyer: bytes
    since_ms: int | None
    until_ms: int | None
    attested: int


def referral_row(state: State, referral: bytes) -> ReferralRow | None:
    """Return a referral to an offer; None when there is none of this id."""
    value = state.get(REFERRAL + referral)
    return None if value is None else ReferralRow(*value)


def referrals_of(state: State, buyer: bytes) -> Iterator[tuple[bytes, ReferralRow]]:
    """Yield the referrals of a buyer that counted, those whose time is over among them."""
    prefix = OF_BUYER + buyer
    for key, _ in list(state.items(prefix)):
        if len(key) == len(prefix) + _ID_BYTES:  # else of a member whose id begins like an agent
            row = referral_row(state, key[len(prefix) :])
            assert row is not None, "a referral of a buyer is known"
            yield key[len(prefix) :], row


def refer(state: State, record: Record, context: Context) -> Verdict:
    """Note who brought a buyer to an offer, or the author's member to the community."""
    data = record.data
    if "promotion" not in data:
        return agents.refer(state, record, context)
    id, promoter, buyer = (data.get(name) for name in ("promotion", "referrer", "buyer"))
    if not is_bytes(id) or not is_bytes(promoter):
        return Reason.SHAPE
    if buyer is not None and not agents.is_outside(buyer):
        return Reason.SHAPE
    promotion = promotion_row(state, id)
    if promotion is None:
        return Reason.UNKNOWN_PROMOTION
    refused = _fits(state, context, promotion, promoter, buyer)
    if refused is not None:
        return refused
    row = ReferralRow(
        context.member, record.clock, id, promoter, buyer or context.member, None, None, 0
    )
    if buyer is not None:
        state.put(REFERRAL + record.id, [*row])
        return _collision(state, context, row, promotion)
    return _begin(state, context, record.id, row, promotion)


def attest(state: State, context: Context, id: bytes, row: ReferralRow, more: int) -> Verdict:
    """Count `more` members behind a referral; with enough of them it counts from now on."""
    row = row._replace(attested=row.attested + more)
    state.put(REFERRAL + id, [*row])
    if row.since_ms is not None or row.attested < max(1, context.rules.attestations):
        return None
    promotion = promotion_row(state, row.promotion)
    assert promotion is not None, "what a referral names is known"
    return _begin(state, context, id, row, promotion)


def _fits(
    state: State, context: Context, promotion: PromotionRow, promoter: bytes, buyer: bytes | None
) -> Verdict:
    """Return why a promoter cannot have brought a buyer; otherwise None. buyer: None: the author"""
    *_, (_, offer) = offers_from(state, promotion.offer)
    if promotion.ended is not None or not is_offered(state, context, promotion):
        return Reason.NOT_OPEN
    if not registry.is_active(state, promoter):
        return Reason.UNKNOWN_AGENT
    rule = context.rules.promotion
    for role in ("" if rule is None else rule.role, promotion.who):
        if role and not roles.holds(state, promoter, role):
            return Reason.NO_PROMOTER
    if buyer is not None and not may_manage(state, context, offer):
        return Reason.NOT_YOURS
    if buyer is not None and agents.person(state, buyer) != buyer:
        return Reason.AGENT_CLAIMED
    who, seller = buyer or context.member, seller_of(state, offer)
    assert seller is not None, "what can be had is no request"
    if promoter in (who, seller) or who == seller:
        return Reason.SELF_REFERRED
    back = _to_same_offer(state, promoter, promotion)
    return Reason.CIRCLE if any(row.promoter == who for _, row in back) else None


def _begin(
    state: State, context: Context, id: bytes, row: ReferralRow, promotion: PromotionRow
) -> Verdict:
    """Let a referral count from the time of its seal, unless an earlier one stands."""
    refused = _collision(state, context, row, promotion)
    if refused is not None:
        return refused
    now_ms = times.now_ms(state, context)
    known = list(referrals_of(state, row.buyer))
    if len(known) >= REFERRALS_MAX:
        over = [other for other, old in known if _is_over(old, now_ms)]
        if not over:
            return Reason.TOO_MANY_REFERRALS
        for other in over:
            state.delete(OF_BUYER + row.buyer + other)
    row = row._replace(since_ms=now_ms, until_ms=now_ms + promotion.window_ms)
    state.put(REFERRAL + id, [*row])
    state.put(OF_BUYER + row.buyer + id, True)
    return None


def _collision(
    state: State, context: Context, row: ReferralRow, promotion: PromotionRow
) -> Verdict:
    """Return why an earlier referral of the buyer keeps this one from counting; otherwise None."""
    now_ms = times.now_ms(state, context)
    for _, other in _to_same_offer(state, row.buyer, promotion):
        if other.promotion == row.promotion or not _is_over(other, now_ms):
            return Reason.REFERRED_BEFORE
    return None


def _to_same_offer(
    state: State, buyer: bytes, promotion: PromotionRow
) -> Iterator[tuple[bytes, ReferralRow]]:
    """Yield the referrals of a buyer that counted for the offer of a promotion."""
    *_, (newest, _) = offers_from(state, promotion.offer)
    for id, row in referrals_of(state, buyer):
        named = promotion_row(state, row.promotion)
        assert named is not None, "what a referral names is known"
        *_, (other, _) = offers_from(state, named.offer)
        if other == newest:
            yield id, row


def _is_over(row: ReferralRow, now_ms: int) -> bool:
    return row.until_ms is not None and now_ms > row.until_ms
