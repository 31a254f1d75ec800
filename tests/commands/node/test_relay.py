"""`weal relay`: what it prints, its key, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.weal import weal

LOOPBACK = ("--listen", "/ip4/127.0.0.1/tcp/0")


def started(key: Path, *options: str) -> subprocess.Popen[str]:
    """Return a relay that begins."""
    command = [sys.executable, "-m", "commonweal", "relay", *LOOPBACK, "--key", str(key)]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)


def test_a_relay_prints_its_address_counts_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    key = tmp_path / "kept" / "relay.key"
    identities = set()
    for _ in range(2):
        with started(key, "-o", "json", "--every", "1") as process:
            assert process.stdout is not None
            try:
                (address,) = json.loads(process.stdout.readline())["addresses"]
                counts = json.loads(process.stdout.readline())
                process.send_signal(signal.SIGINT)
                assert process.wait(10) == 0
            finally:
                process.kill()
        assert address.startswith("/ip4/127.0.0.1/tcp/")
        identities.add(address.partition("/p2p/")[2])
        names = {"reservations", "circuits", "circuits_made", "refused", "relayed_bytes"}
        assert {name: counts[name] for name in names} == dict.fromkeys(names, 0)
        assert counts["connections"] == 0
        assert counts["resident_bytes"] > 0
    assert len(identities) == 1, "the key is kept"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_file_that_holds_no_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "relay.key").write_text("nothing of the kind")
    ran = weal("relay", *LOOPBACK, "--key", tmp_path / "relay.key")
    assert ran.code == 78
    assert "--key" in ran.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--announce", "relay.example.org"), 2),
        (("--announce", "/ip4/192.0.2.1/tcp/0"), 2),
        (("--reservations", "0"), 2),
        (("--rate", "-1"), 2),
        (("--circuits", "100000"), 2),
        (("--listen", "/ip4/192.0.2.1/tcp/4002"), 78),
        (("--listen", "4002"), 78),
        (("--key", "/proc/none/relay.key"), 73),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_said(tmp_path: Path, options: tuple[str, ...], code: int) -> None:
    ran = weal("relay", "--key", tmp_path / "relay.key", *options)
    assert ran.code == code, ran
    assert ran.err
    assert not ran.out
