"""What goes out: nothing commands a terminal or a spreadsheet, and tables stand straight."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client.exports.sheet_text import safe_cell
from commonweal.client.language.visible_text import UNSEEN, is_plain, visible
from commonweal.commands.terminal import progress as bars
from commonweal.commands.terminal import progress as progress_shown
from commonweal.commands.terminal.output import (
    FOLDED_INDENT,
    Column,
    Form,
    as_json,
    clipped,
    folded_line,
    table,
    width,
    write_csv,
)
from commonweal.storage.ledger.state import finalizer
from tests.builders.weal import founder, good

ROOT = Path(__file__).parents[3]

COMMANDING = {
    "escape": "\x1b[31mred",
    "bell": "\x07",
    "one byte control": "\x9b31m",
    "delete": "a\x7fb",
    "right to left": "abc\u202edef",
    "isolate": "\u2066abc\u2069",
    "mark": "\u200fabc",
    "zero width": "a\u200bb",
    "line separator": "a\u2028b",
    "byte order": "\ufeffa",
    "tag": "a\U000e0041",
    "half a character": "a\udc80",
    "soft hyphen": "a\u00adb",
}


@pytest.mark.parametrize("text", COMMANDING.values(), ids=COMMANDING.keys())
def test_what_commands_a_terminal_is_written_out(text: str) -> None:
    shown = visible(text)
    assert shown != text
    assert "\\" in shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    "text",
    ["plain", "花园 garden", "naïve", "👩\u200d🌾", "नमस्ते", "क्\u200dष", "علی\u200cرضا", "a  b"],
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


def test_a_text_of_several_lines_is_one_cell() -> None:
    assert visible("a\nb\tc\rd") == "a\\nb\\tc\\rd"


def test_what_is_taken_for_plain_has_nothing_to_write_out() -> None:
    plain = [char for char in map(chr, range(sys.maxunicode + 1)) if is_plain(char)]
    unseen = re.compile(UNSEEN)
    assert [char for char in plain if unseen.match(char)] == []
    assert "ä" in plain and "中" in plain


def test_nothing_visible_is_a_control_or_a_direction() -> None:
    for character in visible("".join(map(chr, range(sys.maxunicode + 1)))):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in DIRECTIONS


DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize("text", COMMANDING.values(), ids=COMMANDING.keys())
def test_json_carries_it_escaped_and_whole(text: str) -> None:
    written = as_json({"note": text})
    assert written.replace("\n", "").isprintable()
    assert json.loads(written) == {"note": text}


def test_json_is_sorted_and_reads_as_it_was_written() -> None:
    assert as_json({"b": 1, "a": "花"}) == '{\n  "a": "花",\n  "b": 1\n}'


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("花园", 4),
        ("ａ", 2),
        ("e\u0301", 1),
        ("ｱ", 1),
        ("한글", 4),
        ("علی\u200cرضا", 6),
    ],
)
def test_wide_characters_take_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_what_does_not_fit_is_cut_at_a_whole_character() -> None:
    assert clipped("花园花园", 5) == "花园…"
    assert width(clipped("花园花园", 4)) <= 4
    assert clipped("花园", 4) == "花园"


def test_columns_stand_straight_whatever_the_script() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "安", "n": 5},
        {"name": "Annabel", "n": 12},
        {"name": "花园", "n": None},
    ]
    lines = table(
        [Column("name", "name"), Column("n", "数量", is_number=True), Column("x", "")], rows
    )
    assert lines == [
        "name     数量",
        "安          5",
        "Annabel    12",
        "花园",
    ]


def test_a_narrow_terminal_cuts_the_last_column() -> None:
    rows = [{"a": "1234", "note": "a long note that goes on and on"}]
    lines = table([Column("a", "a"), Column("note", "note")], rows, 20)
    assert lines[1] == "1234  a long note t…"
    assert all(width(line) <= 20 for line in lines)


def test_columns_that_do_not_fit_stand_below() -> None:
    columns = [Column("a", "id"), Column("b", "when"), Column("n", "n", is_number=True)]
    columns.append(Column("note", "note"))
    rows: list[dict[str, Any]] = [
        {"a": "12345678", "b": "2026-11-23 03:52", "n": "2.5", "note": "a long note, that is cut"},
        {"a": "9", "b": "", "n": None, "note": ""},
    ]
    assert table(columns, rows, 28) == [
        "id        when",
        "      n  note",
        "12345678  2026-11-23 03:52",
        "    2.5  a long note, that …",
        "9",
    ]
    assert len(table(columns, rows, 60)) == 3


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=3, max_size=3)),
    st.integers(16, 80),
)
def test_no_line_of_a_table_is_wider_than_the_terminal(rows: list[list[str]], wide: int) -> None:
    columns = [Column(str(n), f"column {n}") for n in range(3)]
    widest = [{str(n): visible(cell)[:8] for n, cell in enumerate(row)} for row in rows]
    lines = table(columns, widest, wide)
    most = max([width(cell) for row in widest for cell in row.values()], default=0)
    assert all(width(line) <= max(wide, most + FOLDED_INDENT) for line in lines)


def test_a_sentence_is_folded_between_words() -> None:
    line = "  a hint that goes on for longer than the terminal is wide"
    folded = folded_line(line, 24).split("\n")
    assert len(folded) > 1
    assert all(len(one) <= 24 and one.startswith("  ") for one in folded)
    assert " ".join(one.strip() for one in folded) == line.strip()


@pytest.mark.parametrize(
    "line",
    ["it fits in here", "", "weal://" + "x" * 40, "花园" * 20, "花园 " * 20],
    ids=["fits", "nothing", "link", "wide", "wide, with spaces"],
)
def test_what_fits_or_must_stay_whole_is_not_folded(line: str) -> None:
    assert folded_line(line, 20) == line


def test_a_link_in_a_sentence_gets_a_line_of_its_own() -> None:
    assert folded_line("give it: " + "x" * 30 + " now", 20) == f"give it:\n{'x' * 30}\nnow"


def test_what_was_written_comes_before_what_is_told_beside_it() -> None:
    typed = (
        "from commonweal.commands.terminal.output import say, warn; say('first'); warn('second')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", typed],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert ended.stdout == "first\nsecond\n"


def test_a_bar_is_shown_where_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int | None]] = []
    done: list[int] = []

    @contextmanager
    def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        shown.append((what, total))
        yield done.append

    monkeypatch.setattr(progress_shown, "progress", progress)
    with progress_shown.watching("folding") as watch:
        watch(99_000, 100_000)
        watch(100_000, 100_000)
    assert shown == []
    with progress_shown.watching("folding") as watch:
        watch(20_000, 100_000)
        watch(30_000, 100_000)
        watch(99_500, 100_000)
    assert (shown, sum(done)) == ([("folding", 100_000)], 99_500)


def test_a_table_without_headings_has_no_empty_first_line() -> None:
    assert table([Column("a", ""), Column("b", "")], [{"a": "x", "b": "y"}]) == ["x  y"]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "＝1+1", "|calc", "%0a", "\n=1"],
)
def test_no_cell_begins_a_formula(text: str) -> None:
    cell = str(safe_cell(text))
    assert cell.lstrip()[0] == "'"


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (-3, -3), (Decimal("-1.50"), "-1.50"), ("a=b", "a=b"), ("花", "花")],
)
def test_other_cells_stay(value: object, cell: object) -> None:
    assert safe_cell(value) == cell


def test_there_are_three_forms() -> None:
    assert [form.value for form in Form] == ["text", "json", "csv"]


def test_headings_are_shown_as_cells_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, heading = ("\x1b[31m", "\\x1b[31m")
    assert table([Column("a", asked)], [{"a": 1}])[0] == heading
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write_csv([asked, "=b"], [])
    assert capsys.readouterr().out == f"{heading},'=b\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_sheet_carries_text_as_written_into_a_file(
    is_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    note = "two\nlines\tof \u200b\x1b[31mred"
    write_csv(["note"], [{"note": note}])
    _heading, (cell,) = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert cell == (visible(note) if is_terminal else note)


def test_a_long_seal_shows_a_bar_and_is_worked_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int | None] = []
    folds: list[object] = []
    conclude = finalizer.Finalizer.conclude

    @contextmanager
    def progress(_what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        shown.append(total)
        yield lambda _more: None

    def counted(*about: Any) -> finalizer.FoldedSeal:
        folds.append(about)
        return conclude(*about)

    monkeypatch.setattr(bars, "progress", progress)
    monkeypatch.setattr(finalizer.Finalizer, "conclude", counted)
    home = founder(tmp_path / "home")
    for least, is_shown in ((1_000, False), (1, True)):
        monkeypatch.setattr(bars, "LEFT_SHOWN_MIN", least)
        good("record", "work", "1", "hour", "--home", home)
        folds.clear()
        good("seal", "--home", home)
        assert (bool(shown), len(folds)) == (is_shown, 1)


def test_a_list_in_a_cell_is_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(["inputs"], [{"inputs": ["ab", "cd"]}, {"inputs": []}, {"inputs": ["=1", "2"]}])
    assert capsys.readouterr().out.splitlines() == ["inputs", '"ab, cd"', '""', '"\'=1, 2"']
