"""Whose a commit is: addresses decide and names never do; co-authors, and mailmaps."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.importers.authors import SHARE_SCALE_MAX, equal_parts
from commonweal.client.importers.git import CO_AUTHORS_MAX
from tests.builders.git_histories import commit, events, git
from tests.builders.weal import good, weal


def take(repo: Path, home: Path, *typed: str | Path) -> Any:
    return good("import", "git", "--yes", repo, "--home", home, "-o", "json", *typed).json


def listed(folder: Path, text: str) -> Path:
    path = folder / "authors"
    path.write_text(text)
    return path


def credited(home: Path) -> dict[str, Decimal]:
    """Return how many commits each has who is credited, by their names in the ledger."""
    sums: dict[str, Decimal] = {}
    rows = good("ledger", "--home", home, "-o", "json").json["records"]
    for row in rows:
        sums[row["member_name"]] = sums.get(row["member_name"], Decimal()) + Decimal(
            row["quantity"]
        )
    return sums


def test_everybody_can_call_themselves_ann(repo: Path, home: Path, tmp_path: Path) -> None:
    for n in range(11):  # 11 commits from 8 addresses, four of them from Ann
        commit(repo, f"number {n}", ("Ann", f"ann{max(0, n - 3)}@example.org"))
    authors = listed(tmp_path, "Ann <ann0@example.org>\n")
    take(repo, home, "--authors", authors)
    assert credited(home)["Ann"] == 4
    assert len(credited(home)) == 8


@pytest.mark.parametrize("line", ["Ann <>", "Ann <ann@example.org> <>"])
def test_no_line_takes_everybody_without_an_address(
    line: str, repo: Path, home: Path, tmp_path: Path
) -> None:
    commit(repo, "one", ("Zed", "zed@example.org"))
    ran = weal(
        *("import", "git", "--yes", repo, "--home", home),
        *("--authors", listed(tmp_path, f"{line}\n")),
    )
    assert ran.code == 65
    assert "line 1: write NAME <EMAIL>" in ran.err
    assert events(home) == []


def test_who_gives_no_address_is_nobody_that_is_known(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    """Neither the repository's mailmap nor a name makes them somebody."""
    (repo / ".mailmap").write_text("Ann <ann@example.org> <>\nAnn <ann@example.org> Ann <>\n")
    git(repo, "add", ".mailmap")
    git(repo, "commit", "--quiet", "-m", "a mailmap", author=("Ann", "ann@example.org"))
    tree, parent = git(repo, "write-tree"), git(repo, "rev-parse", "HEAD")
    for message in ("two", "three"):
        header = f"tree {tree}\nparent {parent}\nauthor Ann <> 1 +0000\ncommitter C <> 1 +0000\n"
        (tmp_path / "commit").write_text(f"{header}\n{message}\n")
        parent = git(repo, "hash-object", "-t", "commit", "-w", str(tmp_path / "commit"))
    git(repo, "update-ref", "HEAD", parent)
    take(repo, home, "--authors", listed(tmp_path, "Ann <ann@example.org>\n"))
    providers = [record.data["provider"] for record in events(home)]
    assert [len(provider) for provider in providers] == [32, 16, 16]
    assert providers[1] != providers[2]


