"""Opening balances: what members had before comes in as events that others attest."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.importers.known_events import events_naming
from commonweal.protocol.errors import UnreadableTime, UsageError
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY

DAY = "2026-01-01"
SHEET = "Member,Quantity,Unit,Thing,Note\n"


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return the home of a member who founded a cooperative with a kind of thing and a unit."""
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="cooperative")
        member.add_resource("ladder", 1, "one")
        member.add_unit("point")
    return home


def put(folder: Path, text: str) -> Path:
    file = folder / "sheet.csv"
    file.write_text(text)
    return file


def test_each_balance_comes_in_as_what_it_was(mei: Path, tmp_path: Path) -> None:
    rows = "Mei,12,hours,,dug\nMei,250.50,EUR,,barn\nMei,2,one,ladder,\nMei,120,point,,\n"
    file = put(tmp_path, SHEET + rows)
    with Member(mei) as member:
        preview = member.sheet_preview(file, opened_on=DAY)
        assert (preview.new, preview.void, preview.unreadable) == (4, 0, 0)
        worth = [row.worth and row.worth.points for row in preview.first]
        assert worth == [12_000, 250_500, None, None]
        assert member.import_csv(preview).written == 4
        assert member.sheet_preview(file, opened_on=DAY).here == 4
        ladders = [row.accounting for row in member.resources() if row.name == "ladder"]
        community = bytes(member.view.community)
    assert sorted(ladders) == [1, 2]
    with Home(mei).store(readonly=True) as store:
        work, loan, thing, points = (
            record.data for record in events_naming(store, ROW_KEY, ROW_BYTES)
        )
    for data in (work, loan, thing, points):
        assert (data["hasPointInTime"], data["inScopeOf"]) == (DAY, "opening balance")
    assert (work["action"], work["effortQuantity"]["unit"]) == ("work", "hour")
    assert (loan["action"], loan["factor"], loan["receiver"]) == ("transfer", "capital", community)
    assert (thing["action"], thing["newInventoriedResource"]) == ("raise", {})
    assert (points["action"], points["resourceQuantity"]["unit"]) == ("produce", "point")


def test_what_a_row_says_itself_goes_before(mei: Path, tmp_path: Path) -> None:
    text = "Member,Quantity,Unit,Date,Project,Action\nMei,3,page,2025-12-01,barn,cite\n"
    with Member(mei) as member:
        (row,) = member.sheet_preview(put(tmp_path, text), opened_on=DAY).first
    assert (row.action, row.when, row.scope) == ("cite", "2025-12-01", "barn")


def test_a_rule_that_bounds_a_record_bounds_a_balance(mei: Path, tmp_path: Path) -> None:
    with Member(mei) as member:
        preview = member.sheet_preview(put(tmp_path, SHEET + "Mei,120,hours,,\n"), opened_on=DAY)
    ((reason, rows),) = preview.reasons.items()
    assert ("at most 16" in reason, rows, preview.new) == (True, 1, 0)


@pytest.mark.parametrize("day", ["2026-01-01 10:00", "2999-01-01", "yesterday", "", "7d"])
def test_balances_are_of_a_day_that_was(day: str, mei: Path, tmp_path: Path) -> None:
    with Member(mei) as member, pytest.raises(UsageError):
        member.sheet_preview(put(tmp_path, SHEET + "Mei,12,hours,,\n"), opened_on=day)


def test_a_balance_is_of_a_member_and_of_a_thing_that_is_known(mei: Path, tmp_path: Path) -> None:
    with Member(mei) as member:
        with pytest.raises(UsageError, match="do not say provider"):
            member.sheet_preview(put(tmp_path, "Quantity,Unit\n1,hour\n"), opened_on=DAY)
        file = put(tmp_path, SHEET + "Mei,1,one,spade,\nZed,1,hour,,\n")
        preview = member.sheet_preview(file, opened_on=DAY)
    assert (preview.unreadable, preview.new) == (2, 0)
    assert "weal spec resource" in preview.faults[0].reason


def test_a_time_is_no_day(mei: Path, tmp_path: Path) -> None:
    with Member(mei) as member, pytest.raises(UnreadableTime):
        member.sheet_preview(put(tmp_path, SHEET), opened_on="2026-01-01T00:00Z")
