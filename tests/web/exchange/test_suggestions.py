"""Suggestions in a browser: what suits me and why, rings, and a round for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.commons import RULES, Commons
from tests.builders.weal import founder


@pytest.fixture(scope="module")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Commons:
    """Mei, Bo and Ana could each give the next what they need; Bo's note is hostile."""
    first = tmp_path_factory.mktemp("suggestions")
    made = Commons(first)
    made.adopt(RULES, first)
    wishes = ((made.mei, "apples", "tutoring"), (made.bo, "lodging", "apples"))
    for home, offered, needed in (*wishes, (made.ana, "tutoring", "lodging")):
        with Member(home) as member:
            member.offer(f"<b>{offered}</b>", 2, "hours", tags=[offered])
            member.need(f"some {needed}", 2, "hours", tags=[needed])
        made.meet()
    made.seal()
    return made


def test_what_suits_stands_above_the_market_with_its_reasons(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/market")
        shown = mei.text.split("For you")[1].split("What others offer and need")[0]
        assert "Ana : <b>tutoring</b> · 2 hour for what I need: some tutoring" in shown
        assert "Bo : some apples · 2 hour by what I offer: <b>apples</b>" in shown
        assert "the same tags: tutoring" in shown
        assert "of 1,000 points: how they come about" in shown
        with Member(lanxi.mei) as member:
            best = member.matches().matches[0]
        assert f"{best.score:,} of 1,000" in shown
        path = f"/deals/new?flow={best.offer.hex()}-{best.need.hex()}"
        assert f'href="{path}"' in mei.page.text
        assert mei.get(path).status_code == 200
        assert "<b>" not in mei.page.text.split("<main")[1]


def test_a_choice_in_the_market_shows_the_list_alone(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        for query in ("sort=offers", "q=some", "tag=apples", "from=1"):
            mei.get(f"/market?{query}")
            assert "For you" not in mei.text


def test_a_ring_is_shown_and_leads_to_one_deal(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/market/suggestions")
        ring = mei.text.split("Rings")[1].split("A round for all")[0]
        assert "Mei → Bo" in ring
        assert "Ana → Mei" in ring
        (path,) = re.findall(r'href="(/deals/new\?flow=[0-9a-f-]+&amp;[^"]*)"', mei.page.text)
        assert path.count("flow=") == 3
        assert mei.get(path.replace("&amp;", "&")).status_code == 200
        given = re.findall(r'name="given-[0-9]-giver"[^>]* value="([^"]*)"', mei.page.text)
        assert sorted(given) == ["Ana", "Bo", "Mei"]


def test_a_round_for_all_is_shown(lanxi: Commons) -> None:
    with browser(lanxi.bo.path, language="zh") as bo:
        bo.get("/market/suggestions")
        assert "为所有人配一轮" in bo.text
        assert bo.page.text.count("flow=") >= 2


def test_where_nothing_suits_it_says_how_to_begin(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/market/suggestions")
        assert "Nothing suits what you offer and need at the last seal." in ann.text
        assert "No offer suits a need of another member." in ann.text


def test_what_suits_since_the_seal_stands_apart(
    lanxi: Commons, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy: Callable[[], Commons] = lanxi.copies(tmp_path_factory)
    made = copy()
    with Member(made.bo) as bo:
        bo.offer("a saw", 1, "hour", tags=["saw"])
    with Member(made.mei) as member:
        member.need("sawing", 1, "hour", tags=["saw"])
    made.meet()
    with browser(made.mei.path) as mei:
        mei.get("/market/suggestions")
        newer = mei.text.split("Since the last seal, and so provisional")[1].split("Rings")[0]
        assert "Bo : a saw" in newer
