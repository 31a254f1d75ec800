"""Real node processes on loopback: starting and ending them, and losing some on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from commonweal.client.community.homes import make_home
from commonweal.commands.node import cluster as command
from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.join_once import request_admission
from commonweal.node.control.messages.held_records import Wait
from commonweal.node.control.messages.node_status import Status
from commonweal.node.control.messages.submission import Submit
from commonweal.node.runtime import logs, process_life
from commonweal.node.service.events import Wish
from commonweal.protocol.errors import (
    CommonwealError,
    HomeInUse,
    NodeNotStarted,
    NotPermitted,
    NotReachable,
    UnknownNode,
)
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes

LISTEN = ("/ip4/127.0.0.1/tcp/0",)
EQUAL_S_MAX = 15.0
RECORDS = 2_000
DEATHS = 20
WRITERS = 4
BATCH = 5


@contextmanager
def running(home: Home, listen: Sequence[str] = LISTEN) -> Iterator[list[str]]:
    """The node of a home, in the background; it is killed at the end if it still runs."""
    secrets = keystore.unlock(home.keystore, None)
    try:
        yield daemon.NodeProcess(home, secrets, listen=tuple(listen), mdns=False).addresses()
    finally:
        try:
            daemon.kill(home)
        except NotReachable:
            pass


@contextmanager
def clustered(folder: Path, nodes: int) -> Iterator[Cluster]:
    """A community of real nodes that are connected; all are killed at the end."""
    command.found(folder, nodes)
    cluster = Cluster(folder)
    try:
        cluster.start(cluster.names())
        cluster.wait_equal(60)
        yield cluster
    finally:
        for name in cluster.names():
            try:
                cluster.kill(name)
            except NotReachable:
                pass


def weal(*words: str, home: Home) -> subprocess.CompletedProcess[str]:
    """Run a command as a member types it."""
    return subprocess.run(
        [sys.executable, "-m", "commonweal", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )


def work(number: int) -> Wish:
    """A contribution that names a number."""
    return Wish("event", {"action": "work", "provider": bytes(16), "note": number})


def write(home: Home, *numbers: int) -> list[RecordId]:
    """Write contributions through the running node of a home; their ids, once acknowledged."""
    with LocalClient(home.socket, patience_s=10) as line:
        answer = line.ask(Submit(tuple(work(number) for number in numbers)))
    return [RecordId(record.id) for record in answer.records]


def holds(home: Home, ids: Sequence[RecordId]) -> bool:
    """Whether the ledger of a home holds all these records."""
    with home.store(readonly=True) as store:
        return all(store.wire(id) is not None for id in ids)


# One node.


def test_a_second_node_of_one_home_is_refused_by_name(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    with running(home):
        with pytest.raises(NodeNotStarted, match="uses this home") as refused:
            daemon.NodeProcess(home, keystore.unlock(home.keystore, None)).addresses()
        assert refused.value.exit_code == HomeInUse.exit_code
        again = weal("up", home=home)
        assert again.returncode == HomeInUse.exit_code
        assert str(home.holder()) in again.stderr and "Traceback" not in again.stderr
        assert write(home, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_node_in_order_and_soon(tmp_path: Path, number: signal.Signals) -> None:
    home = homes.founder(tmp_path / "h")
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "commonweal", "up", "--home", str(home)),
            *("--no-mdns", f"--listen={LISTEN[0]}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as node:
        try:
            assert node.stdout is not None
            assert node.stdout.readline().startswith("/ip4/127.0.0.1/tcp/")
            (id,) = write(home, 1)
            began = time.monotonic()
            node.send_signal(number)
            assert node.wait(timeout=10) == 0
            assert time.monotonic() - began < 3
            assert node.stderr is not None and "Traceback" not in node.stderr.read()
        finally:
            node.kill()
    assert holds(home, [id])
    assert not home.socket.exists() and home.holder() is None


def test_down_ends_a_node_and_says_when_there_is_none(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    with running(home):
        assert weal("down", home=home).returncode == 0
        assert home.holder() is None
    assert weal("down", home=home).returncode == NotReachable.exit_code


def test_a_node_starts_after_a_kill_though_its_socket_is_left(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    with running(home):
        (id,) = write(home, 1)
        daemon.kill(home)
    assert home.socket.exists()
    with running(home):
        write(home, 2)
    assert holds(home, [id])


def test_a_taken_port_is_the_reason_that_is_told(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        with pytest.raises(NodeNotStarted, match="port") as refused, running(home, [listen]):
            pass
    assert refused.value.exit_code == 78


def test_a_home_without_a_community_has_no_node(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    make_home(home, "Mei", None, "en")
    with pytest.raises(NodeNotStarted), running(home):
        pass


def test_a_node_listens_everywhere_at_its_own_port(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    with home.store(readonly=True) as store:
        port = Settings.read(store).port
    with running(home, ()) as addresses:
        assert {each.split("/")[4] for each in addresses} == {str(port)}


def test_every_thread_of_a_node_steps_back_behind_what_is_typed(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "h")
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    with running(home):
        threads = [int(entry.name) for entry in Path(f"/proc/{home.holder()}/task").iterdir()]
        theirs = {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}
    assert len(threads) > 1
    assert theirs == {min(19, ours + process_life.NICE)}


def test_what_a_peer_sends_forges_no_line_of_the_log(tmp_path: Path) -> None:
    import logging

    file, said = tmp_path / "node.log", 'x\n{"level": "error"}\x1b[2J\u2028\u202e'
    with logs.log_to("info", file):
        logging.getLogger("commonweal.node").warning("dropped: %s", said)
    data = file.read_bytes()
    assert data.count(b"\n") == 1 and b"\x1b" not in data and data.isascii()
    assert logs.last_warnings(file) == [f"dropped: {said}"]
    assert file.stat().st_mode & 0o077 == 0


# Two nodes, and a knock.


def test_two_real_nodes_exchange_a_record(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with running(mei, homes.at_its_port(mei).listen), running(bo):
        admitted(bo)
        (id,) = write(bo, 1)
        with LocalClient(bo.socket, patience_s=10) as line:
            assert line.ask(Wait((id,), 1)).held_by == 1
    assert holds(mei, [id])


def test_a_newcomer_whose_inviter_sleeps_is_admitted_when_he_wakes(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with running(bo):
        with LocalClient(bo.socket, patience_s=10) as line:
            assert line.ask(Status()).state == "waiting-for-admission"
        with running(mei, homes.at_its_port(mei).listen):
            admitted(bo)


def test_a_knock_is_answered_with_membership(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    link = homes.invited(mei)
    bo = homes.newcomer(tmp_path / "bo", link)
    with running(mei, homes.at_its_port(mei).listen):
        assert request_admission(bo, keystore.unlock(bo.keystore, None), link, 10) == "member"


def test_a_knock_at_a_node_that_does_not_know_the_invite_says_so(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    link = homes.invited(mei)
    assert link.invite is not None
    bo = homes.newcomer(tmp_path / "bo", _with_another_invite(link))
    with (
        running(mei, homes.at_its_port(mei).listen),
        pytest.raises(NotPermitted, match="invite"),
    ):
        request_admission(bo, keystore.unlock(bo.keystore, None), link, 10)


def test_a_knock_at_no_door_tells_of_each_address(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    found = homes.invited(mei)
    addresses = ("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2")
    link = CommunityLink(
        found.community, (Contact(found.contacts[0].peer, addresses),), found.invite
    )
    bo = homes.newcomer(tmp_path / "bo", link)
    with pytest.raises(NotReachable) as nobody:
        request_admission(bo, keystore.unlock(bo.keystore, None), link, 1)
    assert all(f"{address}: " in str(nobody.value) for address in addresses)
    assert bo.holder() is None


def _with_another_invite(link: CommunityLink) -> CommunityLink:
    from dataclasses import replace

    assert link.invite is not None
    return replace(link, invite=replace(link.invite, id=RecordId(os.urandom(32))))


def admitted(home: Home) -> None:
    deadline = time.monotonic() + 20
    with LocalClient(home.socket, patience_s=10) as line:
        while line.ask(Status()).state != "member":
            assert time.monotonic() < deadline, "not admitted in time"
            time.sleep(0.05)


# Five nodes, of which some die.


def test_no_acknowledged_record_is_lost_while_nodes_die_and_come_back(tmp_path: Path) -> None:
    rng = Random(20)
    with clustered(tmp_path, 5) as cluster:
        names = cluster.names()
        writing = Writers(cluster, names)
        with writing.at_work():
            for _ in range(DEATHS):
                name = rng.choice(names)
                cluster.kill(name)
                time.sleep(rng.uniform(0.0, 0.3))
                cluster.start([name])
            writing.finish()
        assert len(writing.acknowledged) >= RECORDS
        states = cluster.wait_equal(EQUAL_S_MAX)
        assert len({one.digest for one in states}) == 1
        for name in names:
            assert holds(cluster.home(name), writing.acknowledged), f"{name} lacks some"


class Writers:
    """Threads that write through random nodes until enough is acknowledged."""

    def __init__(self, cluster: Cluster, names: Sequence[str]) -> None:
        self.cluster, self.names = cluster, names
        self.acknowledged: list[RecordId] = []
        self.calm = threading.Event()
        self.failed: list[BaseException] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them write inside; they end with it."""
        threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.calm.set()
            for thread in threads:
                thread.join(timeout=30)
        assert not self.failed, self.failed

    def finish(self) -> None:
        """Wait until enough is acknowledged."""
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < RECORDS:
            assert time.monotonic() < deadline, f"only {len(self.acknowledged)} were written"
            time.sleep(0.05)

    def _write(self, number: int) -> None:
        rng = Random(number)
        pause = DEATHS * WRITERS * BATCH / RECORDS
        while not self.calm.is_set():
            home = self.cluster.home(rng.choice(self.names))
            try:
                self.acknowledged += write(home, *range(BATCH))
            except NotReachable:
                pass  # it is dead just now
            except CommonwealError as error:
                self.failed.append(error)
                return
            self.calm.wait(pause)


def test_a_cluster_knows_its_nodes_and_ends_them_all(tmp_path: Path) -> None:
    with clustered(tmp_path, 2) as cluster:
        assert cluster.names() == ["n1", "n2"]
        with pytest.raises(UnknownNode, match="n1, n2"):
            cluster.kill("n3")
        with pytest.raises(UnknownNode):
            cluster.kill("../n1")
        cluster.kill("n2")
        assert [one.running for one in cluster.nodes()] == [True, False]
        with pytest.raises(NotReachable):
            cluster.kill("n2")
        cluster.start(["n1", "n2"])
        cluster.wait_equal(EQUAL_S_MAX)
        assert cluster.down() == ["n1", "n2"]
        assert [one.running for one in cluster.nodes()] == [False, False]


def test_a_start_that_is_broken_off_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[daemon.NodeProcess] = []

    def interrupted(starting: daemon.NodeProcess) -> list[str]:
        begun.append(starting)
        raise KeyboardInterrupt

    command.found(tmp_path, 1)
    monkeypatch.setattr(daemon.NodeProcess, "addresses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Cluster(tmp_path).start(["n1"])
    try:
        assert begun[0]._process.poll() is not None
    finally:
        begun[0].give_up()
