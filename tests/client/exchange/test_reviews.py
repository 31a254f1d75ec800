"""Reviews in homes: written unseen, kept at home, opened, and counted beside what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.client.exchange.reliability import KeptPromises, kept_promises
from commonweal.client.exchange.reviews.rows import BOTH, NONE, OPEN, WRITTEN, DealReview
from commonweal.client.exchange.reviews.summaries import review_summaries
from commonweal.protocol.errors import UnusableText, UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    REVIEW_TEXT_BYTES_MAX,
    read_secret,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import WITHHELD
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.rules.sections.reviews import WithheldRule
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.review_secrets import review_secrets
from tests.builders.commons import Commons
from tests.client.exchange.dealing import agreed, at, deal
from tests.protocol.ledger.exchange.reviews.reviewing import (
    GOOD,
    GRACE_DAYS,
    WINDOW_DAYS,
    Reviewing,
)

HELP = ClauseTerms("Bo", "Ana", "work", "2", "hours")


@pytest.fixture
def done(lanxi: Commons) -> RecordId:
    """A deal by which Bo helped Ana for two hours; a seal covers it."""
    id = agreed(lanxi, HELP)
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause))
    lanxi.meet()
    lanxi.seal()
    return id


def rate(home: Home, id: RecordId, rating: int = 5, **more: str | None) -> None:
    at(home, lambda me: me.review_deal(id, rating, on_time=True, as_agreed=True, **more))


def seen(home: Home, id: RecordId) -> dict[str, DealReview]:
    """Return the reviews of a deal as the member of a home reads them, by who writes."""
    return {review.member_name: review for review in at(home, lambda me: me.reviews(id))}


@pytest.mark.parametrize("how", ["kept", "ended"])
def test_a_review_stands_after_what_made_the_deal_done(lanxi: Commons, how: str) -> None:
    """Else it may be folded before that, and is void for ever."""
    id = agreed(lanxi, HELP)
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    if how == "kept":
        last = at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause)).id
    else:
        at(lanxi.ana, lambda me: me.done_deal(id.hex()))
        lanxi.meet()
        last = at(lanxi.bo, lambda me: me.done_deal(id.hex())).id
    lanxi.meet()
    said = at(lanxi.ana, lambda me: me.review_deal(id, 5, on_time=True, as_agreed=True))
    with lanxi.ana.store(readonly=True) as store:
        review = store.record(said.id)
    assert review is not None and last in review.deps
    lanxi.seal()
    assert seen(lanxi.mei, id)["Ana"].state == WRITTEN


def test_nobody_sees_a_review_before_both_are_sealed(lanxi: Commons, done: RecordId) -> None:
    rate(lanxi.ana, done, 2, note="Came late.")
    lanxi.meet()
    lanxi.seal()
    mine, theirs = seen(lanxi.ana, done)["Ana"], seen(lanxi.bo, done)["Ana"]
    assert (mine.state, mine.rating, mine.text, mine.only_here) == (WRITTEN, 2, "Came late.", True)
    assert (theirs.state, theirs.rating, theirs.text) == (WRITTEN, None, None)
    assert seen(lanxi.bo, done)["Bo"].state == NONE
    assert at(lanxi.ana, lambda me: me.open_reviews()) == [], "Bo would see it first"
    rate(lanxi.bo, done)
    lanxi.meet()
    assert at(lanxi.ana, lambda me: me.open_reviews()) == []
    lanxi.seal()
    assert seen(lanxi.mei, done)["Bo"].state == BOTH
    for home in (lanxi.ana, lanxi.bo):
        assert len(at(home, lambda me: me.open_reviews())) == 1
        with home.store(readonly=True) as store:
            assert review_secrets(store) == {}
    lanxi.meet()
    opened = seen(lanxi.mei, done)["Ana"]
    assert (opened.state, opened.rating, opened.text) == (OPEN, 2, "Came late.")
    assert not opened.sealed, "a seal has still to cover it"
    lanxi.seal()
    assert seen(lanxi.mei, done)["Ana"].sealed
    with Member(lanxi.mei) as mei:
        summaries = {mei.view.name(id): row for id, row in mei.review_summaries().items()}
    assert (summaries["Bo"].tenths, summaries["Bo"].reviews) == (20, 1)
    assert (summaries["Ana"].tenths, summaries["Ana"].withheld) == (50, 0)


def test_each_review_has_salts_of_its_own(lanxi: Commons, done: RecordId) -> None:
    """With one salt, who saw an opened review could try all ratings of the next."""
    rate(lanxi.ana, done)
    again = agreed(lanxi, HELP)
    clause = deal(lanxi.bo, again).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause))
    lanxi.meet()
    rate(lanxi.ana, again)
    with lanxi.ana.store(readonly=True) as store:
        kept = [read_secret(data) for data in review_secrets(store).values()]
    assert len({secret.salt for secret in kept}) == len({one.text_salt for one in kept}) == 2


def test_a_backup_has_what_is_not_opened(lanxi: Commons, done: RecordId, tmp_path: Path) -> None:
    rate(lanxi.ana, done, 4, note="Good.")
    with lanxi.ana.store(readonly=True) as store:
        store.backup(tmp_path / "copy.db")
    copy = Store(tmp_path / "copy.db", readonly=True)
    (secret,) = (read_secret(data) for data in review_secrets(copy).values())
    copy.close()
    assert (secret.judgement.rating, secret.text) == (4, "Good.")


def test_what_is_no_review_is_refused(lanxi: Commons, done: RecordId) -> None:
    for rating in (0, 6):
        with pytest.raises(UsageError, match="1 to 5"):
            rate(lanxi.ana, done, rating)
    with pytest.raises(UnusableText, match="8,192"):
        rate(lanxi.ana, done, note="x" * (REVIEW_TEXT_BYTES_MAX + 1))
    with pytest.raises(WouldNotCount, match="no party"):
        rate(lanxi.mei, done)
    with pytest.raises(WouldNotCount, match="themselves"):
        rate(lanxi.ana, done, about="Ana")
    rate(lanxi.ana, done, note="x" * REVIEW_TEXT_BYTES_MAX)
    with pytest.raises(WouldNotCount, match="has reviewed"):
        rate(lanxi.ana, done)
    open_deal = agreed(lanxi, HELP)
    with pytest.raises(WouldNotCount, match="not done"):
        rate(lanxi.ana, open_deal)


def test_the_inbox_asks_for_a_review_until_it_is_written(lanxi: Commons, done: RecordId) -> None:
    def asked(home: Home) -> list[str]:
        rows = at(home, lambda me: me.inbox().rows)
        return [row.words for row in rows if row.kind == "review"]

    (words,) = asked(lanxi.ana)
    assert words.startswith("review your deal with Bo: ")
    rate(lanxi.ana, done)
    assert asked(lanxi.ana) == []
    assert len(asked(lanxi.bo)) == 1
    assert asked(lanxi.mei) == []


def test_it_is_typed_and_listed(lanxi: Commons, done: RecordId) -> None:
    typed = (done.hex()[:12], "4", "--late", "--as-agreed", "--note", "Well done.")
    assert "only this home has it" in lanxi.good(lanxi.ana, "review", *typed).out
    (mine, theirs) = lanxi.json(lanxi.ana, "review", "list")["reviews"]
    assert {mine["member_name"], theirs["member_name"]} == {"Ana", "Bo"}
    own = next(row for row in (mine, theirs) if row["member_name"] == "Ana")
    assert (own["rating"], own["on_time"], own["only_here"]) == (4, False, True)
    assert "Nothing can be opened now" in lanxi.good(lanxi.ana, "review", "open").out


@pytest.mark.parametrize("is_broken_promise", [True, False])
@pytest.mark.parametrize("is_one_star", [True, False])
def test_a_withheld_review_counts_what_the_rules_say(
    is_broken_promise: bool, is_one_star: bool
) -> None:
    """EXCHANGE, section 8: shown for ever; by default a promise not kept, and nothing for stars."""
    rule = WithheldRule(is_broken_promise=is_broken_promise, is_one_star=is_one_star)
    town = Reviewing()
    deal = town.done_deal()
    mine, theirs = town.reviews("Ana", deal), town.reviews("Bo", deal)
    town.days(2)
    town.opens("Ana", mine, deal)
    town.days(WINDOW_DAYS + GRACE_DAYS)
    assert town.review(theirs).status == WITHHELD
    state = town.history.final
    said = review_summaries(state, rule)[town.id("Bo")]
    assert said.withheld == 1
    stars = GOOD.rating + is_one_star
    assert (said.stars, said.reviews) == (stars, 1 + is_one_star)
    kept = kept_promises(state, town.now_ms, rule)
    assert kept.get(town.id("Bo"), KeptPromises()) == (int(is_broken_promise), 0)
    assert kept[town.id("Ana")] == (1, 1), "who opened theirs is judged by the deal alone"
