"""Sheets taken in: what is shown is what is written, all of it or nothing, and once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.client.importers.known_events import events_naming
from commonweal.client.sheets import sheet_import
from commonweal.client.sheets.preview import FAULTS_SHOWN_MAX, FIRST_ROWS
from commonweal.node.service.replica import quota
from commonweal.protocol.errors import AmbiguousSheet, UnreadableFile, UsageError
from commonweal.protocol.vocabulary.budget import Budget, Usage
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY
from commonweal.storage.sqlite import database

HOURS = "Datum;Wer;Stunden;Tätigkeit\n"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return the home of a member who founded a community with the rules of a time bank."""
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="time-bank")
    return home


def put(folder: Path, text: str | bytes) -> Path:
    file = folder / "sheet.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def rows_of(home: Path) -> list[dict[str, Any]]:
    """Return the data of what was taken in from sheets, in the order of the log."""
    with Home(home).store(readonly=True) as store:
        return [record.data for record in events_naming(store, ROW_KEY, ROW_BYTES)]


def test_a_preview_shows_how_a_sheet_is_read_and_what_its_first_rows_are_worth(
    mei: Path, tmp_path: Path
) -> None:
    lines = "".join(f"{day}.01.2026;Mei;{day - 9},5;Gemüse\n" for day in range(10, 20))
    file = put(tmp_path, (HOURS + lines).encode("windows-1252"))
    with Member(mei) as member:
        preview = member.sheet_preview(file)
        assert member.contributions().total == 0
    assert (preview.encoding, preview.is_guess, preview.delimiter) == ("cp1252", True, ";")
    assert (preview.decimal, preview.dates) == (",", "dmy")
    assert preview.columns == {
        "date": "Datum",
        "provider": "Wer",
        "note": "Tätigkeit",
        "quantity": "Stunden",
    }
    assert preview.values == {"unit": "hour", "action": "work"}
    assert (preview.total, preview.new, preview.here, preview.is_good) == (10, 10, 0, True)
    assert len(preview.first) == FIRST_ROWS
    first = preview.first[0]
    assert (first.line, first.when, first.quantity) == (2, "2026-01-10", Decimal("1.5"))
    assert (first.provider_name, first.note, first.is_new) == ("Mei", "Gemüse", True)
    assert first.worth is not None
    assert (first.worth.points, first.worth.attestations_missing) == (1_500, 1)


def test_a_german_sheet_of_thousands_is_asked_for_and_then_read_so(tmp_path: Path) -> None:
    create_home(tmp_path / "mei", "Mei")
    file = put(tmp_path, "Stunden\n1.000\n2.500\n")
    with Member(tmp_path / "mei") as member:
        member.found("Lanxi")
        with pytest.raises(AmbiguousSheet) as raised:
            member.sheet_preview(file)
        assert (raised.value.option, raised.value.readings) == ("decimal", {".": "1", ",": "1000"})
        shown = [row.quantity for row in member.sheet_preview(file, decimal=",").first]
        assert shown == [1000, 2500]
        more = put(tmp_path, 'Stunden\n1.000\n2.500\n"7,5"\n')
        shown = [row.quantity for row in member.sheet_preview(more).first]
        assert shown == [1000, 2500, Decimal("7.5")]
        member.import_csv(member.sheet_preview(more))
    assert [row["effortQuantity"]["n"] for row in rows_of(tmp_path / "mei")] == [1000, 2500, 75]


def test_a_day_that_may_be_a_month_is_asked_for(mei: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "Date,Hours\n03/04/2026,1\n05/06/2026,2\n")
    with Member(mei) as member:
        with pytest.raises(AmbiguousSheet, match=r"line 2: .*--dates dmy \(2026-04-03\)"):
            member.sheet_preview(file)
        member.import_csv(member.sheet_preview(file, dates="mdy"))
    assert [row["hasPointInTime"] for row in rows_of(mei)] == ["2026-03-04", "2026-05-06"]


def test_a_file_that_changed_after_the_preview_is_not_taken_in(mei: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "Hours\n1\n2\n")
    with Member(mei) as member:
        preview = member.sheet_preview(file)
        put(tmp_path, "Hours\n1\n9\n")
        with pytest.raises(UnreadableFile, match="was changed since the preview"):
            member.import_csv(preview)
        assert member.contributions().total == 0
        put(tmp_path, "Hours\n1\n2\n")
        assert member.import_csv(preview).written == 2


