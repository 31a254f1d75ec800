"""Reviews: what the parties of a done deal think of each other, written, listed and opened."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.exchange.deals.details import deal_ids, deal_ids_of
from commonweal.client.exchange.deals.states import known_agreement, voices
from commonweal.client.exchange.reviews.deal_reviews import reviews_of_deal
from commonweal.client.exchange.reviews.rows import (
    NONE,
    DealReview,
    NewReview,
    OpenedReview,
    ReviewSummary,
)
from commonweal.client.exchange.reviews.summaries import review_summaries
from commonweal.protocol.errors import UnusableText, UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.deals.agreement_row import AGREEMENT, AgreementRow
from commonweal.protocol.ledger.exchange.deals.completion import completion_row
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    MEDIA_TYPE,
    RATING_MAX,
    RATING_MIN,
    REVIEW_SALT_BYTES,
    REVIEW_TEXT_BYTES_MAX,
    Judgement,
    ReviewedDeal,
    ReviewSecret,
    commit_of,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import may_open, review_row
from commonweal.protocol.records.record import SALT_BYTES, RecordId, erasable_body
from commonweal.storage.records.review_secrets import review_secrets

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class Reviews(HomeAccess):
    """What parties of deals think of each other."""

    def reviews(
        self, deal: str | bytes | None = None, *, everyone: bool = False
    ) -> list[DealReview]:
        """Return the reviews of a deal, or of all deals of this member that are done.

        everyone: of all deals; of those of others only what is written. What this member can write
        now comes first. Raises UnknownId, AmbiguousId.
        """
        view = self.view
        if deal is not None:
            ids = [view.id_among(prefix(deal), AGREEMENT)]
        else:
            ids = deal_ids(view) if everyone else deal_ids_of(view, voices(view))
        listed = [review for id in ids for review in reviews_of_deal(view, id, self._agreement(id))]
        return sorted(listed, key=lambda review: not review.may_write)

    def review_summaries(self) -> dict[bytes, ReviewSummary]:
        """Return what the open reviews of members add up to, as of the last seal."""
        view = self.sealed
        return review_summaries(view.final, view.kept.ruleset.withheld)

    def review_deal(
        self,
        deal: str | bytes,
        rating: int,
        *,
        on_time: bool,
        as_agreed: bool,
        note: str | None = None,
        about: str | None = None,
    ) -> NewReview:
        """Write what this member thinks of another party; nobody sees it before it is opened.

        rating: 1 to 5 stars. about: a name or the beginning of an id, where a deal has several
        others. It is kept in this home until its node opens it. Raises UnknownId, AmbiguousId,
        UnusableText, UsageError, WouldNotCount.
        """
        view, words = self.view, self.words
        id = view.id_among(prefix(deal), AGREEMENT)
        other = self._reviewed_party(view, self._agreement(id), about)
        if not RATING_MIN <= rating <= RATING_MAX:
            text = words("a rating has {least} to {most} stars")
            raise UsageError(text.format(least=RATING_MIN, most=RATING_MAX))
        salts = secrets.token_bytes(REVIEW_SALT_BYTES), secrets.token_bytes(SALT_BYTES)
        judgement = Judgement(rating, on_time, as_agreed)
        secret = ReviewSecret(judgement, self._note(note), *salts)
        commit = commit_of(
            ReviewedDeal(id, other, view.me), judgement, _text_hash(secret), secret.salt
        )
        data = {"agreement": bytes(id), "commit": commit, "about": other}
        drafts = view.drafts()
        drafts.add(wish_of("review", data, (id,), secret=secret.to_bytes()))
        completed = completion_row(drafts.state, id)
        assert completed is not None, "what is reviewed is done"
        name = view.name(other)
        (written,) = self._write_drafts(drafts)
        return NewReview(written.id, written.seq, id, name, completed.until_ms)

    def open_reviews(self) -> list[OpenedReview]:
        """Open what this home keeps and nobody waits blind for, as its node does by itself."""
        from commonweal.node.service.upkeep.reviews import opening_of

        view = self.view
        drafts = view.drafts()
        opened: list[tuple[RecordId, str]] = []
        for review, secret in review_secrets(view.store).items():
            row = review_row(view.final, review)
            if row is not None and may_open(view.final, view.kept.cut.height, row):
                drafts.add(opening_of(review, secret))
                opened.append((RecordId(row.agreement), view.name(row.about)))
        written = self._write_drafts(drafts) if opened else []
        return [
            OpenedReview(record.id, record.seq, *of)
            for record, of in zip(written, opened, strict=True)
        ]

    def _agreement(self, id: RecordId) -> AgreementRow:
        return known_agreement(self.view.state, id)

    def _reviewed_party(self, view: LedgerView, deal: AgreementRow, about: str | None) -> bytes:
        """Return the party that is reviewed. Raises UnknownId, UsageError, WouldNotCount."""
        if view.me not in deal.parties:
            text = self.words(
                "you are no party of this deal: you neither give nor get anything by it"
            )
            raise WouldNotCount(text)
        others = [party for party in deal.parties if party != view.me]
        if about is None and len(others) == 1:
            return others[0]
        if about is None:
            names = ", ".join(map(view.name, others))
            text = self.words("say about which of them, with --about: {names}")
            raise UsageError(text.format(names=names))
        return bytes(view.member(about))

    def _note(self, note: str | None) -> str:
        """Return the text of a review, empty for none. Raises UnusableText."""
        size = len((note or "").encode("utf-8", "surrogatepass"))
        if size > REVIEW_TEXT_BYTES_MAX:
            text = self.words("the text of a review has at most {most} bytes")
            raise UnusableText(text.format(most=f"{REVIEW_TEXT_BYTES_MAX:,}"))
        try:
            (note or "").encode()
        except UnicodeEncodeError:
            raise UnusableText(
                self.words("the text has characters that cannot be written")
            ) from None
        return note or ""


def is_to_write(review: DealReview) -> bool:
    """Return whether a member is waited for to write a review."""
    return review.state == NONE and review.may_write


def _text_hash(secret: ReviewSecret) -> bytes:
    if not secret.text:
        return b""
    return erasable_body(secret.text_salt, MEDIA_TYPE, secret.text.encode())[1].hash
