"""The first day of a community, in Chinese, from two empty folders, with nothing but the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commonweal.client import Member
from commonweal.storage.home.home import Home
from tests.builders import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_DAY_SECONDS_MAX = 180


@contextmanager
def beginner(browser: Browser, home: Path) -> Iterator[Page]:
    """Give a window on the page of an empty folder; its node and its page end with the block."""
    with chromium.served(home) as address:
        page = chromium.window(browser, address, language="zh", width=chromium.WIDTHS["narrow"])
        try:
            yield page
        finally:
            page.context.close()
            if Home(home).holder() is not None:
                with Member(home) as member:
                    member.stop_node()


def press(page: Page, selector: str) -> None:
    """Press a button and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(selector).first.click()


def go(page: Page, path: str) -> None:
    """Open another page of the same home."""
    page.goto("/".join(page.url.split("/")[:3]) + path)


def begin(page: Page, name: str) -> None:
    """Make a home, and type three of its words."""
    page.wait_for_url("**/welcome")
    page.fill("#f-name", name)
    press(page, "button.main")
    words = page.locator(".words li").all_inner_texts()
    press(page, "a.button.main")
    for place in page.locator("input[name=place]").all():
        number = int(place.get_attribute("value") or 0)
        page.fill(f"#f-word{number}", words[number - 1])
    press(page, "button.main")


def give(page: Page, hours: str, what: str) -> None:
    """Write down hours, after a look at what they become."""
    go(page, "/give")
    page.fill("#f-quantity", hours)
    page.fill("#f-note", what)
    press(page, "form[action^='/give/look'] button")
    assert "点" in page.locator("#look").inner_text()
    press(page, "form[action='/give/record'] button.main")


def attest_all(page: Page, waiting: int) -> None:
    """Say yes to what waits, one after the other, once so much has come."""
    for _ in range(waiting):
        go(page, "/attest")
        page.locator("[data-key=y]").first.wait_for()
        press(page, "[data-key=y]")


@pytest.mark.timeout(FIRST_DAY_SECONDS_MAX)
def test_two_people_found_give_attest_share_and_vote(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_LISTEN", "/ip4/127.0.0.1/tcp/0")
    monkeypatch.setenv("COMMONWEAL_MDNS", "false")
    with ExitStack() as held:
        mei = held.enter_context(beginner(browser, tmp_path / "mei"))
        bo = held.enter_context(beginner(browser, tmp_path / "bo"))
        link = founded_and_invited(mei)
        begin(bo, "阿波")
        bo.fill("#f-link", link)
        press(bo, "form[action='/welcome/join'] button.main")
        bo.wait_for_url("**/")
        gave_and_attested(mei, bo)
        shared(mei, bo)
        voted(mei, bo)


def founded_and_invited(mei: Page) -> str:
    """Found a community by the rules of a value network; return a link for a friend."""
    begin(mei, "小梅")
    mei.locator("form[action='/welcome/found'] input[name=name]").fill("兰溪")
    mei.check("input[name=rules][value=value-network]")
    press(mei, "form[action='/welcome/found'] button.main")
    mei.wait_for_url("**/")
    go(mei, "/invite")
    press(mei, "form[action='/invite'] button.main")
    return mei.input_value("#link")


def gave_and_attested(mei: Page, bo: Page) -> None:
    """Let each give and say yes to what the other gave."""
    give(bo, "3", "修篱笆")
    give(mei, "2", "做饭")
    attest_all(mei, 1)
    attest_all(bo, 1)


def shared(mei: Page, bo: Page) -> None:
    """Record an income, let the friend attest it, seal, and read why Bo has their share."""
    go(mei, "/money/income")
    mei.fill("#f-quantity", "100")
    mei.select_option("#f-unit", "EUR")
    press(mei, "form[action='/money/income'] button.main")
    attest_all(bo, 1)
    go(mei, "/node")
    press(mei, "form[action='/node/seal'] button")
    go(bo, "/money")
    assert "阿波" in bo.locator("main").inner_text()
    bo.locator("#flow summary").first.click()
    press(bo, "#flow table a[href*='bucket=']")
    press(bo, "main a[href^='/why/']")
    why = bo.locator("main").inner_text()
    assert "欧元" in why
    assert bo.locator("table.sum tfoot").count() >= 1


def voted(mei: Page, bo: Page) -> None:
    """Propose another number of a rule, and say yes after a look at what it would have paid."""
    go(mei, "/rules/change")
    number = mei.locator("input[name^='n:']").first
    number.fill(str(int(number.input_value().rstrip("%")) * 2))
    press(mei, "form[action='/rules/review'] button.main")
    while not mei.locator("#backtest figure, #backtest .empty").count():
        press(mei, "button[formaction^='/rules/review']")
    press(mei, "form[action='/rules/propose'] button.main")
    proposal = mei.url
    go(bo, "/votes")
    vote = bo.locator(f"a[href='/votes/{proposal.rpartition('/')[2].partition('#')[0]}']").first
    vote.wait_for()
    with bo.expect_navigation():
        vote.click()
    while not bo.locator("#backtest figure, #backtest .empty").count():
        bo.reload()
    press(bo, "button[name=say][value=yes]")
    assert "赞成" in bo.locator("#receipt").inner_text()
