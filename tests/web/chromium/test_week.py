"""A week in a neighbourhood, in Chinese, on the pages of three members: as in docs/exchange.md."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from commonweal.client import Member
from commonweal.client.language.local_time.spans import Span
from commonweal.commands.node import cluster as command
from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import NotReachable
from tests.builders import chromium
from tests.builders.weal import good
from tests.web.chromium.test_first_day import go, press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WEEK_SECONDS_MAX = 300
COME_S_MAX = 30.0
LOOK_S = 0.2
LENT_MS = (1_000, 7_000)
"""A booking that begins and ends within seconds, from when it is asked."""
SKILLS = (("修自行车", "修理"), ("做一顿晚饭", "做饭"), ("西班牙语课", "西语"))
"""What Mei, Bo and Chen each offer and the next one needs, with its tag."""


class Neighbour(NamedTuple):
    """A member on their page. home: their home; page: their window."""

    home: Path
    page: Page


@pytest.fixture
def street(tmp_path: Path) -> Iterator[list[Path]]:
    """Give the homes of Mei, Bo and Chen, whose nodes run by the rules of a time bank."""
    command.found(tmp_path, 3, "time-bank")
    cluster = Cluster(tmp_path)
    names = cluster.names()
    try:
        cluster.start(names)
        cluster.wait_equal(60)
        yield [tmp_path / name for name in names]
    finally:
        for name in names:
            try:
                cluster.kill(name)
            except NotReachable:
                pass


def until(holds: Callable[[], bool], what: str) -> None:
    """Look until something holds, or fail."""
    deadline = time.monotonic() + COME_S_MAX
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_S)


def comes(page: Page, path: str, selector: str) -> None:
    """Open a page again and again until something stands there."""

    def stands() -> bool:
        go(page, path)
        return page.locator(selector).count() > 0

    until(stands, f"{selector} does not come to {path}")


def publish(page: Page, sort: str, what: str, tag: str) -> None:
    """Offer or need two hours, after a look at what becomes public."""
    go(page, f"/market/{sort}")
    page.fill("#f-what", what)
    page.fill("#f-quantity", "2")
    page.fill("#f-tags", tag)
    press(page, f"form[action^='/market/{sort}/look'] button")
    assert what in page.locator("#look").inner_text()
    press(page, f"form[action='/market/{sort}/publish'] button.main")


def sealed(home: Path) -> None:
    """Let all that is there be final."""
    good("seal", "--home", home)


@pytest.mark.timeout(WEEK_SECONDS_MAX)
def test_three_neighbours_help_in_a_ring_lend_a_bike_and_pay_hours(
    browser: Browser, street: list[Path]
) -> None:
    with ExitStack() as held:
        neighbours = []
        for home in street:
            address = held.enter_context(chromium.served(home))
            page = chromium.window(browser, address, language="zh")
            held.callback(page.context.close)
            neighbours.append(Neighbour(home, page))
        deal = ring_on_monday_and_tuesday(neighbours)
        bike_on_wednesday(neighbours)
        promises_on_thursday(neighbours, deal)
        hours_on_friday(neighbours)
        late_on_saturday(neighbours)
        balances_on_sunday(neighbours)


def ring_on_monday_and_tuesday(neighbours: list[Neighbour]) -> str:
    """Let each offer and need something, and all three agree on a ring; return its page."""
    mei, bo, chen = (one.page for one in neighbours)
    for number, (what, tag) in enumerate(SKILLS):
        publish(neighbours[number].page, "offer", what, tag)
        publish(neighbours[(number + 1) % 3].page, "need", f"需要{what}", tag)
    comes(mei, "/market", "text=需要西班牙语课")
    comes(mei, "/market", "text=需要做一顿晚饭")
    sealed(neighbours[0].home)
    comes(mei, "/market/suggestions", "a[href*='/deals/new?'][href*='&flow=']")
    press(mei, "a[href*='/deals/new?'][href*='&flow=']")
    press(mei, "form[action='/deals/new'] button.main")
    path = re.sub(r"^https?://[^/]*|#.*$", "", mei.url)
    assert re.fullmatch(r"/deals/[0-9a-f]+", path), mei.url
    for page in (bo, chen):
        comes(page, path, f"form[action='{path}/accept']")
        press(page, f"form[action='{path}/accept'] button")
    comes(mei, path, "a[href^='/give?']")
    return path


def bike_on_wednesday(neighbours: list[Neighbour]) -> None:
    """Let Mei lend a bike, which Bo books and Chen finds taken."""
    mei, bo, chen = neighbours
    good("resource", "new", "货运自行车", "1", "one", "--home", mei.home)
    good(
        *("thing", "terms", "货运自行车", "--max", "3d"),
        *("--late-fee", "1", "hour", "1h", "--home", mei.home),
    )
    booked(bo.page, "明天 9:00-17:00")
    press(bo.page, "form[action='/calendar/book'] button.main")
    comes(mei.page, "/calendar", "form[action$='/accept']")
    press(mei.page, "form[action$='/accept'] button")
    comes(bo.page, "/calendar", "text=已接受")
    booked(chen.page, "明天 12:00-14:00")
    assert chen.page.locator("form[method=post][action='/calendar/book']").count() == 0
    assert "Bo" in chen.page.locator("main").inner_text()


def booked(page: Page, when: str) -> None:
    """Look whether the bike is free for a time."""
    comes(page, "/calendar/book", "#f-thing option:has-text('货运自行车')")
    page.select_option(
        "#f-thing", label=page.locator("#f-thing option:has-text('货运自行车')").first.inner_text()
    )
    page.fill("#f-words", when)
    press(page, "form[method=get][action='/calendar/book'] button.main")


def promises_on_thursday(neighbours: list[Neighbour], deal: str) -> None:
    """Let each write down what they promised to give."""
    for neighbour in neighbours:
        page = neighbour.page
        comes(page, deal, "a[href^='/give?']")
        press(page, "a[href^='/give?']")
        press(page, "form[action^='/give/look'] button")
        press(page, "form[action='/give/record'] button.main")
    comes(neighbours[0].page, deal, 'text="完成"')


def hours_on_friday(neighbours: list[Neighbour]) -> None:
    """Let Chen pay Bo three hours."""
    page = neighbours[2].page
    go(page, "/money/balance/pay")
    page.select_option("#f-member", label="Bo")
    page.fill("#f-quantity", "3")
    press(page, "form[action='/money/balance/pay'] button.main")
    comes(page, "/money/balance", "text=-3")


def late_on_saturday(neighbours: list[Neighbour]) -> None:
    """Let Chen bring the bike back late, and pay for it."""
    mei, _, chen = neighbours
    now_ms = time.time_ns() // 1_000_000
    with Member(chen.home) as member:
        span = Span(*(now_ms + ms for ms in LENT_MS))
        booking = member.book("货运自行车", [span]).id.hex()
    path = f"/calendar/bookings/{booking}"
    for act in ("accept", "lend"):
        comes(mei.page, path, f"form[action='{path}/{act}']")
        press(mei.page, f"form[action='{path}/{act}'] button")
    time.sleep(max(0.0, (now_ms + LENT_MS[1]) / 1_000 - time.time()))
    comes(chen.page, path, f"form[action='{path}/return']")
    press(chen.page, f"form[action='{path}/return'] button")
    comes(mei.page, path, "text=已归还")
    sealed(mei.home)
    comes(chen.page, path, "a[href^='/money/balance/pay?']")
    assert "1 小时" in chen.page.locator("dl.pairs").inner_text()
    press(chen.page, "a[href^='/money/balance/pay?']")
    press(chen.page, "form[action='/money/balance/pay'] button.main")
    go(chen.page, path)
    assert chen.page.locator("a[href^='/money/balance/pay?']").count() == 0
    comes(mei.page, "/money/balance", "text=-4")
    sealed(mei.home)


def balances_on_sunday(neighbours: list[Neighbour]) -> None:
    """Look at the balances of all, which are the same on each page."""
    for neighbour in neighbours:
        comes(neighbour.page, "/money/balance", "text=-4")
        rows = neighbour.page.locator("table tbody tr").all_inner_texts()
        read = {row.split()[0]: row.split("\t")[1].strip() for row in rows}
        assert read == {"Mei": "1 小时", "Bo": "3 小时", "Chen": "-4 小时"}
