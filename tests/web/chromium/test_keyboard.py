"""The keyboard alone: all that can be done on a page is reached, and the focus is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commonweal.web.pages.navigation import MENU
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABS_MAX = 200
"""A field for a date takes several."""

# What a person can use in the content; of radio buttons, the one that has the focus for all.
USABLE = """() => {
  const kinds = ["a[href]", "button", "input", "select", "textarea", "summary"];
  const parts = document.querySelectorAll(kinds.map((kind) => "#main " + kind).join(","));
  const stands = (part) => part.type !== "radio" || part.checked
    || !document.querySelector(`#main input[name="${part.name}"]:checked`);
  return [...parts]
    .filter((part) => part.checkVisibility() && part.type !== "hidden" && !part.disabled)
    .filter(stands)
    .map((part, place) => (part.dataset.place = String(place)));
}"""
# The element with the focus, and whether it is seen to have it.
FOCUSED = """() => { const part = document.activeElement, look = getComputedStyle(part);
  return {place: part.dataset.place ?? "", text: (part.textContent || "").trim(),
    is_seen: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2}; }"""


@pytest.mark.parametrize("path", [entry.path for entry in MENU])
def test_everything_of_a_page_is_reached(browser: Browser, address: PageAddress, path: str) -> None:
    page = chromium.window(browser, address)
    page.route("**/live", lambda route: route.abort())  # marks are of the page as it is now
    page.goto(f"{address.url}{path}")
    wanted = set(page.evaluate(USABLE))
    skip_to_content(page)
    reached, unseen = set(), []
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["place"] and focused["place"] not in reached:
            reached.add(focused["place"])
            unseen += [] if focused["is_seen"] else [focused["text"]]
        if wanted <= reached:
            break
    page.context.close()
    assert wanted <= reached, f"{len(wanted - reached)} of {len(wanted)} are not reached"
    assert not unseen


def skip_to_content(page: Page) -> None:
    """Press the keys that lead from the top of a page to its content."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")


def test_a_contribution_is_looked_at_by_keys(browser: Browser, address: PageAddress) -> None:
    page = chromium.window(browser, address)
    page.goto(f"{address.url}/give")
    page.locator("#f-quantity").focus()
    page.keyboard.type("1.5")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "1.5" in page.locator("#look").inner_text()
    page.context.close()
