"""`weal calendar`: what is due in a time, in local days, and as a file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.builders.calendar_files import kinds_of
from tests.builders.weal import founder, good, weal


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founder with an invite that ends in seven days."""
    home = founder(tmp_path_factory.mktemp("calendar") / "ann")
    good("invite", "create", "--home", home, "--expires", "7d")
    return home


def test_what_is_due_is_listed_with_its_day(ann: Path) -> None:
    shown = good("calendar", "--home", ann)
    day = datetime.now().astimezone() + timedelta(days=7)
    assert f"{day:%a %Y-%m-%d}" in shown.out
    assert "invite ends" in shown.out
    item, backup = good("calendar", "--home", ann, "-o", "json").json["items"]
    assert backup["kind"] == "backup"
    assert item["kind"] == "invite" and item["is_mine"] and item["begin"] == item["end"]
    header, row, _ = good("calendar", "--home", ann, "-o", "csv").out.splitlines()
    assert header == "name,kind,begin,end,title,who,state,is_mine,command"
    assert row.startswith(item["name"])


def test_another_time_has_nothing(ann: Path) -> None:
    assert "Nothing is booked or due" in good("calendar", "--to", "tomorrow", "--home", ann).out
    later = ("calendar", "--from", "in 2 months", "--home", ann)
    assert "Nothing is booked or due" in good(*later).out


def test_without_an_end_a_month_from_the_begin_on_is_shown(ann: Path) -> None:
    later = ("calendar", "--from", "in 2 weeks", "--home", ann, "-o", "json")
    assert [item["kind"] for item in good(*later).json["items"]] == ["backup"]


def test_it_speaks_chinese(ann: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    shown = good("calendar", "--to", "两周后", "--home", ann).out
    assert "邀请到期" in shown and " 周" in shown


@pytest.mark.parametrize("option", [("--from", "soon"), ("--to", "2026-02-30")])
def test_a_day_that_cannot_be_read_is_refused(ann: Path, option: tuple[str, str]) -> None:
    refused = weal("calendar", *option, "--home", ann)
    assert refused.code == 2
    assert "The time cannot be read" in refused.err


def test_it_is_written_as_a_file(ann: Path, tmp_path: Path) -> None:
    file = tmp_path / "ann.ics"
    said = good("calendar", "--ics", file, "--home", ann).out
    assert "2 entries" in said and str(file) in said
    assert kinds_of(file.read_bytes()) == ["invite", "backup"]
    good("calendar", "--ics", file, "--to", "in 2 weeks", "--mine", "--home", ann)
    assert kinds_of(file.read_bytes()) == ["invite"]


def test_it_is_not_written_over_the_home(ann: Path) -> None:
    refused = weal("calendar", "--ics", ann / "device.json", "--home", ann)
    assert refused.code == 65
    assert not (ann / "device.json").exists() or (ann / "device.json").read_bytes()[:5] != b"BEGIN"
