"""`make soak`: ten nodes for twenty minutes, a record each second, and random deaths.

Four nodes live through it; the other six are killed with SIGKILL at random and started again.
Every few seconds the memory, the open files and the lag of each are noted. It fails when a node
ends that nobody killed, when a node that lives grows, or when at the end a record that was
acknowledged is missing somewhere. Homes are in a temporary folder that is gone afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import linear_regression

from bench.plot import Line, Panel, page
from commonweal.commands.node import cluster as command
from commonweal.node.control.client import LocalClient
from commonweal.node.control.cluster import Cluster
from commonweal.node.control.messages.submission import Submit
from commonweal.node.runtime import logs
from commonweal.node.service.events import Wish
from commonweal.protocol.errors import NotReachable, NotYet
from commonweal.protocol.records.record import RecordId

NODES, LASTING = 10, 4
RULES = f"""
name = "Soak"

[membership]
founding_circle = {NODES}
en = "{NODES} members may join at once."
zh = "可以有 {NODES} 名成员同时加入。"
"""
"""All may come at once: by the usual rules nine may, and the others in a week."""
RECORD_EACH_S = 1.0
SAMPLE_EACH_S = 5.0
DEATH_EACH_S = (15.0, 35.0)
AWAY_S = (2.0, 15.0)
WARM_SHARE = 0.25
"""What is measured in the first quarter is shown and not judged."""
RSS_KIB_PER_MINUTE_MAX = 32.0
FILES_PER_MINUTE_MAX = 0.25
"""The slopes, by least squares over all samples after the first quarter, that count as flat: half
a kibibyte a record, 0.7 % of the memory in twenty minutes, and five files."""
JUDGED_MIN = 10
EQUAL_S_MAX = 60.0
FAULTS_SHOWN_MAX = 20
TICK_S = 0.05
HUES = ("#0b6e99", "#b3541e", "#4b7a26", "#7a3f91")
GREY = "#b9b9b9"


@dataclass(frozen=True, slots=True)
class Sample:
    """A node at one moment. lag: records that some other node has and it has not."""

    at_s: float
    name: str
    pid: int
    rss_kib: int
    files: int
    lag: int


class Soak:
    """A running community, what was acknowledged, and what was noted."""

    def __init__(self, cluster: Cluster, chance: Random) -> None:
        """Take over a cluster whose nodes all run."""
        self.cluster, self.chance = cluster, chance
        self.names = cluster.names()
        self.pids = {node.name: node.pid for node in cluster.nodes()}
        self.samples: list[Sample] = []
        self.acknowledged: list[RecordId] = []
        self.deaths: list[float] = []
        self.faults: list[str] = []
        self._away: dict[str, float] = {}
        self._began = time.monotonic()

    def now_s(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self._began

    def run(self, seconds: float) -> None:
        """Write, kill, start and note for so long; then let all come back."""
        record_s = sample_s = 0.0
        death_s = self.chance.uniform(*DEATH_EACH_S)
        while self.now_s() < seconds:
            now = self.now_s()
            if now >= record_s:
                record_s += RECORD_EACH_S
                self._write()
            if now >= sample_s:
                sample_s += SAMPLE_EACH_S
                self._look()
            if now >= death_s:
                death_s += self.chance.uniform(*DEATH_EACH_S)
                self._kill()
            for name in [name for name, back_s in self._away.items() if now >= back_s]:
                self._start(name)
            time.sleep(TICK_S)
        for name in list(self._away):
            self._start(name)
        self._look()

    def _write(self) -> None:
        name = self.chance.choice([name for name in self.names if name not in self._away])
        wish = Wish("event", {"action": "work", "n": len(self.acknowledged)})
        try:
            with LocalClient(self.cluster.home(name).socket) as line:
                (made,) = line.ask(Submit((wish,))).records
        except NotReachable as error:
            self._fault(f"{name} did not take a record: {error}")
        else:
            self.acknowledged.append(RecordId(made.id))

    def _kill(self) -> None:
        mortal = [name for name in self.names[LASTING:] if name not in self._away]
        if mortal:
            name = self.chance.choice(mortal)
            self._away[name] = self.now_s() + self.chance.uniform(*AWAY_S)
            self.deaths.append(self.now_s())
            self.cluster.kill(name)

    def _start(self, name: str) -> None:
        self.cluster.start([name])
        self.pids[name] = self.cluster.home(name).holder()
        del self._away[name]

    def _look(self) -> None:
        """Note every node that should run, and complain of those that do not."""
        states = [self.cluster.node(name) for name in self.names if name not in self._away]
        most = max(state.records for state in states)
        for node in states:
            if not node.running or node.pid != self.pids[node.name]:
                said = " / ".join(logs.last_warnings(self.cluster.home(node.name).log, 2))
                self._fault(f"{node.name} ended or does not answer, and nobody killed it: {said}")
                continue
            place = Path(f"/proc/{node.pid}")
            with suppress(FileNotFoundError):
                pages = int((place / "statm").read_text("ascii").split()[1])
                rss_kib = pages * os.sysconf("SC_PAGE_SIZE") // 1024
                files = len(list((place / "fd").iterdir()))
                lag = most - node.records
                self.samples.append(
                    Sample(self.now_s(), node.name, node.pid or 0, rss_kib, files, lag)
                )

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self.now_s():.0f} s: {text}")

    def finish(self) -> float:
        """Return the seconds until all are equal; complain of what a node lacks."""
        began = time.monotonic()
        try:
            self.cluster.wait_equal(EQUAL_S_MAX)
        except NotYet as error:
            self._fault(f"not equal after {EQUAL_S_MAX:.0f} s: {error}")
        took_s = time.monotonic() - began
        for name in self.names:
            with self.cluster.home(name).store(readonly=True) as store:
                missing = sum(store.wire(id) is None for id in self.acknowledged)
            if missing:
                self._fault(f"{name} lacks {missing} records that were acknowledged")
        return took_s

    def judge(self) -> list[str]:
        """Return how each lasting node grew after the warm-up; complain of those that did."""
        warm_s = WARM_SHARE * self.samples[-1].at_s
        told = []
        for name in self.names[:LASTING]:
            judged = [
                sample for sample in self.samples if sample.name == name and sample.at_s >= warm_s
            ]
            if len(judged) < JUDGED_MIN:
                self._fault(f"{name} was seen too seldom to be judged")
                continue
            minutes = [sample.at_s / 60 for sample in judged]
            rss = linear_regression(minutes, [sample.rss_kib for sample in judged]).slope
            files = linear_regression(minutes, [sample.files for sample in judged]).slope
            first, last = judged[0], judged[-1]
            told.append(
                f"{name}: {first.rss_kib / 1024:.1f} to {last.rss_kib / 1024:.1f} MiB"
                f" ({rss:+.0f} KiB a minute), {first.files} to {last.files} files"
                f" ({files:+.2f} a minute)"
            )
            if rss > RSS_KIB_PER_MINUTE_MAX or files > FILES_PER_MINUTE_MAX:
                self._fault(f"{name} grows: {told[-1]}")
        return told

    def plot(self) -> str:
        """Return memory, open files and lag over time as SVG."""
        panels = [
            Panel("memory, MiB · 内存", self._lines("rss_kib", 1 / 1024)),
            Panel("open files · 打开的文件", self._lines("files", 1)),
            Panel("lag, records · 落后的记录数", self._lines("lag", 1), marks=self._deaths()),
        ]
        return page(panels, "minutes · 分钟")

    def _lines(self, field: str, scale: float) -> list[Line]:
        """Return one line for each life of each node; those of the lasting ones last."""
        lives: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for sample in self.samples:
            point = (sample.at_s / 60, getattr(sample, field) * scale)
            lives.setdefault((sample.name, sample.pid), []).append(point)
        hues = dict(zip(self.names, HUES, strict=False))
        lines = [
            Line(points, hues.get(name, GREY), name if name in hues else "")
            for (name, _), points in lives.items()
        ]
        return sorted(lines, key=lambda line: bool(line.name))

    def _deaths(self) -> list[float]:
        return [at_s / 60 for at_s in self.deaths]


def main() -> int:
    """Run it and say what it showed; 1 when something did not hold."""
    parser = argparse.ArgumentParser(description="ten nodes for long, of which some die")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write an SVG there")
    parser.add_argument("--samples", type=Path, help="write all samples there, as JSON lines")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="weal-soak-"))
    cluster = Cluster(folder)
    rules = folder / "rules.toml"
    rules.write_text(RULES, "utf-8")
    try:
        command.found(folder, NODES, str(rules))
        cluster.start(cluster.names())
        cluster.wait_equal(EQUAL_S_MAX)
        soak = Soak(cluster, Random(given.seed))
        soak.run(given.minutes * 60)
        took_s = soak.finish()
    finally:
        cluster.down()
        shutil.rmtree(folder, ignore_errors=True)
    told = soak.judge()
    if given.plot:
        given.plot.parent.mkdir(parents=True, exist_ok=True)
        given.plot.write_text(soak.plot(), "utf-8")
    if given.samples:
        rows = (json.dumps(asdict(sample)) + "\n" for sample in soak.samples)
        given.samples.write_text("".join(rows), "utf-8")
    lag = max(sample.lag for sample in soak.samples if sample.name in soak.names[:LASTING])
    sys.stdout.write(
        f"{given.minutes:g} minutes, {NODES} nodes: {len(soak.acknowledged)} records,"
        f" {len(soak.deaths)} deaths, equal {took_s:.1f} s after the last start;"
        f" no lasting node was more than {lag} records behind\n"
    )
    sys.stdout.writelines(f"{line}\n" for line in told)
    sys.stdout.writelines(f"FAILED: {fault}\n" for fault in soak.faults[:FAULTS_SHOWN_MAX])
    return int(bool(soak.faults))


if __name__ == "__main__":
    raise SystemExit(main())
