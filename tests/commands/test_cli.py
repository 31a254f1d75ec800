"""`weal` as a whole: its table, its help, its language, its errors and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest

from commonweal import __version__, cli
from commonweal.commands.terminal.command_table import TABLE
from commonweal.protocol import errors
from tests.builders.weal import founder, good, weal

NOT_AT_START = (
    "libp2p",
    "trio",
    "commonweal.node",
    "rich",
    "segno",
    "multiaddr",
    "ifaddr",
    "zeroconf",
)
NOT_FOR_A_LIST = (
    *("base64", "bz2", "fractions", "grp", "importlib.resources", "random", "secrets"),
    *("shutil", "tempfile", "textwrap"),
    "commonweal.protocol.ledger.members.agents",
    "commonweal.protocol.ledger.members.registry",
    "commonweal.protocol.ledger.state.context",
    "commonweal.protocol.ledger.state.rejections",
    "commonweal.protocol.records.batch_decode",
    "commonweal.protocol.records.fork_proof",
    "commonweal.protocol.records.log",
    "commonweal.storage.ledger.state.pending_state",
)
"""Modules that a list does not need: together they took a third of its processor time."""
COMMANDS = [(section, name) for section, entries in TABLE.items() for name in entries]
ROOT = Path(__file__).parents[2]


def loaded(arguments: list[str], environment: dict[str, str]) -> list[str]:
    """The modules that a command has loaded when it ends, in a process of its own."""
    script = (
        "import sys; from commonweal.cli import main; code = main(sys.argv[1:]);"
        " print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=60,
    )
    assert ended.returncode == 0, ended
    return ended.stderr.split()


@pytest.mark.parametrize("typed", [["--help"], ["--version"], ["ledger", "--limit", "20"]])
def test_help_and_local_queries_load_no_network(typed: list[str], tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    modules = loaded(typed, {"COMMONWEAL_HOME": str(home)})
    heavy = [one for one in modules if one.startswith(NOT_AT_START)]
    assert heavy == []


def test_a_list_loads_only_what_it_shows(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    weal("record", "work", "1", "hour", "--note", "Mähen", "--home", home)
    weal("ledger", "--home", home)
    modules = loaded(["ledger", "--limit", "20"], {"COMMONWEAL_HOME": str(home)})
    assert [one for one in modules if one in NOT_FOR_A_LIST] == []


def test_a_second_look_at_the_ledger_does_not_fold(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    weal("record", "work", "1", "hour", "--home", home)
    weal("ledger", "--home", home)
    modules = loaded(["ledger"], {"COMMONWEAL_HOME": str(home)})
    assert "commonweal.protocol.ledger.fold.fold" not in modules


@pytest.mark.parametrize("typed", [["members"], ["status"], ["show", "HEAD"]])
def test_other_local_queries_load_no_network(typed: list[str], tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    community = weal("status", "--home", home, "-o", "json").json["community"]
    typed = [community if word == "HEAD" else word for word in typed]
    modules = loaded(typed, {"COMMONWEAL_HOME": str(home)})
    heavy = [one for one in modules if one.startswith(NOT_AT_START)]
    assert heavy == []


@pytest.mark.parametrize("typed", [["record", "work", "1", "hour"], ["seal"], ["role", "list"]])
def test_a_command_loads_its_part_of_the_member_only(typed: list[str], tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    modules = loaded(typed, {"COMMONWEAL_HOME": str(home)})
    others = ("commonweal.client.member", "commonweal.client.exports", "commonweal.client.keep")
    assert [one for one in modules if one == others[0] or one.startswith(others[1:])] == []


def test_help_loads_no_command() -> None:
    modules = loaded(["--help"], {})
    read_anyway = {"terminal"}
    commands = {one.split(".")[2] for one in modules if one.startswith("commonweal.commands.")}
    assert commands <= read_anyway


@pytest.mark.parametrize("name", [name for _, name in COMMANDS])
def test_every_command_of_the_table_stands_and_explains_itself(name: str) -> None:
    ran = weal(name, "--help")
    assert ran.code == 0
    assert "Usage: weal " + name in ran.out
    assert "--help" in ran.out


HOMELESS = {
    *(("check-proof", "check-proof"), ("key", "new"), ("completion", "completion")),
    ("relay", "relay"),
}
"""What is typed by somebody who has no home, or not yet."""


@pytest.mark.parametrize("name", [name for _, name in COMMANDS])
def test_every_command_takes_a_home(name: str) -> None:
    command = cli.weal.get_command(click.Context(cli.weal), name)
    assert command is not None
    leaves = [*command.commands.values()] if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        places = {one.name for one in leaf.params}
        has_home = bool(places & {"home", "folder"})
        assert has_home is ((name, leaf.name) not in HOMELESS), leaf.name


@pytest.mark.parametrize("name", [name for _, name in COMMANDS])
def test_what_scripts_read_is_described(name: str) -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    rows = re.findall(r"^\|([^|]*)\|", page, re.MULTILINE)
    told = {word for row in rows for word in re.findall(r"`([^`]*)`", row)}
    command = cli.weal.get_command(click.Context(cli.weal), name)
    assert command is not None
    inner = command.commands if isinstance(command, click.Group) else {"": command}
    for leaf, found in inner.items():
        if any(one.name == "form" for one in found.params):
            assert told & {f"{name} {leaf}".strip(), leaf}, f"{name} {leaf}"


def test_the_version_is_that_of_the_package() -> None:
    assert weal("--version").out == f"weal {__version__}\n"


def test_a_word_that_is_no_command_gets_the_nearest_one() -> None:
    ran = weal("leger")
    assert ran.code == 2
    assert "'ledger'" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    "typed",
    [[], ["record"], ["record", "work"], ["ledger", "--limit", "x"], ["ledger", "--nothing"]],
)
def test_a_command_that_says_too_little_is_usage(typed: list[str]) -> None:
    assert weal(*typed).code == 2


def test_chinese_is_read_where_the_language_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    english = weal("--help").out
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    chinese = weal("--help").out
    assert "用法" in chinese
    assert "记下" in chinese
    assert "Usage" not in chinese
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert weal("--help").out == english


@pytest.mark.parametrize("name", [name for _, name in COMMANDS])
def test_every_help_is_told_in_chinese(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    command = cli.weal.get_command(click.Context(cli.weal), name)
    assert command is not None
    leaves = [*command.commands.values()] if isinstance(command, click.Group) else []
    for leaf in (command, *leaves):
        told = [getattr(one, "help", "") for one in leaf.params]
        for words in [leaf.help, leaf.short_help, *told]:
            assert not words or is_chinese(words), (leaf.name, words)


@pytest.mark.parametrize(
    "typed",
    [
        ["rules", "template", "nope"],
        ["ledger", "--member"],
        ["status", "Ann"],
        ["start", "--no-mdns=1"],
        ["import", "csv"],
    ],
    ids=" ".join,
)
def test_what_is_typed_wrong_is_told_in_chinese(
    typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    ran = weal(*typed)
    told = ran.err.splitlines()[-1]
    assert is_chinese(told.partition("：")[2]), told


def is_chinese(words: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in words)


def test_a_list_of_commands_tells_each_in_a_sentence() -> None:
    told = weal("rules", "--help").out
    assert "..." not in told.partition("Commands:")[2]


@pytest.mark.parametrize(("variable", "value"), [("LC_ALL", "zh_TW.UTF-8"), ("LANGUAGE", "zh")])
def test_other_variables_say_the_language_too(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv(variable, value)
    assert "用法" in weal("--help").out


def test_an_unknown_language_reads_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "tlh")
    assert "Usage" in weal("--help").out


def test_errors_are_told_in_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    ran = weal("ledger", "--home", tmp_path / "nowhere")
    assert ran.code == 78
    assert "weal start" in ran.err
    assert is_chinese(ran.err)


def all_errors() -> list[type[errors.CommonwealError]]:
    found = [errors.CommonwealError]
    for one in found:
        found += one.__subclasses__()
    return [one for one in found if one.__module__.startswith(errors.__name__)]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_is_one_sentence_and_its_exit_code(
    kind: type[errors.CommonwealError], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = kind.__new__(kind, "the place\x1b[2J")
    Exception.__init__(error, "the place\x1b[2J")
    monkeypatch.setattr(cli, "_run", _raiser(error))
    ran = weal("status")
    assert ran.code == kind.exit_code
    told, place = ran.err.splitlines()
    assert told.startswith("weal: ")
    assert len(told) < 130
    assert place == "  the place\\x1b[2J"
    assert ran.out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.exceptions.Exit(3), 3),
    ],
)
def test_an_interruption_ends_quietly(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_run", _raiser(error))
    assert weal("status") == (code, "", "")


def test_an_interruption_while_it_loads_ends_quietly() -> None:
    typed = """
