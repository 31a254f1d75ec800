"""`weal import git`: every commit once, authors as they are known, and hostile repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from commonweal.commands.contribute import import_
from commonweal.commands.importers import git as reading
from commonweal.commands.importers import rows
from commonweal.commands.importers.git import Repository
from commonweal.commands.importers.mailmap import Mailmap, Person
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import UnreadableFile, UnreadableRepository
from commonweal.protocol.records.record import Record, read_erasable_body
from commonweal.storage.home.home import Home
from tests.builders.weal import founder, good, weal

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_DATE": "@1700000000 +0000",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
}
NOBODY = ("Zed", "zed@example.org")


def git(folder: Path, *arguments: str, author: tuple[str, str] = NOBODY, **more: str) -> str:
    """Type a git command, outside the code that is tested."""
    named = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1]}
    ran = subprocess.run(
        ["git", "-C", folder, *arguments],
        env={**GIT, **named, **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def commit(folder: Path, subject: str, author: tuple[str, str] = NOBODY) -> str:
    """Make an empty commit; return its hash."""
    git(folder, "commit", "--allow-empty", "--quiet", "-m", subject, author=author)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "garden"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")


def events(home: Path) -> list[Record]:
    """The events that stand for commits, in the order of the log."""
    with Home(home).store(readonly=True) as store:
        found = rows.events_naming(store, import_.COMMIT_KEY, *import_.HASH_BYTES)
        return sorted(found, key=lambda record: record.seq)


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
    ran = good("import", "git", repo, "--home", home, "-o", "json")
    assert ran.json == {"commits": 4, "written": 4, "here": 0, "scope": "garden"}
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
    good("import", "git", repo, "--home", home)
    assert "3 of 3 were here already" in good("import", "git", repo, "--home", home).out
    new = commit(repo, "one more")
    ran = good("import", "git", repo, "--home", home, "-o", "json").json
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
    monkeypatch.setattr(import_, "BATCH_RECORDS", 2)
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
            assert weal("import", "git", repo, "--home", home).code == 130
        else:
            with pytest.raises(OSError, match="gone"):
                weal("import", "git", repo, "--home", home)
    kept = events(home)
    assert len(kept) == 4
    ran = good("import", "git", repo, "--home", home, "-o", "json").json
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
    good("import", "git", repo, "--home", home, "--authors", authors)
    ann = good("status", "--home", home, "-o", "json").json["member"]
    providers = [record.data["provider"] for record in events(home)]
    assert [one.hex() for one in providers[:2]] == [ann, ann]
    assert [len(one) for one in providers[2:]] == [16, 16, 16]
    assert providers[2] == providers[3] != providers[4]
    commit(repo, "later", ("Zed", "zed@example.org"))
    good("import", "git", repo, "--home", home, "--authors", authors)
    assert events(home)[-1].data["provider"] == providers[2]


def test_names_and_addresses_stand_in_erasable_texts_only(repo: Path, home: Path) -> None:
    commit(repo, "planted a tree", ("Zed Private", "zed@private.example"))
    good("import", "git", repo, "--home", home)
    (found,) = events(home)
    assert b"private" not in found.wire.lower()
    assert found.body is not None
    assert not found.body.permanent
    note = good("ledger", "--home", home, "-o", "json").json["records"][0]["note"]
    assert note == "planted a tree — Zed Private <zed@private.example>"


def test_an_erased_author_is_not_linked_to_his_later_work(repo: Path, home: Path) -> None:
    commit(repo, "before")
    good("import", "git", repo, "--home", home)
    (before,) = events(home)
    with Home(home).lock(), Home(home).store() as store:
        assert before.body is not None
        store.erase_body(before.body.hash)
        store.commit()
    commit(repo, "after")
    good("import", "git", repo, "--home", home)
    assert events(home)[1].data["provider"] != before.data["provider"]


def test_a_name_that_is_nobodys_is_told(repo: Path, home: Path, tmp_path: Path) -> None:
    commit(repo, "one", ("Bo", "bo@example.org"))
    authors = tmp_path / "authors"
    authors.write_text("Bob <bo@example.org>\n")
    ran = good("import", "git", repo, "--home", home, "--authors", authors)
    assert "Bob is no member's name here" in ran.err
    assert len(events(home)[0].data["provider"]) == 16


def test_what_leads_to_a_revision_is_left_out(repo: Path, home: Path) -> None:
    commit(repo, "old")
    git(repo, "tag", "v1")
    new = commit(repo, "new")
    good("import", "git", repo, "--home", home, "--since", "v1")
    assert [record.data["commit"].hex() for record in events(home)] == [new]


@pytest.mark.parametrize(
    "rev", ["nope", "--output=/tmp/x", "HEAD:file", "", "-n1", "a\x1b[2J", "a..b"]
)
def test_a_revision_that_is_none_is_refused(rev: str, repo: Path, home: Path) -> None:
    commit(repo, "one")
    ran = weal("import", "git", repo, "--home", home, f"--since={rev}")
    assert ran.code == 65
    assert "no revision" in ran.err
    assert "\x1b" not in ran.err
    assert events(home) == []


def test_what_is_no_repository_is_named(repo: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for path in ("empty", "file", "missing"):
        ran = weal("import", "git", tmp_path / path, "--home", home)
        assert ran.code == 65
        assert str(tmp_path / path) in ran.err
    ran = weal("import", "git", repo, "--home", home)
    assert ran.code == 65
    assert "no commit yet" in ran.err


def test_a_missing_git_is_named(repo: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ran = weal("import", "git", repo, "--home", home)
    assert ran.code == 78
    assert "git" in ran.err


def test_a_bare_repository_and_one_with_an_odd_name_are_read(repo: Path, home: Path) -> None:
    commit(repo, "one")
    bare = repo.with_name("-x\n\x1b[2J.git")
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    ran = good("import", "git", bare, "--home", home)
    assert "\x1b" not in ran.out + ran.err
    assert events(home)[0].data["inScopeOf"] == "-x [2J"
    commit(repo, "two")
    good("import", "git", repo, "--home", home, "--scope", "院子")
    assert events(home)[1].data["inScopeOf"] == "院子"


def test_nothing_in_a_hostile_repository_is_run(repo: Path, home: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    trap.chmod(0o755)
    commit(repo, "one")
    (repo / "file").write_text("text")
    (repo / ".gitattributes").write_text("* diff=trap filter=trap\n")
    git(repo, "add", ".")
    commit(repo, "two")
    signed = git(repo, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    made = subprocess.run(
        ["git", "-C", repo, "hash-object", "-t", "commit", "-w", "--stdin"],
        input=signed + "\n",
        env=GIT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(repo, "update-ref", "HEAD", made)
    for key, value in {
        "core.fsmonitor": str(trap),
        "core.pager": str(trap),
        "pager.log": str(trap),
        "core.sshCommand": str(trap),
        "core.editor": str(trap),
        "gpg.program": str(trap),
        "log.showSignature": "true",
        "diff.external": str(trap),
        "diff.trap.textconv": str(trap),
        "filter.trap.smudge": str(trap),
        "alias.log": f"!{trap}",
        "alias.rev-parse": f"!{trap}",
        "core.hooksPath": str(tmp_path),
        "core.alternateRefsCommand": str(trap),
    }.items():
        git(repo, "config", key, value)
    good("import", "git", repo, "--home", home)
    assert len(events(home)) == 2
    assert not mark.exists()


def test_a_repository_that_lacks_commits_fetches_none(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "was-run"
    commit(repo, "one")
    commit(repo, "two")
    missing = git(repo, "rev-parse", "HEAD~1")
    (repo / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    git(repo, "config", "extensions.partialClone", "origin")
    git(repo, "config", "core.repositoryFormatVersion", "1")
    git(repo, "config", "remote.origin.promisor", "true")
    git(repo, "config", "remote.origin.url", f"ext::sh -c touch% {mark}")
    git(repo, "config", "protocol.ext.allow", "always")
    ran = weal("import", "git", repo, "--home", home)
    assert ran.code == 65
    assert not mark.exists()


def raw_commit(repo: Path, header: bytes, message: bytes) -> None:
    """Write a commit of any bytes at all, and let HEAD be it."""
    tree = git(repo, "write-tree")
    data = b"tree " + tree.encode() + b"\n" + header + b"\n" + message
    made = subprocess.run(
        ["git", "-C", repo, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=data,
        env=GIT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    git(repo, "update-ref", "HEAD", made.strip())


HOSTILE = {
    "escapes": (
        b"author \x1b[31mZ\x07 <z\x1b@x> 1 +0000\ncommitter C <c@x> 1 +0000\n",
        b"\x1b[2J\xe2\x80\xaehi",
    ),
    "latin-1": (b"author \xe9\xff <\xe9@x> 1 +0000\ncommitter C <c@x> 1 +0000\n", b"caf\xe9"),
    "no author": (b"committer C <c@x> 1 +0000\n", b"who"),
    "no address": (b"author Zed <> 1 +0000\ncommitter C <> 1 +0000\n", b""),
    "year": (b"author Z <z@x> 99999999999999999999 +0000\ncommitter C <c@x> 1 +0000\n", b"late"),
    "before": (b"author Z <z@x> -5 +0000\ncommitter C <c@x> -5 +0000\n", b"early"),
    "long subject": (b"author Z <z@x> 1 +0000\ncommitter C <c@x> 1 +0000\n", b"x" * 3_000_000),
    "encoding": (
        b"author Z <z@x> 1 +0000\ncommitter C <c@x> 1 +0000\nencoding GB18030\n",
        "种树".encode("gb18030"),
    ),
    "nul": (b"author Z\0Z <z@x> 1 +0000\ncommitter C <c@x> 1 +0000\n", b"a\0b\0c\0d\0e\0f"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_commit_of_any_bytes_is_taken_in_and_harms_nobody(
    what: str, repo: Path, home: Path
) -> None:
    raw_commit(repo, *HOSTILE[what])
    good("import", "git", repo, "--home", home)
    (found,) = events(home)
    assert found.data["hasPointInTime"] >= 0
    shown = good("ledger", "--home", home).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    with Home(home).store(readonly=True) as store:
        assert found.body is not None
        body = store.body(found.body.hash)
    assert body is not None
    _kind, text = read_erasable_body(body)
    assert b"\x1b" not in text
    assert len(text) < 2_000
    if what == "encoding":
        assert "种树" in shown


def test_an_endless_address_is_refused_before_it_is_held(repo: Path, home: Path) -> None:
    address = b"z" * (2 * reading.COMMIT_BYTES_MAX)
    header = b"author Z <" + address + b"> 1 +0000\ncommitter C <c@x> 1 +0000\n"
    raw_commit(repo, header, b"one")
    ran = weal("import", "git", repo, "--home", home)
    assert ran.code == 65
    assert str(reading.COMMIT_BYTES_MAX) in ran.err
    assert events(home) == []


def test_a_damaged_repository_is_told_with_what_git_says(repo: Path, home: Path) -> None:
    commit(repo, "one")
    broken = commit(repo, "two")
    commit(repo, "three")
    path = repo / ".git" / "objects" / broken[:2] / broken[2:]
    path.chmod(0o600)
    path.write_bytes(b"junk")
    with pytest.raises(UnreadableRepository, match=r"(?i)corrupt|inflate|unable|failed"):
        list(Repository(repo).commits())


def test_git_ends_when_nobody_reads_on(repo: Path) -> None:
    for n in range(3):
        commit(repo, f"number {n}")
    reader = Repository(repo).commits()
    next(reader)
    reader.close()  # type: ignore[attr-defined]


def test_a_commit_that_another_took_in_is_not_taken_in_again(repo: Path, home: Path) -> None:
    known = bytes.fromhex(commit(repo, "one"))
    from commonweal.node.service.events import Wish
    from tests.builders.unasked import write

    data: dict[str, Value] = {"action": "produce", "provider": bytes(16), "commit": known}
    write(Home(home), [Wish("event", data)])
    assert good("import", "git", repo, "--home", home, "-o", "json").json["written"] == 0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Ann <old@x>", Person("Ann", "old@x")),
        ("Ann <new@x> <OLD@x>", Person("Ann", "new@x")),
        ("<new@x> <old@x>", Person("bo", "new@x")),
        ("Ann <new@x> Bo <old@x>", Person("Ann", "new@x")),
        ("Ann <new@x> Else <old@x>", Person("bo", "old@x")),
        ("# Ann <old@x>", Person("bo", "old@x")),
        ("  Ann Lee  <old@x>  # it", Person("Ann Lee", "old@x")),
    ],
)
def test_a_mailmap_names_who_commits(line: str, found: Person) -> None:
    assert Mailmap(line).person("bo", "old@x") == found


@pytest.mark.parametrize("line", ["Ann", "Ann <a@x", "Ann a@x>", "<a@x> <b@x> <c@x>", "=1"])
def test_a_line_that_is_no_mailmap_is_named(line: str) -> None:
    with pytest.raises(UnreadableFile, match="authors, line 2"):
        Mailmap(f"Ann <a@x>\n{line}\n", "authors")


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"A <a@x>\n" * 200_000])
def test_an_unreadable_mailmap_stops_before_anything_is_written(
    content: bytes | None, repo: Path, home: Path, tmp_path: Path
) -> None:
    commit(repo, "one")
    if content is not None:
        (tmp_path / "authors").write_bytes(content)
    ran = weal("import", "git", repo, "--home", home, "--authors", tmp_path / "authors")
    assert ran.code == 65
    assert events(home) == []


def test_nothing_is_written_when_nobody_can_be_waited_for(repo: Path, home: Path) -> None:
    commit(repo, "one")
    assert weal("import", "git", repo, "--home", home, "--wait", "1").code == 69
    assert events(home) == []
