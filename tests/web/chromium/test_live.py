"""A window stays up to date by itself: with a node, without it, and while somebody types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client import Member
from commonweal.node.control import daemon
from commonweal.storage.home.home import Home
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.village import LOOPBACK, Village

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_what_another_member_gives_appears_by_itself(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    with Member(lanxi.bo) as bo:
        page = chromium.window(browser, address)
        page.locator("#strip.strip-good").wait_for()
        bo.record("work", 5, "hours")
        page.get_by_text("5 hour").first.wait_for()
        assert page.locator("#live-lost").is_hidden()
        page.context.close()


def test_what_was_wrong_and_typed_stays_when_something_comes(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    with Member(lanxi.bo) as bo:
        page = chromium.window(browser, address)
        page.goto(f"{address.url}/campaigns/new")
        typed = {"title": "a press", "minimum": "1000", "unit": "EUR", "deadline": "soon"}
        for name, text in typed.items():
            page.fill(f"#f-{name}", text)
        with page.expect_navigation():
            page.click("form[action='/campaigns/new'] button.main")
        page.locator("#main [role=alert]").wait_for()
        page.locator("#strip.strip-good").wait_for()
        bo.record("work", 6, "hours")
        page.locator("#live-lost:not([hidden])").wait_for()
        assert {name: page.input_value(f"#f-{name}") for name in typed} == typed
        assert page.locator("#main [role=alert]").count() == 1
        page.context.close()


def test_the_loss_of_the_node_is_shown_and_its_return(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    with Member(lanxi.mei) as mei:
        page = chromium.window(browser, address, language="zh")
        page.locator("#strip.strip-good").wait_for()
        daemon.kill(Home(lanxi.mei))
        page.locator("#strip.strip-bad").wait_for()
        assert "节点没有运行" in page.locator("#strip").inner_text()
        mei.start_node(listen=LOOPBACK, mdns=False)
        page.locator("#strip:not(.strip-bad)").wait_for()
        page.context.close()
