"""Git histories that are hostile or damaged harm nobody, and what is wrong is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from commonweal.client.importers import git as reading
from commonweal.client.importers.git import Repository
from commonweal.protocol.errors import UnreadableRepository
from commonweal.protocol.records.record import read_erasable_body
from commonweal.storage.home.home import Home
from tests.builders.git_histories import GIT, commit, events, git
from tests.builders.weal import good, weal


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
    good("import", "git", "--yes", repo, "--home", home)
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
    ran = weal("import", "git", "--yes", repo, "--home", home)
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
    "digits": (b"author Z <z@x> " + b"9" * 5_000 + b" +0000\ncommitter C <c@x> 1 +0000\n", b"d"),
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
    good("import", "git", "--yes", repo, "--home", home)
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
    assert len(text) < 2_000
    if what == "escapes":
        assert text.decode() == "\x1b[2J\u202ehi — \x1b[31mZ\x07 <z\x1b@x>"
    if what == "encoding":
        assert "种树" in shown


def test_an_endless_address_is_refused_before_it_is_held(repo: Path, home: Path) -> None:
    address = b"z" * (2 * reading.COMMIT_BYTES_MAX)
    header = b"author Z <" + address + b"> 1 +0000\ncommitter C <c@x> 1 +0000\n"
    raw_commit(repo, header, b"one")
    ran = weal("import", "git", "--yes", repo, "--home", home)
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
