"""Data that stays with its owner: added, listed, opened, removed, and what is said on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.exchange.data import contents as client_contents
from commonweal.client.exchange.data.readings import ASKED, COMING, ERASED, HERE, WAITING
from commonweal.protocol.errors import (
    DiskFailed,
    NotForThisDevice,
    NotYet,
    TooManyContents,
    UnfitContent,
    UnknownId,
    UnreadableFile,
    UnusableText,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.records.data_content import CONTENT_BYTES_MAX
from commonweal.storage.home import contents
from commonweal.storage.home.contents import Contents
from tests.builders.archivists import SECRET, Archivists, due, hand_over


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists(tmp_path_factory.mktemp("first") / "homes")


@pytest.fixture
def lanxi(first: Archivists, tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists.of(first.copies(tmp_path_factory)(), first.data)


def test_what_is_added_stays_in_its_owners_home(lanxi: Archivists, tmp_path: Path) -> None:
    file = tmp_path / "soil.csv"
    file.write_bytes(b"soil")
    with Member(lanxi.mei) as mei:
        made = mei.add_data(file, "soil", note="Of the north field.")
        (row,) = [row for row in mei.data() if row.name == "soil"]
    assert (row.id, row.size, row.hash) == (made.id, 4, made.hash)
    assert row.yours and row.kept and not row.erased
    kept = Contents(lanxi.mei).get(made.hash)
    assert kept is not None and (kept.name, kept.content) == ("soil.csv", b"soil")
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        (theirs,) = [row for row in bo.data() if row.name == "soil"]
        assert bo.resource(theirs.id).name == "soil"
    assert not theirs.kept and not theirs.yours
    assert theirs.owner_name == "Mei"
    assert Contents(lanxi.bo).hashes() == []


def test_one_content_added_twice_has_two_hashes_that_tell_nothing(lanxi: Archivists) -> None:
    with Member(lanxi.mei) as mei:
        first = mei.add_content(b"yes", "a", "first answer")
        other = mei.add_content(b"yes", "a", "other answer")
    assert first.hash != other.hash
    assert len(Contents(lanxi.mei).hashes()) == 3


def test_data_has_a_size_within_limits(lanxi: Archivists, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(CONTENT_BYTES_MAX + 1))
    (tmp_path / "empty").write_bytes(b"")
    with Member(lanxi.mei) as mei:
        with pytest.raises(UnreadableFile, match="more than"):
            mei.add_data(tmp_path / "large", "large")
        with pytest.raises(UsageError, match="1 to 1,966,080 bytes"):
            mei.add_data(tmp_path / "empty", "empty")
        with pytest.raises(UsageError, match="1 to 1,966,080 bytes"):
            mei.add_content(bytes(CONTENT_BYTES_MAX + 1), "large", "large")
        mei.add_content(bytes(CONTENT_BYTES_MAX), "largest", "largest")
    assert len(Contents(lanxi.mei).hashes()) == 2


def test_a_name_of_ones_own_data_is_not_taken_twice(lanxi: Archivists) -> None:
    with Member(lanxi.mei) as mei:
        with pytest.raises(UsageError, match="choose another name"):
            mei.add_content(b"x", "x", "yields")
        mei.remove_data("yields")
        mei.add_content(b"x", "x", "yields")
        assert mei.find_data("yields").size == 1, "what is there is meant"


def test_nothing_is_kept_when_the_record_is_not_written(
    lanxi: Archivists, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Contents(lanxi.mei).hashes()
    with Member(lanxi.mei) as mei:

        def full(*_about: object) -> None:
            raise DiskFailed("no")

        with monkeypatch.context() as patched:
            patched.setattr(client_contents.DataContents, "_write_drafts", full)
            with pytest.raises(DiskFailed):
                mei.add_content(b"x", "x", "soil")
        assert Contents(lanxi.mei).hashes() == before
        with monkeypatch.context() as patched:
            patched.setattr(contents, "CONTENTS_MAX", 1)
            with pytest.raises(TooManyContents):
                mei.add_content(b"x", "x", "soil")
        assert [row.name for row in mei.data()] == ["yields"]


def test_each_state_of_a_use_is_said_as_it_is(lanxi: Archivists, tmp_path: Path) -> None:
    use = lanxi.use(lanxi.grant())

    def shown(why: str) -> str:
        with Member(lanxi.bo) as bo:
            (row,) = bo.readings()
            assert (row.id, row.user_name, row.owner_name) == (use, "Bo", "Mei")
            with pytest.raises(NotYet, match=why):
                bo.open_data(use, tmp_path / "none")
            return row.state

    assert shown("no seal covers the use yet") == ASKED
    lanxi.seal()
    assert shown("the node of Mei has not handed it over yet") == WAITING
    hand_over(lanxi.mei)
    without_bodies(lanxi)
    assert shown("on their way here") == COMING
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        (row,) = bo.readings()
        assert row.state == COMING, "the records came without their bodies before"


def without_bodies(lanxi: Archivists) -> None:
    """Let Bo's home have the records of Mei, and not their bodies."""
    from commonweal.protocol.records.record import from_bytes_unchecked

    with lanxi.mei.store(readonly=True) as source, lanxi.bo.store() as target:
        for row in source.logs():
            start = target.log(row.author).length
            wires = source.wires(row.author, start, row.length, 1 << 30)
            target.append(row.author, [from_bytes_unchecked(wire) for wire in wires])
        target.commit()


