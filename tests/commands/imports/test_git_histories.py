"""Histories that were rewritten are recognised, and what a clone lacks is said first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.client.importers import commits
from commonweal.client.importers.known_events import events_naming
from commonweal.storage.home.home import Home
from tests.builders.git_histories import commit, events, git
from tests.builders.weal import good, weal

CLOCK = 1_700_000_000


def take(repo: Path, home: Path, *typed: str | Path) -> Any:
    return good("import", "git", "--yes", repo, "--home", home, "-o", "json", *typed).json


def grown(repo: Path, count: int) -> None:
    """Make commits a minute apart, of two authors, each with a file; the third one has a secret."""
    for n in range(count):
        (repo / f"file{n}").write_text("text")
        if n == 2:
            (repo / "secret").write_text("key")
        git(repo, "add", ".")
        author = (f"A{n % 2}", f"a{n % 2}@example.org")
        date = f"@{CLOCK + 60 * n} +0000"
        git(repo, "commit", "--quiet", "-m", f"number {n}", author=author, GIT_AUTHOR_DATE=date)


def without_the_secret(repo: Path) -> None:
    """Filter a file out of the history: every commit from the third one on gets another hash."""
    script = "git rm --quiet --cached --ignore-unmatch secret"
    typed = ("filter-branch", "--force", "--index-filter", script)
    git(repo, *typed, FILTER_BRANCH_SQUELCH_WARNING="1")


def test_a_rewritten_history_is_not_taken_in_twice(repo: Path, home: Path) -> None:
    grown(repo, 9)
    take(repo, home)
    without_the_secret(repo)
    new = commit(repo, "really new")
    ran = good("import", "git", repo, "--home", home, "--yes")
    assert "7 commits were rewritten" in ran.out
    assert "--rewritten" in ran.out
    assert [record.data["commit"].hex() for record in events(home)[9:]] == [new]
    seen = take(repo, home)
    assert (seen["commits"], seen["here"], seen["rewritten"], seen["new"]) == (10, 3, 7, 0)
    seen = take(repo, home, "--rewritten")
    assert (seen["new"], seen["written"], seen["rewritten"]) == (7, 7, 0)
    assert len(events(home)) == 17


def test_each_commit_that_is_gone_stands_for_one_rewritten_commit(repo: Path, home: Path) -> None:
    """Commits of one second with one message are counted, not thrown together."""
    for _ in range(3):
        commit(repo, "update", ("A", "a@x"))
    take(repo, home)
    commit(repo, "update", ("A", "a@x"))
    assert take(repo, home)["rewritten"] == 0, "all three are still there"
    git(repo, "commit", "--quiet", "--amend", "--allow-empty", "--date=@1700000000 +0000", "-m",
        "update", GIT_COMMITTER_DATE="@1700000099 +0000")  # fmt: skip
    commit(repo, "update", ("A", "a@x"))
    seen = take(repo, home)
    assert (seen["rewritten"], seen["new"]) == (1, 1)


@pytest.mark.parametrize("change", ["author", "date", "message"])
def test_a_commit_with_another_author_date_or_message_is_new(
    change: str, repo: Path, home: Path
) -> None:
    commit(repo, "one", ("Ann", "a@x"))
    take(repo, home)
    git(repo, "update-ref", "-d", "HEAD")
    name = ("Ann", "b@x") if change == "author" else ("Ann", "a@x")
    message = "two" if change == "message" else "one"
    date = "@1700000001 +0000" if change == "date" else "@1700000000 +0000"
    git(repo, "commit", "--quiet", "--allow-empty", "-m", message, author=name,
        GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE="@1700000099 +0000")  # fmt: skip
    seen = take(repo, home)
    assert (seen["rewritten"], seen["written"]) == (0, 1)


@pytest.mark.parametrize("is_member", [True, False], ids=["member", "outside"])
def test_a_rewritten_commit_is_known_without_its_text(
    is_member: bool, repo: Path, home: Path, tmp_path: Path
) -> None:
    grown(repo, 4)
    authors = tmp_path / "authors"
    authors.write_text("Ann <a0@example.org>\nAnn <a1@example.org>\n" if is_member else "")
    take(repo, home, "--authors", authors)
    with Home(home).lock(), Home(home).store() as store:
        for record in events_naming(store, commits.COMMIT_KEY, *commits.HASH_BYTES):
            assert record.body is not None
            store.erase_body(record.body.hash)
        store.commit()
    without_the_secret(repo)
    seen = take(repo, home, "--authors", authors)
    assert (seen["rewritten"], seen["new"]) == (2, 0)


def test_a_filtered_copy_elsewhere_is_recognised_too(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    grown(repo, 5)
    take(repo, home)
    fork = tmp_path / "fork"
    git(tmp_path, "clone", "--quiet", str(repo), str(fork))
    without_the_secret(fork)
    seen = take(fork, home)
    assert (seen["here"], seen["rewritten"], seen["scope"]) == (2, 3, "fork")


def test_a_shallow_clone_is_said_before_anything_is_written(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    grown(repo, 5)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{repo}", str(clone))
    ran = weal("import", "git", clone, "--home", home)
    assert ran.code == 2
    assert "This clone is shallow" in ran.err
    assert events(home) == []
    seen = take(clone, home)
    assert (seen["is_shallow"], seen["is_partial"], seen["written"]) == (True, False, 2)
    assert not take(repo, home)["is_shallow"]
    assert len(events(home)) == 5


def test_a_partial_clone_is_said_and_fetches_nothing(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    grown(repo, 3)
    git(repo, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    filters = ("--filter=blob:none", "--no-checkout")
    git(tmp_path, "clone", "--quiet", *filters, f"file://{repo}", str(clone))
    packs = sorted((clone / ".git" / "objects" / "pack").iterdir())
    ran = good("import", "git", "--yes", clone, "--home", home)
    assert "This clone is partial" in ran.err
    assert len(events(home)) == 3
    assert sorted((clone / ".git" / "objects" / "pack").iterdir()) == packs


def test_a_history_is_the_one_that_its_hashes_make(repo: Path, home: Path) -> None:
    """Neither replaced objects nor grafts take commits away."""
    grown(repo, 4)
    head, root = git(repo, "rev-parse", "HEAD"), git(repo, "rev-parse", "HEAD~3")
    (repo / ".git" / "info" / "grafts").write_text(f"{head} {root}\n")
    git(repo, "replace", "HEAD~1", root)
    assert take(repo, home)["commits"] == 4


def test_what_is_new_is_shown_and_asked(repo: Path, home: Path, tmp_path: Path) -> None:
    grown(repo, 7)
    authors = tmp_path / "authors"
    authors.write_text("Ann <a0@example.org>\n")
    ran = weal("import", "git", repo, "--home", home, "--authors", authors)
    assert ran.code == 2
    assert "--yes" in ran.err
    shown = good("import", "git", repo, "--home", home, "--authors", authors, "--dry-run")
    assert "7 commits are new; 0 of 7 were here already." in shown.out
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["Ann", "a0@example.org", "4", "Ann"] in lines
    assert ["A1", "a1@example.org", "3", "outside"] in lines
    assert "number 4" in shown.out
    assert "number 5" not in shown.out
    seen = good(
        *("import", "git", repo, "--home", home, "--authors", authors, "--dry-run", "-o", "json")
    ).json
    assert [row["member_name"] for row in seen["authors"]] == ["Ann", None]
    assert len(seen["first"]) == 5
    assert (seen["new"], seen["written"]) == (7, 0)
    assert events(home) == []
