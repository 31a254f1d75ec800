"""The date of a contribution: in lists, filters, SQL, exports and explanations, in every zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.client.importers.known_events import events_naming
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY
from tests.builders.commons import Commons
from tests.builders.git_histories import commit, git
from tests.builders.weal import founder, good, weal

SHEET = "When,Hours\n2026-01-05,3\n2026-01-05 23:30,2\n2026-01-06,1\n"
MAP = "action==work,unit==hour,quantity=Hours,date=When"


def in_zone(monkeypatch: pytest.MonkeyPatch, zone: str, language: str = "en") -> None:
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setenv("LANG", f"{language}.UTF-8")
    time.tzset()


@pytest.fixture(params=["UTC", "Asia/Shanghai", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine in one of several zones."""
    in_zone(monkeypatch, request.param)
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")


def sheet(folder: Path, content: str = SHEET) -> Path:
    path = folder / "hours.csv"
    path.write_text(content)
    return path


def dated(home: Path, *typed: str) -> list[str]:
    """Return the dates of what is listed."""
    found = good("ledger", "--home", home, "-o", "json", *typed).json["records"]
    return [row["when"] for row in found]


def test_a_date_is_the_same_in_every_list_and_zone(zone: str, home: Path, tmp_path: Path) -> None:
    good("import", "csv", sheet(tmp_path), "--map", MAP, "--yes", "--home", home)
    whens = ["2026-01-06", "2026-01-05T23:30:00", "2026-01-05"]
    assert dated(home) == whens
    assert dated(home, "--since", "2026-01-05", "--until", "2026-01-06") == whens[1:]
    assert dated(home, "--since", "2026-01-06") == whens[:1]
    assert dated(home, "--since", "7d") == []
    text = good("ledger", "--home", home).out
    assert "2026-01-05 23:30" in text
    assert "recorded" in text
    rows = good("sql", 'SELECT "when" FROM events ORDER BY "when"', "--home", home, "-o", "json")
    assert sorted(row["when"] for row in rows.json["rows"]) == sorted(whens)
    exported = good("export", "json", "--home", home).json["records"]
    assert [row["when"] for row in exported] == whens
    assert good("export", "csv", "--home", home).out.count("2026-01-05T23:30:00,") == 1
    listed = good("ledger", "--home", home, "-o", "json").json["records"]
    shown = good("show", listed[1]["id"], "--home", home, "-o", "json").json
    assert (shown["when"], shown["claimed_at"]) == (whens[1], listed[1]["claimed_at"])
    lines = good("show", listed[1]["id"], "--home", home).out.splitlines()
    assert ["when", "2026-01-05", "23:30"] in [line.split() for line in lines]
    assert not any("hasPointInTime" in line for line in lines)
    explained = good("explain", listed[2]["id"], "--home", home, "-o", "json").json
    assert explained["when"] == "2026-01-05"
    assert "· 2026-01-05\n" in good("explain", listed[2]["id"], "--home", home).out
    traced = good("trace", listed[2]["id"], "--home", home).out
    assert "· 2026-01-05\n" in traced


def test_a_sheet_taken_in_elsewhere_is_the_same(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a row is known by depends on no zone, language or path of the machine."""
    in_zone(monkeypatch, "Asia/Shanghai", "zh_CN")
    good("import", "csv", sheet(tmp_path), "--map", MAP, "--yes", "--home", home)
    in_zone(monkeypatch, "America/New_York")
    moved = tmp_path / "moved"
    moved.mkdir()
    again = good(
        "import", "csv", sheet(moved), "--map", MAP, "--yes", "--home", home, "-o", "json"
    ).json
    assert (again["here"], again["written"]) == (3, 0)
    with Home(home).store(readonly=True) as store:
        known = [event.data[ROW_KEY].hex() for event in events_naming(store, ROW_KEY, ROW_BYTES)]
    assert len(known) == 3
    monkeypatch.undo()
    time.tzset()


def test_what_is_recorded_has_the_date_that_is_typed(zone: str, home: Path) -> None:
    told = good("record", "work", "1", "hour", "--when", "2026-01-05", "--home", home)
    assert "work 1 hour · 2026-01-05." in told.out
    good("record", "work", "1", "hour", "--when", "2026-01-05T10:00Z", "--home", home)
    assert dated(home) == ["2026-01-05T10:00:00.000Z", "2026-01-05"]
    good("record", "work", "1", "hour", "--when", "yesterday", "--home", home)
    assert len(dated(home, "--since", "1d")) == 1


def test_a_contribution_without_a_date_has_the_time_of_recording(home: Path) -> None:
    good("record", "work", "1", "hour", "--home", home)
    (row,) = good("ledger", "--home", home, "-o", "json").json["records"]
    assert row["when"] == row["claimed_at"]
    assert "recorded" not in good("ledger", "--home", home).out
    assert dated(home, "--since", "1h") == [row["when"]]


def test_a_commit_has_the_time_of_its_author(zone: str, home: Path, tmp_path: Path) -> None:
    repo = tmp_path / "garden"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    commit(repo, "one")
    good("import", "git", "--yes", repo, "--home", home)
    assert dated(home) == ["2023-11-14T22:13:20.000Z"]
    assert len(dated(home, "--since", "2023-11-14", "--until", "2023-11-16")) == 1
    day = "2023-11-15" if zone == "Asia/Shanghai" else "2023-11-14"
    assert day in good("ledger", "--home", home).out
    assert len(dated(home, "--since", day, "--until", "2023-11-14T22:13:21Z")) == 1


def test_a_date_in_the_future_is_refused(home: Path, tmp_path: Path) -> None:
    path = sheet(tmp_path, "When,Hours\n2999-01-05,3\n")
    ran = weal("import", "csv", path, "--map", MAP, "--yes", "--home", home)
    assert ran.code == 65
    assert "line 2: It is not that date anywhere yet" in ran.err
    assert dated(home) == []


def test_who_attests_sees_the_date(lanxi: Commons, tmp_path: Path) -> None:
    lanxi.good(lanxi.ana, "import", "csv", str(sheet(tmp_path)), "--map", MAP, "--yes")
    lanxi.meet()
    waits = lanxi.json(lanxi.mei, "attest")["waits"]
    assert [row["when"] for row in waits] == ["2026-01-05", "2026-01-05T23:30:00", "2026-01-06"]
    assert "2026-01-05 23:30" in lanxi.good(lanxi.mei, "attest").out
    assert "2026-01-05" in lanxi.good(lanxi.mei, "inbox").out
