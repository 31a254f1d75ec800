"""What each gave, kept as sums: always those of the rows of their contributions."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.things.event_row import EVENT
from commonweal.storage.ledger.state.state_db import FINAL, NEWEST, OLDER, StateDb
from commonweal.storage.ledger.views import event_views
from tests.protocol.ledger.scenes import Scene
from tests.protocol.ledger.workshop import busy, hours
from tests.storage.ledger.test_ledger import Home, founding_documents, in_pieces

ADDED_UP = """
    SELECT provider, action, coalesce(effort_unit, unit), coalesce(effort_scale, quantity_scale),
        height IS NOT NULL, coalesce(effort_n, quantity_n) FROM event_entry
    WHERE coalesce(effort_n, quantity_n) IS NOT NULL
"""
KEPT = """
    SELECT provider, action, unit, scale, is_sealed, events, high, low FROM given_sum
    WHERE events <> 0 OR high <> 0 OR low <> 0
"""


def added_up(layers: StateDb) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return how many contributions there are, and their exact sum, from the rows."""
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for *key, n in layers.rows(ADDED_UP):
        events, total = sums.get(tuple(key), (0, 0))
        sums[tuple(key)] = events + 1, total + n
    return sums


def kept_sums(layers: StateDb) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return the same as it is kept."""
    rows = layers.rows(KEPT)
    return {tuple(key): (events, (high << 32) + low) for *key, events, high, low in rows}


@pytest.mark.parametrize("seed", range(12))
def test_sums_are_those_of_all_contributions_however_they_arrived(seed: int) -> None:
    scene = Scene(seed, 60)
    home = Home(scene.village.community, founding_documents(scene.village))
    home.hold(scene.village.records)
    for _ in in_pieces(home, Random(seed)):
        assert kept_sums(home.layers) == added_up(home.layers)


@pytest.mark.parametrize("seed", range(6))
def test_sums_follow_cuts_and_corrections(seed: int) -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    home.seal(shop)
    for _ in in_pieces(home, Random(seed)):
        assert kept_sums(home.layers) == added_up(home.layers)
    assert {key[4] for key in kept_sums(home.layers)} == {0, 1}, "some are sealed and some are not"


def test_no_number_of_contributions_overflows_a_sum() -> None:
    shop = busy()
    for _ in range(5):
        shop.write(
            "Bo",
            "event",
            {"action": "work", "provider": shop.id("Bo"), "effortQuantity": hours(INT_MAX)},
        )
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    *_, _ = in_pieces(home, Random(1))
    assert max(total for _, total in kept_sums(home.layers).values()) >= 5 * INT_MAX
    assert kept_sums(home.layers) == added_up(home.layers)


def test_rows_that_go_take_their_part_of_the_sum_along() -> None:
    shop = busy()
    home = Home(shop.community, shop.documents)
    home.hold(shop.records)
    *_, _ = in_pieces(home, Random(1))
    keys = [key for key, _ in home.layers.pairs(EVENT)]
    assert len(keys) > 2
    for some in (keys[::2], keys):
        for layer in (FINAL, OLDER, NEWEST):
            home.layers.put(layer, [(key, None) for key in some])
        event_views.refresh(home.layers, some)
        assert kept_sums(home.layers) == added_up(home.layers)
    assert kept_sums(home.layers) == {}
