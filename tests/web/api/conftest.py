"""Homes for tests of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from tests.builders.api_calls import Caller, calling
from tests.builders.once import made_once
from tests.web.api.village import Village


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a founder, without a node."""
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as mei:
        mei.found("Lanxi", rules="value-network")
    return tmp_path / "mei"


@pytest.fixture
def caller(home: Path) -> Iterator[Caller]:
    """One that calls the API of that home, and may write."""
    with calling(home) as caller:
        yield caller


@pytest.fixture(scope="package")
def village(tmp_path_factory: pytest.TempPathFactory) -> Village:
    """A community in which every write was called, in homes that this process alone has."""
    return made_once(tmp_path_factory, "village", Village).copied(tmp_path_factory)
