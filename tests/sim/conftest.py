"""What spares a simulation work that changes no result: on signatures, and on searching garbage.

A signature is good or bad for ever: each is checked once, not by each node. The objects of pytest
and of the product live for ever: no search for garbage looks at them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import lru_cache

import pytest
from nacl import bindings

from tests.sim.world.world import World

REMEMBERED = 50_000
OBJECTS_BETWEEN_SEARCHES = 100_000
_CHECKED = lru_cache(REMEMBERED)(bindings.crypto_sign_open)


@pytest.fixture(autouse=True)
def _remembered_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "crypto_sign_open", _CHECKED)


@pytest.fixture(autouse=True)
def _closed_worlds() -> Iterator[None]:
    """Close what a test leaves: a query of `weal sql` before it bounds the memory of SQLite."""
    yield
    for world in list(World.made):
        world.close()
    World.made.clear()


@pytest.fixture(scope="package", autouse=True)
def _seldom_searched() -> Iterator[None]:
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES, *before[1:])
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
