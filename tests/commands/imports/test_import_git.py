"""`weal import git`: every commit once, authors as they are known, and hostile repositories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from commonweal.client.importers import commits
from commonweal.client.importers import git as reading
from commonweal.client.importers.git import Repository
from commonweal.client.importers.mailmap import Mailmap
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import UnreadableFile
from commonweal.storage.home.home import Home
from tests.builders.git_histories import commit, events, git
from tests.builders.weal import good, weal


def test_every_commit_is_an_event_merges_too(repo: Path, home: Path) -> None:
    first = commit(repo, "first")
    git(repo, "checkout", "--quiet", "-b", "side")
    side = commit(repo, "side")
    git(repo, "checkout", "--quiet", "main")
    other = commit(repo, "other")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    merge = git(repo, "rev-parse", "HEAD")
    commit(repo, "elsewhere")
    git(repo, "update-ref", "refs/heads/elsewhere", "HEAD")
    git(repo, "reset", "--quiet", "--hard", merge)
    ran = good("import", "git", "--yes", repo, "--home", home, "-o", "json")
    counts = {"commits": 4, "new": 4, "written": 4, "here": 0, "rewritten": 0, "scope": "garden"}
    assert counts.items() <= ran.json.items()
    found = events(home)
    assert {record.data["commit"].hex() for record in found} == {first, side, other, merge}
    assert found[0].data["commit"].hex() == first
    assert found[-1].data["commit"].hex() == merge
    assert found[0].data["action"] == "produce"
    assert found[0].data["resourceQuantity"] == {"n": 1, "scale": 0, "unit": "commit"}
    assert found[0].data["inScopeOf"] == "garden"
    assert found[0].data["hasPointInTime"] == 1_700_000_000_000
    listed = good("ledger", "--home", home, "-o", "json", "--scope", "garden").json
    assert listed["total"] == 4


def test_a_second_import_writes_only_what_is_new(repo: Path, home: Path) -> None:
    for n in range(3):
        commit(repo, f"number {n}")
    good("import", "git", "--yes", repo, "--home", home)
    assert "3 of 3 were here already" in good("import", "git", "--yes", repo, "--home", home).out
    new = commit(repo, "one more")
    ran = good("import", "git", "--yes", repo, "--home", home, "-o", "json").json
    assert (ran["written"], ran["here"]) == (1, 3)
    assert events(home)[-1].data["commit"].hex() == new


@pytest.mark.parametrize(
    "ends_with", [KeyboardInterrupt(), OSError("gone")], ids=["ctrl-c", "crash"]
)
def test_an_import_that_was_cut_off_is_completed(
    ends_with: BaseException, repo: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(7):
        commit(repo, f"number {n}", (f"A{n % 2}", f"a{n % 2}@example.org"))
    monkeypatch.setattr(commits, "BATCH_RECORDS", 2)
    whole, looks = Repository.commits, count(1)

    def cut(self: Repository) -> Iterator[reading.Commit]:
        look = next(looks)  # all are checked before any is written
        for seen, one in enumerate(whole(self)):
            if (look, seen) == (2, 5):
                raise ends_with
            yield one

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "commits", cut)
        if isinstance(ends_with, KeyboardInterrupt):
            assert weal("import", "git", "--yes", repo, "--home", home).code == 130
        else:
            with pytest.raises(OSError, match="gone"):
                weal("import", "git", "--yes", repo, "--home", home)
    kept = events(home)
    assert len(kept) == 4
    ran = good("import", "git", "--yes", repo, "--home", home, "-o", "json").json
    assert (ran["written"], ran["here"]) == (3, 4)
    found = events(home)
    assert len({record.data["commit"] for record in found}) == len(found) == 7
    assert len({record.data["provider"] for record in found}) == 2
    good("verify", "--home", home)


def test_members_and_others_are_told_apart(repo: Path, home: Path, tmp_path: Path) -> None:
    commit(repo, "by a member", ("ann", "ann@example.org"))
    commit(repo, "by a member elsewhere", ("a.", "ANN@work.example"))
    commit(repo, "by another", ("Zed", "zed@example.org"))
    commit(repo, "by the same", ("zed", "ZED@example.org"))
    commit(repo, "by a third", ("Zed", "zed@else.example"))
    authors = tmp_path / "authors"
    authors.write_text("# ours\nAnn <ann@example.org>\nAnn <ann@example.org> <ann@work.example>\n")
    good("import", "git", "--yes", repo, "--home", home, "--authors", authors)
    ann = good("status", "--home", home, "-o", "json").json["member"]
    providers = [record.data["provider"] for record in events(home)]
    assert [one.hex() for one in providers[:2]] == [ann, ann]
    assert [len(one) for one in providers[2:]] == [16, 16, 16]
    assert providers[2] == providers[3] != providers[4]
    commit(repo, "later", ("Zed", "zed@example.org"))
    good("import", "git", "--yes", repo, "--home", home, "--authors", authors)
    assert events(home)[-1].data["provider"] == providers[2]


def test_names_and_addresses_stand_in_erasable_texts_only(repo: Path, home: Path) -> None:
    commit(repo, "planted a tree", ("Zed Private", "zed@private.example"))
    good("import", "git", "--yes", repo, "--home", home)
    (found,) = events(home)
    assert b"private" not in found.wire.lower()
    assert found.body is not None
    assert not found.body.permanent
    note = good("ledger", "--home", home, "-o", "json").json["records"][0]["note"]
    assert note == "planted a tree — Zed Private <zed@private.example>"


def test_an_erased_author_is_not_linked_to_his_later_work(repo: Path, home: Path) -> None:
    commit(repo, "before")
    good("import", "git", "--yes", repo, "--home", home)
    (before,) = events(home)
    with Home(home).lock(), Home(home).store() as store:
        assert before.body is not None
        store.erase_body(before.body.hash)
        store.commit()
    commit(repo, "after")
    good("import", "git", "--yes", repo, "--home", home)
    assert events(home)[1].data["provider"] != before.data["provider"]


def test_a_name_that_is_nobodys_is_told(repo: Path, home: Path, tmp_path: Path) -> None:
    commit(repo, "one", ("Bo", "bo@example.org"))
    authors = tmp_path / "authors"
    authors.write_text("Bob <bo@example.org>\n")
    ran = good("import", "git", "--yes", repo, "--home", home, "--authors", authors)
    assert "Bob is no member's name here" in ran.err
    assert len(events(home)[0].data["provider"]) == 16


def test_what_leads_to_a_revision_is_left_out(repo: Path, home: Path) -> None:
    commit(repo, "old")
    git(repo, "tag", "v1")
    new = commit(repo, "new")
    good("import", "git", "--yes", repo, "--home", home, "--since", "v1")
    assert [record.data["commit"].hex() for record in events(home)] == [new]


@pytest.mark.parametrize(
    "rev", ["nope", "--output=/tmp/x", "HEAD:file", "", "-n1", "a\x1b[2J", "a..b"]
)
def test_a_revision_that_is_none_is_refused(rev: str, repo: Path, home: Path) -> None:
    commit(repo, "one")
    ran = weal("import", "git", "--yes", repo, "--home", home, f"--since={rev}")
    assert ran.code == 65
    assert "no revision" in ran.err
    assert "\x1b" not in ran.err
    assert events(home) == []


def test_what_is_no_repository_is_named(repo: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for path in ("empty", "file", "missing"):
        ran = weal("import", "git", "--yes", tmp_path / path, "--home", home)
        assert ran.code == 65
        assert str(tmp_path / path) in ran.err
    ran = weal("import", "git", "--yes", repo, "--home", home)
    assert ran.code == 65
    assert "no commit yet" in ran.err


def test_a_missing_git_is_named(repo: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ran = weal("import", "git", "--yes", repo, "--home", home)
    assert ran.code == 78
    assert "git" in ran.err


def test_a_bare_repository_and_one_with_an_odd_name_are_read(repo: Path, home: Path) -> None:
    commit(repo, "one")
    bare = repo.with_name("-x\n\x1b[2J.git")
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    ran = good("import", "git", "--yes", bare, "--home", home)
    assert "\x1b" not in ran.out + ran.err
    assert events(home)[0].data["inScopeOf"] == "-x [2J"
    commit(repo, "two")
    good("import", "git", "--yes", repo, "--home", home, "--scope", "院子")
    assert events(home)[1].data["inScopeOf"] == "院子"


def test_a_commit_that_another_took_in_is_not_taken_in_again(repo: Path, home: Path) -> None:
    known = bytes.fromhex(commit(repo, "one"))
    from commonweal.node.service.events import Wish
    from tests.builders.unasked import write

    data: dict[str, Value] = {"action": "produce", "provider": bytes(16), "commit": known}
    write(Home(home), [Wish("event", data)])
    assert good("import", "git", "--yes", repo, "--home", home, "-o", "json").json["written"] == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        *((line, "write NAME <EMAIL>") for line in ("Ann", "Ann <a@x", "Ann a@x>", "=1")),
        *((line, "write NAME <EMAIL>") for line in ("Ann <>", "Ann <> <b@x>", "Ann <a@x> <>")),
    ],
)
def test_a_line_of_members_that_names_no_address_is_refused(
    line: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "authors"
    path.write_text(f"Ann <a@x>\n# ours\n{line}\n")
    with pytest.raises(UnreadableFile, match=f"authors, line 3: {why}"):
        Mailmap.read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"A <a@x>\n" * 200_000])
def test_an_unreadable_mailmap_stops_before_anything_is_written(
    content: bytes | None, repo: Path, home: Path, tmp_path: Path
) -> None:
    commit(repo, "one")
    if content is not None:
        (tmp_path / "authors").write_bytes(content)
    ran = weal("import", "git", "--yes", repo, "--home", home, "--authors", tmp_path / "authors")
    assert ran.code == 65
    assert events(home) == []


def test_nothing_is_written_when_nobody_can_be_waited_for(repo: Path, home: Path) -> None:
    commit(repo, "one")
    assert weal("import", "git", "--yes", repo, "--home", home, "--wait", "1").code == 69
    assert events(home) == []
