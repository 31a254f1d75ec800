"""Promotion does not depend on the order in which records arrive."""

from __future__ import annotations

from functools import cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.promotion.commissions import COMMISSION
from commonweal.protocol.ledger.finality.history import History
from tests.protocol.ledger.exchange.promotion import promoting_story
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.finality.test_history import catch_up

told = cache(promoting_story.told)


def arrived(town: Promoting, rng: Random) -> History:
    """Return what a node makes of the same records and seals, in an order nobody chose."""
    other = History(town.community)
    other.add_documents(town.documents)
    records = [*town.records]
    rng.shuffle(records)
    while records:
        other.add([records.pop() for _ in range(min(len(records), rng.randint(1, 9)))])
        catch_up(other, town.history.past)
    return other


@settings(max_examples=12)
@given(st.integers(0, 2), st.randoms(use_true_random=False))
def test_every_order_of_arrival_comes_to_one_state(seed: int, rng: Random) -> None:
    town = told(seed)
    assert arrived(town, rng).state.to_bytes() == town.history.state.to_bytes()


def test_the_stories_tell_of_commissions() -> None:
    rows = [value for seed in range(3) for _, value in told(seed).history.state.items(COMMISSION)]
    assert any(counted is not None for _, _, counted in rows)
    assert any(counted is None for _, _, counted in rows)
