"""The market in a browser: what others offer, what is mine, and publishing after a look."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.web.pages.exchange import market as page
from tests.builders.browser import Browser, browser
from tests.builders.commons import RULES, Commons
from tests.builders.weal import founder

FORM = {"what": "Bike repair", "quantity": "2", "unit": "hours", "price": "", "tags": ""}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Bo and Mei offer and need something."""
    first = tmp_path_factory.mktemp("market")
    made = Commons(first)
    made.adopt(RULES, first)
    with Member(made.bo) as bo:
        bo.offer("Bike repair", 2, "hours", price=["10 EUR"], tags=["bike"], note="<b>bring it</b>")
        bo.need("Plumber", 2, "hours", price=["20 EUR an hour"], due="in 2 weeks", minimum="1")
        bo.offer("For Ana alone", 1, "hour", to=["Ana"])
    with Member(made.mei) as mei:
        mei.offer("Childcare", 3, "hours", until="in 3 weeks")
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture(scope="module")
def read_only(scene: Callable[[], Commons]) -> Commons:
    return scene()


def ids(lanxi: Commons, title: str) -> str:
    with Member(lanxi.mei) as mei:
        (id,) = (row.id.hex() for row in mei.market(state="all").offers if row.title == title)
    return id


def published(mei: Browser, sort: str, **form: str) -> None:
    """Look at what becomes public, then publish it."""
    mei.get(f"/market/{sort}")
    mei.post(f"/market/{sort}/look", FORM | form)
    assert "What becomes public" in mei.text
    mei.post(f"/market/{sort}/publish", FORM | form)
    assert mei.page.url.path == "/market/mine"


def test_it_lists_what_others_offer_and_need(read_only: Commons) -> None:
    with browser(read_only.mei.path) as mei:
        mei.get("/market")
        assert "offer Bike repair 2 hour · for 10 EUR Bo" in mei.text
        assert "need Plumber 2 hour at least 1 at once · gives 20 EUR per hour Bo" in mei.text
        assert "&lt;b&gt;bring it&lt;/b&gt;" in mei.page.text
        assert "Childcare" not in mei.text
        assert "For Ana alone" not in mei.text
        assert "Mine: 1" in mei.text
        assert "As it stands at the last seal, #2:" in mei.text
        assert f'href="/deals/new?offer={ids(read_only, "Bike repair")}"' in mei.page.text
        mei.get("/market", language="zh")
        assert "每小时 20 欧元" in mei.text


def test_a_line_leads_to_a_deal_filled_in_with_it(read_only: Commons) -> None:
    repair, plumber = ids(read_only, "Bike repair"), ids(read_only, "Plumber")
    with browser(read_only.mei.path) as mei:
        mei.get("/market?sort=needs")
        assert f'name="offer" value="{plumber}"' in mei.page.text
        assert 'name="quantity" inputmode="decimal" autocomplete="off" required value="2"' in (
            mei.page.text
        )
        assert mei.get(f"/deals/new?offer={plumber}&quantity=1.5&unit=hour").status_code == 200
        given = dict(
            re.findall(r'name="((?:given|back)-0-[a-z]+)"[^>]* value="([^"]*)"', mei.page.text)
        )
        assert (given["given-0-quantity"], given["back-0-quantity"]) == ("1.5", "30")
        assert mei.get(f"/deals/new?offer={repair}").status_code == 200


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("sort=offers", ["Bike repair"]),
        ("sort=needs", ["Plumber"]),
        ("tag=bike", ["Bike repair"]),
        ("tag=%23Bike", ["Bike repair"]),
        ("q=plumb", ["Plumber"]),
        ("q=nothing", []),
        ("sort=&tag=&q=", ["Plumber", "Bike repair"]),
        ("from=1", ["Bike repair"]),
        ("from=x", ["Plumber", "Bike repair"]),
        ("state=ended", []),
    ],
)
def test_what_is_shown_stands_in_the_address(
    read_only: Commons, query: str, titles: list[str]
) -> None:
    with browser(read_only.mei.path) as mei:
        assert mei.get(f"/market?{query}").status_code == 200
        listed = re.findall(r"<strong>(?:<bdi[^>]*>)?([^<]*)", mei.page.text)
        assert listed == titles


def test_a_tag_that_nobody_uses_is_said_with_the_nearest(read_only: Commons) -> None:
    with browser(read_only.mei.path) as mei:
        assert mei.get("/market?tag=bik").status_code == 422
        assert "the nearest is bike" in mei.text
        assert "Bike repair" in mei.text, "all of it is listed"


def test_a_long_list_comes_in_parts(read_only: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "OFFERS_SHOWN", 1)
    with browser(read_only.mei.path) as mei:
        mei.get("/market?q=e")
        assert 'rel="next" href="/market?sort=&amp;q=e&amp;tag=&amp;from=1"' in mei.page.text
        mei.get("/market?q=e&from=1")
        assert "Before" in mei.text
        assert 'rel="next"' not in mei.page.text


def test_it_says_what_becomes_public_and_writes_nothing(read_only: Commons) -> None:
    before = read_only.records(read_only.mei)
    with browser(read_only.mei.path) as mei:
        mei.get("/market/offer")
        form = FORM | {"price": "30 EUR an hour", "tags": "bike，repair", "until": "31.12."}
        mei.post("/market/offer/look", form | {"to": "Bo, producer", "note": "all <i>day</i>"})
        said = mei.text.split("What becomes public")[1].split("What I offer")[0]
        assert "Bike repair : 2 hour" in said or "Bike repair: 2 hour" in said
        assert "30 EUR per hour" in said
        assert "bike, repair" in said
        assert "Bo, producer" in said
        assert "All members can read it" in said
        assert "Others can read it, too" in said
        assert "&lt;i&gt;day&lt;/i&gt;" in mei.page.text
    assert read_only.records(read_only.mei) == before


