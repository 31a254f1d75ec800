"""Clearing of debts: how much of what members owe each other goes round, so that it can be set off.

A set-off leaves everybody's net as it is: what somebody owes less what they are owed. The most is
set off when what remains is least, and that is a flow of least cost from those who owe on balance
to those who are owed, along the debts there are, each unit of a debt costing 1. It is found by
shortest augmenting paths (Busacker & Gowen 1960; Edmonds & Karp 1972) in each part of the debts
where everybody owes everybody else by some way; outside of these nothing goes round. Fleischman,
Dini & Littera, "Liquidity-saving through obligation-clearing and mutual credit" (2020), clear the
debts of firms so. Whole numbers only; the same debts give the same cycles on every node.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

DEBTS_MAX = 2_000
"""Pairs of members who owe and are owed, in one problem."""

PATHS_MAX = 10_000
"""Shortest paths that are looked for; beyond it, cycles are set off one after another."""

Pair: TypeAlias = "tuple[bytes, bytes]"
"""Who owes, and who is owed."""


class DebtCycle(NamedTuple):
    """Each of `members` owes the next one, and the last one the first, at least `amount` > 0."""

    members: tuple[bytes, ...]
    amount: int

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Who owes and who is owed, along the cycle."""
        return tuple(zip(self.members, (*self.members[1:], self.members[0]), strict=True))


class Clearing(NamedTuple):
    """What is set off. is_most: whether no other set-off reduces the debts by more in all."""

    cycles: tuple[DebtCycle, ...]
    is_most: bool

    @property
    def total(self) -> int:
        """By how much the debts are less in all."""
        return sum(cycle.amount * len(cycle.members) for cycle in self.cycles)


def clear(debts: Mapping[Pair, int], paths_max: int = PATHS_MAX) -> Clearing:
    """Return the cycles that set off the most.

    debts: > 0 by pair, of two different members; at most DEBTS_MAX pairs. Work: at most `paths_max`
    searches over the debts.
    """
    assert len(debts) <= DEBTS_MAX, "the problem is bounded"
    circulating: dict[Pair, int] = {}
    is_most, left = True, paths_max
    for part in _parts(debts):
        flow = _Remaining(part, left)
        left -= flow.paths
        if flow.is_least:
            circulating |= {pair: part[pair] - rest for pair, rest in flow.amounts.items()}
        else:
            circulating |= part
            is_most = False
    return Clearing(tuple(_cycles(circulating)), is_most)


def _parts(debts: Mapping[Pair, int]) -> list[dict[Pair, int]]:
    """Return the debts within each part where everybody owes everybody by some way (Tarjan 1972).

    Each part in the order of its smallest member.
    """
    owes = _neighbours(debts)
    number: dict[bytes, int] = {}
    low: dict[bytes, int] = {}
    part_of: dict[bytes, bytes] = {}
    held: list[bytes] = []
    for root in sorted(owes):
        if root in number:
            continue
        path = [(root, iter(owes[root]))]
        number[root] = low[root] = len(number)
        held.append(root)
        while path:
            member, others = path[-1]
            other = next(others, None)
            if other is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[member])
                if low[member] == number[member]:
                    place = held.index(member)
                    smallest = min(held[place:])
                    part_of |= dict.fromkeys(held[place:], smallest)
                    del held[place:]
            elif other not in number:
                number[other] = low[other] = len(number)
                held.append(other)
                path.append((other, iter(owes[other])))
            elif other not in part_of:
                low[member] = min(low[member], number[other])
    parts: dict[bytes, dict[Pair, int]] = {}
    for pair in sorted(debts):
        if part_of[pair[0]] == part_of[pair[1]]:
            parts.setdefault(part_of[pair[0]], {})[pair] = debts[pair]
    return [parts[smallest] for smallest in sorted(parts)]


