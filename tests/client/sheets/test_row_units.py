"""Minutes of a sheet count as the hours that the rules count, exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from commonweal.client import Member, create_home


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="time-bank")
    return home


def put(folder: Path, text: str) -> Path:
    file = folder / "sheet.csv"
    file.write_text(text)
    return file


def test_minutes_are_the_hours_that_the_rules_count(mei: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "Minutes\n90\n15\n0\n")
    with Member(mei) as member:
        preview = member.sheet_preview(file)
        shown = [(row.quantity, row.unit) for row in preview.first]
        assert shown == [(Decimal("1.5"), "hour"), (Decimal("0.25"), "hour"), (Decimal(0), "hour")]
        assert [row.worth and row.worth.points for row in preview.first] == [1_500, 250, 0]
        assert member.import_csv(preview).written == 3
        assert member.sheet_preview(file).here == 3


def test_minutes_that_are_no_exact_hours_are_refused(mei: Path, tmp_path: Path) -> None:
    with Member(mei) as member:
        preview = member.sheet_preview(put(tmp_path, "Minutes\n90\n100\n"))
    assert (preview.new, preview.unreadable) == (1, 1)
    assert "100 minute is about 1.667 hour" in preview.faults[0].reason


def test_without_a_rule_for_it_a_unit_stays(tmp_path: Path) -> None:
    create_home(tmp_path / "bo", "Bo")
    with Member(tmp_path / "bo") as member:
        member.found("Open")
        (row,) = member.sheet_preview(put(tmp_path, "Minutes\n100\n")).first
    assert (row.quantity, row.unit) == (Decimal(100), "minute")


def test_an_income_that_is_finer_than_its_pool_counts_is_refused(mei: Path, tmp_path: Path) -> None:
    text = "Date,Payer,Amount (EUR)\n2026-01-15,Zed,7.50\n2026-01-15,Zed,7.505\n"
    with Member(mei) as member:
        preview = member.sheet_preview(put(tmp_path, text))
    assert (preview.new, preview.void) == (1, 1)
    assert "counts no less than 0.01 EUR" in preview.faults[0].reason
