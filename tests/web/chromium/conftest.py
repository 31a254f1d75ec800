"""One Chromium for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders import chromium

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
