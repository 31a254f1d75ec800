"""Promotions: the seller of an offer promises a part of its income to who brings a buyer.

Records:
  promotion      offer; code: one word by which members name it; rate: parts of RATE_WHOLE of the
                 income; windowHours: how long after a referral income counts; who: a role that
                 promoters hold, beside that of the rules
  promotion.end  promotion; it takes no more referrals, and those that count stand
Both are written by who manages the offer. A code that looks like a taken one is refused; it stays
with the member who took it first, who may use it again once its promotion has ended. An offer that
another one replaces is promoted on in its place; while a request replaces it, nobody refers to it.
State: 9M promotions, 9k their codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import OPEN, REPLACED
from commonweal.protocol.ledger.exchange.offers.offers import GIVE, OfferRow, offer_row
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name, skeleton
from commonweal.protocol.vocabulary.rule_params import HOUR_MS, RATE_WHOLE

PROMOTION, CODE = Table.PROMOTION.prefix, Table.PROMOTION_CODE.prefix

WINDOW_HOURS_MAX = 24 * 366
REPLACED_MAX = 64
"""How far the replacements of an offer are followed."""
PART_OF_CODE = "/"
"""Stands between the code of a promotion and the member who promotes; no code has it."""


class PromotionRow(NamedTuple):
    """A promotion in the state. rate: of RATE_WHOLE. who: a role, or empty. ended: by which record.

    member: who wrote it, for themselves or for the community.
    """

    member: bytes
    clock: int
    offer: bytes
    code: str
    rate: int
    window_ms: int
    who: str
    ended: bytes | None


def promotion_row(state: State, promotion: bytes) -> PromotionRow | None:
    """Return a promotion; None when there is none of this id."""
    value = state.get(PROMOTION + promotion)
    return None if value is None else PromotionRow(*value)


def promotion_of_code(state: State, code: str) -> bytes | None:
    """Return the promotion that holds a code, or one that looks like it; None for a free one."""
    id: bytes | None = state.get(CODE + skeleton(code).encode())
    return id


def is_code(value: Any) -> TypeGuard[str]:
    """Return whether a value is one word that a promotion may have as its code."""
    return is_name(value, CODE_CHARACTERS_MAX) and " " not in value and PART_OF_CODE not in value


def promote(state: State, record: Record, context: Context) -> Verdict:
    """Promise a part of the income of an offer to those who bring its buyers."""
    rule, row = context.rules.promotion, _row(record, context)
    if rule is None:
        return Reason.NO_PROMOTION
    if row is None:
        return Reason.SHAPE
    offer = offer_row(state, row.offer)
    if offer is None:
        return Reason.UNKNOWN_PLAN
    if not may_manage(state, context, offer):
        return Reason.NOT_YOURS
    if offer.purpose != GIVE:
        return Reason.NOTHING_SOLD
    if offer.status != OPEN:
        return Reason.NOT_OPEN
    if row.who and row.who not in context.rules.roles:
        return Reason.UNKNOWN_ROLE
    if row.rate > rule.rate_max:
        return Reason.RATE_TOO_HIGH
    if row.window_ms > rule.window_ms_max:
        return Reason.WINDOW_TOO_LONG
    known = promotion_of_code(state, row.code)
    taken = None if known is None else promotion_row(state, known)
    if taken is not None and (taken.ended is None or taken.member != context.member):
        return Reason.NAME_TAKEN
    state.put(PROMOTION + record.id, [*row])
    state.put(CODE + skeleton(row.code).encode(), record.id)
    return None


def end(state: State, record: Record, context: Context) -> Verdict:
    """End a promotion: no more referrals; those that count keep their time."""
    id = record.data.get("promotion")
    if not is_bytes(id):
        return Reason.SHAPE
    row = promotion_row(state, id)
    if row is None:
        return Reason.UNKNOWN_PROMOTION
    offer = offer_row(state, row.offer)
    assert offer is not None, "what is promoted is known"
    if not may_manage(state, context, offer):
        return Reason.NOT_YOURS
    if row.ended is not None:
        return Reason.NOT_OPEN
    state.put(PROMOTION + id, [*row._replace(ended=record.id)])
    return None


def may_manage(state: State, context: Context, offer: OfferRow) -> bool:
    """Return whether the author's member may promote an offer, as they may withdraw it."""
    first = intents.intent_row(state, offer.publishes[0])
    assert first is not None, "what is published is known"
    return intents.may_manage(state, context, first)


def seller_of(state: State, offer: OfferRow) -> bytes | None:
    """Return the member, or the community, whose offer it is; None for a request."""
    first = intents.intent_row(state, offer.publishes[0])
    assert first is not None, "what is published is known"
    return first.provider if offer.purpose == GIVE else None


def offers_from(state: State, offer: bytes) -> Iterator[tuple[bytes, OfferRow]]:
    """Yield an offer, and those that took its place one after the other; the last is in force."""
    for _ in range(REPLACED_MAX):
        row = offer_row(state, offer)
        assert row is not None, "what is promoted, and what replaces it, is known"
        yield offer, row
        if row.status != REPLACED or row.by is None:
            return
        offer = row.by


def is_offered(state: State, context: Context, promotion: PromotionRow) -> bool:
    """Return whether what is promoted can still be had: not withdrawn, over, or now a request."""
    *_, (_, last) = offers_from(state, promotion.offer)
    is_over = last.end is not None and last.end <= times.now_ms(state, context)
    return last.purpose == GIVE and last.status == OPEN and not is_over


def _row(record: Record, context: Context) -> PromotionRow | None:
    """Return the row of a new promotion; None when the record has not the form of one."""
    data = record.data
    offer, code, rate = (data.get(name) for name in ("offer", "code", "rate"))
    hours, who = data.get("windowHours"), data.get("who", "")
    if not is_bytes(offer) or not is_code(code) or not (who == "" or is_name(who)):
        return None
    if not is_count(rate, 1, RATE_WHOLE) or not is_count(hours, 1, WINDOW_HOURS_MAX):
        return None
    window_ms = hours * HOUR_MS
    return PromotionRow(context.member, record.clock, offer, code, rate, window_ms, who or "", None)
