"""Seals of four witnesses on loopback: how long one takes, and what it costs each node."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bench.nodes.processes import IDLE_CPU_S, wait_for
from commonweal.commands.node import cluster as commands
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.control import SealNow, SealOutcome
from commonweal.node.control.messages.node_status import Peers
from commonweal.node.control.messages.submission import Submit
from commonweal.node.service.events import DRAFTS_MAX, Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore

NODES = 4
SEALS = 100
HEIGHTS_MAX = 12
"""Seats change by twos, and who comes must have been heard: so many seals until all have one."""
SMALL, LARGE = 1_000, 100_000
EQUAL_S = 600.0
TICKS = os.sysconf("SC_CLK_TCK")


def figures() -> list[Figure]:
    """Return the latency of a seal, and the processor time of one of few and of many records.

    From asking a node until it says that a quorum certified: have-frontiers, proposal, two
    votes, each stored before it is sent. The processor time is that of one node, from before
    the records are written until it has folded what became final and is idle again.
    """
    with _witnesses() as cluster:
        bare, sealed = _latencies(cluster)
        p50, p99 = median(sealed), quantiles(sealed, n=100)[98]
        small, large = _cost(cluster, SMALL), _cost(cluster, LARGE)
        heights, lost = _rounds(cluster.home("n1"))
    beside = "a question to the node"
    of_small, of_large = (seconds * 1e6 / n for seconds, n in ((small, SMALL), (large, LARGE)))
    return [
        Figure(f"a seal of {NODES} witnesses, p50", p50, "ms", beside, bare, p50 / bare),
        Figure(f"a seal of {NODES} witnesses, p99", p99, "ms", beside, bare, p99 / bare),
        _cpu(f"{SMALL:,} records written, sent and sealed, CPU of a node", small, small),
        _cpu(f"{LARGE:,} records written, sent and sealed, CPU of a node", large, small),
        Figure(
            f"a record of {LARGE:,}, CPU of a node",
            *(of_large, "us", f"of {SMALL:,}", of_small, of_large / of_small),
        ),
        Figure("rounds that were lost", lost, "", "of seals", heights, lost / heights, 0, low=True),
    ]


def _cpu(name: str, seconds: float, beside: float) -> Figure:
    baseline = f"of {SMALL:,} records"
    return Figure(name, seconds * 1e3, "ms", baseline, beside * 1e3, seconds / beside)


@contextmanager
def _witnesses() -> Iterator[Cluster]:
    """Run a cluster whose members all have a seat."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        commands.found(Path(name), NODES)
        cluster = Cluster(name)
        try:
            cluster.start(cluster.names())
            cluster.wait_equal(60)
            offers: list[Wish] = []
            for node in cluster.names()[1:]:
                home = cluster.home(node)
                (claim,) = _submit(home, [Wish("role.claim", {"role": "witness"})])
                data: dict[str, Value] = {"role": "witness", "member": bytes(_member(home))}
                offers.append(Wish("role.endorse", data, (claim,)))
            cluster.wait_equal(60)
            for node in cluster.names():
                mine = bytes(_member(cluster.home(node)))
                others = [offer for offer in offers if offer.data["member"] != mine]
                _submit(cluster.home(node), others)
            for _ in range(HEIGHTS_MAX):
                _submit(cluster.home("n1"), _work(cluster.home("n1"), 1))
                _seal(cluster.home("n1"))
                if _seated(cluster.home("n1")) == NODES:
                    break
            yield cluster
        finally:
            cluster.down()


def _latencies(cluster: Cluster) -> tuple[float, list[float]]:
    """Return the ms of a bare question, and those of seals of one record each."""
    home = cluster.home("n2")
    bare, sealed = [], []
    for _ in range(SEALS):
        _submit(home, _work(home, 1))
        start = time.perf_counter()
        _seal(home)
        sealed.append((time.perf_counter() - start) * 1e3)
        with LocalClient(home.socket) as call:
            start = time.perf_counter()
            call.ask(Peers())
            bare.append((time.perf_counter() - start) * 1e3)
    return median(bare), sealed


def _cost(cluster: Cluster, records: int) -> float:
    """Return the processor seconds of one node, in the mean, until so many records are final.

    From before one of the nodes writes them: a full cut is sealed while others still come.
    """
    home = cluster.home("n1")
    _settle(cluster)
    before = _cpu_s(cluster)
    for _ in range(records // DRAFTS_MAX):
        _submit(home, _work(home, DRAFTS_MAX))
    cluster.wait_equal(EQUAL_S)
    while _seal(home):
        pass
    height = _height(home)
    wait_for(
        lambda: all(_height(cluster.home(node)) == height for node in cluster.names()), "seals"
    )
    _settle(cluster)
    return (_cpu_s(cluster) - before) / NODES


def _settle(cluster: Cluster) -> None:
    """Wait until no node has anything to do."""
    before = -1.0
    while (now := _cpu_s(cluster)) - before > IDLE_CPU_S * NODES:
        before = now
        time.sleep(2)


def _cpu_s(cluster: Cluster) -> float:
    total = 0
    for name in cluster.names():
        pid = cluster.home(name).holder()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def _submit(home: Home, wishes: list[Wish]) -> list[RecordId]:
    with LocalClient(home.socket) as call:
        written = call.ask(Submit(tuple(wishes))).records
    return [RecordId(record.id) for record in written]


def _member(home: Home) -> MemberId:
    with home.store(readonly=True) as store:
        return Settings.read(store).member


def _seal(home: Home) -> bool:
    """Ask for a seal and wait for it; say whether there was anything to seal."""
    with LocalClient(home.socket) as call:
        for answer in call.follow(SealNow()):
            if isinstance(answer, SealOutcome):
                return answer.is_sealed
    raise RuntimeError("the node went away")


def _work(home: Home, count: int) -> list[Wish]:
    member = _member(home)
    data: dict[str, Value] = {
        "action": "work",
        "provider": bytes(member),
        "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
    }
    return [Wish("event", data)] * count


def _seals(home: Home) -> Iterator[SealStore]:
    with home.store(readonly=True) as store:
        yield SealStore(store, Settings.read(store).here)


def _rounds(home: Home) -> tuple[int, int]:
    """Return the number of seals, and how many rounds they needed beyond the first of each."""
    rounds = []
    for seals in _seals(home):
        kept = [seals.at(height) for height in range(1, seals.height + 1)]
        rounds = [seal.sealed.certificate.round for seal in kept if seal is not None]
    return len(rounds), sum(rounds)


def _height(home: Home) -> int:
    return next(seals.height for seals in _seals(home))


def _seated(home: Home) -> int:
    for seals in _seals(home):
        kept = seals.at(seals.height)
        return len(kept.sealed.witnesses) if kept else 0
    return 0
