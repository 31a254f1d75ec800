"""Sheets in the page: looked at, taken in once, refused whole with the lines that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.storage.home.home import Home
from commonweal.web.pages.daily import sheet
from commonweal.web.security.gate import SHEET_BYTES_MAX
from tests.builders.browser import Browser, browser

HOURS = "When,What,Hours\n2026-01-05,dug,3\n2026-01-06,<script>alert(1)</script>,2.5\n"


@pytest.fixture
def mei(home: Path) -> Iterator[Browser]:
    with browser(home) as mei:
        mei.get("/give/sheet")
        yield mei


def total(home: Path) -> int:
    with Member(home) as mei:
        return mei.contributions().total


def look(mei: Browser, content: str | bytes, **form: str) -> None:
    """Send a sheet."""
    data = content.encode() if isinstance(content, str) else content
    mei.post("/give/sheet", form, files={"sheet": ("hours.csv", data, "text/csv")})


def kept(mei: Browser) -> str:
    """Return the name of the sheet that the page shows."""
    return mei.page.text.partition('name="kept" value="')[2].partition('"')[0]


def test_a_sheet_is_looked_at_and_then_taken_in_once(home: Path, mei: Browser) -> None:
    before = total(home)
    look(mei, HOURS)
    assert mei.page.status_code == 200
    assert "3 hour = 3,000 points once 1 more member attests it" in mei.text
    assert "Take in 2 rows" in mei.text
    assert "<script>alert" not in mei.page.text
    assert total(home) == before
    name = kept(mei)
    mei.post("/give/sheet/record", {"kept": name})
    assert "2 rows were taken in." in mei.text
    assert total(home) == before + 2
    mei.post("/give/sheet/record", {"kept": name})
    assert "0 rows were taken in." in mei.text
    look(mei, HOURS)
    assert "All of it is here already." in mei.text
    assert total(home) == before + 2


def test_rows_that_are_wrong_are_named_and_none_is_taken_in(home: Path, mei: Browser) -> None:
    before = total(home)
    look(mei, "Hours\n3\nmuch\n")
    assert "1 row cannot be taken in, so none is." in mei.text
    assert "line 3:" in mei.text
    mei.post("/give/sheet/record", {"kept": "0" * 32})
    assert mei.page.status_code == 422
    assert total(home) == before


def test_cells_that_can_be_read_in_two_ways_are_asked_about(mei: Browser) -> None:
    look(mei, "Hours\n1.000\n2.500\n")
    assert mei.page.status_code == 422
    assert "Which is right?" in mei.text
    mei.post("/give/sheet", {"kept": kept(mei), "decimal": ","})
    assert mei.page.status_code == 200
    assert "1000 hour" in mei.text or "1,000 hour" in mei.text


@pytest.mark.parametrize("name", ["", "../../keystore", "a/b", "é", "0" * 32])
def test_a_name_that_is_no_sheet_is_refused(mei: Browser, name: str) -> None:
    mei.post("/give/sheet", {"kept": name})
    assert mei.page.status_code == 422
    assert "Choose a sheet first." in mei.text


def test_columns_are_named_where_the_headings_do_not_say(mei: Browser) -> None:
    look(mei, "A,B\n3,weeding\n")
    assert mei.page.status_code == 422
    look(mei, "A,B\n3,weeding\n", mapping="action==work,unit==hour,quantity=A,note=B")
    assert "Take in 1 row" in mei.text
    look(mei, "A,B\n3,weeding\n", mapping="/etc/hostname")
    assert mei.page.status_code == 422


def test_a_sheet_that_is_too_large_is_refused(mei: Browser) -> None:
    look(mei, b"x" * SHEET_BYTES_MAX)
    assert mei.page.status_code == 413


def test_sheets_that_are_kept_are_bounded_and_closed_to_others(home: Path, mei: Browser) -> None:
    for hours in range(1, sheet.SHEETS_KEPT_MAX + 3):
        look(mei, f"Hours\n{hours}\n")
    folder = home / "page-sheets"
    assert len(list(folder.iterdir())) == sheet.SHEETS_KEPT_MAX
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*/sheet.csv")} == {0o600}


def test_sheets_that_are_sent_at_once_are_all_kept(tmp_path: Path) -> None:
    sheets = [f"Hours\n{number % 6}\n".encode() for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(partial(sheet.keep_sheet, Home(tmp_path)), sheets))
    assert len(set(names)) == 6
    left = [path.read_bytes() for path in tmp_path.glob("page-sheets/*/sheet.csv")]
    assert len(left) == sheet.SHEETS_KEPT_MAX
    assert set(left) <= set(sheets)
