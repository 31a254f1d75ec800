"""A subject that says too much, or nothing, is seen."""

from __future__ import annotations

import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / ".ci" / "subjects.py"
spec = spec_from_loader("subjects", SourceFileLoader("subjects", str(FILE)))
assert spec is not None
assert spec.loader is not None
subjects = module_from_spec(spec)
spec.loader.exec_module(subjects)


@pytest.mark.parametrize(
    "subject",
    [
        "storage: keep both records of a fork",
        "node, tests: a vote is verified once",
        "a: " + "b" * 69,
    ],
)
def test_a_subject_with_an_area_and_one_change_is_taken(subject: str) -> None:
    assert subjects.faults(subject) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("a: " + "b" * 70, "has 73 characters, more than 72"),
        ("keep both records of a fork", "is not of the form"),
        ("Storage: keep both records", "is not of the form"),
        ("storage: keep both records.", "is not of the form"),
        ("storage:", "is not of the form"),
        ("storage: keep a fork; drop a table", "names two changes"),
    ],
)
def test_any_other_subject_is_refused(subject: str, said: str) -> None:
    assert any(said in fault for fault in subjects.faults(subject))


def test_the_commits_of_a_repository_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def git(*words: str) -> str:
        author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        ran = subprocess.run(["git", *author, *words], capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Whatever was said before")
    base = git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "docs: a page")
    assert subjects.since(base) == ["docs: a page"]
    assert subjects.since("0" * 40) == ["docs: a page"]
    assert subjects.main() == 0
    git("commit", "-q", "--allow-empty", "-m", "Another page")
    assert subjects.since(base) == ["Another page", "docs: a page"]
    assert subjects.main() == 1
    assert "'Another page' is not of the form" in capsys.readouterr().err
