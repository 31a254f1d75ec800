"""Money in a real browser: a claim is paid and confirmed on two nodes, and pictures can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from commonweal.client import Member
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.village import Village, village

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TEXT_PX_MIN = 11
TABS_MAX = 10

TEXT_SIZES = """() => [...document.querySelectorAll("svg.drawing text")]
    .filter(text => text.checkVisibility())
    .map(text => 12 * text.getScreenCTM().a)"""
"""How large each text of a drawing is that is shown, in pixels."""

OUTSIDE = """() => [...document.querySelectorAll("svg.drawing")]
    .filter(svg => svg.checkVisibility())
    .flatMap(svg => [...svg.querySelectorAll("text")].filter(text => {
        const [inner, outer] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
        return inner.left < outer.left - 1 || inner.right > outer.right + 1
            || inner.bottom > outer.bottom + 1;
    }).map(text => text.textContent))"""
"""The texts of drawings that are cut off by their edge."""


@pytest.fixture(scope="module")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    with village(tmp_path_factory.mktemp("village")) as homes:
        yield homes


@pytest.fixture(scope="module")
def of_mei(lanxi: Village) -> Iterator[PageAddress]:
    with chromium.served(lanxi.mei) as address:
        yield address


@pytest.fixture(scope="module")
def of_bo(lanxi: Village) -> Iterator[PageAddress]:
    with chromium.served(lanxi.bo) as address:
        yield address


def watched(page: Page) -> list[str]:
    """Return a list in which all that the page complains of will stand."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    return told


@pytest.mark.parametrize("scripts", [True, False])
def test_a_claim_is_paid_and_confirmed(
    browser: Browser, lanxi: Village, of_mei: PageAddress, of_bo: PageAddress, scripts: bool
) -> None:
    page = chromium.window(browser, of_mei, scripts=scripts, width=360)
    told = watched(page)
    page.goto(f"{of_mei.url}/money")
    page.get_by_role("link", name="Pay Bo").first.click()
    page.get_by_label("How much was paid, in EUR").fill("4")
    page.get_by_label("The community's").check()
    page.get_by_role("button", name="Record the payment").click()
    page.get_by_text("Recorded. It counts once Bo confirms it.").wait_for()
    page.context.close()
    with Member(lanxi.mei) as mei:
        said = [payment for payment in mei.payments() if payment.status == "said"]
        mei.wait_until_held(said, peers=1)
    page = chromium.window(browser, of_bo, scripts=scripts, language="zh")
    told += watched(page)
    page.goto(f"{of_bo.url}/money")
    page.get_by_role("button", name="收到了").click()
    page.get_by_text("您已确认这笔付款").wait_for()
    assert page.get_by_role("button", name="收到了").count() == 0
    page.context.close()
    with Member(lanxi.bo) as bo:
        assert {payment.status for payment in bo.payments()} == {"confirmed"}
        assert sum(claim.settled for claim in bo.claims().claims) == 4 * len(bo.payments())
    assert not told


def test_an_income_is_recorded_by_keyboard_alone(browser: Browser, of_bo: PageAddress) -> None:
    page = chromium.window(browser, of_bo)
    page.goto(f"{of_bo.url}/money")
    presses = 0
    while page.evaluate("document.activeElement.textContent") != "Record an income":
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "skip":
            page.keyboard.press("Enter")
        presses += 1
        assert presses <= TABS_MAX
    page.keyboard.press("Enter")
    page.wait_for_url("**/money/income")
    page.locator("#f-quantity").focus()
    page.keyboard.type("7.50")
    page.keyboard.press("Enter")
    page.get_by_text("Recorded: 7.50 EUR").wait_for()
    page.context.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pictures_can_be_read_at_every_width(
    browser: Browser, of_mei: PageAddress, language: str
) -> None:
    page = chromium.window(browser, of_mei, language=language)
    told = watched(page)
    for path in ("/money", "/reports"):
        page.goto(f"{of_mei.url}{path}")
        for width in chromium.WIDTHS.values():
            page.set_viewport_size({"width": width, "height": 800})
            sizes = page.evaluate(TEXT_SIZES)
            assert sizes and min(sizes) >= TEXT_PX_MIN, (path, width)
            assert page.evaluate(OUTSIDE) == [], (path, width)
            for figure in page.locator("figure.picture").all():
                drawn = figure.locator("svg.drawing")
                assert drawn.nth(0).is_visible() != drawn.nth(1).is_visible()
    page.context.close()
    assert not told
