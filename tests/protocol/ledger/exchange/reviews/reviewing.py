"""A community whose members review their deals: short ways to seal and to open what they think."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from commonweal.protocol.ledger.exchange.deals.completion import CompletionRow, completion_row
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    Judgement,
    ReviewedDeal,
    commit_of,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import ReviewRow, review_row
from commonweal.protocol.records import record as records
from commonweal.protocol.records.record import BodyRef, Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.exchange.trading import Trading

GOOD = Judgement(5, on_time=True, as_agreed=True)
POOR = Judgement(2, on_time=False, as_agreed=True)
WINDOW_DAYS, GRACE_DAYS = 15, 3


def rule(**over: Any) -> dict[str, Any]:
    """Return rules by which deals are reviewed."""
    return {"reviews": SAID | over}


def salt_of(name: str, deal: Record) -> bytes:
    """Return the salt of a member's review of a deal."""
    return blake2b(name.encode() + deal.id, digest_size=32).digest()


def text_body(text: str) -> BodyRef | None:
    """Return the body of the text of a review; None of an empty one."""
    return records.erasable_body(bytes(16), "text/plain", text.encode())[1] if text else None


class Reviewing(Trading):
    """Mei, Jun, Ana and Bo, who judge each other."""

    def done_deal(self, giver: str = "Ana", taker: str = "Bo", n: int = 2) -> Record:
        """Let one give another n hours as agreed; return the deal."""
        clause = self.agreed(n, giver, taker)
        assert self.verdict(self.done(clause, n)) is None
        return self.deal_of(clause)

    def commit(
        self, by: str, deal: Record, judged: Judgement = GOOD, text: str = "", about: str = ""
    ) -> bytes:
        """Return the commit to what a member thinks of another party."""
        parties = self.deal(deal).parties
        other = self.id(about) if about else next(id for id in parties if id != self.id(by))
        body = text_body(text)
        reviewed = ReviewedDeal(deal.id, other, self.id(by))
        return commit_of(reviewed, judged, b"" if body is None else body.hash, salt_of(by, deal))

    def reviews(
        self, by: str, deal: Record, judged: Judgement = GOOD, text: str = "", about: str = ""
    ) -> Record:
        """Let a member seal a review of a deal."""
        data: dict[str, Any] = {"agreement": deal.id}
        data["commit"] = self.commit(by, deal, judged, text, about)
        return self.write(by, "review", data | ({"about": self.id(about)} if about else {}))

    def opens(
        self,
        by: str,
        review: Record,
        deal: Record,
        judged: Judgement = GOOD,
        text: str = "",
        **over: Any,
    ) -> Record:
        """Let a member open a review."""
        data: dict[str, Any] = {"review": review.id, "salt": salt_of(by, deal)}
        data |= {"rating": judged.rating, "onTime": judged.on_time, "asAgreed": judged.as_agreed}
        data |= {"review": over.pop("named", review.id)}
        return self.write(by, "review.open", data | over, body=text_body(text))

    def days(self, n: int) -> None:
        """Let n days pass, a seal a day, as where something is recorded each day."""
        for _ in range(n):
            self.work("Mei", 1)
            self.cut(24)

    def review(self, record: Record) -> ReviewRow:
        """Return a review that counts."""
        assert self.verdict(record) is None, self.verdict(record)
        row = review_row(self.history.state, record.id)
        assert row is not None
        return row

    def completion(self, deal: Record) -> CompletionRow | None:
        """Return until when a deal is reviewed; None when it is not done."""
        return completion_row(self.history.state, deal.id)
