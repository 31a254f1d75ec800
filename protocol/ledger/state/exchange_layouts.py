"""The layouts of the tables of the exchange, as `tables` lists them."""

from __future__ import annotations

from typing import Final

from commonweal.protocol.ledger.state import row_layouts as rows
from commonweal.protocol.ledger.state.row_layouts import Layout

# fmt: off
INTENT: Final = Layout(
    b"i", "intent: id", rows.INTENT_ROW,
    "exchange/offers/intents",
    "An intent: how much of it is taken and has come; by: what closed it, or took of it last.")
PLAN_OFFER: Final = Layout(
    b"o", "offer: id", rows.OFFER_ROW,
    "exchange/offers/offers", "Intents published together; by: what closed the offer.")
PROMOTION: Final = Layout(
    b"9M", "promotion: id",
    "[member: id, clock: int, offer: id, code: text, rate: int, window_ms: int, who: text,"
    " ended: id?]",
    "exchange/promotion/promotions",
    "A promotion of an offer; rate: parts of 10,000 of its income; ended: by which record.")
PROMOTION_CODE: Final = Layout(
    b"9k", "skeleton: text", "id",
    "exchange/promotion/promotions", "The last promotion whose code has this skeleton.")
OFFER_REFERRAL: Final = Layout(
    b"9R", "referral: id",
    "[member: id, clock: int, promotion: id, promoter: id, buyer: agent, since_ms: int?,"
    " until_ms: int?, attested: int]",
    "exchange/promotion/referrals",
    "A referral of a buyer to an offer; since_ms: missing while others have to attest it.")
REFERRAL_OF: Final = Layout(
    b"9x", "buyer: bytes, referral: id", "true",
    "exchange/promotion/referrals", "The referrals of a buyer that counted.")
COMMISSION: Final = Layout(
    b"93", "event: id", "[referral: id, attested: int?, counted: int?]",
    "exchange/promotion/commissions",
    "An income of a promoted offer, and with how many corrections it was attested and counted.")
OPEN_OF: Final = Layout(
    b"9I", "member: id, record: id", "text",
    "exchange/open_records",
    "What of a member is open: an intent, an offer, or an agreement that they proposed.")
OPEN_COUNT: Final = Layout(
    b"9O", "member: id", "[intents: int, agreements: int]",
    "exchange/open_records",
    "How many intents and offers of a member are open, and how many agreements.")
COMMITMENT: Final = Layout(
    b"k", "commitment: id", rows.COMMITMENT_ROW,
    "exchange/commitments", "A commitment, and how much events gave towards it.")
AGREEMENT: Final = Layout(
    b"g", "agreement: id", rows.AGREEMENT_ROW,
    "exchange/deals/agreement_row",
    "An agreement, and how many of its parties say yes; cause: why it is not in force.")
SIGNED: Final = Layout(
    b"h", "agreement: id, party: id", "[say: text, record: id, ended: text?]",
    "exchange/deals/agreement_row",
    "What a party says to an agreement, by which record; ended: why they want it to end.")
OPEN_DEAL: Final = Layout(
    b"9D", "party: id, agreement: id", "true",
    "exchange/deals/agreement_row", "The agreements that are asked of a party, or by them.")
DEAL_COMMENT: Final = Layout(
    b"9C", "agreement: id, record: id", "[member: id, clock: int]",
    "exchange/deals/agreements", "A comment on an agreement.")
COMPLETION: Final = Layout(
    b"9X", "agreement: id",
    "[done_ms: int, until_ms: int, grace_ms: int, stage: text, waiting: int, reviews: [id ...]]",
    "exchange/deals/completion",
    "A deal that is done: until when it is reviewed, then until when reviews are opened; waiting:"
    " how many are not.")
REVIEW_END: Final = Layout(
    b"9Y", "sort: name0, until_ms: u64, agreement: id", "true",
    "exchange/deals/completion",
    "When the stage of a done deal ends; sort: waiting where a review waits to be opened, else"
    " quiet.")
REVIEW: Final = Layout(
    b"9W", "review: id",
    "[agreement: id, member: id, about: id, commit: id, clock: int, height: int, status: text,"
    " opened: id?, rating: int?, on_time: bool?, as_agreed: bool?]",
    "exchange/reviews/reviews",
    "A review of a party of a deal; height: of the first seal that can cover it; opened: the record"
    " that opened it.")
