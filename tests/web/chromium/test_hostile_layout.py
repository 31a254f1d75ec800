"""Hostile texts of the ledger in a real browser: nothing runs, and nothing is too wide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commonweal.client import Member, create_home
from commonweal.client.home.submit import now_ms
from commonweal.web.pages.navigation import MENU
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NARROW = chromium.WIDTHS["narrow"]
TEXTS = (
    "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\">",
    "a" + "\u0300\u0489\u033f" * 12,
    "\u202egnp.exe\u2066",
    "x" * 300,
    "界" * 300,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 40,
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageAddress]:
    """Serve the page of a member who wrote all of them, wherever a text can stand."""
    home: Path = tmp_path_factory.mktemp("layout") / "mei"
    create_home(home, "Mei")
    with Member(home) as mei:
        mei.found("Lanxi", rules="value-network")
        for text in TEXTS:
            mei.record("work", 1, "hour", note=text, scope="garden" * 9)
            mei.add_resource("x" * 60, 1, "piece", note=text)
            thing = mei.set_terms(mei.resources(there=True)[-1].id)
            begin_ms = now_ms() + 60_000
            mei.block_thing(thing.thing_id, begin_ms, begin_ms + 3_600_000, note=text)
            mei.offer(text[:100], 1, "hour", note=text, tags=["w" * 64], place="x" * 32)
        mei.propose_decision("".join(TEXTS))
    with chromium.served(home) as served:
        yield served


@pytest.mark.parametrize("path", [*(entry.path for entry in MENU), "/market/mine"])
def test_no_text_runs_or_widens_a_page(browser: Browser, address: PageAddress, path: str) -> None:
    page = chromium.window(browser, address, width=NARROW)
    try:
        page.goto(f"{address.url}{path}")
        assert page.locator("main").count() == 1
        assert page.title() != "ran"
        assert page.locator("main script, main img, [onerror]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    finally:
        page.context.close()
