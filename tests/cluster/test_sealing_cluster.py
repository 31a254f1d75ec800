"""Four real nodes seal together; without one they go on, without two they name the missing ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commonweal.commands.node import cluster as command
from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import NotReachable
from tests.builders.weal import good, weal

NODES = 4
SEATED_S_MAX = 30.0
BACK_S_MAX = 15.0
LOOK_S = 0.2


def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Look until something holds, or fail."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(LOOK_S)


def seals(home: Path) -> list[dict[str, Any]]:
    """Return the seals that a home lists, the last hundred."""
    listed: list[dict[str, Any]] = good(
        "seals", "--last", "100", "--home", home, "-o", "json"
    ).json["seals"]
    return listed


def roots(home: Path) -> list[tuple[int, str, str]]:
    """Return height, seal and state root of all seals of a home."""
    return [(one["height"], one["seal"], one["state_root"]) for one in seals(home)]


def finality(home: Path) -> dict[str, Any]:
    """Return what a home says of how far it is final."""
    found: dict[str, Any] = good("status", "--home", home, "-o", "json").json["finality"]
    return found


def write_and_seal(home: Path, seconds: int = 30) -> int:
    """Let a member record something and ask for a seal; return the height that covers it."""
    id = good("record", "work", "1", "hour", "--home", home, "-o", "json").json["id"]
    height: int = good("seal", "--wait", str(seconds), "--home", home, "-o", "json").json["height"]
    assert good("show", id[:12], "--home", home, "-o", "json").json["sealed_at"] <= height
    return height


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four nodes whose members all witness."""
    folder = tmp_path_factory.mktemp("cluster")
    command.found(folder, NODES)
    made = Cluster(folder)
    homes = [folder / name for name in made.names()]
    try:
        made.start(made.names())
        made.wait_equal(60)
        for home in homes[1:]:
            good("role", "claim", "witness", "--yes", "--home", home)
        made.wait_equal(60)
        for number, name in enumerate(command.MEMBERS[:NODES]):
            for home in homes if number else ():
                if home is not homes[number]:
                    good("role", "endorse", name, "witness", "--yes", "--home", home)

        def seated() -> bool:
            good("record", "work", "1", "hour", "--home", homes[0])
            good("seal", "--home", homes[0])
            return len(finality(homes[0])["witnesses"]) == NODES

        until(seated, SEATED_S_MAX, "those who would witness have no seats")
        yield made
    finally:
        for name in made.names():
            try:
                made.kill(name)
            except NotReachable:
                pass


def test_four_nodes_seal_together_and_come_to_the_same(cluster: Cluster) -> None:
    homes = [cluster.folder / name for name in cluster.names()]
    height = write_and_seal(homes[2])
    last = seals(homes[2])[-1]
    assert last["height"] == height and len(last["signed"]) == 3 and last["witnesses"] == NODES
    until(
        lambda: all(roots(home) == roots(homes[2]) for home in homes),
        BACK_S_MAX,
        "the nodes keep different seals",
    )
    assert finality(homes[3])["mine"]["final"] > 0
    nothing = good("seal", "--home", homes[1], "-o", "json").json
    assert nothing == {"height": height, "records": 0, "heights": 0, "waiting": 0}


def test_without_one_of_four_sealing_goes_on_and_he_follows(cluster: Cluster) -> None:
    homes = [cluster.folder / name for name in cluster.names()]
    before = roots(homes[0])
    cluster.kill("n4")
    height = write_and_seal(homes[0])
    assert roots(homes[0])[: len(before)] == before
    (missing,) = [one for one in finality(homes[1])["witnesses"] if one["missing"]]
    assert missing["member_name"] == "Dana"
    assert "Sealing goes on" in good("status", "--home", homes[1]).out
    cluster.start(["n4"])
    until(lambda: roots(homes[3]) == roots(homes[0]), BACK_S_MAX, "the returned node is behind")
    assert roots(homes[3])[-1][0] == height


def test_without_two_of_four_it_is_said_who_is_missing_and_a_return_lets_it_go_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    homes = [cluster.folder / name for name in cluster.names()]
    cluster.kill("n3")
    cluster.kill("n4")
    height = finality(homes[0])["height"]
    write = ("record", "work", "1", "hour", "--wait", "1", "-o", "json", "--home", homes[0])
    written = good(*write).json["id"]
    assert good("show", written, "--home", homes[1], "-o", "json").json["id"] == written
    (tmp_path / "rules.toml").write_text('name = "Two of four"\n')
    propose = ("rules", "propose", tmp_path / "rules.toml", "-o", "json", "--home", homes[0])
    good("rules", "vote", good(*propose).json["id"], "yes", "--home", homes[0])
    refused = weal("seal", "--wait", "1", "--home", homes[0])
    assert refused.code == 75
    assert "missing: Chen, Dana" in refused.err
    assert finality(homes[0])["height"] == height
    assert "Nothing is sealed until" in good("status", "--home", homes[0]).out
    cluster.start(["n3"])
    begun = time.monotonic()
    until(lambda: finality(homes[0])["height"] > height, BACK_S_MAX, "sealing does not go on")
    print(f"sealed {time.monotonic() - begun:.1f} s after one came back")
    cluster.start(["n4"])
    until(lambda: roots(homes[3]) == roots(homes[0]), BACK_S_MAX, "the returned node is behind")