class _Remaining:
    """What remains of the debts at least, with everybody's net as it was.

    amounts: by pair. is_least: whether all was found within the paths allowed. paths: how many were
    looked for.
    """

    def __init__(self, debts: Mapping[Pair, int], paths_max: int) -> None:
        members = sorted({member for pair in debts for member in pair})
        self._place = {member: place for place, member in enumerate(members)}
        self._debts = list(debts.items())
        self.amounts = dict.fromkeys(debts, 0)
        self._net = [0] * len(members)
        self._ways: list[list[tuple[int, int, bool]]] = [[] for _ in members]
        for number, ((debtor, creditor), amount) in enumerate(self._debts):
            giver, taker = self._place[debtor], self._place[creditor]
            self._net[giver] += amount
            self._net[taker] -= amount
            self._ways[giver].append((taker, number, True))
            self._ways[taker].append((giver, number, False))
        self._flow = [0] * len(self._debts)
        self._prices = [0] * len(members)
        self.paths = 0
        self.is_least = True
        while any(net > 0 for net in self._net):
            if self.paths == paths_max:
                self.is_least = False
                return
            self.paths += 1
            self._augment()
        self.amounts = {pair: self._flow[place] for place, (pair, _) in enumerate(self._debts)}

    def _room(self, number: int, is_forward: bool) -> int:
        return self._debts[number][1] - self._flow[number] if is_forward else self._flow[number]

    def _augment(self) -> None:
        """Send as much as fits along a shortest path from who owes on balance to who is owed."""
        distance: list[int | None] = [None] * len(self._net)
        before: list[tuple[int, int, bool] | None] = [None] * len(self._net)
        waiting: list[tuple[int, int]] = []
        for place, net in enumerate(self._net):
            if net > 0:
                distance[place] = 0
                heappush(waiting, (0, place))
        done: set[int] = set()
        while waiting:
            far, place = heappop(waiting)
            if place in done:
                continue
            done.add(place)
            for other, number, is_forward in self._ways[place]:
                if not self._room(number, is_forward):
                    continue
                cost = (1 if is_forward else -1) + self._prices[place] - self._prices[other]
                known = distance[other]
                if known is None or far + cost < known:
                    distance[other] = far + cost
                    before[other] = (place, number, is_forward)
                    heappush(waiting, (far + cost, other))
        ends = [
            (far + self._prices[place], place)
            for place, far in enumerate(distance)
            if far is not None and self._net[place] < 0
        ]
        assert ends, "in a part everybody is reached"
        _, end = min(ends)
        self._send(end, before)
        self._prices = [
            price + (0 if far is None else far)
            for price, far in zip(self._prices, distance, strict=True)
        ]

    def _send(self, end: int, before: Sequence[tuple[int, int, bool] | None]) -> None:
        path: list[tuple[int, bool]] = []
        start = end
        while (step := before[start]) is not None:
            start = step[0]
            path.append(step[1:])
        amount = min(self._net[start], -self._net[end], *(self._room(*step) for step in path))
        for number, is_forward in path:
            self._flow[number] += amount if is_forward else -amount
        self._net[start] -= amount
        self._net[end] += amount


def _cycles(amounts: Mapping[Pair, int]) -> Iterable[DebtCycle]:
    """Yield cycles, the shortest of the smallest member first, until nothing goes round any more.

    Each takes the smallest amount on it, so one pair at least goes with each.
    """
    left = {pair: amount for pair, amount in sorted(amounts.items()) if amount}
    owes = _neighbours(left)
    for member in sorted(owes):
        while (cycle := _shortest(member, owes)) is not None:
            pairs = DebtCycle(cycle, 1).pairs
            amount = min(left[pair] for pair in pairs)
            yield DebtCycle(cycle, amount)
            for pair in pairs:
                left[pair] -= amount
                if not left[pair]:
                    owes[pair[0]].remove(pair[1])


def _shortest(member: bytes, owes: Mapping[bytes, list[bytes]]) -> tuple[bytes, ...] | None:
    """Return a shortest cycle through a member; None when there is none."""
    before: dict[bytes, bytes] = {}
    waiting = deque([member])
    while waiting:
        at = waiting.popleft()
        for other in owes[at]:
            if other == member:
                path = [at]
                while path[-1] != member:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            if other not in before:
                before[other] = at
                waiting.append(other)
    return None


def _neighbours(pairs: Iterable[Pair]) -> dict[bytes, list[bytes]]:
    """Return the members that each one owes, ascending; everybody who is named is a key."""
    owes: dict[bytes, list[bytes]] = {}
    for debtor, creditor in sorted(pairs):
        owes.setdefault(debtor, []).append(creditor)
        owes.setdefault(creditor, [])
    return owes
