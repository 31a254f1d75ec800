"""The rows behind the SQL views of campaigns and of what members pledge to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    CAMPAIGN,
    PLEDGE,
    CampaignRow,
    PledgeRow,
)
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views.exchange.offer_views import replace_rows

TABLES = ("campaign_row", "pledge_row")
VIEWS = ("campaigns", "pledges")

ID_BYTES = 32


def refresh(layers: StateDb, changed: Sequence[bytes]) -> None:
    """Write the rows of campaigns and pledges that depend on these state keys again."""
    final = LayeredState(layers, FINAL)
    for table, prefix, row_of in (
        ("campaign_row", CAMPAIGN, _campaign),
        ("pledge_row", PLEDGE, _pledge),
    ):
        keys = dict.fromkeys(key for key in changed if key.startswith(prefix))
        rows = []
        for key in keys:
            value = layers.get(key)
            if value is not None:
                id = key[len(prefix) :]
                rows.append((*row_of(layers, id, value), final.get(key) == value))
        replace_rows(layers, table, "id", [key[len(prefix) :] for key in keys], rows)


def _campaign(_layers: StateDb, id: bytes, value: list[Any]) -> tuple[Any, ...]:
    row = CampaignRow(*value)
    is_closed = row.height > 0
    return (
        *(id, row.member, row.clock, row.unit, row.scale),
        *(row.minimum, row.optimum, row.maximum, row.deadline, row.collect_by),
        *(row.sort, row.gives, row.least, row.most, row.matching, row.scope),
        *(row.reward or (None, None, None)),
        *(row.short, row.loans, row.status, row.height or None),
        *((row.met, row.total) if is_closed else (None, None)),
        row.paid if row.met else None,
    )


def _pledge(layers: StateDb, id: bytes, value: list[Any]) -> tuple[Any, ...]:
    row, campaign = PledgeRow(*value), id[:ID_BYTES]
    known = layers.get(CAMPAIGN + campaign)
    assert known is not None, "a pledge is to a campaign"
    to = CampaignRow(*known)  # its unit and scale never change
    return (
        *(id, row.record, campaign, id[ID_BYTES:], row.clock, row.amount, to.scale, to.unit),
        *(row.part, row.matches, row.number, row.withdrawn, row.counted),
        row.back if row.counted is not None else None,
    )
