"""A git repository and a founder's home, for the tests of imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.git_histories import git
from tests.builders.weal import founder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "garden"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")
