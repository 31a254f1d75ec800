"""The ledger in a browser: facets, exact sums, pages, downloads, SQL."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commonweal.client import Member
from commonweal.client.exports import selections
from commonweal.web.pages.books import ledger as page
from tests.builders.browser import Browser, browser
from tests.builders.weal import founder, good
from tests.web.books.conftest import FENCE, LOAVES, WATER, Lanxi


def rows(shown: Browser) -> list[str]:
    """Return the ids of the contributions on the page, in their order."""
    return [part.split('"')[0] for part in shown.page.text.split('<tr id="r-')[1:]]


def test_it_lists_what_was_given_with_its_state_and_its_sums(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get("/ledger").status_code == 200
        assert rows(mei)[-2:] == [lanxi.ids[LOAVES][:12], lanxi.ids[FENCE][:12]]
        for text in ("final #1", "8,000 points", "corrected to 4", "0 of 1 attest it"):
            assert text in mei.text
        assert f'href="/why/{lanxi.ids[FENCE]}"' in mei.page.text
        # 4.5 + 8 are sealed; since then 0.5 less, and 1.25 more
        sums = mei.text[mei.text.index("final at #1") : mei.text.index("Month by month")]
        assert "work 12.50 0.75 hour 3" in sums
        assert "raise 40 0 kilogram 1" in sums


def test_it_speaks_chinese(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path, "zh") as mei:
        mei.get("/ledger")
        for text in ("账本", "工作", "小时", "#1 定案", "等待证实", "更正为 4"):
            assert text in mei.text


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ({"who": "Ana"}, [LOAVES]),
        ({"who": "Bo", "action": "work"}, [WATER, FENCE]),
        ({"scope": "garden"}, [WATER, FENCE]),
        ({"factor": "capital"}, ["saw"]),
        ({"unit": "kilogram"}, ["flour"]),
        ({"month": "2026-07"}, [FENCE]),
        ({"since": "2026-07-13", "until": "2026-10-01"}, [LOAVES]),
        ({"state": "final", "action": "work"}, [LOAVES, FENCE]),
        ({"state": "provisional", "action": "work"}, [WATER]),
        ({"state": "waiting", "action": "work"}, [WATER, FENCE]),
        ({"state": "disputed"}, []),
        ({"state": "void"}, []),
    ],
)
def test_what_is_chosen_stands_in_the_address(
    lanxi: Lanxi, query: dict[str, str], fitting: list[str]
) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get(f"/ledger?{urlencode(query)}").status_code == 200
        assert rows(mei) == [lanxi.ids[name][:12] for name in fitting]
        if not fitting:
            assert "Nothing is recorded that fits" in mei.text


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("since=soon", "since", "soon"),
        ("until=2026-13-01", "until", "2026-13-01"),
        ("who=Zed", "who", "Zed"),
        ("action=fly", "action", "fly"),
        ("state=lost", "state", "lost"),
        ("month=2026-15", "until", "2026-15"),
        ("unit=m", "unit", "minute"),
        ("after=x", "state", "not known"),
        ("scope=" + "x" * 200, "scope", "characters"),
    ],
)
def test_what_cannot_be_chosen_is_said_beside_its_field(
    lanxi: Lanxi, query: str, field: str, sentence: str
) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get(f"/ledger?{query}").status_code == 422
        beside = mei.page.text.split(f'id="e-{field}"')[1].split("</span>")[0]
        assert sentence in beside


def test_what_members_wrote_is_text(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/ledger")
        assert "<b>loaves</b>" not in mei.page.text
        assert "<b>loaves</b>" in mei.text
        assert '<bdi lang="zh">围栏修好了</bdi>' in mei.page.text
        mei.get("/ledger?scope=%3Cscript%3E")
        assert "<script>" not in mei.page.text.split("<main")[1]


def test_pages_are_stable_while_others_write(lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections.Selections.select, "__kwdefaults__", {"limit": 2, "after": None})
    with browser(lanxi.mei.path) as mei:
        mei.get("/ledger")
        whole = rows(mei)
        while '"next"' in mei.page.text:
            link = mei.page.text.split('rel="next" href="')[1].split('"')[0]
            mei.get(link.replace("&amp;", "&"))
            whole += rows(mei)
        assert "To the newest" in mei.text
    with Member(lanxi.mei) as member:
        every = [row.id.hex()[:12] for row in member.contributions().records]
    assert whole == every


def test_a_page_has_so_many_rows_at_most(lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "PAGE_ROWS_MAX", 3)
    with Member(lanxi.mei) as member:
        every = member.select(selections.SelectionQuery(), limit=1_000)
        assert len(every.rows) == 3
        assert every.after is not None
        assert len(member.select(selections.SelectionQuery(), limit=3).rows) == 3


def test_months_and_values_to_choose_are_bounded(
    lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = selections.SelectionQuery(action="work")
    with Member(lanxi.mei) as member:
        every = member.select(query)
        monkeypatch.setattr(selections, "MONTHS_MAX", 2)
        monkeypatch.setattr(selections, "FACET_VALUES_MAX", 1)
        few = member.select(query)
    assert every.months is not None
    assert few.months is not None
    assert few.months.months == every.months.months[-2:]
    assert sum(row.amount for row in every.months.months) == every.totals[0].final + (
        every.totals[0].provisional
    )
    assert few.facets.member == every.facets.member[:1]


def test_the_sheet_and_the_json_have_what_the_page_has(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        sheet = mei.get("/ledger/selection.csv?scope=garden")
        assert sheet.headers["content-disposition"] == 'attachment; filename="ledger.csv"'
        read = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
        whole = json.loads(mei.get("/ledger/selection.json?scope=garden").text)
        assert mei.get("/ledger/selection.csv?since=soon").status_code == 422
    assert [row["id"] for row in read] == [lanxi.ids[WATER], lanxi.ids[FENCE]]
    assert whole["height"] == 1
    assert [row["id"] for row in whole["records"]] == [row["id"] for row in read]
    fence = whole["records"][1]
    assert (fence["effort"], fence["corrected_to"], fence["height"]) == ("4.5", "4.0", 1)
    assert fence["note"] == read[1]["note"] == "围栏修好了"


def test_a_sheet_has_no_formula(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    good("record", "work", "1", "hour", "--note", "=1+1", "--home", home)
    with browser(home) as ann:
        assert ",'=1+1," in ann.get("/ledger/selection.csv").text
        assert '"=1+1"' in ann.get("/ledger/selection.json").text


def test_an_empty_ledger_teaches(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        ann.get("/ledger")
        assert "Nothing was given yet" in ann.text
        assert 'href="/give"' in ann.page.text
        assert json.loads(ann.get("/ledger/selection.json").text)["records"] == []


def test_sql_answers_and_links_to_reasons(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        assert "One SELECT" in (mei.get("/ledger/sql"), mei.text)[1]
        asked = urlencode({"q": "SELECT id, effort_n FROM events WHERE scope = 'bakery'"})
        mei.get(f"/ledger/sql?{asked}")
        assert f'href="/why/{lanxi.ids[LOAVES]}"' in mei.page.text
        sheet = mei.get(f"/ledger/sql.csv?{asked}").text
        assert sheet == f"\ufeffid,effort_n\n{lanxi.ids[LOAVES]},8\n"


@pytest.mark.parametrize(
    "question",
    [
        "DELETE FROM members",
        "SELECT * FROM state",
        "SELECT 1; SELECT 2",
        f"SELECT 1 -- {'x' * 2_000}",
        "SELECT",
    ],
)
def test_sql_that_is_no_question_is_refused_and_kept(lanxi: Lanxi, question: str) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get(f"/ledger/sql?{urlencode({'q': question})}").status_code == 422
        assert 'role="alert"' in mei.page.text
        assert f">{question}</textarea>" in mei.page.text
        assert mei.get(f"/ledger/sql.csv?{urlencode({'q': question})}").status_code == 422


def test_sql_rows_on_a_page_are_bounded(lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "SQL_ROWS_MAX", 2)
    asked = urlencode({"q": "SELECT name FROM members ORDER BY name"})
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/ledger/sql?{asked}")
        assert "2 rows; there are more" in mei.text
        assert len(mei.get(f"/ledger/sql.csv?{asked}").text.splitlines()) == 4


@pytest.mark.parametrize(("_view", "_text", "question"), page.EXAMPLES)
def test_every_example_is_answered(lanxi: Lanxi, _view: str, _text: str, question: str) -> None:
    with Member(lanxi.mei) as member:
        assert member.sql(question).columns


def test_sums_are_exact_beyond_64_bits(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with Member(home) as ann:
        for _ in range(3):
            ann.add_resource("sand", "9000000000000000000", "gram")
        ann.add_resource("sand", "0.000000001", "gram")
        (total,) = ann.select(selections.SelectionQuery()).totals
    assert format(total.provisional, "f") == "27000000000000000000.000000001"
    assert total.records == 4


def test_a_month_is_that_of_calendars_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = founder(tmp_path / "ann")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        with Member(home) as ann:
            ann.record("work", 2, "hours", when="2026-01-31T20:00Z")  # February in Shanghai
            ann.record("work", 5, "hours", when="2026-01-31")
            whole = ann.select(selections.SelectionQuery()).months
            assert whole is not None
            assert [(row.month, int(row.amount)) for row in whole.months] == [
                ("2026-01", 5),
                ("2026-02", 2),
            ]
            for row in whole.months:
                (total,) = ann.select(selections.SelectionQuery(month=row.month)).totals
                assert total.provisional == row.amount
    finally:
        monkeypatch.undo()
        time.tzset()
