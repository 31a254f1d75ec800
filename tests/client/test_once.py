"""What is asked under a key is written once: asked twice, at once, or by one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.ledger import drafts
from commonweal.protocol.errors import KeyTaken, NotWithdrawn, UsageError, WouldNotCount
from tests.builders import deaths

REQUEST = b"work 3 hours"
DYING = """
import sys
from pathlib import Path
from commonweal.client import Member
from tests.builders.deaths import die_at

home, key, point = Path(sys.argv[1]), *sys.argv[2:]
die_at(point)
with Member(home) as member:
    member.once(key, b"work 3 hours", lambda: member.record("work", 3, "hours"))
"""
"""Records under a key, and kills itself at one point. The home has a node, or none."""


def founded(folder: Path) -> Path:
    create_home(folder, "Mei")
    with Member(folder) as mei:
        mei.found("Lanxi", rules="value-network")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a founder."""
    return founded(tmp_path / "mei")


@pytest.fixture(scope="module")
def with_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a founder whose node runs, for all tests that need one."""
    home = founded(tmp_path_factory.mktemp("node") / "mei")
    with Member(home) as mei:
        mei.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        yield home
        mei.stop_node()


def recorded(home: Path, key: str = "a key", request: bytes = REQUEST) -> tuple[bytes, bool]:
    """Record three hours under a key; return the id, and whether it was there before."""
    with Member(home) as mei:
        made = mei.once(key, request, lambda: mei.record("work", 3, "hours"))
        if made.answer is not None:
            return made.answer.id, False
        (earlier,) = made.earlier
        assert mei.show(earlier.id).seq == earlier.seq
        return earlier.id, True


def count(home: Path) -> int:
    with Member(home) as mei:
        return mei.contributions().total


def test_a_request_is_written_once_however_often_it_is_made(home: Path) -> None:
    first, is_old = recorded(home)
    assert not is_old
    assert [recorded(home) for _ in range(2)] == [(first, True)] * 2
    assert count(home) == 1
    assert recorded(home, "another key")[0] != first
    assert count(home) == 2


def test_one_key_has_one_request(home: Path) -> None:
    recorded(home)
    with pytest.raises(KeyTaken):
        recorded(home, request=b"work 4 hours")
    assert count(home) == 1


def test_what_could_not_be_done_twice_is_not_refused(home: Path) -> None:
    id, _ = recorded(home)
    with Member(home) as mei:
        done = mei.once("undo", b"", lambda: mei.undo(id))
        again = mei.once("undo", b"", lambda: mei.undo(id))
        assert done.answer is not None
        assert again.answer is None
        assert [record.id for record in again.earlier] == [done.answer.id]
        with pytest.raises(NotWithdrawn):
            mei.once("undo again", b"", lambda: mei.undo(id))


def test_what_was_refused_may_be_asked_again(home: Path) -> None:
    id, _ = recorded(home)
    with Member(home) as mei:
        with pytest.raises(WouldNotCount):
            mei.once("k", b"", lambda: mei.attest(id))
        made = mei.once("k", b"", lambda: mei.record("work", 1, "hour"))
        assert made.answer is not None


def test_what_needs_more_than_one_batch_is_refused_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "BATCH_RECORDS", 1)
    with Member(home) as mei:
        with pytest.raises(UsageError, match="at most 1 record"):
            mei.once("k", b"", lambda: mei.add_resource("ladder", 1, "one"))
        assert not mei.resources()
        made = mei.once("k", b"", lambda: mei.add_unit("basket"))
        assert made.answer is not None


def test_requests_at_the_same_time_are_one(with_node: Path) -> None:
    before = count(with_node)
    with ThreadPoolExecutor(8) as pool:
        ids = {id for id, _ in pool.map(lambda _: recorded(with_node, "at once"), range(8))}
    assert len(ids) == 1
    assert count(with_node) == before + 1


def died(home: Path, point: str, key: str = "a key") -> None:
    ended = subprocess.run([sys.executable, "-c", DYING, home, key, point], check=False)
    assert ended.returncode == -signal.SIGKILL, "it died at that point"


@pytest.mark.parametrize("point", deaths.WITH_NODE)
def test_a_process_that_dies_while_a_node_writes(with_node: Path, point: str) -> None:
    before = count(with_node)
    died(with_node, point, point)
    recorded(with_node, point)
    assert recorded(with_node, point)[1]
    assert count(with_node) == before + 1


@pytest.mark.parametrize("point", deaths.ALONE)
def test_a_process_that_dies_while_it_writes_alone(home: Path, point: str) -> None:
    died(home, point)
    assert recorded(home)[1] == (point == "after the commit")
    assert recorded(home)[1]
    assert count(home) == 1


def test_a_node_that_dies_with_who_asked_it(home: Path) -> None:
    with Member(home) as mei:
        mei.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        died(home, "before it reads the answer")
        node = mei.home.holder()
        assert node
        os.kill(node, signal.SIGKILL)
        while mei.home.holder() is not None:
            os.sched_yield()
    recorded(home)
    assert recorded(home)[1]
    assert count(home) == 1
