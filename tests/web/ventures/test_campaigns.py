"""Campaigns on the page: begun, pledged to, paid and cancelled by forms, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.client.home.submit import now_ms
from commonweal.client.sharing import seals
from tests.builders.browser import Browser, browser
from tests.builders.commons import Commons

HOUR_MS = 3_600_000
TERMS = {"title": "a press", "minimum": "1000", "unit": "EUR", "deadline": "40h", "pay_by": "80h"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community with a seal."""
    made = Commons(tmp_path_factory.mktemp("page"))
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def begins(page: Browser, **over: str) -> int:
    page.get("/campaigns/new")
    return page.post("/campaigns/new", TERMS | over).status_code


def the_id(lanxi: Commons) -> str:
    with Member(lanxi.mei) as member:
        (campaign,) = member.campaigns()
    return campaign.id.hex()


def acts(page: Browser, id: str, act: str, **typed: str) -> int:
    page.get(f"/campaigns/{id}")
    return page.post(f"/campaigns/{id}/{act}", typed).status_code


def test_the_empty_page_says_what_a_campaign_is_for(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get("/campaigns").status_code == 200
        assert "No campaign is running." in mei.text
        assert "nobody holds the money in between" in mei.text


def test_a_campaign_is_begun_pledged_to_and_paid(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    with browser(lanxi.mei.path) as mei:
        assert begins(mei, note="Printing.") == 200
        assert "The campaign has begun." in mei.text
        assert "If it closed now: not met, 1,000 EUR are missing." in mei.text
    lanxi.meet()
    lanxi.seal()
    id = the_id(lanxi)
    with browser(lanxi.bo.path) as bo:
        assert acts(bo, id, "pledge", amount="1000") == 200
        assert "You owe nothing before a seal finds the campaign met." in bo.text
        assert "If it closed now: met." in bo.text
        assert acts(bo, id, "pledge", amount="many") == 422
        assert 'id="e-amount"' in bo.page.text and 'value="many"' in bo.page.text
        bo.get("/campaigns")
        assert "1,000 of 1,000 EUR pledged" in bo.text and "you pledge 1,000" in bo.text
        assert 'value="100"' in bo.page.text, "the bar is full"
        assert "1 whole day left by the last seal" in bo.text
    lanxi.seal()
    monkeypatch.setattr(seals, "now_ms", lambda: now_ms() + 41 * HOUR_MS)
    lanxi.seal()
    with browser(lanxi.bo.path) as bo:
        bo.get(f"/campaigns/{id}")
        assert "You owe the community 1,000 EUR." in bo.text
        assert acts(bo, id, "pay", paid="400") == 200
        assert "It counts once others attest it." in bo.text
        assert "600" in bo.text
        assert acts(bo, id, "pay", paid="0") == 422


def test_what_would_not_count_is_said_beside_the_field(lanxi: Commons) -> None:
    before = lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        assert begins(mei, deadline="some day") == 422
        assert 'id="e-deadline"' in mei.page.text and 'value="a press"' in mei.page.text
        assert begins(mei, minimum="0") == 422
        assert 'id="e-minimum"' in mei.page.text
        assert begins(mei, title="") == 422
        assert begins(mei, keep="yes") == 422
    assert lanxi.records(lanxi.mei) == before


def test_a_pledge_is_taken_back_and_the_campaign_cancelled(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        assert begins(mei, maximum="1200") == 200
        id = the_id(lanxi)
        assert acts(mei, id, "pledge", amount="1300") == 200
        assert "a part of it would not count" in mei.text
        assert acts(mei, id, "pledge", amount="1300", part="yes") == 200
        assert "1,200 of it would count" in mei.text
        mei.get(f"/campaigns/{id}")
        assert "Propose to cancel it" in mei.text
        assert acts(mei, id, "withdraw") == 200
        assert acts(mei, id, "cancel") == 200
        assert "It was cancelled." in mei.text
        assert acts(mei, id, "withdraw") == 422


def test_a_vote_cancels_where_something_is_pledged(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        begins(mei, reward="2", reward_unit="kg")
        id = the_id(lanxi)
        assert "is promised 2 kilogram" in mei.text
        acts(mei, id, "pledge", amount="5")
        assert acts(mei, id, "cancel", vote="yes") == 200
        assert "Members vote on it now." in mei.text
        mei.get("/votes")
        assert "cancel the campaign a press" in mei.text
        assert mei.get("/campaigns/zz").status_code == 404
