"""Barriers: axe-core finds none on any page, in any language, colours and width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from commonweal.client import Member
from commonweal.client.governance.rule_templates import text_of_rules
from commonweal.web.pages.navigation import MENU
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.commons import Commons
from tests.client.exchange.dealing import HOURS, agreed, at
from tests.web.chromium.test_hostile_layout import undertake

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.builders.village import Village

PAIRS = [("zh", "light"), ("en", "dark")]
"""Each language and each theme once: what axe finds of colours does not depend on the words."""
PATHS = [
    "/",
    "/give",
    "/give/sheet",
    "/attest",
    "/market",
    "/market?tag=bike",
    "/market?q=nothing",
    "/market/mine",
    "/market/offer",
    "/market/need",
    "/market/suggestions",
    "/money",
    "/money/income",
    "/money/balance",
    "/money/shares?pool=income",
    "/reports",
    "/reports/contributions?stage=recorded",
    "/reports/of/factors",
    "/reports/of/funnel",
    "/reports/of/kept",
    "/reports/of/things",
    "/reports/points?factor=labour",
    "/reports/members?stage=admitted",
    "/ledger",
    "/ledger?state=waiting&scope=nothing",
    "/ledger?since=soon",
    "/ledger/sql?q=SELECT+id,+action+FROM+events",
    "/calendar",
    "/calendar?view=month",
    "/calendar/book",
    "/campaigns",
    "/campaigns/new",
    "/things",
    "/things/kinds",
    "/data",
    "/data/consents",
    "/data/contents",
    "/rules",
    "/rules/change?from=cooperative",
    "/votes",
    "/deals?all=1",
    "/deals",
    "/projects",
    "/promotion",
    "/deals/new",
    "/people",
    "/invite",
    "/node",
    "/node?check=1",
    "/settings",
    "/settings/keys",
]


RULES = {"light": "{}", "dark": "{runOnly: ['color-contrast', 'link-in-text-block']}"}
"""In the dark a page has other colours, and nothing else: only the rules about colours look."""
LOOKS = {"light": ("narrow", "wide"), "dark": ("wide",)}
"""The widths at which axe looks. The middle one has no parts of its own, and a part has the same
dark colours at every width; that a page is not wider than its window is asked at each."""
WRONG = ("/ledger?since=soon",)
"""Pages that say beside a field what is wrong with it."""


def paths_of_records(home: Path) -> list[str]:
    """Return the pages of a share, a claim, contributions, a thing, a booking, a text, deals."""
    with Member(home) as member:
        (share, *_), (claim, *_) = member.shares().lines, member.claims().claims
        given = member.contributions(action="work").records
        thing = next(row.id.hex() for row in member.resources() if row.name == "ladder")
        deals = [deal.id.hex() for deal in member.deals()]
        booking = next(row.id.hex() for row in member.bookings())
    own = next(row.id.hex() for row in given if row.note == "cooked for all")
    proven = next(row.id.hex() for row in given if row.sealed)
    reasons = (share.line, claim.claim.hex(), own, proven, thing)
    return [
        *(f"/why/{id}" for id in reasons),
        f"/why/{proven}/proof",
        f"/things/{thing}",
        f"/things/{thing}/label",
        f"/calendar/bookings/{booking}",
        f"/data/erase/{own}",
        *(f"/deals/{id}" for id in deals),
        f"/deals/{deals[0]}/counter",
    ]


@pytest.mark.parametrize(("language", "theme"), PAIRS)
def test_no_page_has_a_barrier(
    browser: Browser, lanxi: Village, address: PageAddress, language: str, theme: str
) -> None:
    page = chromium.window(browser, address, language=language, theme=theme)
    paths = (*PATHS, *paths_of_records(lanxi.mei))
    told = list(barriers(page, address, paths, theme))
    page.context.close()
    assert not told, "\n".join(told)


@pytest.fixture(scope="module")
def ventures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PageAddress, list[str]]]:
    """Serve the page of Ana, who has a campaign, a project, a consent and a reviewed deal."""
    folder = tmp_path_factory.mktemp("ventures")
    rules = folder / "rules.toml"
    text = text_of_rules("cooperative").replace("vouches = 2", "vouches = 0")
    rules.write_text(text, "utf-8")
    lanxi = Commons(folder, str(rules))
    lanxi.seal()
    done = agreed(lanxi, HOURS)
    for home in (lanxi.bo, lanxi.ana):
        at(home, lambda me: me.done_deal(done))
        lanxi.meet()
    with Member(lanxi.ana) as ana:
        undertake(ana, 0, "印刷机 A press for all of us")
        ana.review_deal(done, 5, on_time=True, as_agreed=True, note="Quick and kind.")
    lanxi.seal()
    with Member(lanxi.ana) as ana:
        (campaign,), (consent,), (project,) = ana.campaigns(), ana.consents(), ana.projects()
    paths = [f"/campaigns/{campaign.id.hex()}", f"/data/consents/{consent.id.hex()}"]
    paths += [f"/projects/{project.id.hex()}", f"/deals/{done.hex()}", "/data/contents"]
    with chromium.served(lanxi.ana.path) as served:
        yield served, [*paths, "/promotion", "/reports/of/kept"]


@pytest.mark.parametrize(("language", "theme"), PAIRS)
def test_no_page_of_a_venture_has_a_barrier(
    browser: Browser, ventures: tuple[PageAddress, list[str]], language: str, theme: str
) -> None:
    address, paths = ventures
    page = chromium.window(browser, address, language=language, theme=theme)
    told = list(barriers(page, address, paths, theme))
    page.context.close()
    assert not told, "\n".join(told)


def barriers(page: Page, address: PageAddress, paths: Sequence[str], theme: str) -> Iterator[str]:
    """Yield what axe finds on pages, and at which width one is wider than its window."""
    for path in paths:
        answer = page.goto(f"{address.url}{path}")
        assert answer is not None
        assert answer.status == (422 if path in WRONG else 200), path
        page.evaluate(AXE_SCRIPT)
        for name, width in chromium.WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 800})
            found = faults(page, RULES[theme]) if name in LOOKS[theme] else []
            if is_too_wide(page):
                found.append("wider than the window")
            yield from (f"{path} at {width}: {fault}" for fault in found)


def test_every_page_of_the_menu_is_looked_at() -> None:
    assert {entry.path for entry in MENU} <= set(PATHS)


def faults(page: Page, rules: str) -> list[str]:
    """Return what axe finds on a page that has it."""
    told: list[str] = page.evaluate(
        f"""axe.run({{resultTypes: ["violations"], ...{rules}}}).then(found => found.violations.map(
            rule => rule.id + ": " + rule.nodes[0].html.slice(0, 160)))"""
    )
    return told


def is_too_wide(page: Page) -> bool:
    """Tell whether one would have to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize(
    ("theme", "found"),
    [("light", {"image-alt", "label", "color-contrast"}), ("dark", {"color-contrast"})],
)
def test_a_barrier_would_be_found(browser: Browser, theme: str, found: set[str]) -> None:
    page = browser.new_page()
    page.set_content("<img src='x.png'><input><p style='color: #888; background: #999'>grey</p>")
    page.evaluate(AXE_SCRIPT)
    assert {fault.split(":")[0] for fault in faults(page, RULES[theme])} >= found
    assert not is_too_wide(page)
    page.set_content("<p style='width: 200vw'>wide</p>")
    assert is_too_wide(page)
    page.close()
