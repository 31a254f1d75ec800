"""`weal cluster status --wait`: it ends once all that run hold the same, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from commonweal.commands.node import cluster
from commonweal.node.control.cluster import Cluster, NodeState
from tests.builders.weal import weal

HERE, THERE = b"a" * 32, b"b" * 32


def node(name: str, digest: bytes = HERE, *, running: bool = True) -> NodeState:
    """A node with another member beside it."""
    return NodeState(name, running, pid=1, digest=digest, state="member", members=1)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Sequence[NodeState]]:
    """What the nodes of a cluster say, look by look; the last is said for good."""
    looks: list[Sequence[NodeState]] = []

    class Told(Cluster):
        def names(self) -> list[str]:
            return [state.name for state in looks[0]]

        def node(self, name: str) -> NodeState:
            (state,) = (state for state in looks[0] if state.name == name)
            if state is looks[0][-1] and len(looks) > 1:
                looks.pop(0)
            return state

    monkeypatch.setattr(cluster, "_open", Told)
    return looks


def status(folder: Path, *words: str) -> tuple[int, str]:
    """Type `weal cluster status`."""
    typed = weal("cluster", "status", "--dir", folder, *words)
    return typed.code, typed.out + typed.err


def test_it_waits_until_those_that_run_hold_the_same(
    told: list[Sequence[NodeState]], tmp_path: Path
) -> None:
    apart = (node("n1"), node("n2", THERE))
    told += [apart, apart, (node("n1"), node("n2"))]
    assert '"equal": false' in status(tmp_path, "-o", "json")[1]
    code, said = status(tmp_path, "--wait", "-o", "json")
    assert (code, len(told)) == (0, 1)
    assert '"equal": true' in said


def test_a_node_that_ended_is_not_waited_for(
    told: list[Sequence[NodeState]], tmp_path: Path
) -> None:
    told.append((node("n1"), node("n2"), node("n3", THERE, running=False)))
    code, said = status(tmp_path, "--wait", "-o", "json")
    assert (code, '"equal": true' in said) == (0, True)


def test_it_gives_up_and_names_what_each_holds(
    told: list[Sequence[NodeState]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "EQUAL_SECONDS_MAX", 0.0)
    monkeypatch.setattr(cluster, "EQUAL_SECONDS_PER_NODE", 0.1)
    told.append((node("n1"), node("n2", THERE)))
    code, said = status(tmp_path, "--wait")
    assert code == 75
    assert "n1: member, 0 records 61616161" in said
    assert "n2: member, 0 records 62626262" in said


def test_homes_whose_making_was_interrupted_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cluster, "ask_to_join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cluster.found(tmp_path, 2)
    assert Cluster(tmp_path).names() == [], "a home that cannot go on is no node"
    cluster.found(tmp_path, 2)
    assert Cluster(tmp_path).names() == ["n1", "n2"]
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("n1", "n2")] == []
