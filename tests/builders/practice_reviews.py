"""A chapter of the practice community: deals that are done, and what their parties say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.protocol.ledger.exchange.deals.agreement_row import agreement_row
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    Judgement,
    ReviewedDeal,
    commit_of,
)
from commonweal.protocol.records.record import Record
from tests.builders.practice_deals import Deals
from tests.protocol.ledger.village import TEXT
from tests.protocol.ledger.workshop import hours

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice

GOOD = Judgement(5, on_time=True, as_agreed=False)
SALT = b"s" * 32
DAYS_OF_STORY = 20


class Reviews:
    """The chapter; `practice` is the story that it belongs to."""

    def __init__(self, practice: Practice) -> None:
        self.practice, self.deals = practice, Deals(practice)

    def tell(self) -> None:
        """Let members keep deals, review them, and open, or withhold, what they wrote."""
        both, early = self._kept("Ana", "Jun"), self._kept("Mei", "Ana")
        alone, quiet = self._kept("Jun", "Mei"), self._kept("Jun", "Ana")
        self._refused(both, quiet)
        self.practice.witnessed(1, "Mei", "Jun")
        first, second = self._review("Ana", both), self._review("Jun", both, TEXT)
        self._open("Ana", first)
        withheld, mine = self._review("Mei", early), self._review("Ana", early)
        waiting = self._review("Jun", alone)
        self.practice.witnessed(1, "Mei", "Jun")
        for by, review in (("Ana", first), ("Ana", first), ("Jun", second), ("Jun", first)):
            self._open(by, review)
        self._open("Jun", second, TEXT)
        self._open("Ana", mine)
        self._open("Mei", withheld, TEXT)
        self._open("Jun", waiting)
        last = self._review("Mei", self.ended)
        self._days(DAYS_OF_STORY // 2)
        self._review("Ana", quiet)
        self._days(DAYS_OF_STORY // 2 - 4)
        self._review("Jun", quiet)
        self._open("Jun", waiting)
        self._open("Mei", last)
        self._days(6)
        self._open("Mei", withheld)
        self.practice.witnessed(1, "Mei", "Jun")

    def _kept(self, giver: str, taker: str) -> Record:
        clause = self.deals.clause(giver, 2, giver, taker)
        deal = self.deals.deal(giver, clause)
        self.deals.say(taker, deal)
        self.deals.done(giver, clause, 2)
        return deal

    def _refused(self, done: Record, quiet: Record) -> None:
        write, id = self.deals.write, self.deals.id
        clause = self.deals.clause("Ana", 2, "Ana", "Mei")
        open_deal = self.deals.deal("Ana", clause)
        self.deals.say("Mei", open_deal)
        given = self.deals.done("Ana", clause, 2)
        less = {"action": "work", "corrects": given.id, "effortQuantity": hours(-1)}
        back = write("Ana", "event", less)
        write("Mei", "attest", {"event": back.id, "say": "yes"})
        self._review("Ana", open_deal)
        for name in ("Ana", "Mei"):
            data = {"agreement": open_deal.id, "why": "done"}
            write(name, "agreement.end", data)
        self.ended = open_deal
        for by, over in (
            ("Ana", {"about": id("Ana")}),
            ("Ana", {"about": id("Mei")}),
            ("Mei", {}),
            ("Ana", {"commit": b""}),
            ("Ana", {"agreement": bytes(32)}),
        ):
            write(by, "review", {"agreement": done.id, "commit": bytes(32)} | over)
        write("Jun", "review", {"agreement": quiet.id, "commit": bytes(32)}, TEXT)
        write("Jun", "review.open", {"review": bytes(32)})
        said: dict[str, Any] = {"review": bytes(32), "salt": SALT, "onTime": True, "asAgreed": True}
        for rating in (6, 5):
            write("Jun", "review.open", said | {"rating": rating})

    def _review(self, by: str, deal: Record, body: Any = None) -> Record:
        """Let a member seal what they think of the other party."""
        row = agreement_row(self.practice.history.state, deal.id)
        assert row is not None
        me = self.deals.id(by)
        other = next(party for party in row.parties if party != me)
        text = b"" if body is None else body.hash
        commit = commit_of(ReviewedDeal(deal.id, other, me), GOOD, text, SALT)
        return self.deals.write(by, "review", {"agreement": deal.id, "commit": commit})

    def _open(self, by: str, review: Record, body: Any = None) -> Record:
        """Let a member open a review."""
        data: dict[str, Any] = {"review": review.id, "salt": SALT, "rating": GOOD.rating}
        data |= {"onTime": GOOD.on_time, "asAgreed": GOOD.as_agreed}
        return self.deals.write(by, "review.open", data, body)

    def _days(self, days: int) -> None:
        """Let days pass, each with a seal."""
        for _ in range(days):
            self.practice.work("Mei", 1)
            self.practice.witnessed(24, "Mei", "Jun")
