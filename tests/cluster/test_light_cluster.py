"""Four full nodes and a light one, real processes: what it drops it shows all the same, proven."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.commands.node import cluster as command
from commonweal.node.control.cluster import Cluster
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.records.record import RecordId, from_bytes
from commonweal.storage.home.home import Home
from tests.builders.weal import good, weal
from tests.cluster.test_sealing_cluster import roots, until

NODES = 5
KEPT = 2
DROPPED_S_MAX = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Five nodes, all of them full."""
    command.found(tmp_path, NODES)
    made = Cluster(tmp_path)
    try:
        made.start(made.names())
        made.wait_equal(60)
        yield made
    finally:
        for name in made.names():
            try:
                made.kill(name)
            except NotReachable:
                pass


def give(home: Path, note: str = "") -> str:
    """Let a member record an hour of work; return its id."""
    more = ("--note", note) if note else ()
    id: str = good("record", "work", "1", "hour", *more, "--home", home, "-o", "json").json["id"]
    return id


def is_here(home: Path, id: str) -> bool:
    with Home(home).store(readonly=True) as store:
        return store.wire(RecordId(bytes.fromhex(id))) is not None


def test_a_light_home_follows_shows_and_proves_what_it_does_not_keep(cluster: Cluster) -> None:
    homes = [cluster.folder / name for name in cluster.names()]
    founder, author, light = homes[0], homes[1], homes[4]
    old = give(author, "digging the pond")
    give(author)
    good("seal", "--home", founder)
    for _ in range(KEPT + 2):
        give(founder)
        good("seal", "--home", founder)
    until(lambda: roots(light) == roots(founder), DROPPED_S_MAX, "the last one is behind")
    refused = weal("start", "--light", "--no-page", "--home", light)
    assert refused.code == 78 and "weal down" in refused.err
    witness = weal("start", "--light", "--no-page", "--home", founder)
    assert witness.code == 78

    cluster.stop("n5")
    good("start", "--light", "--heights", str(KEPT), "--no-page", "--no-mdns", "--home", light)
    until(lambda: not is_here(light, old), DROPPED_S_MAX, "nothing is dropped")
    status = good("status", "--home", light, "-o", "json").json
    assert status["light"] == KEPT and status["keepers"] >= status["keepers_needed"] == 1
    assert "light: the state" in good("status", "--home", light).out

    mine = give(light)
    good("seal", "--home", founder)
    until(lambda: roots(light) == roots(founder), DROPPED_S_MAX, "the light home is behind")
    assert good("shares", "--home", light).out == good("shares", "--home", founder).out
    shown = good("show", mine[:12], "--home", founder, "-o", "json").json
    assert shown["sealed_at"] is not None

    cluster.kill("n2")  # the author's own node: three others keep what it wrote
    found = good("show", old[:12], "--home", light, "-o", "json").json
    assert found["body"]["text"] == "digging the pond" and found["sealed"]
    assert is_here(light, old), "and it stays for the next look"
    proof = cluster.folder / "old.proof"
    good("prove", old[:12], "--out", proof, "--home", light)
    assert old in good("check-proof", proof, "--community", status["community"]).out
    assert good("explain", old[:12], "--home", light).out
    for typed in (("verify",), ("export", "json"), ("role", "claim", "witness", "--yes")):
        ran = weal(*typed, "--home", light)
        assert ran.code == 78, typed

    cluster.stop("n5")
    other = give_old(cluster, light)
    ran = weal("show", other, "--home", light)
    assert ran.code == 78 and "weal up" in ran.err

    good("start", "--full", "--no-page", "--no-mdns", "--home", light)
    until(lambda: is_here(light, other), DROPPED_S_MAX, "nothing comes back")
    until(lambda: weal("verify", "--home", light).code == 0, DROPPED_S_MAX, "it stays light")
    assert good("status", "--home", light, "-o", "json").json["light"] is None


def give_old(cluster: Cluster, light: Path) -> str:
    """Return the id of a record that a light home dropped and did not fetch."""
    with Home(cluster.folder / "n1").store(readonly=True) as store:
        founder = store.logs()
        wires = {row.author: store.wires(row.author, 0, row.length, 1 << 20) for row in founder}
    ids = [from_bytes(wire).id.hex() for run in wires.values() for wire in run]
    return next(id for id in ids if not is_here(light, id))
