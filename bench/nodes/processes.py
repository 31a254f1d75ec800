"""Real node processes for the benches: homes made from a ready community, started and asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.community import Community, Person
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.node_status import NodeStatus, Status
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.records.address_book import Address
from commonweal.storage.records.logs.log_store import Store

START_S_MAX = 60.0
WAIT_S_MAX = 300.0
POLL_S = 0.03
IDLE_CPU_S = 0.1
"""A process that uses less of a second than this is idle."""


@dataclass(slots=True)
class NodeProcess:
    """One running node: its home, its process, and the open call to it."""

    home: Home
    process: subprocess.Popen[bytes]
    call: LocalClient

    def status(self) -> NodeStatus:
        """Return what the node says of itself."""
        return self.call.ask(Status())

    def rss_mib(self) -> float:
        """Return the resident memory of the process."""
        text = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        """Return the processor time that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Wait until the process has nothing to do: it folds what it was given at first."""
        before = self.cpu_s() - 1
        while self.cpu_s() - before > IDLE_CPU_S:
            before = self.cpu_s()
            time.sleep(1)

    def stop(self) -> None:
        """End the process, at once if it does not end in order."""
        self.call.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def make_home(path: Path, community: Community, person: Person, *, whole: bool) -> Home:
    """Return a home of `person`, with all that the community holds or only its own records."""
    home = Home(path)
    home.create()
    if whole:
        community.store.backup(home.database)
    store = home.create_store()
    if not whole:
        wires = community.store.wires(person.key, 0, 2, 1 << 20)
        store.append(person.key, [from_bytes_unchecked(wire) for wire in wires])
    member = person.inception.member
    Settings("bench", member, person.key, community.id, port=1).put(store)
    store.commit()
    store.close()
    secrets = Secrets(person.device_seed, person.entropy)
    keystore.create(home.keystore, secrets, None, cost=keystore.COST_MIN, random=os.urandom)
    return home


def tell(home: Home, node: NodeProcess) -> None:
    """Put the address of a running node into a home's address book."""
    status = node.status()
    store = Store(home.database)
    peer = next(iter(_peer_of(node)))
    store.put_address(Address(peer, None, status.listening, b"", 0, "link"))
    store.commit()
    store.close()


def _peer_of(node: NodeProcess) -> Iterator[Any]:
    from commonweal.protocol import keys

    secrets = keystore.unlock(node.home.keystore, None)
    yield keys.PeerKey(keys.Signer(keys.peer_seed(secrets.device_seed)).key)


@contextmanager
def running(
    home: Home, module: str = "commonweal", *, known_port: bool = False
) -> Iterator[NodeProcess]:
    """Run the node of a home on loopback inside.

    module: what is run, with `weal`'s arguments. known_port: at the port that the home keeps.
    """
    port = 0
    if known_port:
        with home.store(readonly=True) as store:
            port = Settings.read(store).port or 0
    command = [sys.executable, "-m", module, "up", "--home", str(home.path)]
    command += ["--listen", f"/ip4/127.0.0.1/tcp/{port}", "--no-mdns"]
    log = (home.path / "bench.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        node = NodeProcess(home, process, _connect(home, process))
        try:
            yield node
        finally:
            node.stop()
    finally:
        log.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = WAIT_S_MAX) -> float:
    """Return the seconds until `condition` holds, or fail."""
    start = time.perf_counter()
    while not condition():
        if time.perf_counter() - start > seconds:
            raise TimeoutError(what)
        time.sleep(POLL_S)
    return time.perf_counter() - start


def _connect(home: Home, process: subprocess.Popen[bytes]) -> LocalClient:
    end = time.perf_counter() + START_S_MAX
    while time.perf_counter() < end and process.poll() is None:
        try:
            call = LocalClient(home.socket)
            if call.ask(Status()).listening:
                return call
            call.close()
        except NotReachable:
            pass
        time.sleep(POLL_S)
    raise RuntimeError((home.path / "bench.log").read_text()[-2000:])
