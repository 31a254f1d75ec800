"""Words of the menu stay whole, and a choice between two stays on one line, at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (320, 360, 390, 480, 641, 700, 768, 900, 961, 1024, 1280)
BROKEN = """() => [...document.querySelectorAll(".menu a span, .menu-end a span")].filter(word => {
    const text = document.createRange();
    text.selectNodeContents(word);
    return text.getClientRects().length > 1;
}).map(word => word.textContent)"""
"""The entries of the menus that stand on more than one line."""
TORN = """() => {
    const [week, month, all, mine] = document.querySelectorAll(".tabs a");
    return [[week, month], [all, mine]].filter(([one, other]) => one.offsetTop !== other.offsetTop)
        .map(([one]) => one.textContent);
}"""
"""The choices between two that stand on more than one line."""


@pytest.fixture
def calendar(browser: Browser, address: PageAddress, language: str) -> Page:
    """A window at the calendar; its entry of the menu is bold, as each is on its own page."""
    page = chromium.window(browser, address, language=language)
    page.goto(f"{address.url}/calendar")
    bold = """document.querySelectorAll(".menu a, .menu-end a").forEach(
        entry => { entry.style.fontWeight = 650; })"""
    page.evaluate(bold)
    return page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_menu_and_the_tabs_are_whole_at_every_width(calendar: Page) -> None:
    told = []
    for width in WIDTHS:
        calendar.set_viewport_size({"width": width, "height": 800})
        told += [f"{text} at {width}" for text in calendar.evaluate(BROKEN)]
        told += [f"{text} at {width}" for text in calendar.evaluate(TORN)]
    calendar.context.close()
    assert not told
