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
    from playwright.sync_api import Browser, Page

SHOWN_MIN = 3
NARROW = chromium.WIDTHS["narrow"]
TEXTS = (
    "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\">",
    "a" + "\u0300\u0489\u033f" * 12,
    "\u202egnp.exe\u2066",
    "x" * 300,
    "界" * 300,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 40,
)
OF_VENTURES = (TEXTS[0], TEXTS[2], TEXTS[3])
"""As many as a member may have projects open."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageAddress]:
    """Serve the page of a member who wrote all of them, wherever a text can stand."""
    home: Path = tmp_path_factory.mktemp("layout") / "mei"
    create_home(home, "Mei")
    with Member(home) as mei:
        mei.found("Lanxi", rules="cooperative")
        mei.seal()  # before any, a consent has no time from which it could last
        for text in TEXTS:
            mei.record("work", 1, "hour", note=text, scope="garden" * 9)
            mei.add_resource("x" * 60, 1, "piece", note=text)
            thing = mei.set_terms(mei.resources(there=True)[-1].id)
            begin_ms = now_ms() + 60_000
            mei.block_thing(thing.thing_id, begin_ms, begin_ms + 3_600_000, note=text)
            mei.offer(text[:100], 1, "hour", note=text, tags=["w" * 64], place="x" * 32)
        for number, text in enumerate(OF_VENTURES):
            undertake(mei, number, text)
        mei.propose_decision("".join(TEXTS))
    with chromium.served(home) as served:
        yield served


def undertake(mei: Member, number: int, text: str) -> None:
    """Let a member promote, raise a sum, open a project, and let others use data."""
    offer = mei.offer(text[:100], 1, "hour", note=text)
    mei.promote(offer.id, rate="5%", code=f"code{number}")
    campaign = mei.begin_campaign(text[:90], "1000", "EUR", "20d", note=text)
    mei.pledge(campaign.id, "1")
    mei.open_project(f"project {number}" + "w" * 50, text)
    name = f"data {number}" + "x" * 50
    mei.add_content(text.encode(), text[:50], name, note=text)
    mei.grant_consent(name, ["research"], ["all"], text, end_ms=now_ms() + 60_000)


MORE = ("/market/mine", "/promotion", "/data/contents", "/data/consents", "/reports/of/kept")
EACH = ("/campaigns/", "/data/consents/", "/projects/")
"""Pages of one record, found by their links on the page of all."""


@pytest.mark.parametrize("path", [*(entry.path for entry in MENU), *MORE])
def test_no_text_runs_or_widens_a_page(browser: Browser, address: PageAddress, path: str) -> None:
    page = chromium.window(browser, address, width=NARROW)
    try:
        is_harmless(page, f"{address.url}{path}")
    finally:
        page.context.close()


@pytest.mark.parametrize("above", EACH)
def test_no_text_runs_or_widens_the_page_of_a_record(
    browser: Browser, address: PageAddress, above: str
) -> None:
    page = chromium.window(browser, address, width=NARROW)
    try:
        page.goto(f"{address.url}{above.rstrip('/')}")
        links = page.locator(f"main a[href^='{above}']").all()
        paths = {str(link.get_attribute("href")) for link in links} - {f"{above}new"}
        assert len(paths) >= SHOWN_MIN
        for path in paths:
            is_harmless(page, f"{address.url}{path}")
    finally:
        page.context.close()


def is_harmless(page: Page, url: str) -> None:
    """Look at a page: nothing of the ledger runs on it, and it is no wider than the window."""
    page.goto(url)
    assert page.locator("main").count() == 1
    assert page.title() != "ran"
    assert page.locator("main script, main img, [onerror]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, url