def test_an_offer_is_published_once_and_stands_among_mine(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    with browser(lanxi.mei.path) as mei:
        form = {"price": "10 EUR", "tags": "bike, repair", "until": "in 2 weeks", "note": "fast"}
        published(mei, "offer", **form)
        assert "It is published." in mei.text
        assert "Bike repair open" in mei.text
        published(mei, "need", what="Apples", quantity="2", unit="kg", due="friday", common="1")
        assert "need Apples open" in mei.text
    with Member(lanxi.mei) as me:
        apples, repair, _childcare = me.market(mine=True).offers
    assert (repair.title, repair.note, repair.tags) == ("Bike repair", "fast", ("bike", "repair"))
    assert (apples.sort, apples.agent_name) == ("need", "the community")
    assert apples.due_ms == apples.end_ms


def test_a_form_that_is_sent_twice_writes_once(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    with browser(lanxi.mei.path) as mei:
        mei.get("/market/offer")
        shown = mei.page
        mei.post("/market/offer/publish", FORM)
        after = lanxi.records(lanxi.mei)
        mei.page = shown
        mei.post("/market/offer/publish", FORM)
        assert mei.page.url.path == "/market/mine"
    assert lanxi.records(lanxi.mei) == after


@pytest.mark.parametrize(
    ("form", "field", "said"),
    [
        ({"quantity": "0"}, "quantity", "0 is nothing"),
        ({"quantity": "x"}, "quantity", "cannot be read"),
        ({"unit": "m"}, "unit", "metre or minute"),
        ({"what": ""}, "what", "1 to 100"),
        ({"until": "soon"}, "until", "soon"),
        ({"until": "2020-01-01"}, "until", "is past"),
        ({"due": "2020-01-01"}, "due", "is past"),
        ({"since": "in 9 days", "until": "in 8 days"}, "until", "later end"),
        ({"minimum": "3"}, "minimum", "name less"),
        ({"price": "much"}, "price", "is no price"),
        ({"tags": "bike, bіke"}, "tags", "look"),
        ({"to": "Nobody"}, "to", "Nobody"),
        ({"resource": "nope"}, "resource", "nope"),
        ({"spec": "nope"}, "spec", "nope"),
        ({"place": "x" * 40}, "place", "32"),
        ({"scope": "\u202e"}, "scope", "visible"),
        ({"unit": "furlong"}, "", "added under Things"),
    ],
)
@pytest.mark.parametrize("sort", ["offer", "need"])
def test_what_is_wrong_stands_beside_its_field(
    read_only: Commons, sort: str, form: dict[str, str], field: str, said: str
) -> None:
    before = read_only.records(read_only.mei)
    with browser(read_only.mei.path) as mei:
        for act in ("look", "publish"):
            mei.get(f"/market/{sort}")
            assert mei.post(f"/market/{sort}/{act}", FORM | form).status_code == 422
            pattern = rf'id="e-{field}" role="alert">([^<]*)' if field else r'role="alert">([^<]*)'
            (error,) = re.findall(pattern, mei.page.text)
            assert said in error
    assert read_only.records(read_only.mei) == before


def test_mine_is_renewed_paused_opened_and_withdrawn(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    with browser(lanxi.mei.path) as mei:
        mei.get("/market/mine")
        assert "Childcare open final #2" in mei.text
        id = ids(lanxi, "Childcare")
        mei.post("/market/renew", {"id": id, "until": "in 1 week"})
        assert mei.page.status_code == 422
        assert "name a later day" in mei.text
        mei.post("/market/renew", {"id": id, "until": "in 5 weeks"})
        assert "It stands longer now." in mei.text
        id = re.findall(r'name="id" value="([0-9a-f]{64})"', mei.page.text)[0]
        mei.post("/market/pause", {"id": id, "paused": "yes"})
        assert "Childcare paused" in mei.text
        mei.post("/market/pause", {"id": id, "paused": "no"})
        assert "Childcare open" in mei.text
        mei.post("/market/withdraw", {"id": id})
        assert "You offer and need nothing at the moment." in mei.text


def test_what_is_another_s_is_not_changed_by_a_form(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    before = lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        for form in ("renew", "pause", "withdraw"):
            mei.get("/market/mine")
            for id in (ids(lanxi, "Bike repair"), "f" * 64, "x"):
                assert mei.post(f"/market/{form}", {"id": id, "paused": "yes"}).status_code == 422
                assert 'role="alert"' in mei.page.text
    assert lanxi.records(lanxi.mei) == before


def test_a_market_where_nothing_is_says_how_to_begin(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/market")
        assert "Nobody has offered or asked for anything yet." in ann.text
        ann.get("/market/mine")
        assert "You offer and need nothing at the moment." in ann.text
        assert ann.get("/market/nothing").url.path == "/market"


def test_a_form_is_filled_in_as_the_address_says(read_only: Commons) -> None:
    with browser(read_only.mei.path) as mei:
        mei.get("/market/need?what=Plumber&tags=home")
        assert 'value="Plumber"' in mei.page.text
        assert 'value="home"' in mei.page.text


def test_an_end_that_waits_leads_to_mine(
    scene: Callable[[], Commons], monkeypatch: pytest.MonkeyPatch
) -> None:
    lanxi = scene()
    with Member(lanxi.mei) as me:
        (offer,) = me.market(mine=True).offers
    assert offer.end_ms is not None
    monkeypatch.setattr(
        "commonweal.client.exchange.offer_notices.sealed_at", lambda _view: offer.end_ms
    )
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        assert "end of an offer it has ended: Childcare" in mei.text
        assert f'href="/market/mine#r-{offer.id.hex()[:12]}"' in mei.page.text
