"""A Python that cannot run libp2p is told so in one sentence, before anything is built."""

from __future__ import annotations

import runpy
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "deploy" / "wheel_backend.py"


@pytest.mark.parametrize("version", [(3, 14, 0, "final", 0), (3, 15, 1, "final", 0)])
def test_a_newer_python_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int, str, int]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(BACKEND))
    sentence = str(ended.value.code)
    assert "\n" not in sentence
    assert f"this is 3.{version[1]}." in sentence
    assert "uv tool install --python 3.13 ." in sentence
    assert "pipx install --python 3.13 --fetch-missing-python ." in sentence


def test_a_python_that_can_run_it_builds_with_hatchling() -> None:
    names = runpy.run_path(str(BACKEND))
    assert callable(names["build_wheel"])
    assert callable(names["build_editable"])


def test_the_sentence_and_the_package_name_the_same_pythons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["requires-python"] == ">=3.11,<3.14"
    assert project["build-system"]["backend-path"] == ["deploy"]
    assert project["build-system"]["build-backend"] == BACKEND.stem
