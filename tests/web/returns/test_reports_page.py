"""Reports: numbers are those of the client, and lead to their contributions."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commonweal.client import Member
from commonweal.client.reports.contribution_stages import Stage
from tests.builders.browser import Browser, browser
from tests.builders.weal import founder
from tests.web.returns.conftest import NAME, Cart


def sheet(browser: Browser, path: str) -> list[dict[str, str]]:
    text = browser.get(path).content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_shows_factors_stages_and_months(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/reports")
        assert page.status_code == 200
        for text in ("labour", "4,000 points · 100.0 %", "written down", "shared", "2026-01"):
            assert text in mei.text, text
        assert NAME not in page.text


def test_the_page_speaks_chinese(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path, "zh") as mei:
        mei.get("/reports")
        for text in ("报告", "要素", "劳动", "已记下", "生产率", "4,000 点数"):
            assert text in mei.text, text


def test_each_number_leads_to_as_many_contributions(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/reports?period=2026").text
        links = re.findall(r'<a href="(/reports/contributions[^"]*)">([\d,]+)</a>', page)
        assert len(links) >= 8
        for address, number in links:
            shown = mei.get(unescape(address)).text
            listed = shown.count('href="/why/')
            # A factor's number in the picture is its points, not its contributions.
            assert listed == int(number.replace(",", "")) or "factor=" in address, address


def test_contributions_open_into_their_reasons(kept: Cart) -> None:
    with Member(kept.lanxi.mei) as member:
        (factor,) = member.report().factors
        behind = member.reported("", Stage.COUNTED, factor="labour", limit=9)
    assert factor.contributions == behind.total == 2
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/reports/contributions?stage=counted&factor=labour")
        for row in behind.contributions:
            assert f'href="/why/{row.id.hex()}"' in page.text
        assert "2 contributions" in mei.text and "final #2" in mei.text
        mei.get("/reports/contributions?stage=counted&factor=")
        assert "No contribution is like that." in mei.text
        mei.get("/reports/contributions?stage=settled&period=1999")
        assert "No contribution is like that." in mei.text


@pytest.mark.parametrize("name", ["factors", "stages", "months"])
def test_a_sheet_has_the_numbers_of_the_page(name: str, kept: Cart) -> None:
    with Member(kept.lanxi.mei) as member:
        report = member.report("2026-01")
    with browser(kept.lanxi.mei.path) as mei:
        rows = sheet(mei, f"/reports/{name}.csv?period=2026-01")
    if name == "factors":
        expected = [(row.factor, row.contributions, row.points) for row in report.factors]
        assert [(r["factor"], int(r["contributions"]), int(r["points"])) for r in rows] == expected
    elif name == "stages":
        counts = {row["stage"]: int(row["contributions"]) for row in rows}
        assert counts == {row.stage.value: row.contributions for row in report.funnel}
    else:
        assert [(row["month"], row["points"]) for row in rows] == [("2026-01", "4000")]


def test_a_sheet_of_months_has_a_row_for_each_unit(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        rows = sheet(mei, "/reports/months.csv")
    assert rows[0]["income"] == "" and rows[-1]["unit"] == "EUR" and rows[-1]["income"] == "100.00"


@pytest.mark.parametrize("period", ["2026-13", "x", "<script>alert(1)</script>", "9" * 300])
def test_what_is_no_period_is_said_beside_the_field(period: str, kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        for path in ("/reports", "/reports/contributions"):
            page = mei.get(f"{path}?{urlencode({'period': period})}")
            assert page.status_code == 422
            assert "<script>alert" not in page.text
            assert "error" in page.text


def test_what_is_no_sheet_is_not_there(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        assert mei.get("/reports/nothing.csv").status_code == 404


def test_an_empty_community_learns_what_to_do(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        ann.get("/reports")
        assert ann.page.status_code == 200
        assert "Nothing has points in this period yet." in ann.text
