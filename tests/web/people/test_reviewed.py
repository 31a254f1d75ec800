"""Stars on the pages of people: shown once reviews are open and sealed, beside what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.client.exchange.deals.terms import ClauseTerms
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.client.exchange.dealing import agreed, at, deal


@pytest.fixture
def reviewing(tmp_path: Path) -> Commons:
    """A community in which Ana and Bo have reviewed a deal that is done; seals cover both."""
    lanxi = Commons(tmp_path)
    id = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "2", "hours"))
    clause = deal(lanxi.bo, id).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause))
    lanxi.meet()
    lanxi.seal()
    at(lanxi.ana, lambda me: me.review_deal(id, 2, on_time=False, as_agreed=True))
    at(lanxi.bo, lambda me: me.review_deal(id, 5, on_time=True, as_agreed=True))
    lanxi.meet()
    lanxi.seal()
    return lanxi


def test_stars_stand_on_the_pages_of_people_once_they_are_open(reviewing: Commons) -> None:
    bo = at(reviewing.bo, lambda me: me.view.me).hex()
    with browser(reviewing.mei.path) as mei:
        mei.get("/people")
        assert "of 5 stars" not in mei.text
        mei.get(f"/people/{bo}")
        assert "promises kept 1 of 1" in mei.text
        assert "No review of them is open yet." in mei.text
        assert "of 5 stars" not in mei.text
    for home in (reviewing.ana, reviewing.bo):
        at(home, lambda me: me.open_reviews())
    reviewing.meet()
    reviewing.seal()
    with browser(reviewing.mei.path) as mei:
        mei.get("/people")
        assert "Bo 2.0 of 5 stars, from 1 review" in mei.text
        assert "Ana 5.0 of 5 stars, from 1 review" in mei.text
        mei.get(f"/people/{bo}")
        assert "stars 2.0 of 5 stars, from 1 review on time 0 of 1 as agreed 1 of 1" in mei.text
        assert "reviews withheld" not in mei.text
        mei.get(f"/people/{bo}", "zh")
        assert "2.0" in mei.text and "1 份互评" in mei.text
