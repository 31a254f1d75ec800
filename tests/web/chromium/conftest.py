"""One Chromium for all tests of a process, and one village for all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.village import Village, village

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent

NEEDS_CHROMIUM = pytest.mark.skipif(
    chromium.program() is None, reason="no Chromium here: apt install chromium"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder where there is no browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(NEEDS_CHROMIUM)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the browser, which believes that evil.example is here; a test opens its own windows."""
    with chromium.running("--host-resolver-rules=MAP evil.example 127.0.0.1") as started:
        yield started


@pytest.fixture(scope="session")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """Give a village of two members on two nodes."""
    with village(tmp_path_factory.mktemp("village")) as homes:
        yield homes


@pytest.fixture(scope="session")
def address(lanxi: Village) -> Iterator[PageAddress]:
    """Give the address of Mei's page."""
    with chromium.served(lanxi.mei) as served:
        yield served
