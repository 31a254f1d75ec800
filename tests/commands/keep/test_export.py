"""`weal export`: all of it, one row after another, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.exports import contribution_export as export
from commonweal.client.exports.beancount import beancount_lines
from commonweal.client.exports.hledger import hledger_lines
from commonweal.commands.keep.export import FIELDS
from commonweal.commands.terminal.ledger import folded
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs import run_pages
from tests.builders.unasked import write
from tests.builders.weal import founder, good, member, weal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")


def test_a_sheet_has_a_mark_and_every_contribution(home: Path) -> None:
    good("record", "work", "2.5", "hour", "--home", home, "--note", "dug, twice", "--scope", "院子")
    good("record", "produce", "3", "kg", "--home", home)
    out = good("export", "csv", "--home", home).out
    assert out.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(out.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == FIELDS
    assert [(row["quantity"], row["unit"]) for row in rows] == [("3", "kilogram"), ("", "")]
    assert [(row["effort"], row["effort_unit"]) for row in rows] == [("", ""), ("2.5", "hour")]
    assert rows[1]["note"] == "dug, twice"
    assert rows[1]["scope"] == "院子"
    assert {row["member_name"] for row in rows} == {"Ann"}


@pytest.mark.parametrize(
    "note", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\n=1", "＝1", "|x", "%x"]
)
def test_no_cell_begins_a_formula(note: str, home: Path) -> None:
    good(
        "record", "work", "1", "hour", "--home", home, f"--note={note}", f"--scope=={note.strip()}"
    )
    out = good("export", "csv", "--home", home).out
    (row,) = csv.DictReader(io.StringIO(out.removeprefix("\ufeff"), newline=""))
    for cell in row.values():
        assert cell.lstrip()[:1] not in tuple("=+-@|%＝＋－＠")
    assert row["note"].replace("'", "") == note


def test_json_is_whole_and_carries_texts_as_they_are(home: Path) -> None:
    for note in ("=1+1", "a\nb", "\x1b[2J\u202e", '"', "种树"):
        good("record", "work", "1", "hour", "--home", home, f"--note={note}")
    ran = good("export", "json", "--home", home)
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    found = json.loads(ran.out)
    assert [row["note"] for row in found["records"]][::-1] == [
        *("=1+1", "a\nb", "\x1b[2J\u202e", '"', "种树")
    ]
    assert found["community"] == good("status", "--home", home, "-o", "json").json["community"]
    assert set(found["records"][0]) == set(FIELDS)
    assert len(ran.out.splitlines()) == 2 + 5


def test_nothing_is_exported_as_nothing(home: Path) -> None:
    assert json.loads(good("export", "json", "--home", home).out)["records"] == []
    assert good("export", "csv", "--home", home).out.count("\n") == 1


def test_however_many_there_are_few_are_in_memory(home: Path) -> None:
    data: dict[str, Value] = {
        "action": "work",
        "provider": bytes(16),
        "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"},
    }
    write(Home(home), [Wish("event", data)] * 1000)
    with folded(Home(home)) as view:
        found = export.rows(view)
        next(found)
        tracemalloc.start()
        count = 1 + sum(1 for _row in found)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 1000
    assert peak < 500_000


@pytest.mark.parametrize("name", ["hledger", "beancount", "valueflows"])
def test_of_the_final_ledger_few_lines_are_in_memory(
    name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "UNPACKED_BYTES_MAX", 64 * 1024)
    data: dict[str, Value] = {
        "action": "work",
        "provider": bytes(16),
        "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"},
    }
    write(Home(home), [Wish("event", data)] * 1000)
    good("seal", "--home", home)
    with Member(home) as me:
        makers: dict[str, Callable[[], Iterator[object]]] = {
            "hledger": lambda: hledger_lines(me.books()),
            "beancount": lambda: beancount_lines(me.books()),
            "valueflows": lambda: me.valueflows().nodes,
        }
        lines = makers[name]()
        next(lines)
        tracemalloc.start()
        count = sum(1 for _line in lines)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count > 1000
    assert peak < 500_000


@pytest.mark.parametrize("name", ["csv", "json", "hledger", "beancount", "valueflows", "ical"])
def test_a_home_without_community_exports_nothing(name: str, tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", member(tmp_path / "home")):
        ran = weal("export", name, "--home", place)
        assert (ran.code, ran.out) == (78, "")
