"""`weal backup`: one private file, whole or not there, from which a home is made again."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client.keep import archive
from commonweal.client.keep.archive import unpack
from commonweal.protocol.errors import BadBackup
from commonweal.storage.home import contents, keystore
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store
from tests.builders.weal import founder, good, weal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = founder(tmp_path / "home")
    good("record", "work", "1", "hour", "--home", home, "--note", "dug")
    return home


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    good("backup", tmp_path / "backup", "--home", home)
    return tmp_path / "backup"


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_is_one_private_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("an old one")
    (tmp_path / "backup").chmod(0o644)
    ran = good("backup", tmp_path / "backup", "--home", home, "-o", "json")
    assert ran.json["records"] == 3
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
    assert ran.json["bytes"] == (tmp_path / "backup").stat().st_size
    assert left_in(tmp_path) == {"home", "backup"}
    with tarfile.open(tmp_path / "backup") as found:
        assert found.getnames() == ["keystore", "ledger.db", "sums"]


def test_it_is_said_when_no_passphrase_protects_the_keys(home: Path, tmp_path: Path) -> None:
    assert "No passphrase" in good("backup", tmp_path / "one", "--home", home).err
    keystore.change_passphrase(home / "keystore", None, "secret", cost=keystore.COST_MIN)
    assert good("backup", tmp_path / "two", "--home", home).err == ""


def test_no_secret_is_in_a_backup_under_a_passphrase(home: Path, tmp_path: Path) -> None:
    secrets = keystore.unlock(home / "keystore", None)
    keystore.change_passphrase(home / "keystore", None, "secret", cost=keystore.COST_MIN)
    good("backup", tmp_path / "backup", "--home", home)
    data = (tmp_path / "backup").read_bytes()
    assert secrets.device_seed not in data
    assert secrets.member_entropy is not None
    assert secrets.member_entropy not in data


def test_settings_that_the_member_wrote_are_kept(home: Path, tmp_path: Path) -> None:
    (home / "config.toml").write_text("mdns = false\n")
    good("backup", tmp_path / "backup", "--home", home)
    good("restore", tmp_path / "backup", "--home", tmp_path / "new")
    assert (tmp_path / "new" / "config.toml").read_text() == "mdns = false\n"


KEPT = KeptContent(b"k" * 32, "yields.csv", b"plot,kg\n1,40\n")


def test_the_contents_that_stay_in_the_home_are_in_its_backup(home: Path, tmp_path: Path) -> None:
    digest = Contents(Home(home)).put(KEPT)
    good("backup", tmp_path / "backup", "--home", home)
    with tarfile.open(tmp_path / "backup") as packed:
        assert packed.getnames() == ["keystore", "ledger.db", f"contents/{digest.hex()}", "sums"]
    good("restore", tmp_path / "backup", "--home", tmp_path / "new")
    restored = Contents(Home(tmp_path / "new"))
    assert restored.get(digest) == KEPT
    assert restored.are_private()


def test_a_flip_in_a_content_of_a_backup_is_found(home: Path, tmp_path: Path) -> None:
    Contents(Home(home)).put(KEPT)
    good("backup", tmp_path / "backup", "--home", home)
    data = (tmp_path / "backup").read_bytes()
    (tmp_path / "backup").write_bytes(flipped(data, data.index(KEPT.content)))
    assert weal("restore", tmp_path / "backup", "--home", tmp_path / "new").code == 65


def test_a_backup_is_of_one_moment_while_another_writes(home: Path, tmp_path: Path) -> None:
    with Home(home).lock(), Home(home).store() as store:
        store.put_setting("half", b"1")
        good("backup", tmp_path / "backup", "--home", home)
        store.rollback()
    good("restore", tmp_path / "backup", "--home", tmp_path / "new")
    with Home(tmp_path / "new").store(readonly=True) as found:
        assert found.setting("half") is None
    good("verify", "--home", tmp_path / "new")


@pytest.mark.parametrize("place", ["home", "home/inside", "missing/file"])
def test_a_place_that_cannot_hold_it_is_refused(place: str, home: Path, tmp_path: Path) -> None:
    before = left_in(tmp_path), left_in(home)
    ran = weal("backup", tmp_path / place, "--home", home)
    assert ran.code in (65, 73)
    assert (left_in(tmp_path), left_in(home)) == before


def test_no_device_and_nothing_of_a_home_is_written_over(home: Path, tmp_path: Path) -> None:
    good("seal", "--home", home)
    community = good("status", "--home", home, "-o", "json").json["community"]
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to(os.devnull)
    (tmp_path / "same").symlink_to(home)
    ledger = (home / "ledger.db").read_bytes()
    for place in ("fifo", "null", "home/ledger.db", "same/keystore"):
        for typed in (("backup",), ("prove", community, "--out")):
            ran = weal(*typed, tmp_path / place, "--home", home)
            assert ran.code == 65, ran
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert (tmp_path / "null").is_symlink()
    assert (home / "ledger.db").read_bytes() == ledger
    ran = weal("backup", tmp_path / "missing" / "file", "--home", home)
    assert (ran.code, "database" in ran.err) == (73, False)


def test_when_it_cannot_be_written_the_old_one_stays(
    home: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(*_about: object) -> None:
        raise OSError(28, "No space left on device")

    for place, name in ((archive, "_write"), (Store, "backup"), (os, "fsync")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, full)
            ran = weal("backup", file, "--home", home)
        assert ran.code == 73
        assert "No space left" in ran.err
        assert file.read_bytes() == before
        assert left_in(tmp_path) == {"home", "backup"}


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def tar_of(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return made.getvalue()


def link_to(target: str, kind: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        info = tarfile.TarInfo("keystore")
        info.type, info.linkname = kind, target
        out.addfile(info)
    return made.getvalue()


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: b"",
    "junk": lambda data: b"junk" * 5000,
    "text": lambda data: b"hello",
    "cut in the ledger": lambda data: data[: len(data) // 2],
    "cut before the sums": lambda data: data[:-20_000],
    "a byte of the ledger": lambda data: flipped(data, len(data) // 2),
    "a byte of the keystore": lambda data: flipped(data, 600),
    "a byte of a name": lambda data: flipped(data, 0),
    "outside": lambda data: tar_of(("../../outside", b"x"), ("keystore", b"x")),
    "absolute": lambda data: tar_of(("/tmp/outside", b"x")),
    "inside": lambda data: tar_of(("keystore/../../outside", b"x")),
    "twice": lambda data: tar_of(("keystore", b"x"), ("keystore", b"y"), ("sums", b"{}")),
    "other": lambda data: tar_of(("authorized_keys", b"x")),
    "symlink": lambda data: link_to("/etc/passwd", tarfile.SYMTYPE),
    "hard link": lambda data: link_to("/etc/passwd", tarfile.LNKTYPE),
    "device": lambda data: link_to("", tarfile.CHRTYPE),
    "fifo": lambda data: link_to("", tarfile.FIFOTYPE),
    "large": lambda data: tar_of(("keystore", bytes(archive.SMALL_BYTES_MAX + 1))),
    "a content of another name": lambda data: tar_of(("contents/notes", b"x")),
    "a content deeper": lambda data: tar_of((f"contents/a/{'a' * 64}", b"x")),
    "a large content": lambda data: tar_of(
        (f"contents/{'a' * 64}", bytes(contents.FILE_BYTES_MAX + 1))
    ),
    "no sums": lambda data: tar_of(("keystore", b"x"), ("ledger.db", b"y")),
    "sums are junk": lambda data: tar_of(("keystore", b"x"), ("sums", b"\xff[" * 3000)),
    "deep sums": lambda data: tar_of(("sums", b"[" * 100_000)),
    "sums of another": lambda data: tar_of(("sums", b'{"format": "x/2", "files": {}}')),
    "sums only": lambda data: tar_of(("sums", b'{"format": "commonweal/1/backup", "files": {}}')),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_no_whole_backup_restores_nothing(
    what: str, home: Path, file: Path, tmp_path: Path
) -> None:
    spoiled = tmp_path / "spoiled"
    spoiled.write_bytes(SPOILED[what](file.read_bytes()))
    before = left_in(tmp_path)
    ran = weal("restore", spoiled, "--home", tmp_path / "deep" / "new")
    assert ran.code == 65, ran
    assert "nothing was restored" in ran.err
    assert left_in(tmp_path) - before <= {"deep"}
    assert left_in(tmp_path / "deep") == set()
    assert not Path("/tmp/outside").exists()


def test_a_flip_anywhere_is_found_or_changes_nothing(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    folder = tmp_path / "whole"
    folder.mkdir()
    unpack(file, folder)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    spoiled = tmp_path / "spoiled"
    for place in [*range(0, 1024, 7), *range(1024, len(data), len(data) // 150)]:
        shutil.rmtree(folder)
        folder.mkdir()
        spoiled.write_bytes(flipped(data, place))
        try:
            unpack(spoiled, folder)
        except BadBackup:
            continue
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole, place


def test_a_backup_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = weal("restore", tmp_path / "none", "--home", tmp_path / "new")
    assert ran.code == 65
    assert str(tmp_path / "none") in ran.err
    assert not (tmp_path / "new").exists()


def test_a_home_that_is_not_there_has_no_backup(tmp_path: Path) -> None:
    assert weal("backup", tmp_path / "file", "--home", tmp_path / "none").code == 78
    assert left_in(tmp_path) == set()


def test_a_home_without_its_keystore_has_no_backup(home: Path, tmp_path: Path) -> None:
    (home / "keystore").unlink()
    assert weal("backup", tmp_path / "file", "--home", home).code == 78
    assert left_in(tmp_path) == {"home"}


def test_the_home_is_as_it_was_after_a_backup(home: Path, tmp_path: Path) -> None:
    with Home(home).store(readonly=True) as store:
        before = Settings.read(store), store.logs()
    good("backup", tmp_path / "file", "--home", home)
    with Home(home).store(readonly=True) as store:
        assert (Settings.read(store), store.logs()) == before
    assert os.path.lexists(home / "keystore")


def test_unpacking_writes_into_an_empty_folder_only(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "keystore").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="exists"):
        unpack(file, folder)
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_with_more_contents_than_a_home_keeps_is_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [(f"contents/{number:064x}", b"x") for number in range(3)]
    monkeypatch.setattr(archive, "MEMBERS_MAX", 3)
    (tmp_path / "spoiled").write_bytes(tar_of(*many, ("keystore", b"x"), ("sums", b"{}")))
    (tmp_path / "out").mkdir()
    with pytest.raises(BadBackup):
        unpack(tmp_path / "spoiled", tmp_path / "out")
    assert not (tmp_path / "out" / "keystore").exists()
