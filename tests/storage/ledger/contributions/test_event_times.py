"""The times of events, however far from 1970: none keeps a node from folding the others."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.contribution_list import contributions
from commonweal.storage.ledger.contributions.points_in_time import TIME_MS_MAX, instant
from tests.protocol.ledger.workshop import hours
from tests.storage.consensus.test_snapshots import Past


def shop_of_far_times() -> tuple[Past, RecordId, RecordId]:
    """Return a shop, what Jun gave in the last ms of 64 bits, and what a stranger says so too."""
    shop = Past()
    jun, stranger = shop.pens["Jun"], shop.pen("Zed")
    data: dict[str, Any] = {"action": "work", "effortQuantity": hours(1)}
    given = jun.write("event", data | {"provider": bytes(jun.owner.id)}, claimed_at=INT_MAX)
    stranger.enrol([shop.mei.invite(shop.invite_key)])
    void = stranger.write("event", data | {"provider": bytes(jun.owner.id)}, claimed_at=INT_MAX)
    return shop, given.id, void.id


@pytest.mark.parametrize("sealed", [False, True], ids=["pending", "sealed"])
def test_an_event_may_claim_any_time_of_64_bits(sealed: bool) -> None:
    shop, given, void = shop_of_far_times()
    if sealed:
        shop.seal_all()
    shop.here.take(shop.records)
    shop.here.kept.refresh()
    rows = {row.id: row for row in contributions(shop.here.kept)}
    assert [rows[id].reason for id in (given, void)] == [None, Reason.NOT_A_MEMBER]
    for id in (given, void):
        assert rows[id].claimed_at_ms == INT_MAX
        assert rows[id].when == (TIME_MS_MAX, TIME_MS_MAX + 1, False)


@pytest.mark.parametrize("at_ms", [0, -TIME_MS_MAX, TIME_MS_MAX])
def test_an_instant_stands_where_it_is_and_at_most_at_the_limit(at_ms: int) -> None:
    assert instant(at_ms) == (at_ms, at_ms + 1, False)
    assert instant(INT_MAX) == instant(TIME_MS_MAX + 1) == instant(TIME_MS_MAX)
    assert instant(-INT_MAX) == instant(-TIME_MS_MAX - 1) == instant(-TIME_MS_MAX)
