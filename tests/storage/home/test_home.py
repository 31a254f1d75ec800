"""The home: private, with one writer, and a socket path that every system takes."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.node.control import daemon
from commonweal.protocol.errors import (
    HomeInUse,
    KeystoreExists,
    MissingDatabase,
    NewerHome,
    NotInCommunity,
    ReadOnlyDatabase,
)
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import (
    PORT_MAX,
    PORT_MIN,
    SOCKET_PATH_BYTES_MAX,
    Home,
    Settings,
    new_port,
)
from tests.builders.weal import founder, good, weal

PLAIN = Settings("Ann", MemberId(b"m" * 32), DeviceKey(b"d" * 32))
FULL = Settings("安", PLAIN.member, PLAIN.device, CommunityId(b"c" * 32), 20_001, "weal://x")


def made(path: Path) -> Home:
    home = Home(path)
    home.create()
    store = home.create_store()
    FULL.put(store)
    store.commit()
    store.close()
    return home


def test_a_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = made(tmp_path / "deep" / "home")
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.database.stat().st_mode) == 0o600


def test_a_home_is_not_made_over_another(tmp_path: Path) -> None:
    (tmp_path / "keystore").write_bytes(b"mine")
    with pytest.raises(KeystoreExists):
        Home(tmp_path).create()
    assert (tmp_path / "keystore").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ReadOnlyDatabase):
        Home(tmp_path / "file" / "home").create()


@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
def test_settings_are_read_as_they_were_put(settings: Settings, tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    with home.store() as store:
        settings.put(store)
        store.commit()
    with home.store(readonly=True) as store:
        assert Settings.read(store) == settings


def test_without_a_community_there_is_no_here() -> None:
    assert FULL.here == b"c" * 32
    with pytest.raises(NotInCommunity):
        PLAIN.here  # noqa: B018


def test_a_home_that_was_not_made_in_full_is_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create_store().close()
    with home.store(readonly=True) as store, pytest.raises(MissingDatabase):
        Settings.read(store)


def test_what_is_not_committed_is_not_kept(tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    with home.store() as store:
        PLAIN.put(store)
    with home.store(readonly=True) as store:
        assert Settings.read(store) == FULL


@pytest.mark.parametrize("readonly", [True, False])
def test_nothing_is_made_by_looking(readonly: bool, tmp_path: Path) -> None:
    home = Home(tmp_path / "none")
    assert not home.exists()
    with pytest.raises(MissingDatabase), home.store(readonly=readonly):
        pass
    with pytest.raises(MissingDatabase), home.lock():
        pass
    assert not home.path.exists()


def test_a_home_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    with home.store() as store:
        store.change("PRAGMA user_version = 99")
        store.commit()
    before = home.database.read_bytes()
    with pytest.raises(NewerHome), home.store():
        pass
    assert home.database.read_bytes() == before


def test_a_home_has_one_writer(tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    assert home.holder() is None
    with home.lock():
        assert home.holder() == os.getpid()
        with pytest.raises(HomeInUse, match=str(os.getpid())), home.lock():
            pass
    assert home.holder() is None
    with home.lock():
        pass


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    script = (
        "import sys\nfrom commonweal.storage.home.home import Home\n"
        "with Home(sys.argv[1]).lock():\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert home.holder() == process.pid
        with pytest.raises(HomeInUse), home.lock():
            pass
        process.kill()
        process.wait()
    with home.lock():
        pass


def test_a_short_home_holds_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home("/h")
    assert home.socket == Path("/h/node.sock")


def test_a_long_home_has_a_short_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp/run")
    one, two = (Home(tmp_path / ("花" * 40) / name) for name in ("one", "two"))
    assert one.socket.parent == Path("/tmp/run/commonweal")
    assert one.socket == Home(one.path).socket != two.socket
    for place in ("", "/" + "x" * 200):
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
        assert len(os.fsencode(one.socket)) <= SOCKET_PATH_BYTES_MAX


def test_the_folder_of_a_far_socket_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(f"/tmp/cw{os.getpid()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(run))
    home = Home(tmp_path / ("x" * 120))
    try:
        folder = home.socket_for_binding().parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder.chmod(0o755)
        with pytest.raises(ReadOnlyDatabase):
            home.socket_for_binding()
    finally:
        (run / "commonweal").rmdir()
        run.rmdir()


def test_ports_are_drawn_from_a_range_that_nobody_lends() -> None:
    drawn = {new_port() for _ in range(200)}
    assert len(drawn) > 100
    assert PORT_MIN <= min(drawn) <= max(drawn) < PORT_MAX


def test_files_that_cannot_be_opened_are_refused_by_name(tmp_path: Path) -> None:
    place = founder(tmp_path / "home")
    good("record", "work", "1", "hour", "--home", place)
    good("ledger", "--home", place)
    for end in ("", "-wal", "-shm"):
        Path(f"{place}/state.db{end}").unlink(missing_ok=True)
    (place / "state.db").mkdir()  # or of another user, which root would not notice
    for typed in (("status",), ("ledger",), ("members",), ("balance",), ("doctor",), ("seals",)):
        assert weal(*typed, "--home", place).code in (0, 1), typed
    assert weal("sql", "SELECT 1", "--home", place).code == 73
    (place / "node.log").mkdir()
    assert weal("up", "--background", "--home", place).code == 73
    assert weal("status", "--home", tmp_path / ("long" * 100)).code == 73


def test_a_full_disk_takes_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(founder(tmp_path / "home"))
    home.lock_file.write_bytes(b"123456789\n")
    calls: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        act = getattr(os, name)

        def done(*about: Any) -> Any:
            calls.append(name)
            return act(*about)

        return done

    for name in ("pwrite", "ftruncate"):
        monkeypatch.setattr(os, name, noted(name))
    with home.lock():
        assert home.holder() == os.getpid()
    assert calls == ["pwrite", "ftruncate"], "no block is given back before the number stands in it"

    def full(*_about: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert weal("record", "work", "1", "hour", "--home", home.path).code == 73


def test_a_process_of_another_machine_is_never_ended(tmp_path: Path) -> None:
    home = Home(founder(tmp_path / "home"))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            with home.lock():
                # The holder is on another machine that shares this disk; here its number is ours.
                home.lock_file.write_text(f"{stranger.pid}\nnas pid:[1]\n")
                assert home.holder() == 0
                ended = weal("down", "--home", home.path)
                used = weal("found", "Garden", "--home", home.path)
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert ended.code == used.code == 78
    assert f"process {stranger.pid}, nas" in used.err


def test_a_lock_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(founder(tmp_path / "home"))
    monkeypatch.setattr(daemon, "END_S_MAX", 0.2)
    with home.lock():
        home.lock_file.write_bytes(b"")
        assert weal("down", "--home", home.path).code == 78