BALANCE: Final = Layout(
    b"9B", "unit: name0, member: id", "[n: int, scale: int, received: int]",
    "exchange/credit",
    "The balance of a member with all others in a unit, and how much others paid them in all.")
PAYMENT: Final = Layout(
    b"9V", "event: id", "true",
    "exchange/credit", "An event that moved the balances of its provider and its receiver.")
TERMS: Final = Layout(
    b"9T", "thing: id",
    "[record: id, member: id, clock: int, accepts: [text ...], capacity: int, min_ms: int,"
    " max_ms: int, buffer_ms: int, ahead_ms: int, fee: [quantity: quantity, per_ms: int]?,"
    " late_fee: [quantity: quantity, per_ms: int]?, days_max: int?, per: text|int?,"
    " utc_offset_minutes: int]",
    "exchange/lending/terms",
    "The terms on which a thing is lent; accepts: the roles that need no second yes.")
THING: Final = Layout(
    b"9N", "thing: id", "[at: id, slots: int]",
    "exchange/lending/terms",
    "The resource that a thing with terms is when nobody borrows it, and how many slots of it"
    " were taken.")
HANDED_ON: Final = Layout(
    b"9L", "resource: id", "[thing: id, booking: bytes]",
    "exchange/lending/terms",
    "A resource that is a thing handed on; the booking is empty where its home moved.")
BLOCKS: Final = Layout(
    b"9K", "thing: id",
    "[[record: id, sort: text, begin: int, end: int?, member: id, clock: int] ...]",
    "exchange/lending/blocks",
    "The blocks of a thing: repair or hint; what was over is dropped with the next.")
SLOT: Final = Layout(
    b"9S", "thing: id, day: u32", "[[begin: int, end: int, booking: id, number: int] ...]",
    "exchange/lending/calendar_slots",
    "The times for which a thing is taken that touch a day of UTC since 1970.")
BOOKED_DAY: Final = Layout(
    b"9Q", "thing: id, member: id, day: u32", "int",
    "exchange/lending/quotas",
    "How many bookings of a thing a member has on a day since 1970, at the offset of its terms.")
BOOKING: Final = Layout(
    b"9b", "commitment: id",
    "[thing: id, deal: id, asked_ms: int, lapses_ms: int, number: int, until: int, offset: int,"
    " late_fee: [quantity: quantity, per_ms: int]?, out: id?, back: id?, back_ms: int?]",
    "exchange/lending/booking_row",
    "A booking: when it was asked and lapses, its slot once accepted, and what handed it out and"
    " back.")
DATA: Final = Layout(
    b"9F", "resource: id", "[event: id, hash: bytes, size: int, erased: bool]",
    "exchange/data/contents",
    "A resource that is data: the event that began it, and its content.")
CONSENT: Final = Layout(
    b"9A", "consent: id",
    "[member: id, giver: id?, clock: int, resource: id, purposes: [text ...], actions: [text ...],"
    " recipients: [id|text ...], begin: int?, end: int?, language: text, notice: bytes,"
    " benefit: quantity|text?, replaces: id?, answers: id?, status: text, by: id?]",
    "exchange/data/consents",
    "A consent, or a request for one, which has no giver; by: the record or vote that ended it.")
CONSENT_OF: Final = Layout(
    b"95", "resource: id, consent: id", "true",
    "exchange/data/consents", "The consents and requests of a resource that nothing ended.")
DATA_USE: Final = Layout(
    b"9U", "event: id",
    "[consent: id, resource: id, user: id, device: id, purpose: text, owner: id, clock: int,"
    " pool: text?, fed: bool]",
    "exchange/data/uses",
    "A use of data under a consent; fed: it waits for a split of the pool, or was in one.")
USE_OF: Final = Layout(
    b"9H", "owner: id, event: id", "true",
    "exchange/data/uses", "The uses of an owner's data.")
DATA_RELEASE: Final = Layout(
    b"9f", "event: id, part: u32", "id",
    "exchange/data/releases",
    "A part of the content that its owner handed over for a use, and the record that holds it.")
# fmt: on
