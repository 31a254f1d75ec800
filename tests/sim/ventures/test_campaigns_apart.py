"""A campaign at 999 of 1,000, and 1 that is pledged in the other half (EXCHANGE, partitions)."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    COLLECTING,
    FAILED,
    campaign_row,
)
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.parted import ORDERS, Order, community, final, seal, write
from tests.sim.exchange.trade import verdict

OPEN_MS = 60_000
PAY_MS = 600_000


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_met_if_and_only_if_the_last_pledge_is_in_the_closing_cut(order: Order) -> None:
    parted = community(41)
    now = parted.world.agenda.now_ms
    campaign = write(
        parted.a,
        "campaign",
        {
            "unit": "CNY",
            "scale": 0,
            "minimum": 1_000,
            "sort": "all",
            "gives": "gift",
            "deadline": now + OPEN_MS,
            "collectBy": now + PAY_MS,
        },
    )
    seal(parted.world)
    pledge: dict[str, Any] = {
        "campaign": campaign,
        "quantity": {"n": 999, "scale": 0, "unit": "CNY"},
    }
    write(parted.third, "pledge", {**pledge})
    seal(parted.world)
    said: dict[str, RecordId] = {}
    one = {**pledge, "quantity": {"n": 1, "scale": 0, "unit": "CNY"}}

    def pledge_and_wait() -> None:
        """Pledge in one half, and let the deadline pass in both."""
        said.update(last=write(parted.b, "pledge", one))
        parted.world.run(max(0, now + OPEN_MS - parted.world.agenda.now_ms) + 1)

    parted.apart(order, lambda: None, pledge_and_wait)
    counts = {verdict(node, said["last"]) for node in parted.world.members}
    is_covered = counts == {None}
    assert is_covered or counts == {Reason.CAMPAIGN_CLOSED}, "its author is told that it was late"
    assert is_covered or order != "b first"
    assert not is_covered or order != "a first"
    for node in parted.world.members:
        row = campaign_row(final(node), campaign)
        assert row is not None
        assert row.status == (COLLECTING if is_covered else FAILED)
        assert row.total == (1_000 if is_covered else 999)
