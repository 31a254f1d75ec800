"""Barriers: axe-core finds none on any page, in any language, colours and width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from commonweal.client import Member
from commonweal.web.pages.navigation import MENU
from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.builders.village import Village

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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_has_a_barrier(
    browser: Browser, lanxi: Village, address: PageAddress, language: str, theme: str
) -> None:
    page = chromium.window(browser, address, language=language, theme=theme)
    told = []
    for path in (*PATHS, *paths_of_records(lanxi.mei)):
        answer = page.goto(f"{address.url}{path}")
        assert answer is not None
        assert answer.status == (422 if path in WRONG else 200), path
        page.evaluate(AXE_SCRIPT)
        for width in chromium.WIDTHS.values():
            page.set_viewport_size({"width": width, "height": 800})
            told += [f"{path} at {width}: {fault}" for fault in faults(page, RULES[theme])]
    page.context.close()
    assert not told, "\n".join(told)


def test_every_page_of_the_menu_is_looked_at() -> None:
    assert {entry.path for entry in MENU} <= set(PATHS)


def faults(page: Page, rules: str) -> list[str]:
    """Return what axe finds on a page that has it, and whether it is wider than the window."""
    told: list[str] = page.evaluate(
        f"""axe.run({{resultTypes: ["violations"], ...{rules}}}).then(found => found.violations.map(
            rule => rule.id + ": " + rule.nodes[0].html.slice(0, 160)))"""
    )
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        told.append("wider than the window")
    return told


@pytest.mark.parametrize(
    ("theme", "found"),
    [("light", {"image-alt", "label", "color-contrast"}), ("dark", {"color-contrast"})],
)
def test_a_barrier_would_be_found(browser: Browser, theme: str, found: set[str]) -> None:
    page = browser.new_page()
    page.set_content("<img src='x.png'><input><p style='color: #888; background: #999'>grey</p>")
    page.evaluate(AXE_SCRIPT)
    assert {fault.split(":")[0] for fault in faults(page, RULES[theme])} >= found
    page.close()
