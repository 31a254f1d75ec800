"""The rows behind reports are what the final state says, however records and seals arrived."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.protocol.ledger.claims.pools import INCOME
from commonweal.protocol.ledger.sharing.milestones import MILESTONE
from commonweal.protocol.ledger.sharing.revaluations import REVALUED
from commonweal.protocol.ledger.sharing.valuation import WORTH
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.ledger.views import report_views
from commonweal.storage.ledger.views.views import write_all
from tests.protocol.ledger.workshop import busy
from tests.storage.ledger.test_ledger import Home, in_pieces

WORTHS = """
    SELECT local_id.id, points, agent.id, height, is_first FROM worth_row
        JOIN local_id USING (number) JOIN agent ON agent.number = giver ORDER BY 1
"""
CHANGES = "SELECT key, amount, events FROM change_row ORDER BY key"
INCOMES = "SELECT key, pool, unit, scale, height, amount, first FROM income_row ORDER BY key"
DATED = "SELECT key, height, time_ms FROM milestone_row ORDER BY key"


def rows(layers: StateDb) -> list[Any]:
    return [layers.rows(asked) for asked in (WORTHS, CHANGES, INCOMES, DATED)]


def expected(kept: LedgerState) -> list[Any]:
    def of(prefix: bytes) -> list[tuple[bytes, Any]]:
        return [(key[len(prefix) :], value) for key, value in kept.final.items(prefix)]

    worths = [
        (id, points, member, height, int(len(more) < 3))
        for id, (points, member, height, *more) in of(WORTH)
    ]
    return [
        sorted(worths),
        [(key, *value) for key, value in of(REVALUED)],
        [(key, *value[:6]) for key, value in of(INCOME)],
        [(key, *value) for key, value in of(MILESTONE)],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_what_the_final_state_says_after_each_piece(seed: int) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    for kept in in_pieces(home, Random(seed)):
        assert rows(kept.layers) == expected(kept)
    assert all(rows(home.layers)), "each table has rows"


def test_rows_are_written_from_a_state_that_was_taken() -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    *_, kept = in_pieces(home, Random(1))
    for table in report_views.TABLES:
        kept.layers.change(f"DELETE FROM {table}")
    write_all(kept.layers, home.store)
    assert rows(kept.layers) == expected(kept)


def test_a_report_of_factors_reads_an_index_alone() -> None:
    plan = StateDb().rows(
        "EXPLAIN QUERY PLAN SELECT factor, height, giver, points, is_first FROM worth_row"
        " WHERE height BETWEEN 1 AND 9 ORDER BY 1, 2"
    )
    steps = [step for *_, step in plan]
    assert any("COVERING INDEX worth_factor" in step for step in steps)
    assert not any("ORDER BY" in step for step in steps)
