"""Things in a browser: what there is, adding, lending, using, and labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commonweal.client import Member
from commonweal.protocol.errors import CommonwealError
from commonweal.web.pages.books import things as page
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.builders.weal import founder, good
from tests.web.books.conftest import Lanxi


def test_it_lists_what_there_is_whose_and_with_whom(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/things")
        assert "flour 40 kilogram Mei Mei" in mei.text
        assert "saw 1 one Bo Ana lent" in mei.text
        assert f'href="/things/{lanxi.ids["flour"]}"' in mei.page.text
        mei.get("/things", language="zh")
        assert "公斤" in mei.text
        assert "借出" in mei.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("who=Ana", ["saw"]),
        ("who=Bo", ["saw", "saw"]),
        ("who=community", []),
        ("q=flour", ["flour"]),
        ("q=FLOUR", ["flour"]),
        ("q=nothing", []),
    ],
)
def test_what_is_shown_stands_in_the_address(lanxi: Lanxi, query: str, names: list[str]) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/things?all=1&{query}")
        listed = mei.text.split("What there is")[1].split("Add a thing")[0]
        assert [listed.count(name) for name in set(names)] == [names.count(n) for n in set(names)]
        if not names and "community" not in query:
            assert "Nothing fits" in listed


def test_a_thing_is_found_by_its_id_as_a_label_has_it(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/things?q={lanxi.ids['flour'][:16]}")
        assert "1 thing" in mei.text
        mei.get(f"/things/{lanxi.ids['flour']}/label")
        assert 'class="qr"' in mei.page.text
        assert lanxi.ids["flour"][:16] in mei.text
        assert mei.get("/things?who=Zed").status_code == 422
        assert mei.get("/things/abcdef").status_code == 404


def test_a_thing_has_its_history_and_its_trace(lanxi: Lanxi) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get(f"/things/{lanxi.ids['saw']}")
        for text in ("whose Bo", "in the books 1 one", "on hand 0 one", "What came of it"):
            assert text in bo.text
        assert f'href="/why/{lanxi.ids["lent"]}"' in bo.page.text
        # it is with Ana, so Bo cannot lend it again
        assert "Lend it" not in bo.text


def test_pages_and_histories_are_bounded(lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "THINGS_SHOWN", 1)
    monkeypatch.setattr(page, "HISTORY_SHOWN", 1)
    with browser(lanxi.mei.path) as mei:
        mei.get("/things")
        assert mei.page.text.count('<tr id="r-') == 1
        link = mei.page.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        first = mei.page.text.split('<tr id="r-')[1][:12]
        mei.get(link)
        assert mei.page.text.split('<tr id="r-')[1][:12] != first
        assert "Before" in mei.text
        assert mei.get("/things?from=-5").status_code == 200
        mei.get(f"/things/{lanxi.ids['saw']}")
        assert "1 earlier event is not shown." in mei.text


def test_an_empty_home_teaches_and_adds(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/things")
        assert "Nothing is in the books yet" in ann.text
        form = {"name": "<i>oven</i>", "amount": "2", "unit": "piece", "factor": "capital"}
        ann.post("/things", form)
        assert "It is in the books." in ann.text
        assert "<i>oven</i>" not in ann.page.text
        ann.get("/things")
        assert "<i>oven</i> 2 one Ann Ann" in ann.text
    with Member(home) as member:
        (thing,) = member.resources()
        assert (thing.name, str(thing.onhand)) == ("<i>oven</i>", "2")
        assert [row.factor for row in member.specifications()] == ["capital"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "oven", "amount": "two", "unit": "piece"}, "amount"),
        ({"name": "oven", "amount": "2", "unit": ""}, "unit"),
        ({"name": "", "amount": "2", "unit": "piece"}, "name"),
    ],
)
def test_what_cannot_be_added_is_said_beside_its_field_and_kept(
    tmp_path: Path, form: dict[str, str], field: str
) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/things")
        assert ann.post("/things", form).status_code == 422
        assert f'id="e-{field}"' in ann.page.text
        for value in filter(None, form.values()):
            assert f'value="{value}"' in ann.page.text
    with Member(home) as member:
        assert member.resources() == []


def test_it_is_lent_used_and_given_back(copies: Callable[[], Commons]) -> None:
    village = copies()
    barrow = village.json(village.mei, "resource", "new", "barrow", "2", "pieces")["id"]
    village.meet()
    with browser(village.mei.path) as mei:
        mei.get(f"/things/{barrow}")
        ana = mei.page.text.split(">Ana</option>")[0].rsplit('value="', 1)[1].split('"')[0]
        bad = {"to": ana, "amount": "9", "unit": "piece"}
        assert mei.post(f"/things/{barrow}/lend", bad).status_code == 422
        assert "there is not so much of the resource" in mei.text
        mei.post(f"/things/{barrow}/lend", {"to": ana, "amount": "1", "unit": "piece"})
        assert "on hand 1 one" in mei.text
        mei.post(f"/things/{barrow}/use", {"amount": "2", "unit": "hours", "note": "sand"})
        assert "use 2 hour · Mei" in mei.text
        mei.post(f"/things/{barrow}/lower", {"amount": "1", "unit": "piece"})
        assert "on hand 0 one" in mei.text
    village.meet()
    with Member(village.ana) as ana_member:
        (lent,) = (row for row in ana_member.resources(member="Ana") if row.name == "barrow")
    with browser(village.ana.path) as ana_page:
        ana_page.get(f"/things/{lent.id.hex()}")
        assert "whose Mei" in ana_page.text
        ana_page.post(f"/things/{lent.id.hex()}/give-back", {"amount": "", "unit": "piece"})
        assert "It is back with its owner." in ana_page.text
    with Member(village.ana) as ana_member:
        assert ana_member.resource(lent.id).onhand == 0
        assert ana_member.resource(barrow).onhand == 1


def test_what_is_given_away_is_theirs(copies: Callable[[], Commons]) -> None:
    village = copies()
    pot = village.json(village.mei, "resource", "new", "pot", "1", "piece")["id"]
    village.meet()
    with browser(village.mei.path) as mei:
        mei.get(f"/things/{pot}")
        ana = mei.page.text.split(">Ana</option>")[0].rsplit('value="', 1)[1].split('"')[0]
        mei.post(f"/things/{pot}/give", {"to": ana, "amount": "1", "unit": "piece"})
        assert "It is given." in mei.text
    village.meet()
    with Member(village.ana) as member:
        mine = [row for row in member.resources(member="Ana", there=True) if row.name == "pot"]
    assert [(row.accountable_name, str(row.accounting)) for row in mine] == [("Ana", "1")]


def test_units_and_kinds_are_added(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/things/kinds")
        assert "No kind was added yet" in ann.text
        ann.post("/things/units", {"new_unit": "sack"})
        assert "sack (Ann)" in ann.text
        assert ann.post("/things/units", {"new_unit": "sack"}).status_code == 422
        assert 'id="e-new_unit"' in ann.page.text
        ann.post("/things/kinds", {"name": "hay", "unit": "sack", "factor": ""})
        assert "hay things sack" in ann.text
        assert ann.post("/things/kinds", {"name": "hay", "unit": ""}).status_code == 422
        assert 'id="e-name"' in ann.page.text
    good("resource", "new", "hay", "3", "sack", "--home", home)


@pytest.mark.parametrize("name", ["\u202egnp.exe", "锯" * 60, "<img src=x onerror=alert(1)>"])
def test_names_of_any_kind_are_text_on_every_page(tmp_path: Path, name: str) -> None:
    home = founder(tmp_path / "ann")
    with Member(home) as member:
        try:
            saw = member.add_resource(name, 1, "piece", note=f"{name}\n{name}").id.hex()
        except CommonwealError:
            saw = member.add_resource("saw", 1, "piece", note=f"{name}\n{name}").id.hex()
    with browser(home) as ann:
        for path in ("/things", f"/things/{saw}", f"/things/{saw}/label", f"/why/{saw}", "/data"):
            assert ann.get(path).status_code == 200
            main = ann.page.text.split("<main")[1]
            assert "<img" not in main
            assert "\u202e" not in main
        for path in ("/things", "/ledger", "/data"):
            assert ann.get(f"{path}?{urlencode({'q': name, 'scope': name})}").status_code in (
                200,
                422,
            )
            assert "<img" not in ann.page.text.split("<main")[1]
