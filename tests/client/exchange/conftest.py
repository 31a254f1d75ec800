"""A small community that trades."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="session")
def trading_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    first = tmp_path_factory.mktemp("trading")
    made = Commons(first)
    made.adopt(RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(trading_once: Callable[[], Commons]) -> Commons:
    """Mei, Bo and Ana, in whose community nothing is offered yet; a seal covers all."""
    return trading_once()
