"""Blind reviews: who reviews what, until when, and that nobody sees the other's before theirs."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.deals.completion import CLOSED
from commonweal.protocol.ledger.exchange.reviews.review_secret import RATING_MAX, Judgement
from commonweal.protocol.ledger.exchange.reviews.reviews import (
    OPENED,
    REVIEW_VOID,
    WRITTEN,
    may_open,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import DAY
from tests.protocol.ledger.exchange.reviews.reviewing import (
    GOOD,
    GRACE_DAYS,
    POOR,
    WINDOW_DAYS,
    Reviewing,
)
from tests.protocol.ledger.village import TEXT


@pytest.fixture
def town() -> Reviewing:
    return Reviewing()


def may_be_opened(town: Reviewing, review: Record) -> bool:
    """Return whether a node opens a review now, by what is final."""
    row = town.review(review)
    return may_open(town.history.final, town.history.cut.height, row)


class TestWhoReviews:
    def test_a_party_of_a_done_deal_reviews_the_other_once(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine = town.review(town.reviews("Ana", deal))
        assert (mine.member, mine.about) == (town.id("Ana"), town.id("Bo"))
        assert (mine.status, mine.rating, mine.opened) == (WRITTEN, None, None)
        again = town.reviews("Ana", deal, POOR)
        assert town.verdict(again) is Reason.REVIEWED_ALREADY, "Couchers: a second is refused"
        assert town.verdict(town.reviews("Jun", deal, about="Bo")) is Reason.NOT_YOURS
        assert town.verdict(town.reviews("Bo", deal)) is None

    def test_nobody_reviews_themselves(self, town: Reviewing) -> None:
        """Couchers: a reference about oneself is refused."""
        deal = town.done_deal()
        assert town.verdict(town.reviews("Ana", deal, about="Ana")) is Reason.SELF_REVIEW

    def test_only_a_done_deal_is_reviewed(self, town: Reviewing) -> None:
        """Couchers: not for stays that are pending, rejected or cancelled."""
        clause = town.clause("Ana", 2, "Ana", "Bo")
        deal = town.proposes("Ana", clause)
        assert town.verdict(town.reviews("Ana", deal)) is Reason.NOT_DONE
        town.answer("Bo", deal)
        assert town.verdict(town.done(clause, 1)) is None
        assert town.verdict(town.reviews("Ana", deal)) is Reason.NOT_DONE, "half of it was given"
        assert town.verdict(town.done(clause, 1)) is None
        assert town.verdict(town.reviews("Ana", deal)) is None
        declined = town.proposes("Ana", town.clause("Ana", 2, "Ana", "Bo"))
        town.answer("Bo", declined, "no")
        assert town.verdict(town.reviews("Bo", declined)) is Reason.NOT_DONE

    @pytest.mark.parametrize(("why", "refused"), [("done", None), ("given up", Reason.NOT_DONE)])
    def test_a_deal_that_all_ended_as_done_is_done(
        self, town: Reviewing, why: str, refused: Reason | None
    ) -> None:
        deal = town.deal_of(town.agreed(2, "Ana", "Bo"))
        town.ends("Ana", deal, why)
        town.ends("Bo", deal, why)
        assert town.verdict(town.reviews("Bo", deal)) is refused

    def test_a_correction_undoes_what_nobody_reviewed(self, town: Reviewing) -> None:
        clause = town.agreed(4, "Ana", "Bo")
        given = town.done(clause, 4)
        deal = town.deal_of(clause)
        assert town.completion(deal) is not None
        fields = {"action": "work", "corrects": given.id}
        less = fields | {"effortQuantity": {"n": -1, "scale": 0, "unit": "hour"}}
        town.attest(town.write("Ana", "event", less), "Bo")
        assert town.commitment(clause).open.n == 1
        assert town.completion(deal) is None
        assert town.verdict(town.reviews("Bo", deal)) is Reason.NOT_DONE
        more = town.done(clause, 1)
        assert town.verdict(town.reviews("Bo", deal)) is None
        town.attest(town.write("Ana", "event", less | {"corrects": more.id}), "Bo")
        assert town.commitment(clause).open.n == 1
        assert town.completion(deal) is not None, "what was reviewed stays done"

    def test_each_of_a_ring_reviews_each_other(self, town: Reviewing) -> None:
        names = ("Ana", "Bo", "Jun")
        clauses = [
            town.clause("Ana", 2, giver, taker)
            for giver, taker in zip(names, (*names[1:], names[0]), strict=True)
        ]
        deal = town.proposes("Ana", *clauses)
        town.answer("Bo", deal)
        town.answer("Jun", deal)
        for clause in clauses:
            town.done(clause, 2)
        unsaid = town.write("Ana", "review", {"agreement": deal.id, "commit": bytes(32)})
        assert town.verdict(unsaid) is Reason.NO_PARTY
        assert town.verdict(town.reviews("Ana", deal, about="Mei")) is Reason.NO_PARTY
        mine = town.reviews("Ana", deal, about="Bo")
        assert town.verdict(mine) is None
        assert town.verdict(town.reviews("Ana", deal, about="Jun")) is None
        assert town.verdict(town.reviews("Jun", deal, about="Bo")) is None
        town.cut()
        assert not may_be_opened(town, mine), "Bo has not reviewed Ana"
        town.reviews("Bo", deal, about="Ana")
        town.cut()
        assert may_be_opened(town, mine)

    @pytest.mark.parametrize(
        ("over", "reason"),
        [
            ({"agreement": b"x"}, Reason.SHAPE),
            ({"agreement": bytes(32)}, Reason.UNKNOWN_PLAN),
            ({"commit": bytes(31)}, Reason.SHAPE),
            ({"commit": None}, Reason.SHAPE),
            ({"about": b"x"}, Reason.SHAPE),
            ({"about": bytes(32)}, Reason.NO_PARTY),
        ],
    )
    def test_what_is_no_review(self, town: Reviewing, over: Any, reason: Reason) -> None:
        deal = town.done_deal()
        data = {"agreement": deal.id, "commit": bytes(32)} | over
        assert town.verdict(town.write("Ana", "review", data)) is reason

    def test_a_review_has_no_text_before_it_is_opened(self, town: Reviewing) -> None:
        data = {"agreement": town.done_deal().id, "commit": bytes(32)}
        assert town.verdict(town.write("Ana", "review", data, body=TEXT)) is Reason.SHAPE


class TestWhenReviewsOpen:
    """Couchers: a reference is visible at the earlier of "both written" and the deadline.

    https://github.com/Couchers-org/couchers, references: 15 days, in its tests 5, 3 and 16.
    """

    def test_five_days_with_one_side_it_is_hidden(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.days(5)
        assert not may_be_opened(town, mine)
        assert town.verdict(town.opens("Ana", mine, deal)) is Reason.STILL_BLIND

    def test_three_days_with_both_they_are_visible(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine, theirs = town.reviews("Ana", deal, POOR), town.reviews("Bo", deal)
        town.days(3)
        assert may_be_opened(town, mine) and may_be_opened(town, theirs)
        assert town.verdict(town.opens("Ana", mine, deal, POOR)) is None
        assert town.verdict(town.opens("Bo", theirs, deal)) is None
        row = town.review(mine)
        assert (row.status, row.rating, row.on_time, row.as_agreed) == (OPENED, 2, False, True)

    def test_sixteen_days_with_one_side_it_is_visible(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.days(16)
        assert may_be_opened(town, mine)
        assert town.verdict(town.opens("Ana", mine, deal)) is None
        assert town.verdict(town.reviews("Bo", deal)) is Reason.REVIEW_CLOSED

    def test_nobody_who_saw_a_review_still_writes_theirs(self, town: Reviewing) -> None:
        """Both reviews above one seal: neither is opened before the seal that covers them."""
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.cut()
        town.reviews("Bo", deal)
        early = town.opens("Ana", mine, deal)
        assert town.verdict(early) is Reason.STILL_BLIND
        town.cut()
        assert town.verdict(early) is Reason.STILL_BLIND, "nor does that seal let it count"
        assert town.verdict(town.opens("Ana", mine, deal)) is None

    def test_what_the_closing_seal_covers_counts_on_both_sides(self, town: Reviewing) -> None:
        """Both commits in the closing seal; after it they are opened."""
        deal = town.done_deal()
        town.days(WINDOW_DAYS)
        mine, theirs = town.reviews("Ana", deal), town.reviews("Bo", deal)
        town.cut(36)
        closed = town.completion(deal)
        assert closed is not None
        assert (closed.stage, closed.waiting, closed.reviews) == (CLOSED, 2, [mine.id, theirs.id])
        assert closed.until_ms == town.now_ms + GRACE_DAYS * DAY
        for by, review in (("Ana", mine), ("Bo", theirs)):
            assert town.verdict(town.opens(by, review, deal)) is None

    def test_who_cannot_answer_any_more_is_not_waited_for(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine, theirs = town.reviews("Ana", deal), town.reviews("Bo", deal)
        town.cut()
        town.write("Bo", "member.leave", {})
        town.cut()
        assert may_be_opened(town, mine)
        assert town.verdict(town.opens("Bo", theirs, deal)) is Reason.NOT_A_MEMBER
        assert town.verdict(town.opens("Ana", mine, deal)) is None
        town.days(20)
        assert town.review(theirs).status == REVIEW_VOID, "not withheld: they had left"
        assert town.review(mine).status == OPENED

    def test_a_review_of_the_community_waits_for_nobody(self, town: Reviewing) -> None:
        clause = town.clause("Ana", 2, "Ana", town.community, clause=True)
        deal = town.proposes("Ana", clause)
        ours: dict[str, Any] = {"for": bytes(town.community)}
        town.answer("Bo", deal, **ours)
        assert town.verdict(town.done(clause, 2)) is None
        mine = town.reviews("Ana", deal)
        town.cut()
        assert may_be_opened(town, mine)


class TestOpening:
    @pytest.fixture
    def deal(self, town: Reviewing) -> Record:
        return town.done_deal()

    @pytest.fixture
    def mine(self, town: Reviewing, deal: Record) -> Record:
        review = town.reviews("Ana", deal, text="Came in time.")
        town.reviews("Bo", deal)
        town.cut()
        return review

    @pytest.mark.parametrize(
        ("judged", "text"),
        [
            (Judgement(4, on_time=True, as_agreed=True), "Came in time."),
            (Judgement(5, on_time=False, as_agreed=True), "Came in time."),
            (Judgement(5, on_time=True, as_agreed=False), "Came in time."),
            (GOOD, "Came late."),
            (GOOD, ""),
        ],
    )
    def test_what_does_not_match_is_void(
        self, town: Reviewing, deal: Record, mine: Record, judged: Judgement, text: str
    ) -> None:
        assert town.verdict(town.opens("Ana", mine, deal, judged, text)) is Reason.WRONG_OPENING
        assert town.verdict(town.opens("Ana", mine, deal, GOOD, "Came in time.")) is None
        again = town.opens("Ana", mine, deal, GOOD, "Came in time.")
        assert town.verdict(again) is Reason.NOTHING_NEW

    @pytest.mark.parametrize(
        "over",
        [
            {"rating": 0},
            {"rating": RATING_MAX + 1},
            {"rating": True},
            {"salt": bytes(31)},
            {"onTime": 1},
            {"asAgreed": None},
            {"named": b""},
        ],
    )
    def test_what_is_no_opening(
        self, town: Reviewing, deal: Record, mine: Record, over: Any
    ) -> None:
        opened = town.opens("Ana", mine, deal, GOOD, "Came in time.", **over)
        assert town.verdict(opened) is Reason.SHAPE

    def test_only_its_writer_opens_it(self, town: Reviewing, deal: Record, mine: Record) -> None:
        assert town.verdict(town.opens("Bo", mine, deal)) is Reason.NOT_YOURS
        unknown = town.opens("Ana", mine, deal, named=bytes(32))
        assert town.verdict(unknown) is Reason.UNKNOWN_REVIEW

    def test_a_commit_of_somebody_else_is_nothing_that_they_can_open(self, town: Reviewing) -> None:
        """Bo copies the commit of Ana, to say whatever Ana said."""
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        copied = town.write("Bo", "review", {"agreement": deal.id, "commit": mine.data["commit"]})
        town.cut()
        assert town.verdict(town.opens("Ana", mine, deal)) is None
        salt = town.opens("Ana", mine, deal).data["salt"]
        opened = town.opens("Bo", copied, deal, salt=salt)
        assert town.verdict(opened) is Reason.WRONG_OPENING

    def test_its_text_can_be_erased(self, town: Reviewing, deal: Record, mine: Record) -> None:
        """The text is an erasable body; a permanent one cannot even be written."""
        opened = town.opens("Ana", mine, deal, GOOD, "Came in time.")
        assert opened.body is not None and not opened.body.permanent
        asked = town.write("Ana", "body.erase", {"record": opened.id})
        assert town.verdict(asked) is None
        assert town.review(mine).rating == GOOD.rating, "the rating stays"
