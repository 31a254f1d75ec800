"""The reviews of one deal, as far as this member may know them.

What another wrote is unknown to everybody until it is opened; what this home keeps of its own
member's reviews is shown to them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.deals.words import deal_words
from commonweal.client.exchange.reviews.rows import (
    BOTH,
    CLOSING,
    NONE,
    OPEN,
    REVIEW_VOID,
    WITHHELD,
    WRITTEN,
    DealReview,
)
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow
from commonweal.protocol.ledger.exchange.deals.completion import CompletionRow
from commonweal.protocol.ledger.exchange.reviews import reviews
from commonweal.protocol.ledger.exchange.reviews.review_secret import ReviewSecret, read_secret
from commonweal.protocol.ledger.exchange.reviews.reviews import ReviewRow
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.review_secrets import review_secrets

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

_STATES = {
    reviews.OPENED: OPEN,
    reviews.WITHHELD: WITHHELD,
    reviews.REVIEW_VOID: REVIEW_VOID,
}


def reviews_of_deal(view: LedgerView, id: RecordId, deal: AgreementRow) -> Iterator[DealReview]:
    """Yield each review of a deal that is done, written or not, those of this member first."""
    completed = completion.completion_row(view.state, id)
    if completed is None:
        return
    written = {(row.member, row.about): (of, row) for of, row in reviews.reviews_of(view.state, id)}
    people = [party for party in deal.parties if party != view.community]
    people.sort(key=lambda party: party != view.me)
    words = deal_words(view, deal)
    for member in people:
        for about in deal.parties:
            if about == member:
                continue
            known, other = written.get((member, about)), written.get((about, member))
            if known is not None or view.me in (member, about):
                yield _review(view, id, words, (member, about), completed, known, other)


def _review(
    view: LedgerView,
    deal: RecordId,
    words: str,
    pair: tuple[bytes, bytes],
    completed: CompletionRow,
    known: tuple[bytes, ReviewRow] | None,
    other: tuple[bytes, ReviewRow] | None,
) -> DealReview:
    (member, about), row = pair, None if known is None else known[1]
    is_open = completed.stage == completion.OPEN
    state = _state(row, other is not None, is_open=is_open)
    is_settled = row is not None and row.status != reviews.WRITTEN
    secret = None if known is None or is_settled else _secret(view, RecordId(known[0]))
    said = None if row is None or row.opened is None else row
    is_over = completed.stage == completion.OVER or is_settled or (row is None and not is_open)
    seen = other is not None and other[1].status == reviews.OPENED
    may_write = row is None and is_open and member == view.me and not seen
    return DealReview(
        id=None if known is None else RecordId(known[0]),
        deal=deal,
        words=words,
        member=member,
        member_name=view.name(member),
        about=about,
        about_name=view.name(about),
        you=member == view.me,
        state=state,
        rating=secret.judgement.rating if secret else said and said.rating,
        on_time=secret.judgement.on_time if secret else said and said.on_time,
        as_agreed=secret.judgement.as_agreed if secret else said and said.as_agreed,
        text=(secret.text or None) if secret else _text(view, said),
        only_here=secret is not None,
        until_ms=None if is_over else completed.until_ms,
        may_write=may_write and registry.is_active(view.state, MemberId(member)),
        sealed=known is not None and _is_sealed(view, known[0], row),
    )


def _state(row: ReviewRow | None, is_other_written: bool, *, is_open: bool) -> str:
    if row is None:
        return NONE
    if row.status != reviews.WRITTEN:
        return _STATES[row.status]
    if is_other_written:
        return BOTH
    return WRITTEN if is_open else CLOSING


def _secret(view: LedgerView, review: RecordId) -> ReviewSecret | None:
    """Return what this home keeps of a review; None when it is another's, or damaged."""
    data = review_secrets(view.store).get(review)
    try:
        return None if data is None else read_secret(data)
    except Malformed:
        return None


def _text(view: LedgerView, row: ReviewRow | None) -> str | None:
    return None if row is None or row.opened is None else text_of(view.store, RecordId(row.opened))


def _is_sealed(view: LedgerView, id: bytes, row: ReviewRow | None) -> bool:
    final = reviews.review_row(view.final, id)
    return final is not None and final == row
