"""When the time to review a deal ends, and what becomes of reviews that are not opened."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.deals.completion import CLOSED, OPEN, OVER
from commonweal.protocol.ledger.exchange.reviews.reviews import (
    OPENED,
    WITHHELD,
    WRITTEN,
    close_reviews,
    may_open,
)
from commonweal.protocol.ledger.finality.deadlines import next_deadline
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import DAY
from tests.protocol.ledger.exchange.reviews.reviewing import (
    GRACE_DAYS,
    WINDOW_DAYS,
    Reviewing,
    rule,
)


@pytest.fixture
def town() -> Reviewing:
    return Reviewing()


def may_be_opened(town: Reviewing, review: Record) -> bool:
    """Return whether a node opens a review now, by what is final."""
    row = town.review(review)
    return may_open(town.history.final, town.history.cut.height, row)


def deadline(town: Reviewing) -> int | None:
    history = town.history
    return next_deadline(history.final, history.cut, history.ruleset, town.community)


class TestDeadlines:
    def test_what_is_not_opened_in_time_stays_withheld(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine, theirs = town.reviews("Ana", deal), town.reviews("Bo", deal)
        town.days(2)
        assert town.verdict(town.opens("Ana", mine, deal)) is None
        town.days(WINDOW_DAYS + GRACE_DAYS - 2)
        assert town.review(theirs).status == WRITTEN
        town.days(1)
        assert (town.review(theirs).status, town.review(mine).status) == (WITHHELD, OPENED)
        assert town.verdict(town.opens("Bo", theirs, deal)) is Reason.REVIEW_WITHHELD
        town.days(1)
        assert town.review(theirs).status == WITHHELD

    def test_the_seal_that_ends_the_grace_still_covers_an_opening(self, town: Reviewing) -> None:
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.days(WINDOW_DAYS + 1)
        opened = town.opens("Ana", mine, deal)
        town.cut(24 * 40)
        assert town.verdict(opened) is None
        assert town.review(mine).status == OPENED

    def test_a_community_that_slept_has_the_whole_grace_left(self, town: Reviewing) -> None:
        """Window and grace pass without any seal: the first one ends the window only."""
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.days(1)
        town.work("Mei", 1)
        town.cut(24 * 60)
        town.work("Mei", 1)
        town.cut(2)
        completed = town.completion(deal)
        assert completed is not None and completed.stage == CLOSED
        assert completed.until_ms == town.now_ms + GRACE_DAYS * DAY
        assert town.verdict(town.opens("Ana", mine, deal)) is None

    def test_an_end_makes_a_seal_due_only_where_a_review_waits(self, town: Reviewing) -> None:
        deal = town.done_deal()
        town.cut()
        assert deadline(town) is None, "a quiet community stays quiet"
        done_ms = town.now_ms
        mine = town.reviews("Ana", deal)
        town.cut()
        assert deadline(town) == done_ms + WINDOW_DAYS * DAY
        town.days(WINDOW_DAYS)
        closed_ms = town.now_ms
        assert deadline(town) == closed_ms + GRACE_DAYS * DAY
        assert town.verdict(town.opens("Ana", mine, deal)) is None
        town.cut()
        assert deadline(town) is None

    def test_a_full_seal_ends_nothing(self, town: Reviewing) -> None:
        deal = town.done_deal()
        town.reviews("Ana", deal)
        town.cut()
        later = town.now_ms + 100 * DAY
        for is_full, stage in ((True, OPEN), (False, CLOSED)):
            over = State(town.history.final)
            close_reviews(over, later, is_full=is_full)
            completed = completion.completion_row(over, deal.id)
            assert completed is not None and completed.stage == stage

    def test_what_nobody_reviewed_is_over_at_once(self, town: Reviewing) -> None:
        deal = town.done_deal()
        town.days(WINDOW_DAYS + 1)
        completed = town.completion(deal)
        assert completed is not None and (completed.stage, completed.waiting) == (OVER, 0)
        assert not [*town.history.final.items(completion.REVIEW_END)]
        assert town.verdict(town.reviews("Bo", deal)) is Reason.REVIEW_CLOSED

    @pytest.mark.parametrize(("ahead", "ends_days"), [(0, 15), (40, 15)])
    def test_no_window_lasts_longer_by_a_wrong_clock(
        self, town: Reviewing, ahead: int, ends_days: int
    ) -> None:
        deal = town.done_deal()
        town.cut(1 + ahead * 24)
        over = State(town.history.final)
        now_ms = town.now_ms - ahead * DAY
        completion.cap_times(over, now_ms)
        row = completion.completion_row(over, deal.id)
        assert row is not None
        assert (row.until_ms - now_ms) // DAY == ends_days
        (key,) = (key for key, _ in over.items(completion.REVIEW_END))
        assert int.from_bytes(key[-40:-32]) == row.until_ms

    def test_the_rules_say_how_long(self) -> None:
        town = Reviewing(document=rule(window_hours=1, grace_hours=2))
        deal = town.done_deal()
        mine = town.reviews("Ana", deal)
        town.cut(1)
        town.work("Mei", 1)
        town.cut(1)
        assert may_be_opened(town, mine)
        town.work("Mei", 1)
        town.cut(2)
        assert town.review(mine).status == WITHHELD
