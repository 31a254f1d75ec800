"""Which rings to suggest: disjoint ones of greatest total weight.

Rings that share a member, directly or over others, form a cluster; each cluster is decided by
itself. Members have prices, so that a ring costs at least what it weighs. A choice then falls short
of the sum of all prices by the slack of the rings in it and the prices of the members outside; the
search begins with a greedy choice, looks for the one that falls short least, and leaves what
already falls short more. When it ends within its steps, no choice is better; else the best that it
saw is suggested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from commonweal.protocol.matching.ring_prices import Ring, ring_prices

BRANCHES_MAX = 100_000
"""Steps of the search, over all clusters."""

RINGS_MAX = 20_000
"""Rings among which is chosen."""

_PARTS = 12
"""Divisible by 2, 3 and 4: weights per member are compared in whole numbers."""


def chosen(rings: Sequence[Ring]) -> tuple[list[Ring], bool]:
    """Return disjoint rings, by their first member, and whether none of greater weight exist.

    Clusters are decided in the order of their smallest member, each within what is left of
    `BRANCHES_MAX` steps. rings: at most `RINGS_MAX`.
    """
    picked: list[Ring] = []
    exact, left = True, BRANCHES_MAX
    for cluster in _clusters(rings):
        search = _RingSearch(cluster, left)
        left -= search.steps
        exact = exact and search.ended
        picked += search.best
    return sorted(picked), exact


def greedy(rings: Sequence[Ring]) -> list[Ring]:
    """Return disjoint rings, each time the one with the greatest weight per member.

    The tie in the weights decides among equals; if that is equal too, the smaller members do.
    """
    used: dict[bytes, None] = {}
    picked = []
    for ring in sorted(rings, key=lambda ring: (-_share(ring), ring.members)):
        if not any(member in used for member in ring.members):
            used.update(dict.fromkeys(ring.members))
            picked.append(ring)
    return picked


def _share(ring: Ring) -> int:
    return ring.weight * (_PARTS // len(ring.members))


def _clusters(rings: Sequence[Ring]) -> list[list[Ring]]:
    """Return the rings by cluster, in the order of the smallest member of each."""
    root: dict[bytes, bytes] = {}

    def find(member: bytes) -> bytes:
        while root[member] != member:
            root[member] = root[root[member]]
            member = root[member]
        return member

    for ring in rings:
        for member in ring.members:
            root.setdefault(member, member)
        least = min(find(member) for member in ring.members)
        for member in ring.members:
            root[find(member)] = least
    clusters: dict[bytes, list[Ring]] = defaultdict(list)
    for ring in sorted(rings):
        clusters[find(ring.members[0])].append(ring)
    return [clusters[least] for least in sorted(clusters)]


class _RingSearch:
    """The choice among the rings of one cluster. best: the rings; ended: within the steps."""

    def __init__(self, rings: Sequence[Ring], steps_max: int) -> None:
        self.rings = rings
        self.steps = 0
        self.ended = False
        self.of_member: dict[bytes, list[int]] = defaultdict(list)
        for place, ring in enumerate(rings):
            for member in ring.members:
                self.of_member[member].append(place)
        first = greedy(rings)
        self.best = first
        self.price = ring_prices(rings, sum(ring.weight for ring in first))
        self.slack = [
            sum(self.price[member] for member in ring.members) - ring.weight for ring in rings
        ]
        for places in self.of_member.values():
            places.sort(key=lambda place: (self.slack[place], rings[place].members))
        self.members = sorted(self.of_member, key=lambda member: (-self.price[member], member))
        self._run(steps_max)

    def _run(self, steps_max: int) -> None:
        """Depth first over the members, dearest first: each of their rings, then none of them."""
        least = sum(self.price.values()) - sum(ring.weight for ring in self.best)
        state = _Partial()
        options = [self._options(0, state)]
        while options:
            if len(state.steps) == len(options):
                state.undo()
            step = next(options[-1], None)
            if step is None:
                options.pop()
                continue
            if self.steps == steps_max:
                return
            self.steps += 1
            state.take(step)
            if state.short >= least:
                continue
            place = step.place + 1
            while place < len(self.members) and self.members[place] in state.used:
                place += 1
            if place < len(self.members):
                options.append(self._options(place, state))
            else:
                least = state.short
                self.best = [step.ring for step in state.steps if step.ring is not None]
        self.ended = True

    def _options(self, place: int, state: _Partial) -> Iterator[_Step]:
        """Yield what can be done with the member at `place`: the cheapest first, none last."""
        member = self.members[place]
        for number in self.of_member[member]:
            ring = self.rings[number]
            if not any(other in state.used for other in ring.members):
                yield _Step(place, ring, ring.members, self.slack[number])
        yield _Step(place, None, (member,), self.price[member])


class _Step(NamedTuple):
    """One step: a ring is taken, or None, so that a member stays outside. short: its cost."""

    place: int
    ring: Ring | None
    members: tuple[bytes, ...]
    short: int


class _Partial:
    """A choice in the making. short: by how much it falls short of all prices."""

    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self.used: dict[bytes, None] = {}
        self.short = 0

    def take(self, step: _Step) -> None:
        """Add a step."""
        self.steps.append(step)
        self.used.update(dict.fromkeys(step.members))
        self.short += step.short

    def undo(self) -> None:
        """Take the last step back."""
        step = self.steps.pop()
        for member in step.members:
            del self.used[member]
        self.short -= step.short
