"""What is said at the end of a run: which tests of networks ran, and what they showed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Note = Callable[[str, object], None]
"""What `record_property` is."""
HERE = "tests/networks/"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what ran, what it noted, and what did not run and why."""
    reports = terminalreporter.stats
    done = [
        one
        for outcome in ("passed", "failed")
        for one in reports.get(outcome, [])
        if HERE in one.nodeid
    ]
    skipped = [one for one in reports.get("skipped", []) if HERE in one.nodeid]
    if done or skipped:
        terminalreporter.write_sep("=", f"networks: {len(done)} ran, {len(skipped)} did not")
    for one in done:
        for name, value in getattr(one, "user_properties", []):
            terminalreporter.write_line(f"{name}: {value}")
    for one in skipped:
        terminalreporter.write_line(f"{one.nodeid}: {one.longrepr[2]}")
