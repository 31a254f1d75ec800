"""Flows: the events behind a source, with the resources and processes through which they reach it.

The walk goes upstream, breadth first: from an event to the process that gave it and to the resource
that it draws on, from a process to its inputs, from a resource to what came into it. How much of
each event reaches the source is reckoned in `used_parts`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from itertools import islice
from typing import NamedTuple, TypeAlias

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.contributions.trace import FlowNode
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import (
    EVENT,
    INPUT,
    OF_PROCESS,
    OF_RESOURCE,
    OUTPUT,
    EventRow,
    event_row,
)
from commonweal.protocol.ledger.things.pairs import HANDED_IN, TAKER_OF, TAKERS, pair_key
from commonweal.protocol.ledger.things.resources import RESOURCE
from commonweal.protocol.ledger.things.units_and_specs import PROCESS
from commonweal.protocol.vocabulary.actions import ACTIONS

WALK_STEPS_MAX = 50_000
"""A walk ends before a list that would cost more than what is left of so many steps."""

Visit: TypeAlias = Callable[[bytes], None]

Heights: TypeAlias = Callable[[bytes], int]
"""Returns the height of the cut that covers an event."""


class Movement(Enum):
    """What an event does to what is in a resource."""

    IN = "in"
    OUT = "out"
    LEFT_THERE = "left there"
    """It takes something along and leaves it there too: a copy, or rights without the thing."""
    NONE = "none"


class Flow(NamedTuple):
    """An event of a walk. place: height, clock and id, by which events are in order."""

    place: tuple[int, int, bytes]
    row: EventRow

    @property
    def id(self) -> bytes:
        """The id of the event."""
        return self.place[2]

    @property
    def amount(self) -> Fraction:
        """How much of a resource it moves; 0 where it counts effort alone."""
        if self.row.quantity is None:
            return Fraction(0)
        n, scale, _ = self.row.quantity
        return Fraction(n, 10**scale)

    @property
    def draws(self) -> bool:
        """Whether it takes something along from the resource that it names first."""
        action = ACTIONS[self.row.action]
        signs = (action.accounting_signs[0], action.onhand_signs[0])
        return self.row.source is not None and (min(signs) < 0 or action.name == "copy")

    @property
    def leads_on(self) -> bool:
        """Whether there is something behind it."""
        return self.draws or self.row.output_of is not None

    def movement(self, resource: bytes, by_hand: bool) -> Movement:
        """Return what it does to what is in a resource of its own."""
        action, number = ACTIONS[self.row.action], int(self.row.source != resource)
        sign = (action.onhand_signs if by_hand else action.accounting_signs)[number]
        if sign:
            return Movement.IN if sign > 0 else Movement.OUT
        return Movement.LEFT_THERE if number == 0 and self.draws else Movement.NONE


class ProcessFlows(NamedTuple):
    """The inputs and outputs of a process."""

    inputs: list[Flow]
    outputs: list[Flow]


class Flows:
    """What a walk from a source met.

    start: the source and its sort; None when there is no such source. reached: the events behind
    it. drawn: the resources whose content counts. histories: all events of a resource, in order.
    pairs: those of them that took or gave back, by the key of their pair. steps: how many rows
    and lists were read.
    """

    def __init__(self, state: State, source: bytes, height_of: Heights) -> None:
        self._state, self._height_of = state, height_of
        self.start: tuple[FlowNode, bytes] | None = None
        self.reached: dict[bytes, Flow] = {}
        self.drawn: dict[bytes, None] = {}
        self.histories: dict[bytes, list[Flow]] = {}
        self.pairs: dict[bytes, list[Flow]] = {}
        self.processes: dict[bytes, ProcessFlows] = {}
        self.steps = 1
        self._is_ended = False
        self._known: dict[bytes, Flow] = {}
        self._waiting: deque[tuple[Visit, bytes]] = deque()
        self._queued: set[tuple[Visit, bytes]] = set()
        self._begin(source)
        while self._waiting and not self._is_ended:
            visit, id = self._waiting.popleft()
            visit(id)

    def is_by_hand(self, resource: bytes) -> bool:
        """Return whether what is in a resource is measured by what is on hand.

        Otherwise only rights in it were ever handed over, and these measure it.
        """
        return any(
            ACTIONS[flow.row.action].onhand_signs[int(flow.row.source != resource)]
            for flow in self.histories[resource]
        )

    def _begin(self, source: bytes) -> None:
        """Find what the source is: for the id of an event that began a resource, the resource."""
        if self._state.get(RESOURCE + source) is not None:
            self.start = (FlowNode.RESOURCE, source)
            self._queue(self._resource, source)
        elif self._state.get(PROCESS + source) is not None:
            self.start = (FlowNode.PROCESS, source)
            self._queue(self._process, source)
        elif self._state.get(EVENT + source) is not None:
            self.start = (FlowNode.EVENT, source)
            self._reach(self._flow(source))

    def _queue(self, visit: Visit, id: bytes) -> None:
        if (visit, id) not in self._queued:
            self._queued.add((visit, id))
            self._waiting.append((visit, id))

    def _reach(self, flow: Flow) -> None:
        if flow.id in self.reached:
            return
        self.reached[flow.id] = flow
        row = flow.row
        if row.output_of is not None:
            self._queue(self._process, row.output_of)
        if flow.draws and row.source is not None:
            self._queue(self._resource, row.source)
        key = pair_key(row) if row.action in TAKER_OF else None
        if key is not None:
            self._queue(self._pair, key)

    def _process(self, id: bytes) -> None:
        inputs = self._list(OF_PROCESS + id + INPUT)
        outputs = self._list(OF_PROCESS + id + OUTPUT)
        if inputs is None or outputs is None:
            return
        self.processes[id] = ProcessFlows(inputs, outputs)
        for flow in inputs:
            self._reach(flow)

    def _resource(self, id: bytes) -> None:
        if self._read_history(id):
            self.drawn[id] = None
            by_hand = self.is_by_hand(id)
            for flow in self.histories[id]:
                if flow.movement(id, by_hand) is Movement.IN:
                    self._reach(flow)

    def _pair(self, key: bytes) -> None:
        """Reach what the actions that give back were taken by."""
        if self._read_history(key[len(HANDED_IN) :][:HASH_BYTES]):
            for flow in self.pairs[key]:
                if flow.row.action in TAKERS:
                    self._reach(flow)

    def _read_history(self, resource: bytes) -> bool:
        """Read the events of a resource, once; return whether they are known."""
        if resource in self.histories:
            return True
        history = self._list(OF_RESOURCE + resource)
        if history is None:
            return False
        self.histories[resource] = history
        for flow in history:
            key = pair_key(flow.row)
            if key is not None:
                self.pairs.setdefault(key, []).append(flow)
        return True

    def _list(self, prefix: bytes) -> list[Flow] | None:
        """Return the events whose keys have a prefix, in order; None when the walk ends before."""
        left = WALK_STEPS_MAX - self.steps
        rows = self._state.items(prefix)
        ids = [key[len(prefix) :] for key, _ in islice(rows, max(0, left))]
        if len(ids) >= left:
            self._is_ended = True
            return None
        self.steps += 1 + len(ids)
        return sorted(map(self._flow, ids))

    def _flow(self, id: bytes) -> Flow:
        flow = self._known.get(id)
        if flow is None:
            row = event_row(self._state, id)
            assert row is not None, "what a table names is known"
            flow = self._known[id] = Flow((self._height_of(id), row.clock, id), row)
        return flow
