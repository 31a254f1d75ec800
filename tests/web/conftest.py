"""A founder alone, for pages that need nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from tests.builders.browser import Browser, browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a founder of a value network; no node runs."""
    home = tmp_path_factory.mktemp("founder") / "mei"
    create_home(home, "Mei")
    with Member(home) as mei:
        mei.found("Lanxi", rules="value-network")
    return home


@pytest.fixture
def mei(home: Path) -> Iterator[Browser]:
    """A browser that was let in to that home, at Give."""
    with browser(home) as mei:
        mei.get("/give")
        yield mei
