"""A cluster: several nodes of one community on this machine, for trials and tests.

Each node is a process with a home of its own, as on as many machines; they connect over loopback.
A node is only ever ended by the process id that its own home names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from commonweal.node.control import daemon
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.node_status import Status
from commonweal.protocol.errors import CommonwealError, NotReachable, NotYet, UnknownNode
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings

LINKS_AIM = 3
"""In a large cluster a node counts as connected once it has this many members."""
STARTS_AT_ONCE_MAX = 8
LOOK_S = 0.1
ASK_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class NodeState:
    """The state of one node. running: False when it does not answer; the rest is then empty.

    members: how many members it is connected with. digest: equal on nodes that hold the same.
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
        """Use the homes in `folder`; nothing is read or created."""
        self.folder = Path(folder).expanduser().absolute()

    def home(self, name: str) -> Home:
        """Return the home of a node. Raises UnknownNode."""
        home = Home(self.folder / name)
        if not re.fullmatch(r"n[1-9][0-9]*", name) or not home.exists():
            raise UnknownNode(f"{name}; here are: {', '.join(self.names()) or 'none'}")
        return home

    def names(self) -> list[str]:
        """Return the names of the nodes that have a home here, in order."""
        names = (path.parent.name for path in self.folder.glob("n*/ledger.db"))
        return sorted(
            (name for name in names if name[1:].isdigit()), key=lambda name: int(name[1:])
        )

    def start(self, names: Iterable[str]) -> None:
        """Start the nodes that do not run, some at once, each at its home's port on loopback.

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
            except BaseException:  # Ctrl-C too: its home does not name a process yet
                for starting in begun:
                    starting.give_up()
                raise

    def stop(self, name: str) -> None:
        """Stop a node in order. Raises NotReachable when it does not run."""
        daemon.stop(self.home(name))

    def kill(self, name: str) -> None:
        """End a node with SIGKILL. Raises NotReachable when it does not run."""
        daemon.kill(self.home(name))

    def down(self) -> list[str]:
        """Stop every node that runs; return their names."""
        ended = []
        for name in self.names():
            try:
                self.stop(name)
            except NotReachable:
                continue
            ended.append(name)
        return ended

    def node(self, name: str) -> NodeState:
        """Return the state of one node."""
        home = self.home(name)
        try:
            with LocalClient(home.socket_for_calling(), patience_s=ASK_S_MAX) as client:
                status = client.ask(Status())
        except CommonwealError:
            return NodeState(name, running=False)
        members = [peer for peer in status.peers if peer.standing == "member"]
        return NodeState(
            name,
            running=True,
            pid=home.holder(),
            records=status.records,
            digest=status.digest,
            state=status.state,
            members=len(members),
            addresses=status.listening,
        )

    def nodes(self) -> list[NodeState]:
        """Return the state of every node."""
        return [self.node(name) for name in self.names()]

    def wait_equal(self, seconds: float, names: Iterable[str] | None = None) -> list[NodeState]:
        """Wait until the nodes are members, connected, and hold the same; return their states.

        names: the nodes to wait for; None for all. Raises NotYet after `seconds`, with each state.
        """
        wanted = list(self.names() if names is None else names)
        deadline = time.monotonic() + seconds
        while True:
            states = [self.node(name) for name in wanted]
            if is_equal(states):
                return states
            if time.monotonic() > deadline:
                raise NotYet("; ".join(map(_sentence, states)))
            time.sleep(LOOK_S)


def is_equal(states: list[NodeState]) -> bool:
    """Return whether all run, are members, are connected enough, and hold the same."""
    links = min(len(states) - 1, LINKS_AIM)
    return all(
        node.running and node.state == "member" and node.members >= links for node in states
    ) and all(node.digest == states[0].digest for node in states)


def _starting(home: Home) -> daemon.NodeProcess:
    with home.store(readonly=True) as store:
        port = Settings.read(store).port
    secrets = keystore.unlock(home.keystore, None)
    return daemon.NodeProcess(home, secrets, listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)


def _sentence(node: NodeState) -> str:
    if not node.running:
        return f"{node.name} does not run"
    return (
        f"{node.name}: {node.state}, {node.records} records {node.digest.hex()[:8]},"
        f" {node.members} members connected"
    )
