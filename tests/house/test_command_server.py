"""The `weal` of the pages behaves as the installed one: words, files, folder, codes and signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.storage.home.home import Home
from tests.house.command_server import CALL, PID_AND_CODE, serving

INSTALLED = Path(sys.executable).parent / "weal"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program that a server stands behind."""
    with serving(tmp_path_factory.mktemp("server")) as programs:
        yield programs / "weal"


def typed(
    program: Path, folder: Path, *words: str, said: str = "", **environment: str
) -> tuple[int, str, str]:
    """Type a command: its exit code, and what it wrote to both outputs."""
    ended = subprocess.run(
        [program, *words],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("ledgr",),
        ("ledger", "--limit", "x"),
        ("rules", "check", "rules.toml"),
        ("rules", "check", "absent.toml"),
        ("rules", "check", "-"),
        ("members",),
    ],
)
def test_it_says_and_ends_as_the_installed_one(
    served: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "rules.toml").write_text("[pools.x]\nname = 1\n", "utf-8")
    about = {"said": "format = 1\n", "LANG": "zh_CN.UTF-8", "COMMONWEAL_HOME": "here"}
    assert typed(served, tmp_path, *words, **about) == typed(INSTALLED, tmp_path, *words, **about)


def test_one_command_leaves_nothing_to_the_next(served: Path, tmp_path: Path) -> None:
    for name, language in (("one", "zh_CN.UTF-8"), ("two", "C.UTF-8")):
        (tmp_path / name).mkdir()
        made = ("init", "--home", "mei", "--name", "Mei", "--no-passphrase")
        code, said, _ = typed(served, tmp_path / name, *made, LANG=language)
        assert (code, ("您" in said) == (name == "one")) == (0, True)
        assert Home(tmp_path / name / "mei").exists()
    both = [(tmp_path / name / "mei" / "keystore").read_bytes() for name in ("one", "two")]
    assert both[0] != both[1], "chance is not shared"


@pytest.mark.parametrize("kills", [False, True])
def test_it_ends_as_a_signal_ends_the_command(served: Path, tmp_path: Path, kills: bool) -> None:
    home = ("--home", "mei")
    typed(served, tmp_path, "init", *home, "--name", "Mei", "--no-passphrase")
    typed(served, tmp_path, "found", "Garden", *home)
    words = ("up", *home, "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0")
    environment = {**os.environ, "COMMONWEAL_PAGE": "no"}
    with (tmp_path / "said").open("wb") as out:
        node = subprocess.Popen([served, *words], cwd=tmp_path, env=environment, stdout=out)
    try:
        until = time.monotonic() + 30
        while not (tmp_path / "said").stat().st_size and time.monotonic() < until:
            time.sleep(0.02)
        holder = Home(tmp_path / "mei").holder()
        assert holder not in (None, node.pid)
        if kills:
            os.kill(holder, signal.SIGKILL)
        else:
            node.send_signal(signal.SIGINT)
        assert node.wait(20) == (128 + signal.SIGKILL if kills else 0)
        assert Home(tmp_path / "mei").holder() is None
    finally:
        node.kill()
        node.wait()


def test_it_ends_no_sooner_than_the_process(tmp_path: Path) -> None:
    """A killed process closes its socket before the lock of its home, which a test looks at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        with subprocess.Popen([sys.executable, "-IS", CALL, tmp_path / "socket"]) as call:
            caller, _ = listener.accept()
            with caller, subprocess.Popen(["sleep", "1"]) as lasting:
                caller.sendall(PID_AND_CODE.pack(lasting.pid))
                caller.shutdown(socket.SHUT_WR)
                with pytest.raises(subprocess.TimeoutExpired):
                    call.wait(0.5)
            assert call.wait(20) == 128 + signal.SIGKILL
