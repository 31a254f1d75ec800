"""Communities for the tests of commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community."""
    first = tmp_path_factory.mktemp("commons")
    made = Commons(first)
    made.adopt(RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()
