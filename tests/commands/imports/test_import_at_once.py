"""Two imports of one home at once: neither takes in what the other does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.importers import commits, git_preview
from commonweal.storage.home.home import Home
from tests.builders.git_histories import commit, events, git
from tests.builders.weal import founder, good, weal


def test_two_imports_at_once_take_in_nothing_twice(tmp_path: Path) -> None:
    home, repo = founder(tmp_path / "home"), tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet")
    commit(repo, "c1")
    sheet = repo / "sheet.csv"
    sheet.write_text("hours\n1\n")
    mapped = ("--map", "quantity=hours,action==work,unit==hour")
    with Home(home).importing():  # as long as another one reads what is here, and writes
        for typed in (("git", repo), ("csv", sheet, *mapped, "--yes")):
            refused = weal("import", *typed, "--home", home)
            assert (refused.code, len(events(home))) == (78, 0), refused
        assert good("import", "csv", sheet, *mapped, "--dry-run", "--home", home).out
    seen: list[int] = []
    begun = commits.batches

    def slowly(*about: Any) -> Iterator[tuple[int, list[Any]]]:
        seen.append(weal("import", "git", "--yes", repo, "--home", home).code)
        yield from begun(*about)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git_preview, "batches", slowly)
        good("import", "git", "--yes", repo, "--home", home)
    assert (seen, len(events(home))) == ([78], 1), "the second one does not begin"