def test_the_mailmap_of_the_repository_says_who_is_one(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    text = "Ann <ann@example.org> <ann@work.example>\nZed <zed@example.org> <z@example.org>\n"
    (repo / ".mailmap").write_text(text)
    git(repo, "add", ".mailmap")
    commit(repo, "from work", ("A", "ANN@work.example"))
    commit(repo, "by zed", ("Zed", "zed@example.org"))
    commit(repo, "by z", ("Z", "z@example.org"))
    (repo / ".mailmap").write_text("Ann <ann@example.org> <z@example.org>\n")  # not in the history
    git(
        repo,
        "config",
        "mailmap.file",
        str(listed(tmp_path, "Ann <ann@example.org> <z@example.org>\n")),
    )
    take(repo, home, "--authors", listed(tmp_path, "Ann <ann@example.org>\n"))
    ann = good("status", "--home", home, "-o", "json").json["member"]
    providers = [record.data["provider"] for record in events(home)]
    assert providers[0].hex() == ann
    assert providers[1] == providers[2] != providers[0]


@pytest.mark.parametrize(
    "text",
    [
        "Ann <work@x>\n",
        "Ann <home@x> <work@x>\n",
        "<home@x> <work@x>\nAnn <home@x>\n",
        "Ann <home@x> A. Lee <work@x>\n",
    ],
    ids=["address", "both", "address, then name", "only of this name"],
)
def test_each_form_of_a_line_names_a_member(
    text: str, repo: Path, home: Path, tmp_path: Path
) -> None:
    commit(repo, "one", ("A. Lee", "work@x"))
    take(repo, home, "--authors", listed(tmp_path, text))
    assert credited(home) == {"Ann": 1}


def test_a_line_for_a_name_at_an_address_is_for_nobody_else_there(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    commit(repo, "one", ("A. Lee", "office@x"))
    commit(repo, "two", ("B. Lee", "office@x"))
    commit(repo, "three", ("A. Lee", "elsewhere@x"))
    take(repo, home, "--authors", listed(tmp_path, "Ann <ann@x> A. Lee <office@x>\n"))
    assert credited(home)["Ann"] == 1


def test_co_authors_have_equal_parts_of_a_commit(repo: Path, home: Path, tmp_path: Path) -> None:
    body = "together\n\nCo-authored-by: Bo <bo@x>\nco-authored-BY: Ann <ann@x>\n"
    more = "Co-authored-by: Zed <ZED@example.org>\nCo-authored-by: nobody\nCo-authored-by: No <>\n"
    commit(repo, f"{body}{more}Co-authored-by: Bo again\n <BO@x>\n")
    seen = take(repo, home, "--authors", listed(tmp_path, "Ann <ann@x>\n"))
    assert (seen["commits"], seen["new"], seen["written"]) == (1, 1, 1)
    rows = good("ledger", "--home", home, "-o", "json").json["records"]
    assert sorted((row["quantity"], row["note"]) for row in rows) == [
        ("0.3333", "together — Ann <ann@x>"),
        ("0.3333", "together — Bo <bo@x>"),
        ("0.3334", "together — Zed <zed@example.org>"),
    ]
    assert take(repo, home)["written"] == 0


def test_a_trailer_is_where_git_finds_it(repo: Path, home: Path) -> None:
    git(repo, "config", "trailer.separators", "%")
    commit(repo, "one\n\nCo-authored-by: Bo <bo@x>\n\nand more text\n")
    commit(repo, "two\n\ntext\n\nCo-authored-by: Bo <bo@x>\n")
    take(repo, home)
    assert len(events(home)) == 3


@pytest.mark.parametrize("count", range(1, CO_AUTHORS_MAX + 2))
def test_the_parts_of_a_commit_make_one_commit(count: int) -> None:
    parts = [(int(str(part["n"])), int(str(part["scale"]))) for part in equal_parts(count)]
    (scale,) = {scale for _, scale in parts}
    assert sum(n for n, _ in parts) == 10**scale
    assert max(parts)[0] - min(parts)[0] <= 1
    assert scale == SHARE_SCALE_MAX or 10**scale % count == 0


def test_more_co_authors_than_a_batch_has_are_refused(repo: Path, home: Path) -> None:
    trailers = [f"Co-authored-by: P <p{n}@x>\n" for n in range(CO_AUTHORS_MAX + 1)]
    commit(repo, "many\n\n" + "".join(trailers[1:]))
    take(repo, home)
    assert len(events(home)) == CO_AUTHORS_MAX + 1
    commit(repo, "too many\n\n" + "".join(trailers))
    ran = weal("import", "git", "--yes", repo, "--home", home)
    assert ran.code == 65
    assert f"has more than {CO_AUTHORS_MAX} co-authors" in ran.err
    assert len(events(home)) == CO_AUTHORS_MAX + 1


@pytest.mark.parametrize("language", ["en", "zh_CN", "C"])
def test_credit_depends_on_no_zone_language_or_path(
    language: str, repo: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, "种树\n\nCo-authored-by: 安 <an@x>\n", ("Zoë", "zoë@x"))
    take(repo, home)
    monkeypatch.setenv("LANG", f"{language}.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Shanghai" if language != "en" else "America/New_York")
    moved = tmp_path / "elsewhere" / "院子"
    moved.parent.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), str(moved))
    seen = take(moved, home)
    assert (seen["here"], seen["new"], seen["rewritten"]) == (1, 0, 0)
    assert len(events(home)) == 2
