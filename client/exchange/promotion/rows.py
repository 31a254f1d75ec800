"""Promotions, referrals and commissions as members read them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.words import N_
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import RecordId

OPEN, ENDED, GONE = "open", "ended", "gone"
STATES = {
    OPEN: N_("open"),
    ENDED: N_("promotion ended"),
    GONE: N_("the offer is over"),
}
"""How a promotion stands, and the words for it."""

COUNTS, WAITS, OVER = "counts", "waits", "over"
REFERRAL_STATES = {
    COUNTS: N_("counts"),
    WAITS: N_("waits until others attest it"),
    OVER: N_("its time is over"),
}
"""How a referral stands, and the words for it."""

NOT_ATTESTED, DISPUTED, OWED, PAID, NOTHING = "unattested", "disputed", "owed", "paid", "nothing"
COMMISSION_STATES = {
    NOT_ATTESTED: N_("the income is not attested"),
    DISPUTED: N_("the income is disputed"),
    OWED: N_("owed"),
    PAID: N_("paid"),
    NOTHING: N_("too little for a commission"),
}
"""How a commission stands, and the words for it."""


@dataclass(frozen=True, slots=True)
class ListedPromotion:
    """A promotion of an offer. rate: in percent. hours: for how long after a referral it counts.

    who: a role of its promoters; empty for none. state: a key of STATES. link: the code with this
    member as promoter; None where they may not promote it, then why_not says why. referrals: how
    many count, or did; commissions: how many incomes had one. is_mine: this member may end it.
    """

    id: RecordId
    code: str
    offer: RecordId
    title: str
    seller: bytes
    seller_name: str
    rate: Decimal
    hours: int
    who: str
    state: str
    link: str | None
    why_not: str
    referrals: int
    commissions: int
    is_mine: bool


@dataclass(frozen=True, slots=True)
class ListedReferral:
    """A referral to an offer. buyer: the member, or an agent outside. state: of REFERRAL_STATES."""

    id: RecordId
    promotion: RecordId
    code: str
    promoter: MemberId
    promoter_name: str
    buyer: bytes
    buyer_name: str
    since_ms: int | None
    until_ms: int | None
    state: str


@dataclass(frozen=True, slots=True)
class ListedCommission:
    """What the seller of an offer owes for one income. id: of the income, and of the promise.

    income: what came in, as it counts now. amount: what is owed for it; open: what is not paid of
    that. state: of COMMISSION_STATES.
    """

    id: RecordId
    code: str
    promotion: RecordId
    seller: bytes
    seller_name: str
    promoter: MemberId
    promoter_name: str
    buyer: bytes
    buyer_name: str
    rate: Decimal
    income: Decimal
    amount: Decimal
    open: Decimal
    unit: str
    state: str


@dataclass(frozen=True, slots=True)
class PromotionList:
    """The promotions of a community, the newest first. height: of the last seal."""

    promotions: tuple[ListedPromotion, ...]
    height: int


@dataclass(frozen=True, slots=True)
class NewPromotion:
    """A promotion that was written. link: the code as its seller names it."""

    id: RecordId
    seq: int
    offer: RecordId
    code: str
    rate: Decimal
    hours: int
    who: str


@dataclass(frozen=True, slots=True)
class EndedPromotion:
    """A promotion that takes no more referrals."""

    id: RecordId
    seq: int
    promotion: RecordId


@dataclass(frozen=True, slots=True)
class NewReferral:
    """A referral that was written. waits: it counts once others attest it.

    until_ms: until when income would count, were it sealed now; None while it waits.
    """

    id: RecordId
    seq: int
    promotion: RecordId
    code: str
    promoter: MemberId
    promoter_name: str
    buyer_name: str
    waits: bool
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class PaidCommission:
    """A payment of what was open of a commission. income: on which; name: of who promoted."""

    id: RecordId
    seq: int
    income: RecordId
    name: str
    amount: Decimal
    unit: str
