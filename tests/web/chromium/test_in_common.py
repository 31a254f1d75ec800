"""A year of three members, in Chinese, on their pages: as in docs/in-common.md."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commonweal.client.language.times import iso
from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import NotReachable
from tests.builders import chromium
from tests.builders.weal import good
from tests.web.chromium.test_first_day import go, press
from tests.web.chromium.test_week import Neighbour, comes, sealed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page

YEAR_SECONDS_MAX = 300
OPEN_MS = 25_000
"""How long the campaign is open: both pledge within it, and what follows takes longer."""
PAYMENT = "li:has-text('转让 40 欧元')"
READERS = "街道,读者\n磨坊巷,41\n"


@pytest.fixture
def printers(tmp_path: Path) -> Iterator[list[Path]]:
    """Give the homes of Mei, Bo and Chen, whose nodes run by the rules of a co-operative."""
    good("cluster", "up", "--nodes", "3", "--rules", "cooperative", "--dir", tmp_path)
    cluster = Cluster(tmp_path)
    try:
        yield [tmp_path / name for name in cluster.names()]
    finally:
        for name in cluster.names():
            try:
                cluster.kill(name)
            except NotReachable:
                pass


@pytest.mark.timeout(YEAR_SECONDS_MAX)
def test_three_members_share_a_press_data_a_buyer_and_what_they_think(
    browser: Browser, printers: list[Path]
) -> None:
    with ExitStack() as held:
        members = []
        for home in printers:
            address = held.enter_context(chromium.served(home))
            page = chromium.window(browser, address, language="zh")
            held.callback(page.context.close)
            members.append(Neighbour(home, page))
        campaign = a_press_is_pledged(members)
        data_is_used_and_paid(members)
        deal = a_buyer_is_brought(members)
        both_review(members, deal)
        the_press_is_paid(members, campaign)
        the_year_is_read(members)


def here(page: Page) -> str:
    """Return the path of a page."""
    return re.sub(r"^https?://[^/]*|#.*$", "", page.url)


def a_press_is_pledged(members: list[Neighbour]) -> str:
    """Let Mei begin a campaign, and Bo and Chen pledge to it; return its page."""
    mei, bo, chen = (member.page for member in members)
    go(mei, "/campaigns")
    press(mei, "a[href='/campaigns/new']")
    mei.fill("#f-title", "印刷机")
    mei.fill("#f-minimum", "1000")
    mei.fill("#f-unit", "EUR")
    mei.fill("#f-deadline", iso(time.time_ns() // 1_000_000 + OPEN_MS))
    press(mei, "form[action='/campaigns/new'] button.main")
    path = here(mei)
    assert re.fullmatch(r"/campaigns/[0-9a-f]+", path), mei.locator("main").inner_text()
    for page, amount in ((bo, "600"), (chen, "400")):
        comes(page, path, "#f-amount")
        page.fill("#f-amount", amount)
        press(page, f"form[action='{path}/pledge'] button.main")
    comes(mei, path, "text=若现在截止：达成")
    return path


def data_is_used_and_paid(members: list[Neighbour]) -> None:
    """Let Mei add data and consent, Bo use and pay for it, and Mei end the consent."""
    mei, bo, chen = (member.page for member in members)
    go(mei, "/data/contents")
    mei.fill("#f-name", "读者")
    file: FilePayload = {"name": "readers.csv", "mimeType": "text/csv", "buffer": READERS.encode()}
    mei.set_input_files("#f-file", file)
    press(mei, "form[action='/data/contents'] button.main")
    go(mei, "/data/consents")
    mei.fill("#f-purposes", "advertising")
    mei.fill("#f-recipients", "Bo")
    mei.fill("#f-per_use", "2")
    mei.fill("#f-unit", "EUR")
    mei.fill("#f-until", "90天")
    mei.fill("#f-notice", "Bo 想知道该印什么。")
    press(mei, "form[action='/data/consents'] button.main")
    assert "规则中没有这个用途" in mei.locator("[role=alert]").inner_text()
    mei.fill("#f-purposes", "research")
    press(mei, "form[action='/data/consents'] button.main")
    consent = here(mei)
    comes(bo, consent, "#use")
    press(bo, f"form[action='{consent}/use'] button")
    assert bo.locator("text=用途：research").count()
    go(bo, consent)
    press(bo, "a[href^='/money/balance/pay?']")
    press(bo, "form[action='/money/balance/pay'] button.main")
    go(bo, consent)
    assert bo.locator("a[href^='/money/balance/pay?']").count() == 0
    comes(mei, consent, "text=Bo 将")
    sealed(members[0].home)
    comes(bo, "/data/contents", "form[action='/data/contents/open']")
    with bo.expect_download() as download:
        bo.locator("form[action='/data/contents/open'] button").click()
    assert download.value.path().read_text("utf-8") == READERS
    go(mei, consent)
    press(mei, f"form[action='{consent}/revoke'] button")
    comes(bo, consent, "text=已撤回")
    assert bo.locator("#use").count() == 0
    go(chen, "/data/contents")
    assert chen.locator("form[action='/data/contents/open']").count() == 0


def a_buyer_is_brought(members: list[Neighbour]) -> str:
    """Let Chen bring Mei to the cards of Bo, and Mei pay for them; return the page of the deal."""
    mei, bo, chen = (member.page for member in members)
    for role in ("consumer", "promoter"):
        go(chen, "/people")
        press(chen, f"form[action='/people/claim']:has(input[value='{role}']) button")
    comes(mei, "/people", "form[action='/people/endorse']")
    press(mei, "form[action='/people/endorse'] button")
    offer(bo)
    go(bo, "/promotion")
    bo.fill("#f-rate", "5%")
    bo.fill("#f-code", "cards")
    press(bo, "form[action='/promotion/new'] button.main")
    comes(chen, "/promotion", "text=weal referral cards/")
    comes(mei, "/promotion", "text=卡片")
    mei.fill("#f-said", "cards/Chen")
    press(mei, "form[action='/promotion/referral'] button")
    assert mei.locator("#referral >> text=Chen").count()
    go(mei, "/market")
    press(mei, "a[href^='/deals/new?']")
    press(mei, "form[action='/deals/new'] button.main")
    deal = here(mei)
    comes(bo, deal, f"form[action='{deal}/accept']")
    press(bo, f"form[action='{deal}/accept'] button")
    comes(mei, deal, "a[href^='/money/balance/pay?']")
    press(mei, "a[href^='/money/balance/pay?']")
    press(mei, "form[action='/money/balance/pay'] button.main")
    assert here(mei).startswith("/why/"), "there are no balances in euros"
    comes(bo, "/attest", PAYMENT)
    press(bo, f"{PAYMENT} [data-key=y]")
    comes(bo, "/promotion", "#earned .amount:has-text('2.00')")
    press(bo, "form[action='/promotion/pay'] button")
    return deal


def offer(page: Page) -> None:
    """Offer fifty cards for forty euros."""
    go(page, "/market/offer")
    for name, text in (("what", "卡片"), ("quantity", "50"), ("unit", "个"), ("price", "40 EUR")):
        page.fill(f"#f-{name}", text)
    press(page, "form[action^='/market/offer/look'] button")
    press(page, "form[action='/market/offer/publish'] button.main")


def both_review(members: list[Neighbour], deal: str) -> None:
    """Let Mei and Bo say that the deal is done, and review each other unseen."""
    mei, bo, _ = members
    for page in (mei.page, bo.page):
        comes(page, deal, f"form[action='{deal}/done']")
        press(page, f"form[action='{deal}/done'] button")
    for page, stars, words in ((mei.page, 5, "清晰。"), (bo.page, 4, "")):
        comes(page, deal, f"form[action='{deal}/review']")
        page.check(f"form[action='{deal}/review'] input[name=rating][value='{stars}']")
        page.fill("#f-note", words)
        press(page, f"form[action='{deal}/review'] button")
    comes(mei.page, deal, "text=双方已写")
    assert mei.page.locator("text=4 星").count() == 0, "Bo's is not open yet"
    sealed(mei.home)
    for page in (mei.page, bo.page):
        comes(page, deal, "#reviews >> text=清晰。")
        comes(page, deal, "#reviews .chip-good >> nth=1")


def the_press_is_paid(members: list[Neighbour], campaign: str) -> None:
    """Let Bo and Chen pay what they pledged, and Mei attest it."""
    mei, bo, chen = (member.page for member in members)
    for page in (bo, chen):
        comes(page, campaign, "#pay")
        press(page, f"form[action='{campaign}/pay'] button.main")
    for page in (bo, chen):
        go(page, "/give?action=work&quantity=3&unit=hour&factor=labour")
        press(page, "form[action^='/give/look'] button")
        press(page, "form[action='/give/record'] button.main")
    for text in ("600", "400", "3 小时 · Bo", "3 小时 · Chen"):
        comes(mei, "/attest", f"li:has-text('{text}')")
    press(mei, "form.card[action='/attest/say'] button")
    sealed(members[0].home)
    comes(chen, campaign, "text=已收齐")


def the_year_is_read(members: list[Neighbour]) -> None:
    """Look at the reports, which say the same on each page."""
    told = []
    for member in members:
        comes(member.page, "/reports", "a[href^='/reports/of/factors']")
        texts = []
        for name in ("factors", "funnel", "kept", "things"):
            go(member.page, f"/reports/of/{name}")
            texts.append(member.page.locator("main").inner_text())
        told.append(texts)
    assert told[0] == told[1] == told[2]
    factors, funnel, kept, _ = told[0]
    assert "6,000" in factors
    assert "cards" in funnel
    assert "5.0" in kept and "4.0" in kept
