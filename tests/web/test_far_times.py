"""Times that no calendar has, as another member may state them: all pages are shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.home.submit import now_ms
from commonweal.node.service.events import Text, Wish
from commonweal.web.pages.navigation import MENU
from tests.builders import homes
from tests.builders.browser import Browser, browser
from tests.builders.commons import Commons

FAR_MS = 2**62
HOUR_MS = 3_600_000
PAGES_MAX = 80


@pytest.fixture
def lanxi(tmp_path: Path) -> Commons:
    """A community in which Bo states far times in all that Mei sees of Bo."""
    lanxi = Commons(tmp_path)
    rows = lanxi.json(lanxi.mei, "members")["members"]
    bo, mei = (
        next(bytes.fromhex(row["member"]) for row in rows if row["name"] == name)
        for name in ("Bo", "Mei")
    )
    hour: dict[str, Any] = {"effortQuantity": {"n": 1, "scale": 0, "unit": "hour"}}
    far = {"hasBeginning": FAR_MS, "hasEnd": FAR_MS + 1, "due": FAR_MS}
    soon = {"hasBeginning": now_ms() + HOUR_MS, "hasEnd": FAR_MS}
    project: dict[str, Any] = {"name": "alpha", "split": "equal", "end": FAR_MS}
    homes.write(lanxi.bo, Wish("project", project, text=Text("text/plain", b"x")))
    work: dict[str, Any] = {"action": "work", "provider": bo, "receiver": mei} | hour
    for span in (far, soon):
        (clause,) = homes.write(lanxi.bo, Wish("commitment", work | span | {"clause": True}))
        deal: dict[str, Any] = {"stipulates": [clause["id"]], "answerBy": FAR_MS}
        homes.write(lanxi.bo, Wish("agreement", deal, deps=(clause["id"],)))
        homes.write(lanxi.bo, Wish("commitment", work | span))
        for side in ("provider", "receiver"):
            homes.write(lanxi.bo, Wish("intent", {"action": "work", side: bo} | hour | span))
    for when in ({}, {"hasPointInTime": FAR_MS}, {"hasPointInTime": -FAR_MS}):
        homes.write(lanxi.bo, Wish("event", {"action": "work", "provider": bo} | hour | when))
    lanxi.meet()
    return lanxi


def test_a_time_that_no_calendar_has_breaks_no_page(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as page:
        seen = walked(page)
    assert len(seen) > len(MENU)
    assert {f"/{name}" for name in ("projects", "deals")} <= seen.keys()
    assert any(f"{FAR_MS} ms" in text for text in seen.values()), "the far time is said somewhere"


def walked(page: Browser) -> dict[str, str]:
    """Return the texts of the pages that one comes to from the first one, by their addresses."""
    found, seen = ["/"], dict[str, str]()
    while found and len(seen) < PAGES_MAX:
        path = found.pop(0)
        if path in seen:
            continue
        answer = page.get(path)
        assert answer.status_code < 400, f"{path}: {answer.status_code}"
        seen[path] = answer.text
        found += re.findall(r'href="(/[a-z][^"#?]*)"', answer.text)
    return seen


def test_a_time_that_no_calendar_has_breaks_no_command(lanxi: Commons) -> None:
    deals = lanxi.json(lanxi.mei, "deal", "list")["deals"]
    assert len(deals) == 2
    for words in (
        *(["inbox"], ["status"], ["deal", "list"], ["market"], ["calendar"], ["project", "list"]),
        *(["ledger"], ["report", "factors"]),
        *(["deal", "show", deal["id"]] for deal in deals),
    ):
        lanxi.good(lanxi.mei, *words)
        lanxi.json(lanxi.mei, *words)


def test_a_time_that_no_calendar_has_breaks_no_export(lanxi: Commons) -> None:
    for form in ("csv", "json", "valueflows", "ical", "hledger", "beancount"):
        lanxi.good(lanxi.mei, "export", form)
