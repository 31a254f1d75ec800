"""docs/threats.md as data, and whether what it names really ran.

`python -m tests.house.threats` (`make attack`) runs the tests that the page names, except the
storms of the simulator. `Watch` checks that a whole run of the suite ran each of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threats.md"
COLUMNS = ("threat", "countermeasure", "test", "figure", "planted fault")
WHAT, TESTS, FAULTS = 0, 2, 4

_TEST = re.compile(r"((?:\w+/)*test_\w+\.py|\.\.\.(?=::))(?:::((?:Test\w+::)?test_\w+))?")
_FAULT = re.compile(r"`([a-z0-9-]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One threat. tests: (file below tests/, how the names begin, or "" for all of it).

    The name of a test in a class begins with that of the class, `TestClass::`.
    """

    threat: str
    tests: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]


def rows(page: str) -> list[Row]:
    """The rows of all parts of a page but the last, of what was found.

    Raises ValueError for a table with other columns.
    """
    found = []
    for cells, is_head in _tables(page.partition("\n## ")[2].partition("\n## Faults")[0]):
        if is_head and cells != COLUMNS:
            raise ValueError(f"a table with the columns {cells}")
        if not is_head:
            found.append(
                Row(cells[WHAT], _tests(cells[TESTS]), tuple(_FAULT.findall(cells[FAULTS])))
            )
    return found


def _tables(page: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    before = ""
    for line in page.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and not line.startswith("|--"):
            yield cells, not before.startswith("|")
        before = line


def _tests(cell: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for file, begins in _TEST.findall(cell):
        if file == "..." and not found:
            raise ValueError(f"no file before {cell}")
        if file == "...":  # the file and the class of the test before
            file, before = found[-1]
            begins = "".join(before.rpartition("::")[:2]) + begins
        found.append((file, begins))
    return tuple(found)


def nodes(row: Row) -> list[str]:
    """The tests of a row, as pytest names them; raises ValueError where one is not there."""
    found = []
    for file, begins in row.tests:
        path = ROOT / "tests" / file
        names = _named_in(path.read_text("utf-8"))
        fitting = [f"tests/{file}::{name}" for name in names if begins and name.startswith(begins)]
        if begins and not fitting:
            raise ValueError(f"{file} has no {begins}")
        found += fitting if begins else [f"tests/{file}"]
    return found


def _named_in(text: str) -> Iterator[str]:
    within = ""
    for begins, name in re.findall(r"^( {4})?(?:(?:async )?def|class) (\w+)", text, re.MULTILINE):
        if name.startswith("Test") and not begins:
            within = f"{name}::"
        elif name.startswith("test_"):
            yield within + name if begins else name


def named() -> list[str]:
    """All tests that the page names, each once; a file stands for what it holds."""
    every = dict.fromkeys(node for row in rows(PAGE.read_text("utf-8")) for node in nodes(row))
    return [one for one in every if "::" not in one or one.partition("::")[0] not in every]


class Watch:
    """A part of pytest that notes what ran of the tests that the page names."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self._ended: dict[str, str] = {}
        self._seconds = 0.0
        try:
            self._named = named()
        except ValueError:  # which tests/planted says, in words
            self._named = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended, if it is one of ours."""
        test = report.nodeid.partition("[")[0]
        name = test if test in self._named else test.partition("::")[0]
        if name in self._named:
            self._seconds += report.duration
            if report.when == "call" or report.skipped:
                ran = self._ended.get(name) == "ran" or not report.skipped
                self._ended[name] = "ran" if ran else "skipped"

    def left(self) -> list[str]:
        """The named tests of which nothing was even begun."""
        return [name for name in self._named if name not in self._ended]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A whole run on a build machine that left one out has failed."""
        if is_whole(session.config) and self.left():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many ran, how long it took, and which did not."""
        ran = sum(end == "ran" for end in self._ended.values())
        if not ran:
            return
        terminalreporter.write_sep(
            "=", f"threats: {ran} of {len(self._named)} tests ran, {self._seconds:.0f} s"
        )
        skipped = [name for name, end in self._ended.items() if end == "skipped"]
        left = self.left() if is_whole(terminalreporter.config) else []
        for why, names in (("skipped", skipped), ("NEVER RAN", left)):
            for name in names:
                terminalreporter.write_line(f"{why}: {name}")


def is_whole(config: pytest.Config) -> bool:
    """Say whether pytest was asked for all tests."""
    chosen = config.option.keyword or config.option.markexpr or config.option.collectonly
    return list(config.args) == config.getini("testpaths") and not chosen


AT_ONCE = 4
"""Tests that run at one time: about half of them mostly wait."""


SIMULATED = ("tests/sim/replication/test_storms.py",)
"""What `make sim` is there for."""


def run() -> int:
    """Run the tests that the page names, but for the simulator's; 1 when one of them failed."""
    at_once = (f"--numprocesses={AT_ONCE}", "--dist=worksteal")
    tests = [one for one in named() if one not in SIMULATED]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *at_once, *tests], cwd=ROOT
    ).returncode


if __name__ == "__main__":
    raise SystemExit(run())
