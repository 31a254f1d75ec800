"""Whatever is reviewed, in any order of arrival: one state, whose deals know their reviews."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.deals.completion import (
    COMPLETION,
    OVER,
    QUIET,
    REVIEW_END,
    WAITING,
    CompletionRow,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import (
    OPENED,
    REVIEW,
    REVIEW_VOID,
    WITHHELD,
    WRITTEN,
    ReviewRow,
    review_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.exchange.market_scenes import ledger, reviewed
from tests.protocol.ledger.exchange.reviews.reviewing import GOOD, Reviewing, rule
from tests.protocol.ledger.village import outcome

SEEDS = st.integers(0, 2**32 - 1)
NAMES = ("Mei", "Jun", "Ana", "Bo")


def check_reviews(state: State) -> None:
    """Each deal has the end that it waits for, and knows its reviews and how many wait."""
    ends = {key: key[-32:] for key, _ in state.items(REVIEW_END)}
    listed: set[bytes] = set()
    for key, value in state.items(COMPLETION):
        deal, completed = key[len(COMPLETION) :], CompletionRow(*value)
        rows = [review_row(state, id) for id in completed.reviews]
        assert all(row is not None and row.agreement == deal for row in rows)
        assert completed.waiting == sum(row is not None and row.status == WRITTEN for row in rows)
        sort, until = WAITING if completed.waiting else QUIET, completed.until_ms.to_bytes(8)
        is_listed = ends.pop(REVIEW_END + sort + until + deal, None) == deal
        assert is_listed is (completed.stage != OVER)
        pairs = [(row.member, row.about) for row in rows if row is not None]
        assert len({*pairs}) == len(pairs), "each reviews each other once"
        listed |= {*completed.reviews}
    assert not ends
    assert listed == {key[len(REVIEW) :] for key, _ in state.items(REVIEW)}


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.integers(20, 90))
def test_any_order_of_arrival_gives_one_state(number: int, acts: int) -> None:
    scene, rng = reviewed(number, acts), Random(number)
    records = scene.village.records
    whole = ledger(scene, records)
    expected = outcome(whole, records)
    check_reviews(whole.state)
    shuffled = scene.shuffled()
    pieces = ledger(scene)
    while shuffled:
        size = rng.choice((1, 2, 5, 30))
        pieces.add(shuffled[:size])
        del shuffled[:size]
    assert outcome(pieces, records) == expected


def test_the_scenes_reach_reviews() -> None:
    """The scenes above would prove nothing if no deal was ever done."""
    reasons = Counter[Reason | None]()
    reviews = 0
    for number in range(100):
        scene = reviewed(number, 90)
        whole = ledger(scene, scene.village.records)
        reviews += sum(1 for _ in whole.state.items(REVIEW))
        reasons.update(whole.verdict(record.id) for record in scene.village.records)
    assert reviews > 4
    for reason in (Reason.NOT_DONE, Reason.REVIEWED_ALREADY, Reason.STILL_BLIND, Reason.NO_PARTY):
        assert reasons[reason] > 0, reason


def story(seed: int, acts: int = 60) -> Reviewing:
    """Return a town whose members reviewed deals by chance, between seals by chance."""
    rng = Random(seed)
    town = Reviewing(document=rule(window_hours=4, grace_hours=2))
    deals: list[Record] = []
    reviews: list[tuple[str, Record, Record]] = []
    for number in range(acts):
        giver, taker = rng.sample(NAMES[: 3 if number > acts * 2 // 3 else 4], 2)
        match rng.choice(("deal", "review", "review", "open", "open", "seal")):
            case "deal":
                deals.append(town.done_deal(giver, taker))
            case "review" if deals:
                deal = rng.choice(deals[-3:])
                names = [name for name in NAMES if town.id(name) in town.deal(deal).parties]
                by = rng.choice(names)
                reviews.append((by, town.reviews(by, deal), deal))
            case "open" if reviews:
                by, review, deal = rng.choice(reviews[-4:])
                town.opens(by, review, deal, GOOD)
            case _:
                town.work("Mei", 1)
                town.cut(rng.choice((1, 1, 2, 5)))
        if number == acts * 2 // 3:
            town.write("Bo", "member.leave", {})
    town.work("Mei", 1)
    town.cut(9)
    return town


def test_reviews_that_are_sealed_now_and_then_add_up() -> None:
    statuses = Counter[str]()
    for seed in range(12):
        town = story(seed)
        check_reviews(town.history.final)
        rows = [ReviewRow(*value) for _, value in town.history.final.items(REVIEW)]
        statuses.update(row.status for row in rows)
        for row in rows:
            assert (row.status == OPENED) is (row.opened is not None) is (row.rating is not None)
    assert {*statuses} >= {OPENED, WITHHELD, REVIEW_VOID}
