"""A real node on a small disk that becomes full, and then has room again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.node_status import Status
from commonweal.node.runtime.loop import RETRY_S
from commonweal.protocol.errors import DiskFull, StorageError
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.state.state_db import FINAL, StateDb
from tests.builders import homes
from tests.cluster.test_cluster import holds, running, weal, write
from tests.cluster.test_rules_cluster import wait_until

DISK_BYTES = 8 * 1024 * 1024
PART_BYTES = 4096
TRIES_MAX = 400
BATCH = 20
AGAIN_S_MAX = RETRY_S + 10.0
EQUAL_S_MAX = 15.0


@cache
def lacking() -> str:
    """Return why no disk can be mounted here, in one line; empty when one can."""
    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    with TemporaryDirectory() as folder:
        try:
            with disk(Path(folder)):
                return ""
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            return f"no small disk can be mounted: {said.strip()}"


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """A disk of `DISK_BYTES` in memory, mounted at a folder; taken away at the end."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "weal-test", str(folder)]
    subprocess.run(mount, check=True, capture_output=True, text=True, timeout=20)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


def fill(ballast: Path) -> None:
    """Let a file take all room that is left."""
    with ballast.open("ab", buffering=0) as file:
        while True:
            try:
                file.write(bytes(PART_BYTES))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                return


def write_until_refused(home: Home) -> tuple[list[RecordId], StorageError]:
    """Write until the disk refuses; return what was acknowledged, and the refusal."""
    acknowledged: list[RecordId] = []
    for _ in range(TRIES_MAX):
        try:
            acknowledged += write(home, *range(BATCH))
        except StorageError as refusal:
            return acknowledged, refusal
    raise AssertionError("a full disk took everything")


def is_member(home: Home) -> bool:
    """Say whether the member of a home is admitted."""
    with LocalClient(home.socket, patience_s=10) as line:
        return bool(line.ask(Status()).state == "member")


def takes(home: Home, taken: list[RecordId]) -> bool:
    """Say whether a node takes a record; what was acknowledged is put into `taken`."""
    with suppress(StorageError):
        taken += write(home, 0)
    return bool(taken)


pytestmark = pytest.mark.skipif(bool(lacking()), reason=f"not run: {lacking()}")


def test_a_full_disk_costs_no_acknowledged_record_and_no_restart(tmp_path: Path) -> None:
    small = tmp_path / "disk"
    small.mkdir()
    with disk(small):
        mei = homes.founder(small / "mei")
        bo = homes.newcomer(tmp_path / "bo", homes.invited(mei), "Bo")
        with running(mei, homes.at_its_port(mei).listen), running(bo):
            wait_until(lambda: is_member(bo), EQUAL_S_MAX, "not admitted in time")
            kept = write(mei, 1, 2, 3)
            pid = mei.holder()
            fill(small / "ballast")
            more, refusal = write_until_refused(mei)
            kept += more
            assert isinstance(refusal, DiskFull)
            fill(small / "ballast")
            others = write(bo, 4, 5, 6)
            for _ in range(3):
                typed = weal("record", "work", "1", "hour", home=mei)
                assert typed.returncode == DiskFull.exit_code == 73, typed
                assert (DiskFull.__doc__ or "").split(":")[0] in typed.stderr
                assert holds(mei, kept), "acknowledged, and not on the disk"
            for words in (["status"], ["peers"], ["ledger"], ["balance"], ["verify"]):
                typed = weal(*words, home=mei)
                assert typed.returncode == 0, typed
            wait_until(lambda: holds(bo, kept), EQUAL_S_MAX, "a full node serves nobody")
            (small / "ballast").unlink()
            wait_until(lambda: takes(mei, kept), AGAIN_S_MAX, "there is room, and it refuses")
            assert mei.holder() == pid
            wait_until(lambda: holds(mei, others), EQUAL_S_MAX, "others' records are not fetched")
            wait_until(lambda: holds(bo, kept), EQUAL_S_MAX, "a record is not passed on")
            assert weal("verify", home=mei).returncode == 0


def test_what_was_folded_and_finds_no_room_is_refused_by_name(tmp_path: Path) -> None:
    with disk(tmp_path), closing(StateDb(tmp_path / "state.db")) as layers:
        layers.begin()
        with pytest.raises(DiskFull):
            for number in range(DISK_BYTES // PART_BYTES):
                layers.put(FINAL, [(number.to_bytes(4, "big"), bytes(PART_BYTES))])
                layers.commit()
                layers.begin()
