"""Secrets of real processes: what another program, a file or a core could give away."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.community.homes import found_community, make_home
from commonweal.node.control import daemon
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity.identity import member_signer
from commonweal.protocol.identity.phrase import phrase_from_entropy
from commonweal.protocol.keys import device_signer, peer_seed
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from commonweal.storage.home.keystore import COST_MIN, Secrets

PASSPHRASE = "open-sesame-and-close-again"
LISTEN = "--listen=/ip4/127.0.0.1/tcp/0"
DIES_S_MAX = 10.0

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="reads /proc, which only Linux has; CI runs there"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home with a passphrase; a node that a test did not expect ends with it."""
    found = Home(tmp_path / "home")
    make_home(found, "Mei", None, "en")
    found_community(found, "Lanxi")
    keystore.change_passphrase(found.keystore, None, PASSPHRASE, cost=COST_MIN)
    yield found
    if pid := found.holder():
        os.kill(pid, signal.SIGKILL)


def secrets_of(home: Home) -> Secrets:
    return keystore.unlock(home.keystore, PASSPHRASE)


def forms(secret: bytes) -> list[bytes]:
    """How 32 bytes may stand in a file: raw, in hex, as a decimal list."""
    return [
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        str(list(secret)).encode(),
    ]


def given_away(home: Home, data: bytes) -> list[str]:
    """Return which secrets of a home are in some bytes."""
    secrets = secrets_of(home)
    entropy = secrets.member_entropy
    assert entropy is not None
    words = phrase_from_entropy(entropy)
    known = {
        "passphrase": [PASSPHRASE.encode()],
        "device seed": forms(secrets.device_seed),
        "entropy": forms(entropy),
        "peer seed": forms(peer_seed(secrets.device_seed)),
        "words": [words.encode(), " ".join(words.split()[:3]).encode()],
        "device key": forms(device_signer(secrets.device_seed)._secret[:32]),
        "member key": forms(member_signer(entropy)._secret[:32]),
    }
    return [name for name, all_forms in known.items() if any(one in data for one in all_forms)]


def typed(home: Home, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Type a command in a process of its own, with the passphrase in its environment."""
    command = [sys.executable, "-m", "commonweal", *words, "--home", str(home)]
    environment = {**os.environ, "COMMONWEAL_PASSPHRASE": PASSPHRASE, **more}
    return subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60)


@contextmanager
def running(home: Home) -> Iterator[int]:
    """Run the node of a home in the background; give its process id."""
    loud = {"COMMONWEAL_LOG_LEVEL": "debug"}
    ran = typed(home, "up", "--background", "--no-mdns", LISTEN, **loud)
    assert ran.returncode == 0, ran.stderr
    pid = home.holder()
    assert pid
    try:
        yield pid
    finally:
        with suppress(NotReachable):
            daemon.stop(home)


def read(pid: int, name: str) -> bytes:
    return (Path("/proc") / str(pid) / name).read_bytes()


def test_a_node_shows_no_secret_in_arguments_environment_or_files(home: Home) -> None:
    with running(home) as pid:
        typed(home, "record", "work", "1", "hour", "--note", "sown")
        arguments, environment = read(pid, "cmdline"), read(pid, "environ")
        assert b"commonweal" in arguments
        assert given_away(home, arguments) == []
        assert b"PATH=" in environment
        assert given_away(home, environment) == [], "what a node is given stays readable"
        assert b"Max core file size        0" in read(pid, "limits")
        for path in home.path.rglob("*"):
            if path.is_file():
                assert given_away(home, path.read_bytes()) == [], path
    log = home.log.read_bytes()
    assert b"the node ended" in log
    assert given_away(home, log) == []


def test_a_backup_and_every_answer_show_no_secret(home: Home, tmp_path: Path) -> None:
    for words in (
        ("status",),
        ("doctor",),
        ("backup", str(tmp_path / "backup")),
        ("device", "add"),
    ):
        ran = typed(home, *words)
        assert given_away(home, ran.stdout + ran.stderr) == [], words
    assert given_away(home, (tmp_path / "backup").read_bytes()) == []


@pytest.mark.parametrize("spoil", ["wrong passphrase", "cut", "flipped", "open to others"])
def test_a_keystore_that_does_not_open_is_refused_and_gives_nothing_away(
    spoil: str, home: Home
) -> None:
    data = home.keystore.read_bytes()
    passphrase = PASSPHRASE
    match spoil:
        case "wrong passphrase":
            passphrase = "another-guess-of-a-thief"
        case "cut":
            home.keystore.write_bytes(data[: len(data) // 2])
        case "flipped":
            home.keystore.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
        case _:
            home.keystore.chmod(0o640)
    said = b""
    for words in (("up", "--background", LISTEN), ("record", "work", "1", "hour")):
        ran = typed(home, *words, COMMONWEAL_PASSPHRASE=passphrase)
        assert ran.returncode in (77, 78, 65), ran
        said = ran.stdout + ran.stderr
        assert b"Traceback" not in said
        assert passphrase.encode() not in said
        assert data[50:60] not in said
    assert home.holder() is None
    home.keystore.write_bytes(data)
    home.keystore.chmod(0o600)
    assert given_away(home, said) == []


def test_a_node_that_is_aborted_leaves_no_core(home: Home) -> None:
    with cores_allowed(), running(home) as pid:
        os.kill(pid, signal.SIGABRT)
        wait_for_end(home, pid)
    assert [path.name for path in home.path.rglob("core*")] == []


def test_the_same_abort_without_secrets_leaves_a_core_here(tmp_path: Path) -> None:
    """The control: this system writes core files where the other test looks."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text("ascii")
    with cores_allowed():
        subprocess.run([sys.executable, "-c", "import os; os.abort()"], cwd=tmp_path, check=False)
    left = [path for path in tmp_path.iterdir() if path.name.startswith("core")]
    assert left or pattern.startswith(("|", "/")), "cores of this system go elsewhere"


DUMPABLE = """
import ctypes, json, sys
from pathlib import Path
from commonweal.storage.home import keystore
get = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
before = get()
keystore.unlock(Path(sys.argv[1]), sys.stdin.readline().strip())
print(json.dumps([before, get()]))
"""


def test_who_opened_a_keystore_is_closed_to_debuggers(home: Home) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DUMPABLE, str(home.keystore)],
        input=PASSPHRASE.encode(),
        capture_output=True,
        check=True,
    )
    found: Any = json.loads(ran.stdout)
    assert found == [1, 0]


def test_a_link_may_come_by_a_pipe_so_that_no_argument_holds_its_key(
    home: Home, tmp_path: Path
) -> None:
    made = typed(home, "invite", "create", "-o", "json")
    link = json.loads(made.stdout)["link"]
    other = Home(tmp_path / "other")
    make_home(other, "Bo", None, "en")
    command = [sys.executable, "-m", "commonweal", "join", "-", "--seconds", "0"]
    ran = subprocess.run(
        [*command, "--home", str(other), "-o", "json"],
        input=f"{link}\n".encode(),
        capture_output=True,
        check=False,
    )
    assert json.loads(ran.stdout)["state"] == "waiting-for-admission", ran


@contextmanager
def cores_allowed() -> Iterator[None]:
    """Let processes started meanwhile write core files of any size, as far as they let it."""
    gc.collect()
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def wait_for_end(home: Home, pid: int) -> None:
    deadline = time.monotonic() + DIES_S_MAX
    while home.holder() == pid:
        assert time.monotonic() < deadline
        time.sleep(0.05)
