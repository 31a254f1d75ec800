"""`weal` starts itself again from a checkout, from a wheel, and from the bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from commonweal import __version__
from commonweal.node.control import program


def test_the_command_line_runs_weal_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "commonweal.py").write_text("raise SystemExit('a file of the folder')\n")
    version = subprocess.run(
        [*program.command(), "--version"],
        env=program.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (version.returncode, version.stdout) == (0, f"weal {__version__}\n"), version.stderr


def test_in_the_bundle_the_executable_is_weal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/commonweal/weal")
    assert program.command() == ["/opt/commonweal/weal"]


def test_the_passphrase_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONWEAL_PASSPHRASE", "sesame")
    monkeypatch.setenv("COMMONWEAL_HOME", "lanxi")
    variables = program.environment()
    assert "COMMONWEAL_PASSPHRASE" not in variables
    assert variables["COMMONWEAL_HOME"] == "lanxi"
