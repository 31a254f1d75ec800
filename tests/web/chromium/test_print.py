"""On paper a page has what there is to read, black on white, and nothing to press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.web.chromium.test_barriers import PATHS, paths_of_records

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.builders.village import Village

PAPER_PX = 718
"""The width of A4 within usual margins, 190 mm, at 96 dots per inch."""
PRESSED = "button, .button, summary, .menu, .menu-end, .strip"


def test_a_page_on_paper_has_nothing_to_press_and_fits(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    page = chromium.window(browser, address, theme="dark", width=PAPER_PX)
    page.emulate_media(media="print")
    told = []
    for path in (*PATHS, *paths_of_records(lanxi.mei)):
        page.goto(f"{address.url}{path}")
        pressed = page.locator(PRESSED).locator("visible=true").count()
        told += [f"{path}: {pressed} to press"] * bool(pressed)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            told.append(f"{path}: wider than the paper")
        assert page.locator("h1").is_visible(), path
    page.goto(f"{address.url}/money")
    colours = page.evaluate(
        "[getComputedStyle(document.documentElement).backgroundColor,"
        " ...['h1', '.soft'].map(name => getComputedStyle(document.querySelector(name)).color)]"
    )
    page.context.close()
    assert not told, "\n".join(told)
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)", "rgb(68, 68, 68)"]
