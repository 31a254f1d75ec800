"""Reports of periods of seals: the page has the client's numbers, and each leads to its records."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.language.plain import plain
from commonweal.web.pages.returns.period_reports import HEIGHT_MAX, REPORTS
from tests.builders.browser import browser
from tests.builders.weal import founder
from tests.web.returns.conftest import NAME, Cart


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_report_is_shown_with_its_numbers(name: str, language: str, kept: Cart) -> None:
    with Member(kept.lanxi.mei) as member:
        (labour,) = member.factors().factors
    with browser(kept.lanxi.mei.path, language) as mei:
        page = mei.get(f"/reports/of/{name}")
        assert page.status_code == 200 and NAME not in page.text
        assert page.text.count("<h1>") == 1
        if name == "factors":
            assert f"{labour.points:,}" in mei.text
            assert f"{labour.largest_per_mille:,} ‰" in mei.text
        if name == "funnel":
            assert ("admitted" if language == "en" else "已加入") in mei.text


def test_the_page_the_sheet_and_json_are_what_the_client_says(kept: Cart) -> None:
    with Member(kept.lanxi.mei) as member:
        told = plain(member.factors())
    with browser(kept.lanxi.mei.path) as mei:
        whole = json.loads(mei.get("/reports/of/factors/whole.json").content)
        text = mei.get("/reports/of/factors/sheet.csv").content.decode("utf-8-sig")
    assert whole == told
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["points"] for row in rows] == [str(row["points"]) for row in told["factors"]]


def test_points_lead_to_what_adds_up_to_them(kept: Cart) -> None:
    with Member(kept.lanxi.mei) as member:
        (labour,) = member.factors().factors
        behind = member.factor_points(factor="labour")
    assert sum(row.points for row in behind) == labour.points
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/reports/of/factors").text
        address = next(iter(re.findall(r'href="(/reports/points[^"]*)"', page)))
        shown = mei.get(unescape(address)).text
        for row in behind:
            assert f'href="/why/{row.id.hex()}"' in shown
        assert mei.get("/reports/points?factor=none").status_code == 200
        assert "Nothing was given in this period." in mei.text


def test_each_number_of_the_funnel_leads_to_as_many_members(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/reports/of/funnel").text
        links = re.findall(r'<a href="(/reports/members[^"]*)">([\d,]+)</a>', page)
        assert len(links) >= 5
        for address, number in links:
            shown = mei.get(unescape(address)).text
            assert shown.count('href="/people/') == int(number), address


@pytest.mark.parametrize(
    "asked",
    ["from=0", "from=x", "to=-1", f"to={HEIGHT_MAX + 1}", "from=99", "from=2&to=1", "from=٣"],
)
def test_what_is_no_period_is_said(asked: str, kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        for path in ("/reports/of/factors", "/reports/points", "/reports/members"):
            page = mei.get(f"{path}?{asked}")
            assert page.status_code == 422, path
            assert "A period goes from a height" in mei.text
        assert mei.get(f"/reports/of/factors?to={HEIGHT_MAX}").status_code == 200


def test_what_is_no_report_is_not_there(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        for path in ("nothing", "nothing/sheet.csv", "nothing/whole.json"):
            assert mei.get(f"/reports/of/{path}").status_code == 404


def test_an_empty_community_reads_that_nothing_is_sealed(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        for name in REPORTS:
            assert ann.get(f"/reports/of/{name}").status_code == 200
            assert "Nothing is sealed yet" in ann.text
            sheet = ann.get(f"/reports/of/{name}/sheet.csv")
            assert sheet.status_code == 200
