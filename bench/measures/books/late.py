"""Late records above many that wait for a seal, and one record among ever more members."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import community
from bench.community import NOW_MS, Community, Data, Person
from bench.figures import Figure
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.late_records import LATE_REFOLDS_MAX
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from tests.builders.sealing_nodes import Node, seal_once

UNSEALED = 100_000
MEMBERS = (10, 100, 1_000)
ON_PURPOSE = 40
LATE_MS_MAX, EQUAL_MS_MAX = 20, 50
RUNS = 30


class Above:
    """A community whose founder wrote a lot that no seal covers, and its folded state."""

    def __init__(self, folder: Path, members: int, unsealed: int) -> None:
        self.store = Store(folder / "ledger.db")
        self.people: Community = community.make(self.store, members)
        self.layers = StateDb(folder / "state.db")
        self.kept = LedgerState(self.store, self.layers, self.people.id)
        self.node = Node(self.people.id, {}, self.store, self.kept)
        signers = {person.key: person.device for person in self.people.people}
        seal_once([self.node], signers, NOW_MS + 1)
        self.kept.refresh()
        for _ in range(0, unsealed, community.RECORDS_PER_APPEND):
            self.write(self.people.people[0], community.RECORDS_PER_APPEND)
        self.fold_ms = self.refreshed()

    def write(self, person: Person, count: int = 1) -> RecordId:
        """Let a member write hours without having seen what others wrote."""
        data: Data = {
            "action": "work",
            "provider": bytes(person.inception.member),
            "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
        }
        written = community.write(self.people, person, [("event", data, ())] * count)
        return RecordId(written[-1].id)

    def say(self, person: Person, event: RecordId, word: str, *seen: RecordId) -> None:
        """Let a member attest an event."""
        data: Data = {"event": bytes(event), "say": word}
        community.write(self.people, person, [("attest", data, (event, *seen))])

    def refreshed(self) -> float:
        """Fold what came; return the ms of processor time."""
        self.store.commit()
        start = time.process_time()
        self.kept.refresh()
        return (time.process_time() - start) * 1e3

    def concluded(self) -> float:
        """Fold what came, and look at what waits; return the ms of processor time."""
        folded, start = self.refreshed(), time.process_time()
        self.node.assessor.outlook(NOW_MS)
        return folded + (time.process_time() - start) * 1e3

    def close(self) -> None:
        """Close both files."""
        self.layers.close()
        self.store.close()


def figures(unsealed: int = UNSEALED) -> list[Figure]:
    """Return what late records cost a reader above `unsealed`, and one record by members."""
    every, count = "the limit", f"{unsealed:,}"
    late, equal, on_purpose, fold_ms = _late(unsealed)
    first = f"folding all {count} again"
    return [
        _at_most(f"a late record above {count} unsealed", late, every, LATE_MS_MAX),
        _at_most(f"a late record of each of {MEMBERS[-1]:,} members", equal, every, EQUAL_MS_MAX),
        Figure(f"a late record above {count} unsealed", late, "ms", first, fold_ms, late / fold_ms),
        Figure(
            f"{ON_PURPOSE} late records of one member that matter, together",
            *(on_purpose, "ms", first, fold_ms, on_purpose / fold_ms, 2 * LATE_REFOLDS_MAX + 1),
            low=True,
        ),
        *_by_members(),
    ]


def _at_most(name: str, ms: float, baseline: str, limit: float) -> Figure:
    return Figure(name, ms, "ms", baseline, limit, ms / limit, 1, low=True)


def _late(unsealed: int) -> tuple[float, float, float, float]:
    """Return ms: of a late record, of those of many members in turn, of bad ones, and of all."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        above = Above(Path(name), MEMBERS[-1], unsealed)
        busy, ana, bo, *others = above.people.people
        event = above.write(ana)
        late = [above.refreshed()]
        for person in others:
            above.write(person)
            late.append(above.refreshed())
        newest = above.write(busy)
        above.say(ana, above.write(others[0]), "yes", newest)
        above.say(others[1], event, "yes", newest)
        above.write(busy, 1_000)
        above.refreshed()
        bad = 0.0
        for number in range(ON_PURPOSE):
            above.say(bo, event, ("yes", "withdraw")[number % 2])
            bad += above.refreshed()
        above.close()
        return median(late), sum(late) / len(late), bad, above.fold_ms


def _by_members() -> list[Figure]:
    """Return the ms of one record that is folded and concluded, by members."""
    costs: list[float] = []
    for members in MEMBERS:
        with TemporaryDirectory(prefix="weal-bench-") as name:
            above = Above(Path(name), members, 0)
            runs: list[float] = []
            for _ in range(RUNS):
                above.write(above.people.people[0])
                runs.append(above.concluded())
            costs.append(median(runs[1:]))
            above.close()
    beside = f"among {MEMBERS[0]}"
    return [
        Figure(f"a record among {members:,} members", cost, "ms", beside, costs[0], cost / costs[0])
        for members, cost in zip(MEMBERS, costs, strict=True)
    ]
