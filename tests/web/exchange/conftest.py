"""A community that lends: what the pages of the exchange show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.lenders import Lenders


@pytest.fixture
def lenders(tmp_path: Path) -> Lenders:
    """Give a community that lends."""
    return Lenders(tmp_path / "lenders")


@pytest.fixture(scope="session")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Lenders:
    """Give a community that lends, for what is refused; nothing is written in it."""
    return Lenders(tmp_path_factory.mktemp("unchanged") / "lenders")
