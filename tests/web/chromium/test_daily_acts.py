"""The acts of every day in a real browser: by keys alone, and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client import Member
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.village import Village

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_keys_move_among_what_waits_and_answer_it(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    with Member(lanxi.bo) as bo:
        more = [bo.record("work", n, "hours", note="by keys") for n in (1, 2)]
        bo.wait_until_held(more, peers=1)
    page = chromium.window(browser, address)
    page.goto(f"{address.url}/attest")
    rows = page.locator("[data-keys] > li")
    first, second = rows.nth(0).get_attribute("id"), rows.nth(1).get_attribute("id")
    focused = "document.activeElement.id"
    for key, place in (("j", first), ("j", second), ("k", first), ("k", first)):
        page.keyboard.press(key)
        assert page.evaluate(focused) == place
    page.keyboard.press("n")
    page.wait_for_selector(".notice")
    assert "You said no to 1 contribution." in page.locator(".notice").inner_text()
    assert page.locator(f"#{first}").count() == 0
    assert page.evaluate(focused) == second
    page.context.close()


def test_without_scripts_one_offers_and_takes_what_another_offers(
    browser: Browser, address: PageAddress
) -> None:
    page = chromium.window(browser, address, scripts=False)
    page.goto(f"{address.url}/market/offer")
    page.fill("#f-what", "Help with moving")
    page.fill("#f-quantity", "3")
    page.fill("#f-until", "in 2 weeks")
    page.click("button:has-text('See what becomes public')")
    assert "All members can read it" in page.locator("#look").inner_text()
    page.click("#look button:has-text('Publish it')")
    assert page.locator(".notice").inner_text() == "It is published."
    mine = page.locator(".offers > li", has_text="Help with moving")
    mine.locator("input[name=until]").fill("in 3 weeks")
    mine.locator("button:has-text('Renew')").click()
    assert page.locator(".notice").inner_text() == "It stands longer now."
    page.locator(".offers > li", has_text="Help with moving").locator(
        "button:has-text('Withdraw')"
    ).click()
    assert page.locator(".offers > li", has_text="Help with moving").count() == 0
    page.goto(f"{address.url}/market?sort=needs")
    page.fill("input[name=quantity]", "1.5")
    page.click("button:has-text('Propose a deal')")
    assert page.input_value("input[name=given-0-quantity]") == "1.5"
    assert page.input_value("input[name=back-0-quantity]") == "30"
    page.context.close()


def test_without_scripts_one_gives_and_puts_off(browser: Browser, address: PageAddress) -> None:
    page = chromium.window(browser, address, scripts=False)
    page.goto(f"{address.url}/give")
    page.fill("#f-quantity", "1")
    page.click("button:has-text('See what it becomes')")
    assert "1 hour = 1,000 points" in page.locator("#look").inner_text()
    page.click("#look button:has-text('Record')")
    assert page.locator(".notice").inner_text() == "It is written down."
    page.click("button:has-text('Withdraw it')")
    assert "Withdrawn" in page.locator(".notice").inner_text()
    page.goto(f"{address.url}/")
    page.locator("button:has-text('Later')").first.click()
    assert page.locator(".notice").inner_text() == "Put off until tomorrow."
    page.click("button:has-text('Show it now')")
    page.context.close()


def test_one_comes_back_to_what_was_looked_at_and_it_is_written_once(
    browser: Browser, lanxi: Village, address: PageAddress
) -> None:
    page = chromium.window(browser, address)
    page.goto(f"{address.url}/give")
    page.fill("#f-quantity", "1.25")
    page.fill("#f-note", "and back")
    page.click("button:has-text('See what it becomes')")
    page.click("#look button:has-text('Record')")
    assert page.locator(".notice").inner_text() == "It is written down."
    page.go_back()
    assert page.input_value("#f-quantity") == "1.25"
    assert page.input_value("#f-note") == "and back"
    page.click("#look button:has-text('Record')")
    assert page.locator(".notice").inner_text() == "It is written down."
    with Member(lanxi.mei) as mei:
        rows = [row for row in mei.contributions().records if row.note == "and back"]
    assert len(rows) == 1
    page.context.close()