import builtins, os, signal
real = builtins.__import__
def interrupted(name, *more):
    if name == "commonweal" and "cli" in (more[2] or ()):
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *more)
from commonweal.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind others ignores it
builtins.__import__ = interrupted
raise SystemExit(main())
"""
    ran = subprocess.run([sys.executable, "-c", typed], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


def test_no_garbage_is_looked_for_as_a_command_ends() -> None:
    typed = """
import atexit, gc, sys
atexit.register(lambda: print(len(gc.get_objects()) < 100 < gc.get_freeze_count()))
from commonweal.__main__ import main
sys.argv[1:] = ["--version"]
raise SystemExit(main())
"""
    ran = subprocess.run([sys.executable, "-c", typed], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("True\n")


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    shown = subprocess.run(
        f'"{sys.executable}" -m commonweal --help | true; echo "${{PIPESTATUS[0]}}"',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COMMONWEAL_HOME": str(home)},
        timeout=60,
    )
    assert shown.stderr == ""
    assert shown.stdout.strip() in {"0", str(cli.PIPE_CLOSED), str(128 + signal.SIGPIPE)}


def test_an_output_that_takes_nothing_is_told_and_what_was_done_stands(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    about: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "timeout": 60}
    weal_typed = [sys.executable, "-m", "commonweal", "--home", str(home)]
    about["env"] = {**os.environ, "PYTHONPATH": str(ROOT)}
    record = [*weal_typed, "record", "work", "1", "hour"]
    for unbuffered in ("", "1"):
        about["env"]["PYTHONUNBUFFERED"] = unbuffered
        for typed in (record, [*weal_typed, "export", "csv"], [*weal_typed, "status"]):
            with Path("/dev/full").open("w") as full:
                ran = subprocess.run(typed, stdout=full, **about)
            assert (ran.returncode, "Traceback" in ran.stderr) == (73, False), ran.stderr
            assert "What the command did stands" in ran.stderr
    for number in (0, 1, 2):
        ran = subprocess.run(record, preexec_fn=partial(os.close, number), **about)
        assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert good("ledger", "--home", home, "-o", "json").json["total"] == 5


def test_a_terminal_that_cannot_write_a_letter_gets_its_number(tmp_path: Path) -> None:
    home = founder(tmp_path / "home", "安")
    ended = subprocess.run(
        [sys.executable, "-m", "commonweal", "members"],
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "COMMONWEAL_HOME": str(home),
            "PYTHONIOENCODING": "ascii",
        },
        timeout=60,
    )
    assert ended.returncode == 0
    assert b"\\u5b89" in ended.stdout


def test_the_home_may_stand_before_the_command(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    assert weal("--home", home, "members", "-o", "json").json["members"][0]["name"] == "Ann"


def test_without_a_word_the_home_is_where_the_system_keeps_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert weal("init", "--name", "Ann", "--no-passphrase").code == 0
    assert (tmp_path / "commonweal" / "ledger.db").exists() or sys.platform == "darwin"
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path / "other"))
    assert weal("status").code == 78


def _raiser(error: BaseException) -> object:
    def run(_arguments: list[str]) -> int:
        raise error

    return run
