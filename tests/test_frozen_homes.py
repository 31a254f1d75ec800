"""Homes made by released versions open, say what they said, and go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.frozen import HOMES, KEPT, said
from tests.weal import good

FROZEN = sorted(path for path in HOMES.iterdir() if path.is_dir())


def opened(frozen: Path, folder: Path) -> Path:
    """Return a copy of a frozen home, as private as a home is."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    for name in KEPT:
        shutil.copy(frozen / name, home / name)
        (home / name).chmod(0o600)
    return home


def test_there_is_a_frozen_home() -> None:
    assert FROZEN


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.name)
def test_a_frozen_home_says_what_it_said(frozen: Path, tmp_path: Path) -> None:
    home = opened(frozen, tmp_path)
    expected = json.loads((frozen / "expected.json").read_text(encoding="utf-8"))
    assert said(home) == expected
    good("verify", "--home", home)


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.name)
def test_a_frozen_home_goes_on(frozen: Path, tmp_path: Path) -> None:
    home = opened(frozen, tmp_path)
    before = good("status", "--home", home, "-o", "json").json["records"]
    good("record", "work", "1", "hour", "--home", home)
    after = good("status", "--home", home, "-o", "json").json
    assert (after["records"], after["state"]) == (before + 1, "member")
