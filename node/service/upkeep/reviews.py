"""Reviews of our member: opened once nobody waits blind for them, without being asked.

What is due follows from the last seal (`ConsensusView.reviews_due`). What cannot be written now, as
when the budget of the member is used up, is tried again at the next tick.
"""

from __future__ import annotations

import logging

from commonweal.node.service.core import Core
from commonweal.node.service.events import Text, Wish
from commonweal.node.service.writer import OPENING, Writer
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import CommonwealError, Malformed, StorageError
from commonweal.protocol.ledger.exchange.reviews.review_secret import MEDIA_TYPE, read_secret
from commonweal.protocol.records.record import RecordId
from commonweal.storage.consensus.view import ConsensusView
from commonweal.storage.records.review_secrets import drop_secret, review_secrets

log = logging.getLogger(__name__)


class ReviewOpener:
    """Opens what our member reviewed from this home."""

    def __init__(self, core: Core, writer: Writer) -> None:
        self.core, self._writer = core, writer
        self._due: tuple[RecordId, ...] = ()

    def concluded(self, outlook: ConsensusView) -> None:
        """Take in what the last seal lets be opened, and forget what it ended."""
        self._due = outlook.reviews_due
        if self.core.keeps and outlook.reviews_over:
            for review in outlook.reviews_over:
                drop_secret(self.core.replica.store, review)
        self.step()

    def step(self) -> None:
        """Open what is due and not opened yet."""
        if not self._due or not self.core.keeps:
            return
        secrets = review_secrets(self.core.replica.store)
        due = [review for review in self._due if review in secrets]
        self._due = tuple(review for review in due if not self._open(review, secrets[review]))

    def _open(self, review: RecordId, secret: bytes) -> bool:
        """Write the opening of a review; return whether there is no more to do about it."""
        try:
            wish = opening_of(review, secret)
        except Malformed:
            log.warning("a review cannot be opened: what this home kept of it is damaged")
            return True
        try:
            self._writer.submit((wish,))
        except StorageError:
            raise
        except CommonwealError:
            return False
        return True


def opening_of(review: RecordId, secret: bytes) -> Wish:
    """Return the record that opens a review. Raises Malformed where its secret is damaged."""
    read = read_secret(secret)
    rating, on_time, as_agreed = read.judgement
    data: dict[str, Value] = {"review": bytes(review), "salt": read.salt, "rating": rating}
    data |= {"onTime": on_time, "asAgreed": as_agreed}
    text = Text(MEDIA_TYPE, read.text.encode(), salt=read.text_salt) if read.text else None
    return Wish(OPENING, data, text=text)
