"""What was looked at has an address: a browser comes back to it, with all that was typed."""

from __future__ import annotations

import pytest

from commonweal.web.security.sessions import TYPED_MAX, Session
from tests.builders.browser import SENT_BY_BROWSERS, Browser

WORK = {"action": "work", "quantity": "3", "unit": "hours", "note": "dug beds"}
OFFER = {"what": "Bread", "quantity": "2", "unit": "pieces"}
SHEET = {"sheet": ("hours.csv", b"When,What,Hours\n2026-01-05,dug,3\n", "text/csv")}


def came_back(mei: Browser) -> str:
    """Return what a browser reads that comes back to the page it shows."""
    assert not mei.page.history or mei.page.history[0].status_code == 303
    address = str(mei.page.url)
    mei.get("/")
    answer = mei.client.get(address, headers=SENT_BY_BROWSERS, follow_redirects=False)
    assert answer.status_code == 200
    return answer.text


def test_a_contribution_that_was_looked_at_is_come_back_to(mei: Browser) -> None:
    mei.post("/give/look", WORK)
    page = came_back(mei)
    assert 'id="look"' in page
    assert 'value="3"' in page
    assert "dug beds" in page


@pytest.mark.parametrize("sort", ["offer", "need"])
def test_an_offer_that_was_looked_at_is_come_back_to(mei: Browser, sort: str) -> None:
    mei.post(f"/market/{sort}/look", OFFER)
    page = came_back(mei)
    assert 'id="look"' in page
    assert 'value="Bread"' in page


def test_a_sheet_that_was_looked_at_is_come_back_to(mei: Browser) -> None:
    mei.post("/give/sheet", files=SHEET)
    assert "Take in 1 row" in came_back(mei)


def test_rules_that_were_looked_at_are_come_back_to(mei: Browser) -> None:
    mei.post("/rules/review", {"from": "cooperative"})
    assert 'action="/rules/propose"' in came_back(mei)
    rules = mei.get("/rules/file").content
    mei.get("/rules")
    mei.post("/rules/file", files={"file": ("rules.toml", rules, "text/plain")})
    assert "From your file" in came_back(mei)


def test_a_deal_with_one_more_clause_is_come_back_to(mei: Browser) -> None:
    mei.post("/deals/new", {"given-0-action": "work", "given-0-quantity": "7", "more": "back"})
    page = came_back(mei)
    assert 'value="7"' in page
    assert 'name="back-0-quantity"' in page


@pytest.mark.parametrize("path", ["/give/look", "/market/offer/look", "/rules/review"])
def test_without_what_was_typed_the_form_is_shown(mei: Browser, path: str) -> None:
    answer = mei.get(f"{path}?typed=unknown")
    assert answer.status_code == 200
    assert answer.url.path in ("/give", "/market/offer", "/rules/change")


def test_a_session_forgets_the_earliest_of_too_many() -> None:
    session = Session("key", "token")
    names = [session.keep_typed([("note", str(n))]) for n in range(TYPED_MAX + 1)]
    assert list(session.typed) == names[1:]
