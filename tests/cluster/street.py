"""Members in one street, five unless said, each with a real node, as commands see them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commonweal.commands.node import cluster as command
from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import NotReachable
from tests.builders.weal import good

NODES = 5
FIVE = range(1, NODES + 1)
EQUAL_S_MAX = 60.0
LOOK_S = 0.2


class Street:
    """Nodes in a folder, each by its number from 1 on; n1 seals."""

    def __init__(self, folder: Path, rules: str | None = None, nodes: int = NODES) -> None:
        command.found(folder, nodes, rules)
        self.cluster = Cluster(folder)

    def weal(self, number: int, *words: str) -> dict[str, Any]:
        """Let the member of a node type a command that succeeds; return what it says as JSON."""
        home = self.cluster.folder / f"n{number}"
        said: dict[str, Any] = good(*words, "-o", "json", "--home", home).json
        return said

    def up(self, *numbers: int) -> None:
        """Let these nodes run, and no others; those that run hold the same when it returns."""
        for node in self.cluster.nodes():
            if node.running and int(node.name[1:]) not in numbers:
                self.cluster.kill(node.name)
        self.cluster.start([f"n{number}" for number in numbers])
        self.equal(*numbers)

    def equal(self, *numbers: int) -> None:
        """Wait until these nodes are connected and hold the same."""
        self.cluster.wait_equal(EQUAL_S_MAX, [f"n{number}" for number in numbers])

    def seal(self) -> None:
        """Let all that n1 holds be final, on all nodes that run."""
        self.weal(1, "seal")
        running = [int(node.name[1:]) for node in self.cluster.nodes() if node.running]
        height = self.weal(1, "status")["finality"]["height"]
        until(
            lambda: all(
                self.weal(number, "status")["finality"]["height"] >= height for number in running
            ),
            "the seal is not followed",
        )

    def roots(self) -> set[tuple[str, str]]:
        """Return seal and state root of the last seal of each node."""
        numbers = range(1, len(self.cluster.names()) + 1)
        lasts = [self.weal(number, "seals", "--last", "1")["seals"][-1] for number in numbers]
        return {(last["seal"], last["state_root"]) for last in lasts}

    def end(self) -> None:
        """Kill what still runs."""
        for name in self.cluster.names():
            try:
                self.cluster.kill(name)
            except NotReachable:
                pass


def until(holds: Callable[[], bool], what: str) -> None:
    """Look until something holds, or fail."""
    deadline = time.monotonic() + EQUAL_S_MAX
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_S)
