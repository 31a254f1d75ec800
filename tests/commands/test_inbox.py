"""`weal inbox`, typed: its forms, its limit, and the digest that programs of the system show."""

from __future__ import annotations

import csv
import io
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.home import reminders
from commonweal.client.home.submit import now_ms
from commonweal.commands.terminal import notify
from tests.builders.commons import Commons
from tests.builders.weal import Ran, good, weal

SCRIPT = """#!{python}
import sys
open({out!r}, "a").write(repr(sys.argv[1:]) + "\\n" + sys.stdin.read())
{then}
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Bo worked twice, and Ana is asked to attest."""
    made = Commons(tmp_path_factory.mktemp("inbox"))
    for home in made.all:
        reminders.remember_backup(home, now_ms())
    for hours in ("3", "4"):
        made.good(made.bo, "record", "work", hours, "hours")
    made.meet()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder in which programs are looked for; there is none yet."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, then: str = "") -> Path:
    """Write a program that notes its arguments and stdin; return where it notes them."""
    noted = path.with_suffix(".noted")
    path.write_text(SCRIPT.format(python=sys.executable, out=str(noted), then=then), "utf-8")
    path.chmod(0o755)
    return noted


def inbox(lanxi: Commons, *options: str) -> Ran:
    return weal("inbox", *options, "--home", lanxi.ana.path)


def test_people_read_who_asks_and_what_to_type(lanxi: Commons) -> None:
    ran = inbox(lanxi)
    assert ran.code == 0
    heading, *lines = ran.out.splitlines()
    assert heading.split()[:2] == ["until", "since"]
    assert len(lines) == 2
    assert all("Bo" in line and "weal --home" in line and " attest " in line for line in lines)
    assert good("inbox", "--home", lanxi.bo.path).out == "Nothing waits for you.\n"


def test_people_read_it_in_chinese(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    assert good("inbox", "--home", lanxi.bo.path).out == "没有等您处理的事。\n"
    assert "工作 3 小时" in inbox(lanxi).out and "贡献" in inbox(lanxi).out


def test_scripts_and_sheets_read_the_same_rows(lanxi: Commons) -> None:
    value = inbox(lanxi, "-o", "json").json
    assert value["total"] == 2
    sheet = list(csv.DictReader(io.StringIO(inbox(lanxi, "-o", "csv").out)))
    assert [{**row, "until": row["until"] or None} for row in sheet] == value["waits"]
    assert {*sheet[0]} == {
        *("kind", "id", "member", "member_name", "words", "since", "until", "command")
    }


def test_the_command_of_a_row_does_it(lanxi: Commons) -> None:
    for row in inbox(lanxi, "-o", "json").json["waits"]:
        good(*shlex.split(row["command"])[1:])
    assert inbox(lanxi, "-o", "json").json == {"total": 0, "waits": []}


def test_a_command_names_the_home_only_where_it_is_not_the_usual_one(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONWEAL_HOME", str(lanxi.ana.path))
    assert good("inbox", "-o", "json").json["waits"][0]["command"].startswith("weal attest ")


def test_rows_are_limited_and_it_is_said(lanxi: Commons) -> None:
    ran = inbox(lanxi, "--limit", "1")
    assert "1 of 2 are listed" in ran.out
    assert inbox(lanxi, "--limit", "0").code == 2


def test_a_digest_is_shown_once_and_then_only_what_is_new(lanxi: Commons, programs: Path) -> None:
    noted = program(programs / "notify-send")
    assert inbox(lanxi, "--notify") == Ran(0, "", "")
    first = noted.read_text("utf-8")
    assert "2 new things wait for you" in first and "work 3 hour · Bo" in first
    assert inbox(lanxi, "--notify") == Ran(0, "", "")
    assert noted.read_text("utf-8") == first, "nothing is new"
    lanxi.good(lanxi.bo, "record", "work", "5", "hours")
    lanxi.meet()
    inbox(lanxi, "--notify")
    second = noted.read_text("utf-8").removeprefix(first)
    assert "1 new thing waits for you" in second
    assert "work 5 hour" in second and "work 3 hour" not in second
    assert "3 things wait in all" in second


def test_an_apple_shows_it_without_notify_send(lanxi: Commons, programs: Path) -> None:
    noted = program(programs / "osascript")
    assert inbox(lanxi, "--notify") == Ran(0, "", "")
    said = noted.read_text("utf-8")
    assert "on run argv" in said and "2 new things wait for you" in said


def test_what_others_wrote_is_no_markup_on_the_desktop(lanxi: Commons, programs: Path) -> None:
    noted = program(programs / "notify-send")
    with Member(lanxi.bo) as bo:
        bo.add_unit("b<i>g&")
        bo.add_resource("apples", 12, "b<i>g&")
    lanxi.meet()
    inbox(lanxi, "--notify")
    said = noted.read_text("utf-8")
    assert "b&lt;i&gt;g&amp;" in said and "b<i>" not in said


def test_a_hook_gets_the_digest_on_stdin_without_a_shell(lanxi: Commons, tmp_path: Path) -> None:
    noted = program(tmp_path / "hook")
    hook = f"{tmp_path / 'hook'} 'two words' ; $HOME"
    assert inbox(lanxi, "--notify", "--hook", hook) == Ran(0, "", "")
    arguments, said = noted.read_text("utf-8").split("\n", 1)
    assert arguments == "['two words', ';', '$HOME']"
    assert said.startswith("2 new things wait for you\n") and "work 4 hour · Bo" in said


def test_without_any_program_the_error_says_what_to_do(lanxi: Commons, programs: Path) -> None:
    ran = inbox(lanxi, "--notify")
    assert ran.code == 78 and "notify-send" in ran.err and "--hook COMMAND" in ran.err
    assert list(programs.iterdir()) == []


@pytest.mark.parametrize(
    ("then", "why"),
    [("sys.exit('no desktop')", "no desktop"), ("sys.exit(3)", "ended with 3")],
)
def test_a_digest_that_was_not_shown_comes_again(
    lanxi: Commons, programs: Path, then: str, why: str
) -> None:
    program(programs / "notify-send", then)
    ran = inbox(lanxi, "--notify")
    assert ran.code == 78 and why in ran.err
    noted = program(programs / "notify-send")
    noted.unlink()
    assert inbox(lanxi, "--notify").code == 0
    assert "2 new things" in noted.read_text("utf-8")


def test_a_hook_that_does_not_end_is_stopped(
    lanxi: Commons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "NOTIFY_SECONDS_MAX", 1.0)
    program(tmp_path / "hook", "import time; time.sleep(20)")
    ran = inbox(lanxi, "--notify", "--hook", str(tmp_path / "hook"))
    assert ran.code == 78 and "did not end within 1 seconds" in ran.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--hook", "true"), 2),
        (("--notify", "--hook", ""), 2),
        (("--notify", "--hook", "'"), 2),
        (("--notify", "-o", "json"), 2),
        (("--notify", "--hook", "/nowhere/at/all"), 78),
    ],
)
def test_what_cannot_be_meant_is_refused(
    lanxi: Commons, options: tuple[str, ...], code: int
) -> None:
    ran = inbox(lanxi, *options)
    assert ran.code == code and ran.err
    assert reminders.read_reminders(lanxi.ana).told == ()