def test_a_file_that_changes_while_it_is_written_is_written_as_it_was_shown(
    mei: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_import, "BATCH_RECORDS", 2)
    file = put(tmp_path, "Hours\n" + "".join(f"{n}\n" for n in range(1, 9)))

    @contextmanager
    def spoiling(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
        def spoil(_more: int) -> None:
            file.write_text("Hours\n" + "99\n" * 8)

        yield spoil

    with Member(mei) as member:
        assert member.import_csv(member.sheet_preview(file), progress=spoiling).written == 8
    assert [row["effortQuantity"]["n"] for row in rows_of(mei)] == list(range(1, 9))


class Killed(BaseException):
    """What stands for the end of the process."""


def test_an_import_that_was_cut_off_is_completed_without_a_row_twice(
    mei: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_import, "BATCH_RECORDS", 3)
    amounts = [1, 1, 1, 2, 2, 3, 4, 1, 1, 2]  # the same row more than once
    file = put(tmp_path, "Hours\n" + "".join(f"{n}\n" for n in amounts))

    @contextmanager
    def killing(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
        batches = 0

        def advance(_more: int) -> None:
            nonlocal batches
            batches += 1
            if batches == 2:
                raise Killed

        yield advance

    with Member(mei) as member, pytest.raises(Killed):
        member.import_csv(member.sheet_preview(file), progress=killing)
    assert len(rows_of(mei)) == 6
    with Member(mei) as member:
        preview = member.sheet_preview(file)
        assert (preview.here, preview.new) == (6, 4)
        assert member.import_csv(preview).written == 4
        assert member.sheet_preview(file).new == 0
    assert sorted(row["effortQuantity"]["n"] for row in rows_of(mei)) == sorted(amounts)


def test_what_came_to_the_ledger_after_the_preview_is_not_taken_in_again(
    mei: Path, tmp_path: Path
) -> None:
    file = put(tmp_path, "Hours\n1\n2\n3\n")
    with Member(mei) as member, Member(mei) as other:
        preview = member.sheet_preview(file)
        assert other.import_csv(other.sheet_preview(file)).written == 3
        result = member.import_csv(preview)
        assert (result.written, result.here) == (0, 3)


IMPORT = """
import sys
from pathlib import Path
from commonweal.client import Member
with Member(sys.argv[1]) as member:
    preview = member.sheet_preview(Path(sys.argv[2]))
    print(preview.new, preview.here, member.import_csv(preview).written)
"""


def test_what_is_taken_in_is_the_same_in_every_zone_and_language_and_from_every_path(
    mei: Path, tmp_path: Path
) -> None:
    text = "Date,Who,Hours\n2026-03-29,Mei,1\n2026-03-29 02:30,Mei,2\n2026-03-29T02:30Z,Mei,3\n"
    places = [
        ("Pacific/Kiritimati", "zh_CN.UTF-8", "one"),
        ("America/Los_Angeles", "C", "two"),
        ("Europe/Berlin", "de_DE.UTF-8", "three"),
    ]
    said = []
    for zone, language, name in places:
        (tmp_path / name).mkdir()
        file = put(tmp_path / name, text)
        ran = subprocess.run(
            [sys.executable, "-c", IMPORT, mei, file],
            env={**os.environ, "TZ": zone, "LANG": language, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout.split())
    assert said == [["3", "0", "3"], ["0", "3", "0"], ["0", "3", "0"]]
    assert [row["hasPointInTime"] for row in rows_of(mei)] == [
        "2026-03-29",
        "2026-03-29T02:30:00",
        1_774_751_400_000,
    ]


@pytest.mark.parametrize("name", ["Zoë", "Zoe\u0308", "Ｚｏë"])
def test_a_member_is_found_by_a_name_however_its_accents_are_typed(
    name: str, tmp_path: Path
) -> None:
    create_home(tmp_path / "zoe", "Zoë")
    file = put(tmp_path, f"Who,Hours\n{name},1\n")
    with Member(tmp_path / "zoe") as member:
        member.found("Lanxi", rules="time-bank")
        preview = member.sheet_preview(file)
        assert (preview.unreadable, preview.first[0].provider_name) == (0, "Zoë")


def test_a_bank_statement_is_taken_in_as_income_of_people_outside(
    tmp_path: Path,
) -> None:
    create_home(tmp_path / "mei", "Mei")
    file = put(
        tmp_path,
        "Buchungstag;Betrag (EUR);Auftraggeber;Verwendungszweck\n"
        "15.01.2026;1.000,00;Café Müller;Miete\n"
        "16.01.2026;-12,50;Stadtwerke;Strom\n"
        "17.01.2026;2.500,00;Café Müller;Miete\n"
        "18.01.2026;7,00;Zoë;Spende\n",
    )
    with Member(tmp_path / "mei") as member:
        member.found("Lanxi")
        preview = member.sheet_preview(file)
        assert (preview.total, preview.new, preview.left_out, preview.void) == (4, 3, 1, 0)
        assert member.import_csv(preview).written == 3
        assert [resource.unit for resource in member.resources()] == ["EUR"]
        again = member.sheet_preview(file)
        assert (again.new, again.here, again.left_out) == (0, 3, 1)
    first, second, third = rows_of(tmp_path / "mei")
    assert (first["provider"], len(first["provider"])) == (second["provider"], 16)
    assert third["provider"] != first["provider"]
    assert "newInventoriedResource" in first
    assert second["toResourceInventoriedAs"] == third["toResourceInventoriedAs"]
    assert first["resourceQuantity"] == {"n": 100_000, "scale": 2, "unit": "EUR"}


def test_rows_that_cannot_be_taken_in_are_counted_and_the_first_are_named(
    mei: Path, tmp_path: Path
) -> None:
    rows = "work,1,hour\n" + "produce,1,apples\n" * 30 + "work,x,hour\n" * 3
    with Member(mei) as member:
        preview = member.sheet_preview(put(tmp_path, "action,quantity,unit\n" + rows))
    assert (preview.new, preview.void, preview.unreadable) == (1, 30, 3)
    assert list(preview.reasons.values()) == [30]
    assert len(preview.faults) == FAULTS_SHOWN_MAX
    assert (preview.faults[0].place, preview.is_good) == (3, False)


def test_a_sheet_beyond_the_budget_is_begun_and_says_what_waits(
    mei: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Budget(Usage(1_000, 10**9, 10**9, 10**9), 365)
    monkeypatch.setattr(quota, "DEFAULT_BUDGET", small)
    file = put(tmp_path, "Hours\n" + "2\n" * 1_800)
    with Member(mei) as member:
        preview = member.sheet_preview(file)
        result = member.import_csv(preview)
        assert (result.written, result.waiting) == (500, 1_300)
        again = member.sheet_preview(file)
        assert (again.here, again.new) == (500, 1_300)


def test_a_preview_says_of_how_many_days_of_the_budget_it_is(tmp_path: Path) -> None:
    rules = 'name = "Small"\n[budget]\nrecords = 1000\nen = "A thousand."\nzh = "一千条。"\n'
    (tmp_path / "rules.toml").write_text(rules)
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as member:
        member.found("Small", rules=str(tmp_path / "rules.toml"))
        for rows, days in ((1_000, 1), (1_001, 2), (1, 1)):
            file = put(tmp_path, "Hours\n" + "2\n" * rows)
            assert member.sheet_preview(file).days == days


@pytest.mark.parametrize("choice", [{"encoding": "klingon"}, {"decimal": ";"}, {"dates": "ydm"}])
def test_a_form_that_there_is_not_is_refused(
    choice: dict[str, Any], mei: Path, tmp_path: Path
) -> None:
    with Member(mei) as member, pytest.raises(UsageError):
        member.sheet_preview(put(tmp_path, "Hours\n1\n"), **choice)


def test_what_stands_above_the_headings_is_left_out(mei: Path, tmp_path: Path) -> None:
    file = put(tmp_path, 'Konto "4711"; x,y,z,\n\nStunden;Was\n1;dug\nmuch;dug\n')
    with Member(mei) as member:
        with pytest.raises(UsageError, match="--heading LINE"):
            member.sheet_preview(file)
        preview = member.sheet_preview(file, heading_line=3)
        assert (preview.new, preview.delimiter, preview.first[0].line) == (1, ";", 4)
        assert preview.faults[0].place == 5
        assert preview.form.heading_line == 3
        with pytest.raises(UsageError):
            member.sheet_preview(file, heading_line=99)
        file.write_text(file.read_text().replace("much", "2"))
        assert member.import_csv(member.sheet_preview(file, heading_line=3)).written == 2


def test_the_write_ahead_log_stays_short_while_a_long_sheet_is_taken_in(
    mei: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAL_PAGES_MAX", 100)
    monkeypatch.setattr(sheet_import, "BATCH_RECORDS", 20)
    rows = "".join(
        f"{day:02d}.01.2026;Mei;{n % 8 + 1},5;Beet {n}\n"
        for n in range(1_000)
        for day in [n % 28 + 1]
    )
    wal = mei / "ledger.db-wal"
    longest = 0

    @contextmanager
    def watched(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
        def advance(_more: int) -> None:
            nonlocal longest
            longest = max(longest, wal.stat().st_size)

        yield advance

    with Member(mei) as member:
        written = member.import_csv(
            member.sheet_preview(put(tmp_path, HOURS + rows)), progress=watched
        )
    assert written.written == 1_000
    assert 0 < longest < 400 * 4096
