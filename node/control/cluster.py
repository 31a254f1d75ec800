"""Several nodes of one community on this machine: started, watched, killed, ended.

Each is a process of its own with a home of its own, as on as many machines; they meet
over loopback. A node is only ever ended by the process id that its own home names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages import Status
from commonweal.protocol.errors import CommonwealError, NotReachable, NotYet, UnknownNode
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings

LINKS_AIM = 3
"""In a large cluster a node counts as connected with so many members."""
STARTS_AT_ONCE_MAX = 8
LOOK_S = 0.1
ASK_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class NodeState:
    """What one node says of itself. running: False when it does not answer; then the rest is empty.

    members: how many members it is connected with. digest: equal where the same is held.
    """

    name: str
    running: bool
    pid: int | None = None
    records: int = 0
    digest: bytes = b""
    state: str = ""
    members: int = 0
    addresses: tuple[str, ...] = ()


class Cluster:
    """The homes n1, n2 ... in one folder."""

    def __init__(self, folder: str | Path) -> None:
        """Name a folder; nothing is read or made."""
        self.folder = Path(folder).expanduser().absolute()

    def home(self, name: str) -> Home:
        """Return the home of a node. Raises UnknownNode."""
        home = Home(self.folder / name)
        if not re.fullmatch(r"n[1-9][0-9]*", name) or not home.exists():
            raise UnknownNode(f"{name}; here are: {', '.join(self.names()) or 'none'}")
        return home

    def names(self) -> list[str]:
        """Return the names of the nodes that have a home here, in order."""
        found = (path.parent.name for path in self.folder.glob("n*/ledger.db"))
        return sorted((one for one in found if one[1:].isdigit()), key=lambda one: int(one[1:]))

    def start(self, names: Iterable[str]) -> None:
        """Start nodes that do not run, some at once, each at its home's port on loopback.

        Raises NodeNotStarted.
        """
        waiting = [name for name in names if self.home(name).holder() is None]
        while waiting:
            batch, waiting = waiting[:STARTS_AT_ONCE_MAX], waiting[STARTS_AT_ONCE_MAX:]
            begun: list[daemon.NodeProcess] = []
            try:
                begun.extend(_starting(self.home(name)) for name in batch)
                for starting in begun:
                    starting.addresses()
            except BaseException:  # Ctrl-C too: who does not hold his home yet is not found by it
                for starting in begun:
                    starting.give_up()
                raise

    def stop(self, name: str) -> None:
        """End a node in order. Raises NotReachable when it does not run."""
        daemon.stop(self.home(name))

    def kill(self, name: str) -> None:
        """End a node with SIGKILL. Raises NotReachable when it does not run."""
        daemon.kill(self.home(name))

    def down(self) -> list[str]:
        """End every node that runs; return their names."""
        ended = []
        for name in self.names():
            try:
                self.stop(name)
            except NotReachable:
                continue
            ended.append(name)
        return ended

    def node(self, name: str) -> NodeState:
        """Return what a node says of itself."""
        home = self.home(name)
        try:
            with LocalClient(home.socket_for_calling(), patience_s=ASK_S_MAX) as line:
                said = line.ask(Status())
        except CommonwealError:
            return NodeState(name, running=False)
        members = [peer for peer in said.peers if peer.standing == "member"]
        return NodeState(
            name,
            running=True,
            pid=home.holder(),
            records=said.records,
            digest=said.digest,
            state=said.state,
            members=len(members),
            addresses=said.listening,
        )

    def nodes(self) -> list[NodeState]:
        """Return what each node says of itself."""
        return [self.node(name) for name in self.names()]

    def wait_equal(self, seconds: float, names: Iterable[str] | None = None) -> list[NodeState]:
        """Wait until the nodes are members, connected, and hold the same; return their states.

        names: those that count, else all. Raises NotYet after `seconds`, saying how far each is.
        """
        wanted = list(self.names() if names is None else names)
        deadline = time.monotonic() + seconds
        while True:
            states = [self.node(name) for name in wanted]
            if is_equal(states):
                return states
            if time.monotonic() > deadline:
                raise NotYet("; ".join(map(_line, states)))
            time.sleep(LOOK_S)


def is_equal(states: list[NodeState]) -> bool:
    """Say whether all run, are members, see enough of each other, and hold the same."""
    links = min(len(states) - 1, LINKS_AIM)
    return all(
        one.running and one.state == "member" and one.members >= links for one in states
    ) and all(one.digest == states[0].digest for one in states)


def _starting(home: Home) -> daemon.NodeProcess:
    with home.store(readonly=True) as store:
        port = Settings.read(store).port
    secrets = keystore.unlock(home.keystore, None)
    return daemon.NodeProcess(home, secrets, listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)


def _line(one: NodeState) -> str:
    if not one.running:
        return f"{one.name} does not run"
    return (
        f"{one.name}: {one.state}, {one.records} records {one.digest.hex()[:8]},"
        f" {one.members} members connected"
    )
