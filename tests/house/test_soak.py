"""What `make soak` complains of: growth, an end that nobody caused, and what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from bench.soak import LASTING, NODES, Sample, Soak
from commonweal.protocol.records.record import RecordId

MINUTES = 20
NAMES = [f"n{number}" for number in range(1, NODES + 1)]


@dataclass
class Node:
    """How a node stands."""

    name: str
    pid: int
    running: bool = True
    records: int = 3


class Nodes:
    """Ten nodes that are not there: this process stands for each."""

    def __init__(self) -> None:
        self.of = {name: Node(name, os.getpid()) for name in NAMES}
        self.held: dict[str, list[RecordId]] = {name: [] for name in NAMES}

    def names(self) -> list[str]:
        return NAMES

    def nodes(self) -> list[Node]:
        return list(self.of.values())

    def node(self, name: str) -> Node:
        return self.of[name]

    def home(self, name: str) -> Any:
        @contextmanager
        def store(*, readonly: bool) -> Iterator[Any]:
            held = self.held[name]
            yield SimpleNamespace(wire=lambda id: b"" if id in held else None)

        return SimpleNamespace(store=store, log=Path("no such log"))

    def wait_equal(self, seconds: float) -> None:
        pass


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


@pytest.fixture
def soak(nodes: Nodes) -> Soak:
    return Soak(nodes, Random(1))  # type: ignore[arg-type]


def live(soak: Soak, kib: float = 0.0, files: float = 0.0) -> None:
    """Let twenty minutes pass in which the first node grows by so much a minute, and is judged."""
    for number in range(12 * MINUTES):
        for name in NAMES[:LASTING]:
            minutes = number / 12 if name == "n1" else 0
            wave = 2_000 * (number % 2)
            size, count = round(100_000 + wave + kib * minutes), round(20 + files * minutes)
            soak.samples.append(Sample(number * 5.0, name, 1, size, count, 0))
    soak.judge()


def test_nodes_that_stay_as_they_are_are_no_fault(soak: Soak) -> None:
    live(soak, kib=24, files=0.1)
    assert soak.faults == []


@pytest.mark.parametrize(("kib", "files"), [(40, 0), (1_000, 0), (0, 1)])
def test_a_node_that_grows_is_a_fault(soak: Soak, kib: float, files: float) -> None:
    live(soak, kib, files)
    (fault,) = soak.faults
    assert "n1 grows" in fault


def test_a_node_that_is_seen_too_seldom_is_a_fault(soak: Soak) -> None:
    soak.samples.append(Sample(1.0, "n1", 1, 1, 1, 0))
    soak.judge()
    assert len(soak.faults) == LASTING


def test_a_node_that_ends_by_itself_is_a_fault(soak: Soak, nodes: Nodes) -> None:
    soak._look()
    assert soak.faults == [] and len(soak.samples) == NODES
    nodes.of["n3"].pid += 1  # ended, and was started by something else
    nodes.of["n9"].running = False
    soak._look()
    assert ["n3 ended" in one or "n9 ended" in one for one in soak.faults] == [True, True]


def test_a_record_that_a_node_lacks_is_a_fault(soak: Soak, nodes: Nodes) -> None:
    soak.acknowledged = [RecordId(bytes(32)), RecordId(bytes([1]) * 32)]
    for name in NAMES:
        nodes.held[name] = list(soak.acknowledged)
    soak.finish()
    assert soak.faults == []
    del nodes.held["n7"][1]
    soak.finish()
    (fault,) = soak.faults
    assert "n7 lacks 1 records" in fault
