"""`weal import csv`: what people keep in sheets, read whole or not at all, and once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.importers.known_events import events_naming
from commonweal.client.sheets import preview, sheet, sheet_import
from commonweal.client.sheets.columns import Mapping, read_mapping
from commonweal.commands.imports import import_
from commonweal.commands.terminal import options
from commonweal.node.service.replica import quota
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.vocabulary.budget import Budget, Usage
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY
from tests.builders.weal import Ran, founder, good, weal

MAP = "action=Was,quantity=Wieviel,unit=Einheit,note=Notiz,date=Wann"
HEADING = "Wann,Was,Wieviel,Einheit,Notiz\n"
SHEET = (
    HEADING
    + "2026-01-05,work,3,hour,dug\n2026/1/6,work,2.5,hour,\n2026年1月7日,工作,１,小时,种树\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")


def put(folder: Path, content: str | bytes, name: str = "sheet.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def take(home: Path, path: Path, mapping: str = MAP, *more: str) -> Ran:
    return weal("import", "csv", path, "--map", mapping, "--yes", "--home", home, *more)


def listed(home: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = good("ledger", "--home", home, "-o", "json").json["records"]
    return found


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030"], ids=["utf-8", "with a mark", "gb18030"]
)
def test_a_sheet_is_read_in_the_encodings_that_people_have(
    encoding: str, home: Path, tmp_path: Path
) -> None:
    path = put(tmp_path, SHEET.encode(encoding))
    ran = take(home, path, MAP, "--encoding", encoding, "-o", "json").json
    assert [ran[key] for key in ("rows", "new", "written", "here")] == [3, 3, 3, 0]
    found = listed(home)
    assert sorted((row["quantity"], row["note"]) for row in found) == [
        ("1", "种树"),
        ("2.5", None),
        ("3", "dug"),
    ]
    assert {row["action"] for row in found} == {"work"}
    assert {row["unit"] for row in found} == {"hour"}


def test_a_sheet_is_taken_in_once_and_what_is_new_in_it_later(home: Path, tmp_path: Path) -> None:
    assert take(home, put(tmp_path, SHEET)).code == 0
    assert "3 of 3 were here already" in take(home, put(tmp_path, SHEET, "renamed.csv")).out
    more = SHEET + "2026-01-05,work,3,hour,dug\n2026-02-01,work,1,hour,new\n"
    ran = take(home, put(tmp_path, more), MAP, "-o", "json").json
    assert (ran["written"], ran["here"]) == (2, 3)
    again = take(home, put(tmp_path, more), MAP, "-o", "json").json
    assert (again["written"], again["here"]) == (0, 5)


def test_rows_that_differ_in_their_note_only_are_two(home: Path, tmp_path: Path) -> None:
    one = HEADING + "2026-01-05,work,3,hour,dug\n"
    two = HEADING + "2026-01-05,work,3,hour,planted\n"
    take(home, put(tmp_path, one))
    assert take(home, put(tmp_path, two), MAP, "-o", "json").json["written"] == 1


def test_a_row_whose_note_was_erased_is_not_taken_in_again(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, HEADING + "2026-01-05,work,3,hour,private\n")
    take(home, path)
    with Home(home).lock(), Home(home).store() as store:
        (record,) = events_naming(store, ROW_KEY, ROW_BYTES)
        assert record.body is not None
        store.erase_body(record.body.hash)
        store.commit()
    assert take(home, path, MAP, "-o", "json").json["written"] == 0


def test_a_note_cannot_be_guessed_from_what_stays(home: Path, tmp_path: Path) -> None:
    take(home, put(tmp_path, HEADING + "2026-01-05,work,3,hour,private\n"))
    take(home, put(tmp_path, HEADING + "2026-01-05,work,3,hour,other\n"))
    with Home(home).store(readonly=True) as store:
        one, two = events_naming(store, ROW_KEY, ROW_BYTES)
    assert one.data == two.data


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2026-01-05,work,3,hour", "too few cells"),
        ("2026-01-05,work,3,5,hour,x", "more cells"),
        ("2026-01-05,bake,3,hour,x", "no such action"),
        ('2026-01-05,work,"1,5",hour,x', "not written in one form: 2.5 (line 3), 1,5 (line 5)"),
        ("2026-01-05,work,3¹,hour,x", "3¹"),
        ("2026-01-05,work,½,hour,x", "½"),
        ("2026-01-05,work,-1,hour,x", "not negative"),
        ("2026-01-05,work,,hour,x", "quantity is empty"),
        ("2026-01-05,work,3,,x", "unit is empty"),
        ("5.1.2026,work,3,hour,x", "not written in one form: 2026-01-05 (line 2), 5.1.2026"),
        ("2026-02-30,work,3,hour,x", "time cannot be read"),
        ("7d,work,3,hour,x", "time cannot be read"),
        ("2026-13-41,work,3,hour,x", "time cannot be read"),
        (f"2026-01-05,work,3,hour,{'x' * 65_400}", "longer than"),
        (f"2026-01-05,work,3,hour,{'x' * 200_000}", "field larger"),
        ('2026-01-05,work,3,hour,"x', "unexpected end"),
        ('2026-01-05,work,3,hour,"x"y', "expected after"),
        (f"2026-01-05,work,{'9' * 50},hour,x", "more digits"),
    ],
)
def test_one_bad_row_is_named_by_its_line_and_nothing_is_written(
    row: str, why: str, home: Path, tmp_path: Path
) -> None:
    ran = take(home, put(tmp_path, SHEET + row + "\n"))
    assert ran.code == 65
    assert "line 5" in ran.err
    assert why in ran.err
    assert listed(home) == []


def test_all_bad_rows_are_named_up_to_a_limit(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, HEADING + "2026-01-05,bake,3,hour,\n" * 30)
    ran = take(home, path)
    assert ran.code == 65
    assert ran.err.count("line ") == preview.FAULTS_SHOWN_MAX
    assert "30 rows" in ran.err


def test_bytes_of_no_known_encoding_are_named_by_line(home: Path, tmp_path: Path) -> None:
    ran = take(home, put(tmp_path, SHEET.encode() + b"2026-01-05,work,3,hour,\xff\xff\n"))
    assert ran.code == 65
    assert "line 5: this is UTF-8 with other bytes in it" in ran.err
    ran = take(home, put(tmp_path, SHEET.encode("gb18030")), MAP, "--encoding", "utf-8")
    assert (ran.code, "line 4: not UTF-8" in ran.err) == (65, True)
    assert listed(home) == []


def test_a_dry_run_reads_all_and_writes_nothing(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, SHEET)
    assert "3 rows would be taken in" in take(home, path, MAP, "--dry-run").out
    assert listed(home) == []
    bad = put(tmp_path, SHEET + "x,work,3,hour,\n")
    assert take(home, bad, MAP, "--dry-run").code == 65


def test_a_mapping_may_stand_in_a_file(home: Path, tmp_path: Path) -> None:
    mapping = put(
        tmp_path,
        '[columns]\nquantity = "Stunden"\n[values]\naction = "work"\n'
        'unit = "hour"\nscope = "院子"\n',
        "map.toml",
    )
    path = put(tmp_path, "Name;Stunden\nAnn;3\n\n;\n")
    assert take(home, path, str(mapping)).code == 0
    (row,) = listed(home)
    assert (row["quantity"], row["scope"]) == ("3", "院子")


@pytest.mark.parametrize(
    "mapping",
    [
        "action=Was",
        "action=Was,quantity=Wieviel,unit=Einheit,colour=x",
        "action=Was,quantity=Wieviel,unit=Einheit,unit==hour",
        "=,=,=",
        "/nonexistent/map.toml",
        "action=Nope,quantity=Wieviel,unit=Einheit",
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(mapping: str, home: Path, tmp_path: Path) -> None:
    ran = take(home, put(tmp_path, SHEET), mapping)
    assert ran.code in (2, 65)
    assert listed(home) == []


@pytest.mark.parametrize(
    "content",
    [
        "[columns",
        "columns = 1",
        "[columns]\naction = 1",
        "x = 1",
        "[values]\n",
        "a = " + "[" * 9000,
        "a = " + "9" * 5000,
    ],
)
def test_a_mapping_file_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    path = put(tmp_path, content, "map.toml")
    with pytest.raises(CommonwealError):
        read_mapping(str(path))


def test_the_provider_is_a_member_or_the_row_is_refused(home: Path, tmp_path: Path) -> None:
    mapping = "action==work,quantity=h,unit==hour,provider=who"
    assert take(home, put(tmp_path, "who,h\nAnn,1\n"), mapping).code == 0
    ran = take(home, put(tmp_path, "who,h\nAnn,2\nBo\x1b[2J,1\n"), mapping)
    assert ran.code == 65
    assert "line 3" in ran.err
    assert "\x1b" not in ran.err
    assert len(listed(home)) == 1


def test_more_rows_than_a_node_takes_at_once_are_written_in_batches(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_import, "BATCH_RECORDS", 7)
    lines = "".join(f"2026-01-{n % 28 + 1},work,{n + 1},hour,\n" for n in range(30))
    assert take(home, put(tmp_path, HEADING + lines), MAP, "-o", "json").json["written"] == 30


def test_a_sheet_has_a_limit(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "ROW_CHARS_MAX", 40)
    assert take(home, put(tmp_path, SHEET)).code == 0
    long = HEADING + "2026-02-05,work,3,hour," + 20 * "x" + "\n"
    assert "line 2: more than 40 characters in one row" in take(home, put(tmp_path, long)).err
    monkeypatch.setattr(sheet, "FILE_BYTES_MAX", len(SHEET.encode()) - 1)
    assert "more than 122 bytes" in take(home, put(tmp_path, SHEET)).err


def test_a_row_has_so_many_cells_and_no_more(home: Path, tmp_path: Path) -> None:
    """Also where it stands on many lines, each of them short."""
    more = sheet.CELLS_MAX - SHEET.partition("\n")[0].count(",") - 1
    widest = f"{HEADING.rstrip()}{',' * more}\n"
    assert "0 of 0" not in take(home, put(tmp_path, f"{widest}2026-01-01,work,3,hour,\n")).err
    for wide in (
        f",{widest}",
        HEADING + ',"\n"' * sheet.CELLS_MAX,
        HEADING + "," * sheet.CELLS_MAX,
    ):
        assert "more than 1000 cells in one row" in take(home, put(tmp_path, wide)).err


def test_the_words_for_a_mapping_are_read() -> None:
    found = read_mapping(" action = Was , quantity=Wie viel,unit==hour")
    assert found == Mapping({"action": "Was", "quantity": "Wie viel"}, {"unit": "hour"})
    assert json.dumps(found._asdict())


GUESSED = "Stunden;Was\n3;Gemüse gesät\n".encode("windows-1252")


def test_a_guess_is_shown_and_no_yes_takes_it(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, GUESSED)
    ran = weal("import", "csv", path, "--yes", "--home", home)
    assert (ran.code, listed(home)) == (2, [])
    assert "Windows-1252, which is a guess" in ran.out
    assert "Gemüse gesät" in ran.out
    assert "--encoding windows-1252" in ran.err
    good("import", "csv", path, "--yes", "--encoding", "windows-1252", "--home", home)
    assert [row["note"] for row in listed(home)] == ["Gemüse gesät"]


def test_nothing_is_taken_in_without_a_yes(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, "Hours\n3\n")
    ran = weal("import", "csv", path, "--home", home)
    assert (ran.code, listed(home)) == (2, [])
    assert "1 row is new" in ran.out
    assert "--yes" in ran.err


def test_a_member_at_a_terminal_sees_the_guess_and_says_yes_or_no(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (import_, options):
        monkeypatch.setattr(module, "is_typed", lambda: True)
    path = put(tmp_path, GUESSED)
    refused = weal("import", "csv", path, "--home", home, answers="n\n")
    assert (refused.code, listed(home)) == (130, [])
    assert "Take in 1 row?" in refused.err
    good("import", "csv", path, "--home", home, answers="y\n")
    assert [row["note"] for row in listed(home)] == ["Gemüse gesät"]


def test_a_member_at_a_terminal_is_asked_what_a_sheet_does_not_say(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "Datum;Stunden\n05.01.2026;1.000\n")
    ran = weal("import", "csv", path, "--yes", "--home", home)
    assert (ran.code, listed(home)) == (65, [])
    assert "--decimal . (1) or --decimal , (1000)" in ran.err
    for module in (import_, options):
        monkeypatch.setattr(module, "is_typed", lambda: True)
    good("import", "csv", path, "--home", home, answers=",\ndmy\ny\n")
    assert [row["quantity"] for row in listed(home)] == ["1000"]


def test_a_dry_run_as_json_is_the_whole_preview(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path, GUESSED)
    shown = good("import", "csv", path, "--dry-run", "-o", "json", "--home", home).json
    assert (shown["encoding"], shown["is_guess"], shown["delimiter"]) == ("cp1252", True, ";")
    assert shown["columns"] == {"quantity": "Stunden", "note": "Was"}
    assert shown["values"] == {"unit": "hour", "action": "work"}
    assert (shown["rows"], shown["new"], shown["here"], shown["written"]) == (1, 1, 0, 0)
    (first,) = shown["first"]
    assert (first["quantity"], first["note"], first["provider_name"]) == (
        "3",
        "Gemüse gesät",
        "Ann",
    )
    assert first["worth"]["attestations_missing"] == 1


def test_what_waits_for_a_budget_is_said_and_ends_with_75(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "DEFAULT_BUDGET", Budget(Usage(700, 10**9, 10**9, 10**9), 365))
    ran = weal("import", "csv", put(tmp_path, "Hours\n" + "2\n" * 900), "--yes", "--home", home)
    assert ran.code == 75
    assert "Took in 500 rows" in ran.out
    assert "400 rows wait" in ran.err
