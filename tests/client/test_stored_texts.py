"""Texts are kept as they were written, and names are found however they are typed.

What commands a terminal is written out where a terminal shows it, and nowhere else.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.texts import proposal_text_of, text_of
from commonweal.protocol.errors import UnknownId, UnusableText
from tests.builders.git_histories import commit, git
from tests.builders.weal import good

NAME = "علی\u200cرضا"
TEXT = (
    "two\nlines,\ttab, علی\u200cرضا, क्\u200dष, zero\u200bwidth, \u202ereversed\u202c, \x1b[31mred"
)
LINE = TEXT.replace("\n", " ").replace("\t", " ")
"""On one line, as git has the first line of a message."""
MAP = "action==work,quantity=Hours,unit==hour,note=What"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_home(tmp_path / "home", NAME)
    with Member(tmp_path / "home") as me:
        me.found("बाग़ 🧑\u200d🌾")
    return tmp_path / "home"


def _note(me: Member, _folder: Path) -> str | None:
    written = me.record("work", 1, "hour", note=TEXT)
    return text_of(me.view.store, written.id)


def _file(me: Member, folder: Path) -> str | None:
    (folder / "note.txt").write_text(TEXT, newline="")
    written = me.record("work", 1, "hour", file=folder / "note.txt")
    return text_of(me.view.store, written.id)


def _sheet(me: Member, folder: Path) -> str | None:
    with (folder / "hours.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("Hours", "What"), ("2", TEXT)])
    assert me.import_csv(me.sheet_preview(folder / "hours.csv", MAP)).written == 1
    return me.contributions().records[0].note


def _decision(me: Member, _folder: Path) -> str | None:
    proposal = me.propose_decision(TEXT).id
    return proposal_text_of(me.view.store, proposal)


def _comment(me: Member, _folder: Path) -> str | None:
    proposal = me.propose_decision("more seats").id
    me.comment(proposal, TEXT)
    return me.proposal(proposal).comments[0].text


@pytest.mark.parametrize("kept", [_note, _file, _sheet, _decision, _comment])
def test_a_text_comes_out_as_it_was_written(
    kept: Callable[[Member, Path], str | None], home: Path, tmp_path: Path
) -> None:
    with Member(home) as me:
        assert kept(me, tmp_path) == TEXT


def test_the_message_of_a_commit_is_kept_as_git_has_it(home: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    commit(tmp_path / "repo", LINE, (NAME, "ali@example.org"))
    with Member(home) as me:
        me.import_git(tmp_path / "repo")
        assert me.contributions().records[0].note == f"{LINE} — {NAME} <ali@example.org>"


def test_exports_carry_a_text_as_it_was_written(home: Path, tmp_path: Path) -> None:
    with Member(home) as me:
        me.record("work", 1, "hour", note=TEXT)
    exported = good("export", "json", "--home", home).out
    assert json.loads(exported)["records"][0]["note"] == TEXT
    sheet = good("export", "csv", "--home", home).out
    (row,) = csv.DictReader(io.StringIO(sheet.lstrip("\ufeff"), newline=""))
    assert (row["note"], row["member_name"]) == (TEXT, NAME)
    (tmp_path / "again.csv").write_text(sheet)
    columns = "action=action,quantity=effort,unit=effort_unit,note=note"
    with Member(home) as me:
        assert me.import_csv(me.sheet_preview(tmp_path / "again.csv", columns)).written == 1
        assert [row.note for row in me.contributions().records] == [TEXT, TEXT]


def test_a_terminal_gets_no_command_out_of_a_text(home: Path) -> None:
    with Member(home) as me:
        written = me.record("work", 1, "hour", note=TEXT)
    for typed in (("ledger",), ("show", written.id.hex())):
        out = good(*typed, "--home", home).out
        assert not {"\x1b", "\u202e", "\u200b"} & set(out)
        assert NAME in out, "a joiner in its place is no command"
    assert visible(TEXT) in good("ledger", "--home", home).out


FORMS = {
    "as it is": "Zoë Ann",
    "decomposed accents": "Zoe\u0308 Ann",
    "full width": "Ｚｏë\u3000Ａｎｎ",
    "spaces": "  Zoë   Ann ",
    "copied from a page": "Zoë\u200b Ann\ufeff",
}
"""One name, however it is typed."""


@pytest.mark.parametrize("typed", FORMS.values(), ids=FORMS.keys())
def test_a_name_is_found_however_it_is_typed(typed: str, tmp_path: Path) -> None:
    create_home(tmp_path / "home", "Zoe\u0308 Ann")
    with Member(tmp_path / "home") as me:
        me.found("Garden")
        assert me.view.name(me.view.me) == "Zoë Ann"
        given = me.record("work", 1, "hour", provider=typed, scope="Zoë Ann")
        assert [row.id for row in me.contributions(member=typed).records] == [given.id]
        assert [row.id for row in me.contributions(scope=typed).records] == [given.id]
        (tmp_path / "authors").write_text(f"{typed} <zoe@example.org>\n")
        git(tmp_path, "init", "--quiet", "repo")
        commit(tmp_path / "repo", "dig", ("zoe", "zoe@example.org"))
        taken_in = me.import_git(tmp_path / "repo", authors=tmp_path / "authors")
        assert taken_in.preview.strangers == ()
        (tmp_path / "hours.csv").write_text(f'Hours,Who\n2,"{typed}"\n')
        sheet = "action==work,quantity=Hours,unit==hour,provider=Who"
        assert me.import_csv(me.sheet_preview(tmp_path / "hours.csv", sheet)).written == 1
        assert {row.member for row in me.contributions().records} == {me.view.me}


@pytest.mark.parametrize("heading", ["Stu\u0308ck", "Stück", "Ｓｔück", " Stück "])
def test_a_column_is_found_however_its_heading_is_typed(
    heading: str, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "sheet.csv").write_text(f"{heading},What\n2,dug\n")
    with Member(home) as me:
        sheet = "action==produce,unit==one,quantity=Stück,note=What"
        assert me.import_csv(me.sheet_preview(tmp_path / "sheet.csv", sheet)).written == 1


def test_a_name_in_another_case_is_another_name(home: Path, tmp_path: Path) -> None:
    create_home(tmp_path / "ann", "Ann")
    with Member(tmp_path / "ann") as me:
        me.found("Garden")
        with pytest.raises(UnknownId):
            me.record("work", 1, "hour", provider="ann")


def test_things_and_units_have_one_name_each(home: Path) -> None:
    with Member(home) as me:
        me.add_unit("ｋｉｓｔｅ")
        first = me.add_resource("Zoe\u0308", 1, "kiste")
        again = me.add_resource(" Zoë ", 2, "ｋｉｓｔｅ")
        assert first.specification == again.specification
        assert {row.name for row in me.resources()} == {"Zoë"}
        assert "kiste" in {unit.unit for unit in me.units()}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[31m", "a\u202eb", "a\u200bb", "x" * 65])
def test_a_name_that_others_cannot_see_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableText, match="1 to 64"):
        create_home(tmp_path / "home", name)
    assert not (tmp_path / "home").exists()
