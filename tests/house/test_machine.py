"""Before pip starts, one line says what the machine lacks and how to get it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MACHINE = Path(__file__).parents[2] / ".ci" / "machine.py"
COMPILER = """#!/bin/sh
while read -r line; do case "$line" in *{lacking}*) exit 1;; esac; done
exit 0
"""


def ask(tools: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MACHINE), *flags],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with a git and nothing else."""
    (tmp_path / "git").symlink_to(shutil.which("true") or "")
    return tmp_path


def with_compiler(tools: Path, lacking: str) -> Path:
    for name in ("cc", "gcc", "clang"):
        (tools / name).write_text(COMPILER.format(lacking=lacking))
        (tools / name).chmod(0o755)
    return tools


@pytest.mark.parametrize(
    ("lacking", "named"),
    [("gmp.h", ("gmp.h", "gmp")), ("Python.h", ("headers of Python", "python"))],
)
def test_a_missing_header_is_named_in_one_line(
    tools: Path, lacking: str, named: tuple[str, str]
) -> None:
    ended = ask(with_compiler(tools, lacking))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert all(word in ended.stderr for word in named)
    assert " install " in ended.stderr


def test_without_a_compiler_only_the_compiler_is_named(tools: Path) -> None:
    ended = ask(tools)
    assert ended.returncode == 1
    assert "a C compiler missing" in ended.stderr
    assert "gmp" not in ended.stderr


def test_a_machine_that_lacks_nothing_is_told_nothing(tools: Path) -> None:
    ended = ask(with_compiler(tools, "no-such-header"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_packages_are_listed_for_who_installs_them(tools: Path) -> None:
    ended = ask(with_compiler(tools, "gmp.h"), "--packages")
    assert ended.returncode == 0
    assert ended.stdout.strip() in {"libgmp-dev", "gmp"}
