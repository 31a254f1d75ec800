"""The contents that stay in their owner's home: files, limits, and what is wrong with them."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import pytest

from commonweal.protocol.errors import DamagedContent, FileRefused, TooManyContents
from commonweal.protocol.records.data_content import CONTENT_BYTES_MAX
from commonweal.storage.home import contents
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.home.home import Home

KEPT = KeptContent(b"k" * 32, "yields.csv", b"plot,kg\n1,40\n")


@pytest.fixture
def kept(tmp_path: Path) -> Contents:
    return Contents(Home(tmp_path))


def test_a_content_is_kept_in_a_file_of_its_owner_alone(kept: Contents) -> None:
    digest = kept.put(KEPT)
    assert kept.get(digest) == KEPT
    assert kept.hashes() == [digest]
    assert kept.holds(digest)
    assert kept.path(digest).stat().st_mode & 0o777 == 0o600
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert kept.are_private()
    kept.path(digest).chmod(0o640)
    assert not kept.are_private()


def test_a_home_without_contents_has_none(kept: Contents) -> None:
    assert kept.hashes() == []
    assert kept.get(b"h" * 32) is None
    assert not kept.holds(b"h" * 32)
    assert not kept.drop(b"h" * 32)
    assert kept.are_private()
    assert list(kept.damaged()) == []


def test_the_largest_content_with_the_longest_name_is_kept(kept: Contents) -> None:
    large = KeptContent(b"k" * 32, "共" * 200, bytes(CONTENT_BYTES_MAX))
    read = kept.get(kept.put(large))
    assert read is not None
    assert read.content == large.content
    assert read.name == "共" * 85, "255 bytes, cut between characters"


def test_a_content_that_was_changed_is_damaged(kept: Contents) -> None:
    digest = kept.put(KEPT)
    path = kept.path(digest)
    good = path.read_bytes()
    for bad in (b"", good[:-1], good[:-1] + b"!", good + b"!", good.replace(b"k" * 32, b"l" * 32)):
        path.write_bytes(bad)
        with pytest.raises(DamagedContent):
            kept.get(digest)
        assert [found for found, _why in kept.damaged()] == [digest]
    path.write_bytes(bytes(contents.FILE_BYTES_MAX + 1))
    with pytest.raises(DamagedContent):
        kept.get(digest)


def test_a_content_that_is_dropped_is_overwritten_first(kept: Contents) -> None:
    digest = kept.put(KEPT)
    size = kept.path(digest).stat().st_size
    with kept.path(digest).open("rb") as held:
        assert kept.drop(digest)
        assert held.read() == bytes(size)
    assert kept.get(digest) is None
    assert kept.hashes() == []


def test_a_home_keeps_so_many_contents_and_no_more(
    kept: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "CONTENTS_MAX", 2)
    first = kept.put(KEPT)
    kept.put(KeptContent(b"l" * 32, "", b"x"))
    with pytest.raises(TooManyContents):
        kept.put(KeptContent(b"m" * 32, "", b"x"))
    assert kept.put(KEPT) == first, "one that is kept is put again"
    kept.drop(first)
    kept.put(KeptContent(b"m" * 32, "", b"x"))


def test_files_of_other_names_are_passed_over(kept: Contents) -> None:
    kept.put(KEPT)
    for name in ("notes.txt", "A" * 64, f".{'a' * 64}.part", "a" * 65):
        (kept.folder / name).write_text("x")
    assert kept.hashes() == [KEPT.hash]


def test_a_disk_that_refuses_is_said_so(kept: Contents) -> None:
    kept.folder.write_text("in the way")
    with pytest.raises(FileRefused):
        kept.put(KEPT)


def test_a_folder_that_cannot_be_read_is_said_so(
    kept: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = kept.put(KEPT)

    def refuse(path: Path) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(DamagedContent, match=r"contents: Too many open files"):
        kept.hashes()
    with pytest.raises(DamagedContent, match=rf"{digest.hex()}: Too many open files"):
        kept.holds(digest)
    assert list(kept.damaged()) == [(b"", f"{kept.folder}: Too many open files")]


def test_what_is_kept_is_not_shown(kept: Contents) -> None:
    assert repr(KEPT) == "KeptContent(13 bytes)"
    assert kept.folder.name == "contents"
