"""Blind reviews: a party of a done deal seals what they think of another, and opens it later.

Records:
  review       agreement, commit: the hash of `review_secret`; about: another party of the deal,
               which may be missing where there is only one
  review.open  review, salt, rating: 1 to 5, onTime, asAgreed; the text is the body, if there is one
Each member reviews each other party once. A review is opened after an earlier seal covers it, and
one about its writer by the one it is about, or closed the time to review, or once nobody can write
that other one. So nobody who has seen a review can still write theirs.
What is not opened in time stays withheld; it is void where its writer is no member by then.
State: 9W reviews, and as in `deals.completion`.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, agreement_row
from commonweal.protocol.ledger.exchange.deals.completion import CompletionRow
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    REVIEW_SALT_BYTES,
    Judgement,
    ReviewedDeal,
    commit_of,
    is_rating,
)
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record

REVIEW = Table.REVIEW.prefix

WRITTEN, OPENED, WITHHELD, REVIEW_VOID = "written", "open", "withheld", "void"


class ReviewRow(NamedTuple):
    """A review in the state. height: of the first seal that can cover it.

    opened: the record that opened it; with it come rating, on_time and as_agreed. status: WRITTEN
    until then, WITHHELD when it was not opened in time, REVIEW_VOID when its writer had left.
    """

    agreement: bytes
    member: bytes
    about: bytes
    commit: bytes
    clock: int
    height: int
    status: str = WRITTEN
    opened: bytes | None = None
    rating: int | None = None
    on_time: bool | None = None
    as_agreed: bool | None = None

    @property
    def deal(self) -> ReviewedDeal:
        """What its commit is about."""
        return ReviewedDeal(self.agreement, self.about, self.member)


def review_row(state: State, review: bytes) -> ReviewRow | None:
    """Return a review; None when there is none of this id."""
    value = state.get(REVIEW + review)
    return None if value is None else ReviewRow(*value)


def reviews_of(state: State, agreement: bytes) -> list[tuple[bytes, ReviewRow]]:
    """Return the reviews of a deal with their ids, in the order of the fold."""
    completed = completion.completion_row(state, agreement)
    return [] if completed is None else [(id, _known(state, id)) for id in completed.reviews]


def review(state: State, record: Record, context: Context) -> Verdict:
    """Note that the author's member has sealed a review of a party of a deal."""
    agreement, commit = record.data.get("agreement"), record.data.get("commit")
    if not is_bytes(agreement) or not is_bytes(commit) or record.body is not None:
        return Reason.SHAPE
    deal = agreement_row(state, agreement)
    if deal is None:
        return Reason.UNKNOWN_PLAN
    about = _about(deal, context, record)
    if isinstance(about, Reason):
        return about
    completed = completion.completion_row(state, agreement)
    if completed is None:
        return Reason.NOT_DONE
    for _, row in reviews_of(state, agreement):
        if (row.member, row.about) == (context.member, about):
            return Reason.REVIEWED_ALREADY
        if (row.member, row.about) == (about, context.member) and row.status == OPENED:
            return Reason.REVIEW_CLOSED
    if completed.stage != completion.OPEN:
        return Reason.REVIEW_CLOSED
    height = context.cut.height + 1
    row = ReviewRow(agreement, context.member, about, commit, record.clock, height)
    state.put(REVIEW + record.id, [*row])
    listed = [*completed.reviews, bytes(record.id)]
    more = completed._replace(reviews=listed, waiting=completed.waiting + 1)
    completion.put(state, agreement, more)
    return None


def open_review(state: State, record: Record, context: Context) -> Verdict:
    """Open a review of the author's member."""
    id, salt, rating = (record.data.get(name) for name in ("review", "salt", "rating"))
    on_time, as_agreed = record.data.get("onTime"), record.data.get("asAgreed")
    if not is_bytes(id) or not is_bytes(salt, REVIEW_SALT_BYTES) or not is_rating(rating):
        return Reason.SHAPE
    if not isinstance(on_time, bool) or not isinstance(as_agreed, bool):
        return Reason.SHAPE
    row = review_row(state, id)
    if row is None:
        return Reason.UNKNOWN_REVIEW
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.status != WRITTEN:
        return Reason.NOTHING_NEW if row.status == OPENED else Reason.REVIEW_WITHHELD
    if not may_open(state, context.cut.height, row):
        return Reason.STILL_BLIND
    text_hash = b"" if record.body is None else record.body.hash
    judgement = Judgement(rating, on_time, as_agreed)
    if commit_of(row.deal, judgement, text_hash, salt) != row.commit:
        return Reason.WRONG_OPENING
    row = row._replace(status=OPENED, opened=bytes(record.id), rating=judgement.rating)
    row = row._replace(on_time=judgement.on_time, as_agreed=judgement.as_agreed)
    state.put(REVIEW + id, [*row])
    completed = _completed(state, row)
    more = completed._replace(waiting=completed.waiting - 1)
    completion.put(state, row.agreement, more)
    return None


def may_open(state: State, height: int, row: ReviewRow) -> bool:
    """Return whether a review may be opened above the seal of a height: nobody waits blind."""
    if row.status != WRITTEN or row.height > height:
        return False
    if _completed(state, row).stage != completion.OPEN:
        return True
    if not registry.is_active(state, MemberId(row.about)):
        return True
    others = (other for _, other in reviews_of(state, row.agreement))
    pair = (row.about, row.member)
    return any((other.member, other.about) == pair and other.height <= height for other in others)


def close_reviews(state: State, trusted_ms: int, *, is_full: bool) -> None:
    """End the time to review, or to open what was written, of each deal for which it is over.

    trusted_ms: the time by which a cut closes anything. is_full: the cut had no room left, so
    reviews may wait outside it: then nothing ends.
    """
    if is_full:
        return
    for agreement in completion.ended(state, trusted_ms):
        row = completion.completion_row(state, agreement)
        assert row is not None, "what ends is known"
        if row.stage == completion.OPEN and row.waiting:
            until_ms = trusted_ms + row.grace_ms
            row = row._replace(stage=completion.CLOSED, until_ms=until_ms)
        else:
            _withhold(state, agreement)
            row = row._replace(stage=completion.OVER, waiting=0)
        completion.put(state, agreement, row)


def _withhold(state: State, agreement: bytes) -> None:
    for id, row in reviews_of(state, agreement):
        if row.status == WRITTEN:
            is_member = registry.is_active(state, MemberId(row.member))
            status = WITHHELD if is_member else REVIEW_VOID
            state.put(REVIEW + id, [*row._replace(status=status)])


def _about(deal: AgreementRow, context: Context, record: Record) -> bytes | Reason:
    """Return about which party of a deal the author's member writes."""
    if context.member not in deal.parties:
        return Reason.NOT_YOURS
    others = [party for party in deal.parties if party != context.member]
    about = record.data.get("about")
    if about is None:
        return others[0] if len(others) == 1 else Reason.NO_PARTY
    if not is_bytes(about):
        return Reason.SHAPE
    if about == context.member:
        return Reason.SELF_REVIEW
    return about if about in others else Reason.NO_PARTY


def _completed(state: State, row: ReviewRow) -> CompletionRow:
    completed = completion.completion_row(state, row.agreement)
    assert completed is not None, "what was reviewed is done"
    return completed


def _known(state: State, review: bytes) -> ReviewRow:
    row = review_row(state, review)
    assert row is not None, "a review of a deal is known"
    return row
