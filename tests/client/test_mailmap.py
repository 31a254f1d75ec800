"""Mailmaps say of every author what git itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from commonweal.client.importers.git import Person
from commonweal.client.importers.mailmap import Mailmap
from tests.builders.git_histories import GIT

LINES = [
    *("Ann <old@x>", "Ann <new@x> <OLD@x>", "<new@x> <old@x>", "Ann <new@x> Bo <old@x>"),
    *("Ann <new@x> Else <old@x>", "# Ann <old@x>", "  Ann Lee\t <old@x>  # it", "Ann <>"),
    *("Ann <new@x> <>", "<new@x> <>", "Ann", "Ann <a@x", "a@x> <old@x>", "<a@x> <b@x> <c@x>"),
    *("Ann < old@x >", "Ann <old@x> # was Bo <b@x>", " # Ann <old@x>", "Änn <ÄNN@x> <änn@x>"),
    *("Zoë <z@x> BO <new@x>", "<z@x> bo <old@x>", "<old@x>", "\x0bAnn\x0c <old@x>", ""),
    *("Ann <old@x>\r", "Ann <n@x>Bo<old@x>", "A.\u2028N. <old@x>", "Mei <m@x> <new@x>"),
]
AUTHORS = [
    Person(name, email)
    for name in ("bo", "Bo", "Else", "Ann", "b\u00f6")
    for email in ("old@x", "OLD@X", "new@x", "b@x", "c@x", "a@x", " old@x ", "änn@x", "ÄNN@x")
]


@pytest.mark.parametrize("seed", range(40))
def test_an_author_is_who_git_says(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    lines = LINES if not seed else rng.sample(LINES, rng.randrange(1, len(LINES)))
    text = "".join(f"{line}\n" for line in lines)
    (tmp_path / "mailmap").write_bytes(text.encode())
    subprocess.run(["git", "init", "--quiet", tmp_path], env=GIT, check=True)
    asked = "".join(f"{author.name} <{author.email}>\n" for author in AUTHORS)
    told = subprocess.run(
        ["git", "-c", "mailmap.file=mailmap", "check-mailmap", "--stdin"],
        cwd=tmp_path,
        env={**GIT, "LC_ALL": "C"},
        input=asked.encode(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    found = [Mailmap(text).person(author) for author in AUTHORS]
    assert "".join(f"{author.name} <{author.email}>\n" for author in found) == told