def test_what_came_is_opened_by_who_asked(lanxi: Archivists, tmp_path: Path) -> None:
    use = lanxi.granted_use()
    hand_over(lanxi.mei)
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        (row,) = bo.readings()
        assert row.state == HERE and row.opens_here
        for text in (use, use.hex()[:8], "yields", lanxi.data):
            opened = bo.open_data(text, tmp_path / "mine")
            assert (opened.use, opened.size) == (use, len(SECRET))
            assert (tmp_path / "mine").read_bytes() == SECRET
        assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o600
        with pytest.raises(UnusableText):
            bo.open_data(use, lanxi.bo.path / "mine")
    for other in (lanxi.ana, lanxi.mei):
        with Member(other) as member:
            row = member.find_reading(use)
            assert row.state == HERE and not row.opens_here
            with pytest.raises(NotForThisDevice):
                member.open_data(use, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_who_has_not_used_it_is_told_how(lanxi: Archivists, tmp_path: Path) -> None:
    with Member(lanxi.ana) as ana:
        with pytest.raises(UsageError, match="weal data use yields --for"):
            ana.open_data("yields", tmp_path / "x")
        for text in ("nothing", "ffffffff"):
            with pytest.raises(UnknownId):
                ana.open_data(text, tmp_path / "x")


@pytest.mark.parametrize("spoil", ["another content", "another key", "a shorter one"])
def test_an_owner_who_hands_over_something_else_is_found_out(
    lanxi: Archivists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    from commonweal.protocol.records import data_content

    part_of: Callable[[bytes, bytes, int], bytes] = data_content.part_of

    def other(key: bytes, content: bytes, number: int) -> bytes:
        plain = part_of(key, content, number)
        match spoil:
            case "another content":
                return plain[:-1] + b"!"
            case "another key":
                return bytes(32) + plain[32:]
        return plain[:-1]

    monkeypatch.setattr(data_content, "part_of", other)
    lanxi.granted_use()
    assert hand_over(lanxi.mei) == 1
    lanxi.meet()
    with Member(lanxi.bo) as bo, pytest.raises(UnfitContent):
        bo.open_data("yields", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_what_is_removed_is_gone_here_and_used_no_more(lanxi: Archivists) -> None:
    granted = lanxi.grant()
    with Member(lanxi.mei) as mei:
        removed = mei.remove_data("yields")
        assert removed.was_kept
        (row,) = mei.data()
        assert row.erased and not row.kept
        with pytest.raises(WouldNotCount):
            mei.remove_data("yields")
    assert Contents(lanxi.mei).hashes() == []
    lanxi.meet()
    with pytest.raises(WouldNotCount):
        lanxi.use(granted)


def test_nobody_removes_the_data_of_another(lanxi: Archivists) -> None:
    with Member(lanxi.bo) as bo, pytest.raises(WouldNotCount):
        bo.remove_data("yields")


def test_what_was_handed_over_can_be_forgotten_by_all(lanxi: Archivists, tmp_path: Path) -> None:
    use = lanxi.granted_use()
    hand_over(lanxi.mei)
    lanxi.meet()
    with Member(lanxi.bo) as bo, pytest.raises(WouldNotCount):
        bo.forget_release(use)
    with Member(lanxi.mei) as mei:
        assert len(mei.forget_release(use)) == 1
        assert mei.find_reading(use).state == ERASED
        assert mei.forget_release(use) == []
    assert due(lanxi.mei) is None, "it was handed over, and is not again"
    with Member(lanxi.mei) as mei, pytest.raises(NotYet, match="was erased"):
        mei.open_data(use, tmp_path / "x")
